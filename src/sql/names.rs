//! Identifiers: quotes off, case folded where the dialect folds.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use crate::operation::{Dialect, HOLE, Name};

/// Folds an unquoted identifier. PostgreSQL folds to lower case; MySQL and SQLite keep the case and
/// compare without it, which the replay does for them.
pub(crate) fn fold(text: &str, dialect: Option<Dialect>) -> String {
    match dialect {
        Some(Dialect::MySql | Dialect::MariaDb | Dialect::Sqlite) => text.to_owned(),
        Some(Dialect::PostgreSql) | None => text.to_ascii_lowercase(),
    }
}

pub(crate) fn ident(ident: &Ident, dialect: Option<Dialect>) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => fold(&ident.value, dialect),
    }
}

pub(crate) fn idents(list: &[Ident], dialect: Option<Dialect>) -> Vec<String> {
    list.iter().map(|one| ident(one, dialect)).collect()
}

/// A table's or other object's name; a database in front of the schema is left out.
pub(crate) fn object(name: &ObjectName, dialect: Option<Dialect>) -> Name {
    let mut parts: Vec<String> = name
        .0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(one) => ident(one, dialect),
            ObjectNamePart::Function(_) => HOLE.to_string(),
        })
        .collect();
    let last = parts.pop().unwrap_or_default();
    Name::with_schema(parts.pop(), last)
}
