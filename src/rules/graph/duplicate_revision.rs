use crate::project::conventions::Framework;
use crate::rule::Check;

pub const CHECK: Check = Check::Environment(|environment, found| {
    // Two files with one number are told as `multiple_heads`.
    if environment.framework != Framework::Alembic {
        return;
    }
    for &(first, second) in &environment.history.duplicates {
        let (first, second) = (&environment.migrations[first], &environment.migrations[second]);
        if !first.judged && !second.judged {
            continue;
        }
        let message = format!("two files claim revision `{}`: Alembic keeps one of them and never runs the other", second.id);
        found
            .in_file(&second.source, second.id_span, message)
            .of(second)
            .label(&first.source, first.id_span, "claimed here, too")
            .help("give the copy an id of its own, and let it follow the original");
    }
});
