//! Database products, and sets of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A database product, as far as migrations behave differently on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    #[serde(alias = "postgres")]
    PostgreSql,
    MySql,
    MariaDb,
    Sqlite,
}

impl Dialect {
    pub const ALL: [Dialect; 4] = [Dialect::PostgreSql, Dialect::MySql, Dialect::MariaDb, Dialect::Sqlite];

    /// The name in configuration and JSON, which is SQLAlchemy's.
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::PostgreSql => "postgresql",
            Dialect::MySql => "mysql",
            Dialect::MariaDb => "mariadb",
            Dialect::Sqlite => "sqlite",
        }
    }

    /// The name in prose.
    pub fn title(self) -> &'static str {
        match self {
            Dialect::PostgreSql => "PostgreSQL",
            Dialect::MySql => "MySQL",
            Dialect::MariaDb => "MariaDB",
            Dialect::Sqlite => "SQLite",
        }
    }

    /// Reads a dialect's name, a driver URL's scheme or a driver's usual alias (`postgres`, `mysql2`, `sqlite3`).
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let name = name.split('+').next().unwrap_or_default();
        Some(match name {
            "postgresql" | "postgres" | "pg" | "pgx" | "pgx4" | "pgx5" | "pgsql" | "psql" => Dialect::PostgreSql,
            "mysql" | "mysql2" | "mysql8" => Dialect::MySql,
            "mariadb" => Dialect::MariaDb,
            "sqlite" | "sqlite3" => Dialect::Sqlite,
            _ => return None,
        })
    }

    /// The dialect that a folder's name names: `sqlite`, `postgres-migrations`. What else may stand in it says nothing of
    /// its own, so that a project called `sqlite-to-postgres` or `my_postgres_app` is none.
    pub fn in_folder_name(name: &str) -> Option<Self> {
        named_in_folder(name, Self::from_name)
    }

    /// MySQL and MariaDB commit before and after most DDL.
    pub fn is_mysql_like(self) -> bool {
        matches!(self, Dialect::MySql | Dialect::MariaDb)
    }

    /// Whether DDL can be rolled back and the usual runners therefore wrap a migration in a transaction.
    /// Alembic says the same in `transactional_ddl` of each dialect.
    pub fn has_transactional_ddl(self) -> bool {
        self == Dialect::PostgreSql
    }
}

/// What one word of a folder's name stands for, where the others say nothing of their own.
fn named_in_folder<T>(name: &str, meaning: impl Fn(&str) -> Option<T>) -> Option<T> {
    const BESIDE: [&str; 8] = ["migrations", "migration", "migrate", "sql", "db", "schema", "versions", "scripts"];
    let says_nothing = |word: &str| BESIDE.contains(&word.to_ascii_lowercase().as_str());
    let mut found = None;
    for word in name.split(['-', '_', '.', ' ']) {
        match meaning(word) {
            Some(_) if found.is_some() => return None,
            Some(meant) => found = Some(meant),
            None if says_nothing(word) => {}
            None => return None,
        }
    }
    found
}

/// The title of a product that is not modelled, by the name of a folder for its migrations.
pub fn not_modelled_in_folder(name: &str) -> Option<&'static str> {
    named_in_folder(name, not_modelled)
}

/// The title of a product that is not modelled, by the word that names of files and folders have for it.
pub fn not_modelled(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "cockroach" | "cockroachdb" | "crdb" => "CockroachDB",
        "mssql" | "sqlserver" => "SQL Server",
        "oracle" => "Oracle",
        "clickhouse" => "ClickHouse",
        "spanner" => "Spanner",
        "snowflake" => "Snowflake",
        "redshift" => "Redshift",
        "h2" => "H2",
        "db2" => "Db2",
        _ => return None,
    })
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Dialect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Dialect::from_name(text).ok_or_else(|| format!("`{text}` is no dialect: expected postgresql, mysql, mariadb or sqlite"))
    }
}

/// A set of dialects, with one more bit for every product that whimbrel does not model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialects(u8);

impl Dialects {
    pub const ANY: Dialects = Dialects(0b11111);
    pub const NONE: Dialects = Dialects(0);

    /// The set that a name in `dialect.name == "…"` selects. SQLAlchemy calls MariaDB `mysql` too,
    /// unless the URL says `mariadb`.
    pub fn named(name: &str) -> Self {
        match Dialect::from_name(name) {
            Some(Dialect::MySql) => Dialects::one(Dialect::MySql).union(Dialects::one(Dialect::MariaDb)),
            Some(dialect) => Dialects::one(dialect),
            None => Dialects(0b10000),
        }
    }

    pub fn one(dialect: Dialect) -> Self {
        Dialects(1 << dialect as u8)
    }

    pub fn contains(self, dialect: Dialect) -> bool {
        self.0 & Dialects::one(dialect).0 != 0
    }

    pub fn union(self, other: Dialects) -> Self {
        Dialects(self.0 | other.0)
    }

    pub fn intersection(self, other: Dialects) -> Self {
        Dialects(self.0 & other.0)
    }

    pub fn complement(self) -> Self {
        Dialects(!self.0 & Dialects::ANY.0)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_are_for_one_database() {
        for name in ["sqlite", "sqlite3", "postgres", "postgres-migrations", "migrations_pg", "sqlite.sql"] {
            assert!(Dialect::in_folder_name(name).is_some(), "{name}");
        }
        for name in ["migrations", "my_postgres_app", "sqlite-to-postgres", "test_sqlite0", "storage", "pg_sqlite"] {
            assert_eq!(Dialect::in_folder_name(name), None, "{name}");
        }
    }
}
