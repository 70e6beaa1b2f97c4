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
            found.at(at, format!("`{table}.{name}` keeps a time without its zone: what it means depends on who reads it")).help("use timestamp with time zone; it takes no more room");
        }
    }
});

fn is_meant(column: &Column) -> bool {
    column.data_type.as_ref().is_some_and(|kind| kind.name == "timestamp")
}
