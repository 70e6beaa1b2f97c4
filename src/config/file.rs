//! The configuration as it is written: `whimbrel.toml`, `[tool.whimbrel]` in `pyproject.toml`, and what they extend.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::finding::Severity;
use crate::project::conduct::Transaction;
use crate::rules;

/// The file as written. Every key may be left out.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ConfigFile {
    /// Another configuration file, relative to this one; what this one says replaces what that one says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extend: Option<String>,
    /// The database or databases, instead of what is detected: postgresql, mysql, mariadb, sqlite.
    #[serde(skip_serializing_if = "OneOrMany::is_detected")]
    pub dialect: OneOrMany,
    /// The tool that runs the SQL files, instead of what is detected: sqlx, goose …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner: Option<String>,
    /// What the runner of SQL files puts into one transaction, instead of what is known of it: all pending migrations,
    /// each migration, or none, with a file sent as one message or statement by statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<Transaction>,
    /// PostgreSQL's major version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pg_version: Option<Version>,
    /// SQLite's version: 3.40, "3.53.1".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlite_version: Option<Decimal>,
    /// Whether SQLite's connections set PRAGMA foreign_keys=ON, instead of what the project's code says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlite_foreign_keys: Option<bool>,
    /// Revisions or versions: they and what comes before them are history that nobody will change. Or a date, 2026-01-31:
    /// what was made before it is.
    #[serde(skip_serializing_if = "OneOrMany::is_detected")]
    pub new_after: OneOrMany,
    /// How large tables are: a name or glob with "small" or "large", or lists under `small` and `large`. What locks only
    /// small ones is not told; what locks a large one is an error.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, TableSize>,
    /// Rules, groups or `all`; without it, the rules that are on by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<Vec<String>>,
    /// Rules or groups to leave out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// Globs of files that are not read at all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// The lowest severity that makes `check` exit with 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_on: Option<Severity>,
    /// A severity, or `off`, by rule or group.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub severity: BTreeMap<String, Level>,
    /// From how much on a rule speaks.
    #[serde(skip_serializing_if = "Thresholds::are_usual")]
    pub thresholds: Thresholds,
    /// Rules to leave out in files that match a glob.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub per_path_ignores: BTreeMap<String, Vec<String>>,
    /// Settings for the environments whose folder matches a glob; what they say replaces what stands above.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<String, ConfigFile>,
}

/// From how much on a rule speaks.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Thresholds {
    /// Tables that one transaction locks against everybody.
    pub many_tables_locked: usize,
}

impl Thresholds {
    fn are_usual(&self) -> bool {
        *self == Thresholds::default()
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds { many_tables_locked: 3 }
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum TableSize {
    Size(Size),
    /// Under the keys `small` and `large`.
    Names(Vec<String>),
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Size {
    Small,
    Large,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum OneOrMany {
    #[default]
    #[cfg_attr(test, schemars(skip))]
    Detected,
    One(String),
    Many(Vec<String>),
}

impl From<Vec<String>> for OneOrMany {
    fn from(names: Vec<String>) -> Self {
        if names.is_empty() { OneOrMany::Detected } else { OneOrMany::Many(names) }
    }
}

impl From<Severity> for Level {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Note => Level::Note,
            Severity::Warning => Level::Warning,
            Severity::Error => Level::Error,
        }
    }
}

impl OneOrMany {
    fn is_detected(&self) -> bool {
        matches!(self, OneOrMany::Detected)
    }

    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            OneOrMany::Detected => Vec::new(),
            OneOrMany::One(name) => vec![name],
            OneOrMany::Many(names) => names.iter().map(String::as_str).collect(),
        }
    }
}

/// `3.40` and `"3.40.1"`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Decimal {
    Number(f64),
    Text(String),
}

impl Decimal {
    /// The minor version of SQLite 3. As a number, `3.4` is taken for 3.40: no supported version is older.
    pub(super) fn sqlite_minor(&self) -> Result<u32, String> {
        let text = match self {
            Decimal::Number(number) => format!("{number:.2}"),
            Decimal::Text(text) => text.clone(),
        };
        let minor = text.strip_prefix("3.").and_then(|rest| rest.split('.').next()?.parse().ok());
        minor.ok_or_else(|| format!("`sqlite_version` is a version such as 3.40, not `{text}`"))
    }
}

/// `15` and `"15"`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Version {
    Number(u32),
    Text(String),
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Level {
    Off,
    Note,
    Warning,
    Error,
}

/// What the file may say, in the README's order.
pub(super) const KEYS: &[&str] = &[
    "extend",
    "dialect",
    "runner",
    "transaction",
    "pg_version",
    "sqlite_version",
    "sqlite_foreign_keys",
    "new_after",
    "tables",
    "select",
    "ignore",
    "exclude",
    "fail_on",
    "severity",
    "thresholds",
    "per_path_ignores",
    "environments",
];

/// What holds for a run as a whole, and so not for one environment.
const OF_THE_RUN: &[&str] = &["extend", "exclude", "fail_on", "environments"];

/// Files that extend each other in a row.
const MOST_EXTENDED: usize = 16;

/// Reads a file and what it extends into one table.
///
/// # Errors
/// The file and what is wrong in it.
pub(super) fn load(path: &Path) -> Result<Table, String> {
    let mut table = Table::new();
    let mut next: PathBuf = path.to_owned();
    for _ in 0..MOST_EXTENDED {
        let failure = |error: String| format!("{}: {error}", next.display());
        let text = std::fs::read_to_string(&next).map_err(|error| failure(error.to_string()))?;
        let own = table_of(&text, next.file_name().is_some_and(|name| name == "pyproject.toml")).map_err(failure)?;
        // Each file by itself, so that an error names the file it is in.
        let extends = typed(own.clone()).map_err(failure)?.extend;
        table = merged(table, own);
        match extends {
            Some(other) => next = next.parent().unwrap_or(Path::new(".")).join(other),
            None => return Ok(table),
        }
    }
    Err(format!("{}: `extend` goes round in a circle", path.display()))
}

/// The settings of one environment: its own over those of the file.
///
/// # Errors
/// A key that holds for all environments.
pub(super) fn of_environment(table: &Table, glob: &str) -> Result<ConfigFile, String> {
    let mut rest = table.clone();
    let own = match rest.remove("environments") {
        Some(toml::Value::Table(mut all)) => all.remove(glob),
        _ => None,
    };
    match own {
        Some(toml::Value::Table(own)) => match OF_THE_RUN.iter().find(|key| own.contains_key(**key)) {
            Some(key) => Err(format!("`{key}` holds for all environments: write it above `[environments]`")),
            None => typed(merged(own, rest)),
        },
        _ => typed(rest),
    }
}

/// What `first` says, and what only `second` says.
fn merged(mut first: Table, second: Table) -> Table {
    for (key, value) in second {
        match (first.get_mut(&key), value) {
            (None, value) => {
                first.insert(key, value);
            }
            (Some(toml::Value::Table(known)), toml::Value::Table(more)) => *known = merged(std::mem::take(known), more),
            (Some(_), _) => {}
        }
    }
    first
}

/// The table of settings in a file's text.
pub(super) fn table_of(text: &str, is_pyproject: bool) -> Result<Table, String> {
    let document: Table = text.parse().map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())?;
    let mut table = match is_pyproject {
        false => document,
        true => document
            .get("tool")
            .and_then(|tool| tool.get("whimbrel"))
            .and_then(toml::Value::as_table)
            .cloned()
            .unwrap_or_default(),
    };
    dates_as_text(&mut table);
    Ok(table)
}

/// A date may stand with or without quotes; of a time, the day counts.
fn dates_as_text(table: &mut Table) {
    let text = |value: &mut toml::Value| {
        if let toml::Value::Datetime(date) = value {
            *value = toml::Value::String(date.to_string().chars().take("2026-01-31".len()).collect());
        }
    };
    match table.get_mut("new_after") {
        Some(toml::Value::Array(list)) => list.iter_mut().for_each(text),
        Some(value) => text(value),
        None => {}
    }
    if let Some(toml::Value::Table(environments)) = table.get_mut("environments") {
        environments.iter_mut().filter_map(|(_, own)| own.as_table_mut()).for_each(dates_as_text);
    }
}

/// A table as settings.
///
/// # Errors
/// A key that is not known, with the nearest that is; a value of another type.
pub(super) fn typed(table: Table) -> Result<ConfigFile, String> {
    let mut unknown: Option<String> = None;
    let file: ConfigFile = serde_ignored::deserialize(toml::Value::Table(table), |path| {
        unknown.get_or_insert(path.to_string());
    })
    .map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())?;
    match unknown {
        None => Ok(file),
        Some(key) => Err(match rules::closest(&key.replace('-', "_"), KEYS.iter().copied()) {
            Some(near) => format!("unknown key `{key}`; did you mean `{near}`?"),
            None => format!("unknown key `{key}`; known are {}", KEYS.join(", ")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_in_the_repository_is_current() {
        let schema = schemars::schema_for!(ConfigFile);
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("JSON"));
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/whimbrel.schema.json");
        if std::env::var_os("INSTA_UPDATE").is_some() {
            std::fs::write(path, &text).expect("written");
        }
        assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), text, "INSTA_UPDATE=always writes it anew");
    }

    #[test]
    fn what_a_file_says_replaces_what_it_extends() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        write("base.toml", "pg_version = 12\nignore = [\"graph\"]\n[severity]\ndrop_table = \"note\"\ndrop_column = \"off\"\n");
        write("whimbrel.toml", "extend = \"base.toml\"\npg_version = 15\n[severity]\ndrop_table = \"error\"\n");
        let file = typed(load(&folder.path().join("whimbrel.toml")).expect("settings")).expect("settings");
        assert!(matches!(file.pg_version, Some(Version::Number(15))));
        assert_eq!(file.ignore, ["graph"]);
        assert_eq!((file.severity["drop_table"], file.severity["drop_column"]), (Level::Error, Level::Off));
        write("base.toml", "extend = \"whimbrel.toml\"\n");
        assert!(load(&folder.path().join("whimbrel.toml")).unwrap_err().contains("circle"));
    }
}
