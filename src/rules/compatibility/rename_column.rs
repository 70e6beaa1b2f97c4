use crate::migration::Mark;
use crate::operation::{Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::RenameColumn { table, column, to } = &step.operation else { return };
    // Where the table itself is renamed, that is what running code trips over.
    if !before.is_upgrade() || before.is_new_column(table, column) || before.is_renamed(table) {
        return;
    }
    let (column, to) = (show_holes(column), show_holes(to));
    found
        .at(step.at(Mark::Name), format!("code that is running now still says `{table}.{column}` and fails once it is called `{to}`"))
        .note("there is no moment at which the old and the new code both work")
        .help(format!(
            "in phases: 1. add `{to}`; 2. write both columns; 3. copy the old rows in batches; 4. read `{to}`; 5. drop `{column}` in a later release"
        ));
});
