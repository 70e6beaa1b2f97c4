use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, _, found| {
    let Operation::Other { kind: "drop_database", name, .. } = &step.operation else { return };
    let name = name.as_deref().unwrap_or("the database");
    found
        .at(step.span, format!("the database `{name}` is lost when this runs"))
        .help("a migration changes a database; drop one by hand, after a backup");
});
