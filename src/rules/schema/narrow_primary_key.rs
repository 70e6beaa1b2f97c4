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
            found.at(at, format!("`{table}.{name}` runs out at 2,147,483,647 or before: then no row can be added")).help("use bigint from the start; changing it later rewrites the table and all that points to it");
        }
    }
});

fn is_meant(column: &Column) -> bool {
    column.primary_key && column.data_type.as_ref().is_some_and(|kind| kind.name == "integer" || kind.name == "smallint")
}
