use crate::migration::{Execution, Mark, Origin};
use crate::operation::{Name, Operation, show_holes};
use crate::rule::Check;
use crate::rules::phrase;
use crate::runner;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::CreateIndex(index) = &step.operation else { return };
    let (true, true, Some(name)) = (index.concurrently, index.if_not_exists, &index.name) else { return };
    if !before.is_in_use(&index.table) || before.inside().is_transaction() {
        return;
    }
    let drops = |operation: &Operation| matches!(operation, Operation::DropIndex { index, .. } if index.name == *name);
    if before.steps().any(|(at, earlier)| at < before.at && drops(&earlier.operation)) {
        return;
    }
    let sql = format!("DROP INDEX CONCURRENTLY IF EXISTS {}", phrase::sql_name(&Name::new(name.as_str())));
    let execution =
        runner::execution(before.script, before.environment, before.dialect(), |step| before.engine.refuses_transaction(step));
    let drop = match step.origin {
        // In the same file it runs again with the next attempt.
        Origin::Sql if execution == Execution::EachStatement => format!("right before it, in the same file:\n{sql};"),
        Origin::Sql => phrase::outside_transaction(before, &sql),
        Origin::Directive(_) => phrase::statement(before, &sql),
    };
    found
        .at(step.at(Mark::Name), format!("when a build of `{}` fails, IF NOT EXISTS skips the INVALID index that it leaves, for ever", show_holes(name)))
        .note("CREATE INDEX CONCURRENTLY under a lock_timeout, a deadlock or a duplicate key leaves an index that costs writes and serves no reads")
        .help(format!("drop what may be left first, then create without IF NOT EXISTS:\n{drop}"));
});
