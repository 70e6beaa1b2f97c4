use crate::migration::{Mark, Step};
use crate::operation::{Name, Operation};
use crate::rule::{Check, Context};
use crate::rules::{concurrently, mend, phrase};

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DropIndex { index, table, concurrently: false, if_exists, .. } = &step.operation else { return };
    let known = before.schema.index(index);
    let table = table.as_ref().or(known.map(|(table, _)| &table.name));
    let is_new = table.is_some_and(|table| before.is_new(table));
    let undoes = known.is_some_and(|(_, index)| before.made_by_upgrade(index.created_in));
    let goes_anyway = table.filter(|table| before.outline.dropped.contains(table)).is_some_and(|table| {
        before.later().any(|later| matches!(&later.operation, Operation::DropTable { table: dropped, .. } if dropped == table))
    });
    // An index of unknown name in a downgrade is most likely the one that the upgrade made.
    let unnamed = !index.is_known() && !before.is_upgrade();
    // Everybody waits for the table already.
    let locked = table.is_some_and(|table| before.held(table).is_some_and(|mode| mode.blocks_reads()));
    // It went with its table: downgrade_fails says so.
    let gone = known.is_none() && before.stages[..before.at].iter().any(|stage| stage.schema.index(index).is_some());
    // The upgrade has dropped it already, and IF EXISTS lets that pass without a lock.
    let dropped_by_upgrade = !before.is_upgrade()
        && known.is_none()
        && before
            .migration
            .up
            .iter()
            .flat_map(|up| &up.steps)
            .any(|step| matches!(&step.operation, Operation::DropIndex { index: dropped, .. } if dropped.name == index.name));
    // Where the history makes no such index, IF EXISTS says that there may be none, and then nothing is locked; but for what
    // a failed build of the one below has left.
    let makes =
        |later: &Step| matches!(&later.operation, Operation::CreateIndex(made) if made.name.as_ref() == Some(&index.name));
    let is_unknown = known.is_none() && table.is_none() && index.is_known();
    let may_be_none = *if_exists && is_unknown && !before.later().any(makes);
    if gone || dropped_by_upgrade || locked || is_new || undoes || goes_anyway || unnamed || may_be_none {
        return;
    }
    let whom = table.map_or_else(|| "its table".to_owned(), |table| format!("`{table}`"));
    // Under the same name: only one of the two can be there.
    let made_again = before.later().find_map(|later| match &later.operation {
        Operation::CreateIndex(made) if made.name.as_ref() == Some(&index.name) => Some(made),
        _ => None,
    });
    if let Some(made) = made_again {
        // A column that this script adds can be in no index before it.
        let adds = |step: &Step| matches!(&step.operation, Operation::AddColumn { table, column, .. } if *table == made.table && made.columns.contains(&column.name));
        let needs_new_column = before.steps().any(|(_, step)| adds(step));
        let when = if needs_new_column { "after this one, without both steps here" } else { "before this one" };
        let sql_name = phrase::sql_name(index);
        let new = phrase::sql_name(&Name { name: phrase::name_ending(&index.name, "_new"), schema: index.schema.clone() });
        let rename = format!("ALTER INDEX {new} RENAME TO {}", phrase::sql_name(&Name::new(index.name.as_str())));
        found
            .at(
                step.at(Mark::Name),
                format!("reads and writes of {whom} queue behind the drop of `{index}`, which is made again below"),
            )
            .note(match before.inside().is_transaction() {
                true => "the drop takes AccessExclusive on the table, and the transaction keeps it until the new one is built",
                false => "from the drop until the new one is built there is no such index",
            })
            .help(format!(
                "build the new one concurrently under another name, here `{new}`, in a migration {when}; then:\n{}\n{}",
                phrase::statement(before, &format!("DROP INDEX {sql_name}")),
                phrase::statement(before, &rename)
            ));
        return;
    }
    let renamed = phrase::rename_instead(before, step);
    let fix = if renamed.is_none() { mend::made_concurrent(before, step) } else { None };
    found
        .at(step.at(Mark::Name), format!("reads and writes of {whom} queue behind the drop of `{index}`"))
        .note(match builds_behind(before) {
            0 => "DROP INDEX takes AccessExclusive on the table: the drop itself is an instant, but it first waits for every running query, and all later ones wait for it".to_owned(),
            1 => "DROP INDEX takes AccessExclusive on the table, and the transaction keeps it while the index behind it is built".to_owned(),
            builds => format!("DROP INDEX takes AccessExclusive on the table, and the transaction keeps it while {builds} indexes behind it are built"),
        })
        .help(renamed.unwrap_or_else(|| phrase::outside_transaction(before, &concurrently::with_concurrently(before, step))))
        .fix(fix);
});

/// Indexes that are built behind the step in the same transaction, on tables that hold rows.
fn builds_behind(before: &Context<'_>) -> usize {
    if !before.inside().is_transaction() {
        return 0;
    }
    let behind = before.steps().filter(|(at, _)| *at > before.at).take_while(|(at, _)| before.inside_at(*at).is_transaction());
    let builds = |operation: &Operation| matches!(operation, Operation::CreateIndex(index) if !before.is_new(&index.table));
    behind.filter(|(_, step)| builds(&step.operation)).count()
}
