use crate::migration::Mark;
use crate::operation::{Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::RenameEnumValue { name, value, to } = &step.operation else { return };
    if !before.is_upgrade() {
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
