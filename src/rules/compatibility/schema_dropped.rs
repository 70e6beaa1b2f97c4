use crate::migration::Mark;
use crate::operation::{Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DropSchema { name, .. } = &step.operation else { return };
    let made = before.script.steps.iter().any(
        |other| matches!(&other.operation, Operation::Other { kind: "create_schema", name: Some(made), .. } if made == name),
    );
    if !before.is_upgrade() || made {
        return;
    }
    found
        .at(step.at(Mark::Name), format!("everything in the schema `{}` is lost when this runs", show_holes(name)))
        .help("take a backup, drop what has to go by name, and the empty schema last");
});
