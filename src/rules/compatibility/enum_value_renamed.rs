use crate::migration::Mark;
use crate::operation::{Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::RenameEnumValue { name, value, to } = &step.operation else { return };
    // Behind a check for it, and by this history there is no such label: it mends databases that were made otherwise.
    let is_there = before.schema.enum_type(name).is_none_or(|known| known.labels.contains(value));
    if !before.is_upgrade() || (step.conditional && !is_there) {
        return;
    }
    found
        .at(
            step.at(Mark::Name),
            format!("code that is running now fails as soon as it writes '{}' to a column of type `{name}`", show_holes(value)),
        )
        .help(format!(
            "in phases: 1. add '{0}'; 2. release code that reads both and writes '{0}'; 3. change the old rows in batches",
            show_holes(to)
        ));
});
