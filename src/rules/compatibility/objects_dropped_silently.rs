use crate::migration::Mark;
use crate::operation::{Operation, show_holes};
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DropColumn { table, column, .. } = &step.operation else { return };
    let gone = phrase::goes_with_column(before, table, column);
    if !before.is_upgrade() || before.is_new_column(table, column) || gone.is_empty() {
        return;
    }
    found
        .at(
            step.at(Mark::Name),
            format!("dropping `{table}.{}` drops {} along, without a word", show_holes(column), gone.join(", ")),
        )
        .note("other columns lose their index or their rule, and code that is running now still reads the column")
        .help("drop them by name, or make what should stay anew over the other columns, in phases with the code");
});
