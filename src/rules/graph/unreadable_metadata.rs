use crate::rule::Check;

pub const CHECK: Check = Check::Migration(|migration, _, found| {
    for problem in &migration.problems {
        found
            .at(problem.span, problem.message.clone())
            .note("the revision graph can only be checked as far as ids are written out")
            .help("write `revision` and `down_revision` as strings, as Alembic's template does");
    }
});
