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
            found.at(at, format!("`{table}.{name}` keeps its text as it is: no operator compares it, and no index reads it")).help("use jsonb");
        }
    }
});

fn is_meant(column: &Column) -> bool {
    column.data_type.as_ref().is_some_and(|kind| kind.name == "json")
}
