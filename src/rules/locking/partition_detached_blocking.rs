use crate::operation::Operation;
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DetachPartition { table, partition, concurrently: false } = &step.operation else { return };
    // Older majors know no other way.
    if before.engine.postgres_major < 14 || !before.is_in_use(table) || before.is_new(partition) {
        return;
    }
    let detach = format!("ALTER TABLE {} DETACH PARTITION {} CONCURRENTLY", phrase::sql_name(table), phrase::sql_name(partition));
    found
        .at(step.span, format!("reads and writes of `{table}` queue behind the detaching of `{partition}`"))
        .note("DETACH PARTITION takes AccessExclusive on the parent: it is an instant, but it first waits for every running query, and all later ones wait for it")
        .help(phrase::outside_transaction(before, &detach));
});
