//! The names that the engines make up for constraints and indexes without one.

use crate::operation::{ConstraintKind, Dialect};

/// Bytes that an identifier can have.
const LONGEST: usize = 63;

/// `table_columns_suffix`, cut as PostgreSQL's `makeObjectName` does: the longer of the first two parts gives way.
pub fn object_name(table: &str, columns: &str, suffix: &str) -> String {
    let (mut first, mut second) = (table.len(), columns.len());
    let overhead = suffix.len() + 1 + usize::from(!columns.is_empty());
    while first + second + overhead > LONGEST {
        if first > second { first -= 1 } else { second -= 1 }
    }
    let cut = |text: &str, mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        text[..at].to_owned()
    };
    match columns.is_empty() {
        true => format!("{}_{suffix}", cut(table, first)),
        false => format!("{}_{}_{suffix}", cut(table, first), cut(columns, second)),
    }
}

/// The first free name: `name`, `name1`, `name2` …
pub fn free(name: String, taken: impl Fn(&str) -> bool) -> String {
    if !taken(&name) {
        return name;
    }
    (1..).map(|number| format!("{name}{number}")).find(|name| !taken(name)).unwrap_or(name)
}

/// The first free one of `prefix1`, `prefix2` …
pub fn numbered(prefix: &str, taken: impl Fn(&str) -> bool) -> String {
    let names = (1..).map(|number: u32| format!("{prefix}{number}"));
    names.into_iter().find(|name| !taken(name)).unwrap_or_default()
}

/// The name of a constraint of `table` on MySQL or MariaDB, as InnoDB and the server make it up.
pub fn on_mysql(kind: &ConstraintKind, table: &str, dialect: Dialect, taken: impl Fn(&str) -> bool) -> String {
    match kind {
        ConstraintKind::PrimaryKey { .. } => "PRIMARY".to_owned(),
        ConstraintKind::Unique { columns, .. } | ConstraintKind::Exclusion { columns } => after_first_column(columns, taken),
        ConstraintKind::ForeignKey { .. } => numbered(&format!("{table}_ibfk_"), taken),
        _ if dialect == Dialect::MariaDb => numbered("CONSTRAINT_", taken),
        _ => numbered(&format!("{table}_chk_"), taken),
    }
}

/// MySQL calls an index after its first column: `email`, `email_2` …
pub fn after_first_column(columns: &[String], taken: impl Fn(&str) -> bool) -> String {
    let first = columns.first().map(|key| key_name(key)).unwrap_or_default();
    if !taken(first) {
        return first.to_owned();
    }
    let names = (2..).map(|number: u32| format!("{first}_{number}"));
    names.into_iter().find(|name| !taken(name)).unwrap_or_default()
}

/// What an index key is called in the name of its index: a column by its name, a call by its function, anything
/// else `expr`.
pub fn key_name(key: &str) -> &str {
    let key = super::expression::unwrapped(key);
    let end = key.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(key.len());
    match key[end..].trim_start().chars().next() {
        None | Some('(') if end > 0 => &key[..end],
        _ => "expr",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_evenly() {
        assert_eq!(object_name("orders", "customer_id", "fkey"), "orders_customer_id_fkey");
        assert_eq!(object_name("orders", "", "pkey"), "orders_pkey");
        assert_eq!(object_name(&"t".repeat(60), &"c".repeat(60), "fkey").len(), 63);
    }

    #[test]
    fn keys_have_names() {
        assert_eq!(key_name("lower(st)"), "lower");
        assert_eq!(key_name("(a + b)"), "expr");
        assert_eq!(key_name("vc"), "vc");
    }
}
