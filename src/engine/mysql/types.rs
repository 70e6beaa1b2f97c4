//! Types as MySQL and MariaDB store them, whatever they are written as.

use crate::operation::{DataType, Dialect};

/// The type that the catalog shows. `by_sqlalchemy`: its generic types have other words here than in SQL.
///
/// How wide a number is shown is no part of it, but for `tinyint(1)`, which is how both spell BOOLEAN.
pub fn stored(kind: &DataType, dialect: Dialect, by_sqlalchemy: bool) -> DataType {
    let named = |name: &str| DataType { name: name.to_owned(), ..kind.clone() };
    let sized = |name: &str, modifiers: &[&str]| DataType {
        modifiers: modifiers.iter().map(|part| (*part).to_owned()).collect(),
        ..named(name)
    };
    if !kind.labels.is_empty() {
        return sized("enum", &[]);
    }
    if by_sqlalchemy {
        match kind.name.as_str() {
            "timestamp" | "timestamp with time zone" => return named("datetime"),
            "time with time zone" => return named("time"),
            "bytea" => return sized("blob", &[]),
            "double precision" | "real" => return sized("float", &[]),
            "jsonb" => return stored(&named("json"), dialect, false),
            "interval" => return sized("datetime", &[]),
            _ => {}
        }
    }
    let base = kind.name.split(' ').next().unwrap_or_default();
    match (kind.name.as_str(), kind.modifiers.as_slice()) {
        ("boolean", _) => sized("tinyint", &["1"]),
        ("tinyint", [width]) if width == "1" => kind.clone(),
        _ if matches!(base, "tinyint" | "smallint" | "mediumint" | "integer" | "bigint") => sized(&kind.name, &[]),
        ("numeric", []) => sized("numeric", &["10", "0"]),
        ("numeric", [precision]) => sized("numeric", &[precision.as_str(), "0"]),
        ("real", _) => named("double precision"),
        ("char" | "binary" | "bit", []) => sized(&kind.name, &["1"]),
        ("year", _) => sized("year", &[]),
        ("json", _) if dialect == Dialect::MariaDb => named("longtext"),
        ("uuid", _) if dialect == Dialect::MySql => sized("char", &["32"]),
        _ => kind.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::types::data_type;

    #[test]
    fn spellings_meet() {
        let of = |written: &str| stored(&data_type(written), Dialect::MySql, false).to_string();
        assert_eq!(of("BOOL"), of("TINYINT(1)"));
        assert_eq!(of("INT(11) UNSIGNED"), of("INTEGER UNSIGNED"));
        assert_eq!(of("DECIMAL"), "numeric(10,0)");
        assert_ne!(of("TINYINT"), of("BOOLEAN"));
    }
}
