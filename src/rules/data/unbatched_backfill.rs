use crate::migration::Mark;
use crate::operation::{Class, Operation};
use crate::rule::{Check, Context};
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let (table, verb) = match &step.operation {
        Operation::Update { table, has_where: true, .. } => (table, "changed"),
        Operation::Delete { table, has_where: true, .. } => (table, "deleted"),
        _ => return,
    };
    if !phrase::has_live_rows(before, table) {
        return;
    }
    // Without a schema nothing says whether an index narrows it.
    let read_in_full = before.effects().scans.contains_key(&crate::engine::in_public(table));
    let known = before.table(table).is_some_and(|table| table.complete);
    let narrowed = match &step.operation {
        Operation::Update { rows, .. } | Operation::Delete { rows, .. } => !rows.condition_known || !rows.narrowed_by.is_empty(),
        _ => true,
    };
    if !read_in_full || !known || narrowed || changes_schema(before) {
        return;
    }
    found
        .at(step.at(Mark::Table), format!("the rows of `{table}` are {verb} in one transaction, and stay locked until its end"))
        .note("the condition compares no column with a value, so the whole table is read, and any number of rows may match")
        .help("run it in batches by ranges of the primary key, each committed, in a job or a migration of its own");
});

/// Beside a schema change the data change has a finding as it is: mixed_ddl_dml.
fn changes_schema(before: &Context<'_>) -> bool {
    before.steps().any(|(_, other)| {
        other.operation.class() == Class::Schema && other.operation.table().is_some_and(|table| before.is_in_use(table))
    })
}
