use crate::migration::Mark;
use crate::operation::{Name, Operation, show_holes};
use crate::rule::{Check, Context};

pub const CHECK: Check = Check::Step(|step, before, found| {
    if before.is_upgrade() {
        return;
    }
    let what = match &step.operation {
        Operation::DropColumn { table, column, .. } if is_filled(before, table, Some(column)) => {
            format!("`{table}.{}`", show_holes(column))
        }
        Operation::DropTable { table, .. } if is_filled(before, table, None) => format!("`{table}`"),
        _ => return,
    };
    found
        .at(step.at(Mark::Name), format!("going back deletes what the upgrade wrote into {what}, and what was written since"))
        .help("copy it somewhere first, or say in the downgrade that there is no way back");
});

/// Whether the upgrade writes rows there.
fn is_filled(before: &Context<'_>, dropped: &Name, column: Option<&String>) -> bool {
    let writes = |operation: &Operation| match operation {
        Operation::Insert { table, rows } | Operation::Update { table, rows, .. } => {
            table == dropped && column.is_none_or(|column| rows.columns.is_empty() || rows.columns.contains(column))
        }
        _ => false,
    };
    before.migration.up.as_ref().is_some_and(|up| up.steps.iter().any(|step| writes(&step.operation)))
}
