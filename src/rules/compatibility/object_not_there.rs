use crate::migration::Mark;
use crate::operation::{Name, Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    if step.conditional || !before.is_upgrade() {
        return;
    }
    let (table, column): (&Name, &str) = match &step.operation {
        Operation::DropColumn { table, column, if_exists: false, .. }
        | Operation::RenameColumn { table, column, .. }
        | Operation::AlterColumnType { table, column, .. }
        | Operation::SetNotNull { table, column }
        | Operation::DropNotNull { table, column }
        | Operation::SetDefault { table, column, .. }
        | Operation::DropDefault { table, column } => (table, column),
        _ => return,
    };
    // Silent where the history does not show all columns, or part of the name is not known.
    let Some(known) = before.table(table).filter(|table| table.complete && table.created_in.is_some() && !table.is_view()) else {
        return;
    };
    if !Name::new(column).is_known() || before.schema.column(table, column).is_some() || step.wording.if_exists {
        return;
    }
    let names: Vec<String> = known.columns().iter().map(|column| column.name.clone()).collect();
    let near = crate::rules::closest(column, names.iter().map(String::as_str)).map(str::to_owned);
    let finding = found.at(step.at(Mark::Name), format!("`{table}` has no column `{}`: this fails", show_holes(column)));
    finding.note(before.origin_of(table));
    match near {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help(format!("its columns are {}", names.join(", "))),
    };
});
