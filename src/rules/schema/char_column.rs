use crate::operation::{Column, show_holes};
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    if !before.is_upgrade() {
        return;
    }
    for (table, column, at) in phrase::new_columns(step) {
        if is_meant(column) {
            let name = show_holes(&column.name);
            found.at(at, format!("`{table}.{name}` is padded with blanks to its length")).help("use text or varchar");
        }
    }
});

fn is_meant(column: &Column) -> bool {
    column.data_type.as_ref().is_some_and(|kind| kind.name == "char")
}
