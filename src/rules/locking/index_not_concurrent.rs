use crate::migration::Mark;
use crate::operation::{Name, Operation};
use crate::rule::Check;
use crate::rules::{mend, phrase};
use crate::schema::Table;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::CreateIndex(index) = &step.operation else { return };
    if index.concurrently || before.is_new(&index.table) {
        return;
    }
    // IF NOT EXISTS, or behind a check, of one that the history has made.
    let own_name = index.name.as_ref().map(|name| Name::with_schema(index.table.schema.clone(), name.as_str()));
    if (index.if_not_exists || step.conditional) && own_name.is_some_and(|name| before.schema.index(&name).is_some()) {
        return;
    }
    let held = before.held(&index.table).is_some_and(|mode| mode.blocks_reads());
    let is_view = before.table(&index.table).is_some_and(Table::is_view);
    let (who, note) = match held {
        true => (
            "reads and writes of",
            "an earlier step of the same transaction holds AccessExclusive on the table, through the full scan and sort",
        ),
        false if is_view => (
            "a REFRESH of",
            "CREATE INDEX holds a Share lock on the view: reads go on, REFRESH MATERIALIZED VIEW waits for a full scan and sort",
        ),
        false => (
            "writes to",
            "CREATE INDEX holds a Share lock on the table: reads go on, every INSERT, UPDATE and DELETE waits for a full scan and sort",
        ),
    };
    let name =
        index.name.as_ref().map_or_else(|| "the index".to_owned(), |name| format!("`{}`", crate::operation::show_holes(name)));
    let renamed = phrase::rename_instead(before, step);
    let fix = if renamed.is_none() { mend::made_concurrent(before, step) } else { None };
    let waits = if is_view && !held { "waits" } else { "wait" };
    found
        .at(step.at(Mark::Name), format!("{who} `{}` {waits} until {name} is built", index.table))
        .note(note)
        .note(before.origin_of(&index.table))
        .help(renamed.unwrap_or_else(|| phrase::outside_transaction(before, &phrase::with_concurrently(before, step))))
        .fix(fix);
});
