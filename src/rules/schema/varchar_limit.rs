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
            found.at(at, format!("`{table}.{name}` has a limit that is part of its type: changing it later may rewrite the table")).help("use text, and a CHECK on its length where there has to be a limit");
        }
    }
});

fn is_meant(column: &Column) -> bool {
    column.data_type.as_ref().is_some_and(|kind| kind.name == "varchar" && !kind.modifiers.is_empty())
}
