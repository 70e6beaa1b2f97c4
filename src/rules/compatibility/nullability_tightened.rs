use crate::migration::{Mark, Step};
use crate::operation::{Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::SetNotNull { table, column } = &step.operation else { return };
    // On PostgreSQL the scan is the louder finding, and a CHECK that spares it has stopped NULLs already.
    if !before.is_upgrade() || before.is_postgres() || before.is_new_column(table, column) || before.is_emptied(table) {
        return;
    }
    if before.schema.column(table, column).is_none_or(|known| known.nullable != Some(true)) {
        return;
    }
    // Rows were filled by this migration or an earlier one.
    if before.table(table).is_some_and(|table| table.filled) {
        return;
    }
    // The session's `query(Model)` names a class: which table it writes is not known, but that rows are seen to is.
    let written = |operation: &Operation| match operation {
        Operation::Update { table: of, .. } | Operation::Delete { table: of, .. } => !of.is_known(),
        _ => false,
    };
    if before.steps().take_while(|(at, _)| *at < before.at).any(|(_, step)| written(&step.operation)) {
        return;
    }
    // Those without a value go.
    let is_purge = |step: &Step| {
        let text = before.text(step.statement).to_lowercase();
        matches!(&step.operation, Operation::Delete { table: of, .. } if of == table)
            && (text.contains(&format!("{} is null", column.to_lowercase())) || text.contains("is_(none)"))
    };
    if before.steps().any(|(at, step)| at < before.at && is_purge(step)) {
        return;
    }
    let column = show_holes(column);
    found
        .at(
            step.at(Mark::Nullable),
            format!("rows of `{table}` that have NULL in `{column}` make this fail, and running code may still write some"),
        )
        .help(format!("in phases: 1. release code that always writes `{column}`; 2. fill the old rows; 3. set NOT NULL"));
});
