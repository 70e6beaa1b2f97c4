use crate::migration::Mark;
use crate::operation::{Class, ConstraintKind, Name, Operation};
use crate::rule::{Check, Context};
use crate::schema::TableColumn;
use crate::schema::expression::mentions;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AddConstraint { table, constraint } = &step.operation else { return };
    let what = match &constraint.kind {
        ConstraintKind::Unique { using_index: None, .. } => "duplicates",
        ConstraintKind::Check { .. } if !constraint.not_valid => "rows that violate it",
        _ => return,
    };
    // What was dropped just before has kept to it so far.
    let drops = |operation: &Operation| matches!(operation, Operation::DropConstraint { table: of, .. } if of == table);
    if before.steps().any(|(at, other)| at < before.at && drops(&other.operation)) {
        return;
    }
    // A value of the new type keeps to it.
    if step.manner.implied || is_of_new_columns(table, &constraint.kind, before) {
        return;
    }
    // On PostgreSQL the lock is the louder finding.
    let is_out_of_use = !before.is_in_use(table) || before.is_emptied(table) || before.is_renamed(table);
    if !before.is_upgrade() || before.is_postgres() || is_out_of_use {
        return;
    }
    found
        .at(step.at(Mark::Name), format!("{what} in `{table}` make this fail, and so does running code that still writes them"))
        .help("in phases: 1. release code that keeps to it; 2. mend the old rows; 3. add the constraint");
});

/// Columns that this migration adds without a value: no row has one yet, and no code that is running writes one.
fn is_of_new_columns(table: &Name, kind: &ConstraintKind, before: &Context<'_>) -> bool {
    let Some(known) = before.table(table) else { return false };
    let writes = |operation: &Operation| operation.class() == Class::Data && operation.table() == Some(table);
    if before.steps().any(|(at, step)| at < before.at && writes(&step.operation)) {
        return false;
    }
    let is_empty = |column: &TableColumn| before.is_new_column(table, &column.name) && column.default.is_none();
    match kind {
        ConstraintKind::Unique { columns, .. } => columns.iter().any(|name| known.column(name).is_some_and(is_empty)),
        ConstraintKind::Check { expression } => {
            let mut named = known.columns().into_iter().filter(|column| mentions(&expression.0, &column.name)).peekable();
            named.peek().is_some() && named.all(is_empty)
        }
        _ => false,
    }
}
