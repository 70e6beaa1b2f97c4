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
            found.at(at, format!("`{name}` in `{table}` is a word of SQL: every statement has to quote it")).help("choose another name");
        }
    }
});

fn is_meant(column: &Column) -> bool {
    RESERVED.contains(&column.name.as_str())
}

/// Reserved in PostgreSQL and in MySQL.
const RESERVED: &[&str] = &[
    "all", "analyze", "and", "as", "asc", "case", "check", "column", "constraint", "create", "default", "desc", "distinct", "else", "end",
    "from", "for", "foreign", "grant", "group", "having", "in", "into", "limit", "not", "null", "offset", "on", "or", "order", "primary",
    "references", "select", "table", "then", "to", "union", "unique", "user", "using", "when", "where", "with",
];
