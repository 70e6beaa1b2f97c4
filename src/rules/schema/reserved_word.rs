use crate::rule::Check;

pub const CHECK: Check = Check::NewColumn(|new, found| {
    if RESERVED.contains(&new.column.name.as_str()) {
        found
            .at(new.at, format!("`{}` in `{}` is a word of SQL: every statement has to quote it", new.column.name, new.table))
            .help("choose another name");
    }
});

/// Reserved in PostgreSQL and in MySQL.
const RESERVED: &[&str] = &[
    "all",
    "analyze",
    "and",
    "as",
    "asc",
    "case",
    "check",
    "column",
    "constraint",
    "create",
    "default",
    "desc",
    "distinct",
    "else",
    "end",
    "from",
    "for",
    "foreign",
    "grant",
    "group",
    "having",
    "in",
    "into",
    "limit",
    "not",
    "null",
    "offset",
    "on",
    "or",
    "order",
    "primary",
    "references",
    "select",
    "table",
    "then",
    "to",
    "union",
    "unique",
    "user",
    "using",
    "when",
    "where",
    "with",
];
