use crate::migration::Origin;
use crate::operation::Operation;
use crate::rule::Check;
use crate::runner::Inside;

pub const CHECK: Check = Check::Script(|context, found| {
    let mut open = None;
    for (at, step) in context.steps() {
        match step.operation {
            Operation::Begin if step.origin == Origin::Sql && !matches!(context.inside_at(at), Inside::RunnerTransaction) => {
                open = open.or(Some(step));
            }
            Operation::Commit | Operation::Rollback => open = None,
            _ => {}
        }
    }
    let Some(begin) = open else { return };
    found.statement = begin.statement;
    found
        .at(begin.span, "this transaction is never committed: when the connection closes, all of it is rolled back")
        .help("end the file with COMMIT;");
});
