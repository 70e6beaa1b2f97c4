use crate::migration::Mark;
use crate::operation::{CreateIndex, Name, Operation};
use crate::project::conventions::Framework;
use crate::rule::{Check, Context};
use crate::rules::{concurrently, mend, phrase};
use crate::schema::Table;
use crate::schema::expression::mentions;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::CreateIndex(index) = &step.operation else { return };
    if index.concurrently || before.is_new(&index.table) || before.is_emptied(&index.table) {
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
    let concurrent = concurrently::with_concurrently(before, step);
    let help = match uses_new_column(before, index) && !before.is_upgrade() && before.framework() != Framework::Alembic {
        true => {
            format!("leave it out of the downgrade, and by hand once that is committed:\n{}", phrase::terminated(&concurrent))
        }
        false => phrase::outside_transaction(before, &concurrent),
    };
    let fix = if renamed.is_none() { mend::made_concurrent(before, step) } else { None };
    let waits = if is_view && !held { "waits" } else { "wait" };
    found
        .at(step.at(Mark::Name), format!("{who} `{}` {waits} until {name} is built", index.table))
        .note(note)
        .note(before.origin_of(&index.table))
        .help(renamed.unwrap_or(help))
        .fix(fix);
});

/// Before this script is committed the index cannot be built.
fn uses_new_column(before: &Context<'_>, index: &CreateIndex) -> bool {
    let Some(table) = before.table(&index.table) else { return false };
    let new = table.columns().into_iter().filter(|column| before.is_new_column(&table.name, &column.name));
    let texts = || index.columns.iter().chain(index.predicate.as_ref().map(|predicate| &predicate.0));
    new.into_iter().any(|column| texts().any(|text| mentions(text, &column.name)))
}
