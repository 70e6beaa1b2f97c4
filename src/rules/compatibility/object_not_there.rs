use crate::migration::Mark;
use crate::operation::Operation;
use crate::rule::Check;
use crate::rules::contradictions;

pub const CHECK: Check = Check::Step(|step, before, found| {
    if !before.is_upgrade() {
        return;
    }
    let Some(reason) = contradictions::not_there(step, before) else { return };
    let finding = found.at(step.at(Mark::Name), format!("{reason}: this fails"));
    let Some(table) = step.operation.table().and_then(|table| contradictions::whole(table, before)) else { return };
    finding.note(before.origin_of(&table.name));
    let (sought, names): (Option<String>, Vec<String>) = match contradictions::column_of(&step.operation) {
        Some(column) => (Some(column.to_owned()), table.columns().iter().map(|column| column.name.clone()).collect()),
        None if matches!(step.operation, Operation::DropConstraint { .. } | Operation::RenameConstraint { .. }) => {
            (step.operation.object(), table.constraints().iter().map(|constraint| constraint.name.clone()).collect())
        }
        None => (step.operation.object(), table.indexes().iter().map(|index| index.name.clone()).collect()),
    };
    let near = sought.and_then(|sought| crate::rules::closest(&sought, names.iter().map(String::as_str)).map(str::to_owned));
    match near {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None if names.is_empty() => finding.help("leave it out"),
        None => finding.help(format!("there are {}", names.join(", "))),
    };
});
