//! `whimbrel.toml`, `[tool.whimbrel]` in `pyproject.toml`, and what they come to with the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::Deserialize;

use crate::engine::{DEFAULT_POSTGRES_MAJOR, DEFAULT_SQLITE_MINOR, Effects, Engine};
use crate::finding::Severity;
use crate::operation::{Dialect, Name};
use crate::project::Environment;
use crate::project::conventions::Framework;
use crate::rule::Rule;
use crate::rules;

/// The majors that the engine model was measured on.
pub const POSTGRES_MAJORS: std::ops::RangeInclusive<u32> = 10..=18;

/// The file as written. Every key may be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConfigFile {
    /// Rules, groups or `all`; without it, the rules that are on by default.
    pub select: Option<Vec<String>>,
    /// Rules or groups to leave out.
    pub ignore: Vec<String>,
    /// Globs of files that are not read at all.
    pub exclude: Vec<String>,
    /// One dialect or several, instead of what is detected.
    pub dialect: OneOrMany,
    /// The tool that runs the SQL files, instead of what is detected: `sqlx`, `goose` …
    pub runner: Option<String>,
    /// PostgreSQL's major version.
    pub pg_version: Option<Version>,
    /// SQLite's version: `3.40`, `"3.53.1"`.
    pub sqlite_version: Option<Decimal>,
    /// Whether SQLite's connections set `PRAGMA foreign_keys=ON`, instead of what the project's code says.
    pub sqlite_foreign_keys: Option<bool>,
    /// Revisions or versions: they and what comes before them are history that nobody will change.
    pub new_after: OneOrMany,
    /// Globs of tables with so few rows that nobody notices a lock on them.
    pub small_tables: Vec<String>,
    /// The lowest severity that makes `check` exit with 1.
    pub fail_on: Option<Severity>,
    /// A severity, or `off`, by rule or group.
    pub severity: BTreeMap<String, Level>,
    /// Rules to leave out in files that match a glob.
    pub per_path_ignores: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    #[default]
    Detected,
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn names(&self) -> Vec<&str> {
        match self {
            OneOrMany::Detected => Vec::new(),
            OneOrMany::One(name) => vec![name],
            OneOrMany::Many(names) => names.iter().map(String::as_str).collect(),
        }
    }
}

/// `3.40` and `"3.40.1"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Decimal {
    Number(f64),
    Text(String),
}

impl Decimal {
    /// The minor version of SQLite 3. As a number, `3.4` is taken for 3.40: no supported version is older.
    fn sqlite_minor(&self) -> Result<u32, String> {
        let text = match self {
            Decimal::Number(number) => format!("{number:.2}"),
            Decimal::Text(text) => text.clone(),
        };
        let minor = text.strip_prefix("3.").and_then(|rest| rest.split('.').next()?.parse().ok());
        minor.ok_or_else(|| format!("`sqlite_version` is a version such as 3.40, not `{text}`"))
    }
}

/// `15` and `"15"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Version {
    Number(u32),
    Text(String),
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Off,
    Note,
    Warning,
    Error,
}

/// What the command line says on top of the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub select: Vec<String>,
    pub ignore: Vec<String>,
    pub dialects: Vec<Dialect>,
    pub pg_version: Option<u32>,
    pub sqlite_version: Option<String>,
    pub fail_on: Option<Severity>,
}

/// What holds for a run.
#[derive(Clone, Debug)]
pub struct Settings {
    pub select: Option<Vec<String>>,
    pub ignore: Vec<String>,
    pub exclude: GlobSet,
    /// Empty: detect.
    pub dialects: Vec<Dialect>,
    /// None: detect.
    pub runner: Option<Framework>,
    pub postgres_major: u32,
    pub sqlite_minor: u32,
    /// None: what the project's code says.
    pub sqlite_foreign_keys: Option<bool>,
    /// Only what does not come before one of these is judged.
    pub new_after: Vec<String>,
    /// Tables with so few rows that nobody notices a lock on them.
    pub small_tables: GlobSet,
    /// A file, and what an editor holds in the place of what is on the disk.
    pub unsaved: Option<(PathBuf, Arc<[u8]>)>,
    pub fail_on: Severity,
    levels: BTreeMap<String, Level>,
    per_path_ignores: Vec<(GlobSet, Vec<String>)>,
    /// Globs are relative to the folder of the configuration file.
    pub base: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            select: None,
            ignore: Vec::new(),
            exclude: GlobSet::empty(),
            dialects: Vec::new(),
            runner: None,
            postgres_major: DEFAULT_POSTGRES_MAJOR,
            sqlite_minor: DEFAULT_SQLITE_MINOR,
            sqlite_foreign_keys: None,
            new_after: Vec::new(),
            small_tables: GlobSet::empty(),
            unsaved: None,
            fail_on: Severity::Error,
            levels: BTreeMap::new(),
            per_path_ignores: Vec::new(),
            base: None,
        }
    }
}

impl Settings {
    /// Finds the configuration for `start`, a folder or a file, by looking upward; without one, the defaults hold.
    ///
    /// # Errors
    /// The file and what is wrong in it.
    pub fn find(start: &Path, overrides: &Overrides) -> Result<Settings, String> {
        let absolute = std::path::absolute(start).map_err(|error| error.to_string())?;
        for folder in absolute.ancestors() {
            let own = folder.join("whimbrel.toml");
            if own.is_file() {
                return Settings::load(&own, overrides);
            }
            let shared = folder.join("pyproject.toml");
            if std::fs::read_to_string(&shared).is_ok_and(|text| text.contains("[tool.whimbrel")) {
                return Settings::load(&shared, overrides);
            }
        }
        Settings::resolve(&ConfigFile::default(), None, overrides)
    }

    /// Reads one configuration file.
    ///
    /// # Errors
    /// The file and what is wrong in it.
    pub fn load(path: &Path, overrides: &Overrides) -> Result<Settings, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let is_pyproject = path.file_name().is_some_and(|name| name == "pyproject.toml");
        let file = parse(&text, is_pyproject).map_err(|error| format!("{}: {error}", path.display()))?;
        Settings::resolve(&file, path.parent(), overrides).map_err(|error| format!("{}: {error}", path.display()))
    }

    pub(crate) fn resolve(file: &ConfigFile, base: Option<&Path>, overrides: &Overrides) -> Result<Settings, String> {
        let named = file.select.iter().flatten().chain(&file.ignore).chain(file.severity.keys());
        let named = named.chain(file.per_path_ignores.values().flatten()).chain(&overrides.select).chain(&overrides.ignore);
        for name in named {
            known(name)?;
        }
        let from_file: Result<Vec<Dialect>, String> = file.dialect.names().into_iter().map(str::parse).collect();
        let pg_version = match (overrides.pg_version, &file.pg_version) {
            (Some(number), _) => Some(number),
            (None, Some(Version::Number(number))) => Some(*number),
            (None, Some(Version::Text(text))) => {
                Some(text.trim().parse().map_err(|_| format!("`pg_version` is the major version, such as 16, not `{text}`"))?)
            }
            (None, None) => None,
        };
        if let Some(major) = pg_version.filter(|major| !POSTGRES_MAJORS.contains(major)) {
            let (first, last) = POSTGRES_MAJORS.into_inner();
            return Err(format!("PostgreSQL {major} is not modelled: the majors {first} to {last} are"));
        }
        let sqlite_version = overrides.sqlite_version.clone().map(Decimal::Text).or_else(|| file.sqlite_version.clone());
        let dialects = if overrides.dialects.is_empty() { from_file? } else { overrides.dialects.clone() };
        let mut per_path_ignores = Vec::new();
        for (pattern, names) in &file.per_path_ignores {
            per_path_ignores.push((globs(std::slice::from_ref(pattern))?, names.clone()));
        }
        Ok(Settings {
            select: if overrides.select.is_empty() { file.select.clone() } else { Some(overrides.select.clone()) },
            ignore: file.ignore.iter().chain(&overrides.ignore).cloned().collect(),
            exclude: globs(&file.exclude)?,
            dialects,
            runner: file.runner.as_deref().map(str::parse).transpose()?,
            postgres_major: pg_version.unwrap_or(DEFAULT_POSTGRES_MAJOR),
            sqlite_minor: sqlite_version.map(|version| version.sqlite_minor()).transpose()?.unwrap_or(DEFAULT_SQLITE_MINOR),
            sqlite_foreign_keys: file.sqlite_foreign_keys,
            new_after: file.new_after.names().into_iter().map(str::to_owned).collect(),
            small_tables: globs(&file.small_tables)?,
            unsaved: None,
            fail_on: overrides.fail_on.or(file.fail_on).unwrap_or(Severity::Error),
            levels: file.severity.clone(),
            per_path_ignores,
            base: base.and_then(|base| std::path::absolute(base).ok()),
        })
    }

    /// The engine that an environment's scripts are judged for.
    pub fn engine(&self, environment: &Environment, dialect: Option<Dialect>) -> Engine {
        Engine {
            dialect,
            postgres_major: self.postgres_major,
            sqlite_minor: self.sqlite_minor,
            foreign_keys: self.sqlite_foreign_keys.or(environment.foreign_keys),
            names_constraints: environment.has_naming_convention,
        }
    }

    /// Whether everything that a step locks is small by the configuration.
    pub fn locks_only_small_tables(&self, effects: &Effects) -> bool {
        let is_small = |name: &Name| self.small_tables.is_match(&name.name) || self.small_tables.is_match(name.to_string());
        !self.small_tables.is_empty() && !effects.locks.is_empty() && effects.locks.keys().all(is_small)
    }

    /// The severity that a rule reports with; None when it is off.
    pub fn severity_of(&self, rule: &Rule) -> Option<Severity> {
        let names = |list: &[String]| list.iter().any(|name| name == rule.name || name == rule.group || name == "all");
        let level = self.levels.get(rule.name).or_else(|| self.levels.get(rule.group));
        let selected = match &self.select {
            Some(list) => names(list),
            None => rule.page.on_by_default || level.is_some_and(|level| *level != Level::Off),
        };
        if !selected || names(&self.ignore) {
            return None;
        }
        match level {
            Some(Level::Off) => None,
            Some(Level::Note) => Some(Severity::Note),
            Some(Level::Warning) => Some(Severity::Warning),
            Some(Level::Error) => Some(Severity::Error),
            None => Some(rule.page.severity),
        }
    }

    /// Whether `per_path_ignores` hides a rule in a file.
    pub fn ignores_in(&self, path: &str, rule: &str, group: &str) -> bool {
        if self.per_path_ignores.is_empty() {
            return false;
        }
        let absolute = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
        let relative = self.base.as_deref().and_then(|base| absolute.strip_prefix(base).ok()).unwrap_or(Path::new(path));
        let hides = |names: &[String]| names.iter().any(|name| name == rule || name == group || name == "all");
        self.per_path_ignores.iter().any(|(globs, names)| hides(names) && globs.is_match(relative))
    }
}

fn known(name: &str) -> Result<(), String> {
    if rules::is_selector(name) {
        return Ok(());
    }
    Err(match rules::nearest(name) {
        Some(near) => format!("there is no rule or group `{name}`; did you mean `{near}`?"),
        None => format!("there is no rule or group `{name}`; `whimbrel rules` lists them"),
    })
}

fn globs(patterns: &[String]) -> Result<GlobSet, String> {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        builder.add(Glob::new(pattern).map_err(|error| error.to_string())?);
        // A folder stands for what is below it.
        builder.add(Glob::new(&format!("{}/**", pattern.trim_end_matches('/'))).map_err(|error| error.to_string())?);
    }
    builder.build().map_err(|error| error.to_string())
}

/// What the file may say, in the README's order.
const KEYS: &[&str] = &[
    "dialect",
    "runner",
    "pg_version",
    "sqlite_version",
    "sqlite_foreign_keys",
    "new_after",
    "small_tables",
    "select",
    "ignore",
    "exclude",
    "fail_on",
    "severity",
    "per_path_ignores",
];

fn parse(text: &str, is_pyproject: bool) -> Result<ConfigFile, String> {
    let document: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string().trim_end().to_owned())?;
    let table = match is_pyproject {
        false => toml::Value::Table(document),
        true => {
            document.get("tool").and_then(|tool| tool.get("whimbrel")).cloned().unwrap_or(toml::Value::Table(toml::Table::new()))
        }
    };
    let mut unknown: Option<String> = None;
    let file: ConfigFile = serde_ignored::deserialize(table, |path| {
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
    fn unknown_keys_and_rules_name_the_nearest() {
        assert_eq!(
            parse("per-path-ignores = {}", false).unwrap_err(),
            "unknown key `per-path-ignores`; did you mean `per_path_ignores`?"
        );
        assert_eq!(
            known("missing_downgrad").unwrap_err(),
            "there is no rule or group `missing_downgrad`; did you mean `missing_downgrade`?"
        );
    }

    #[test]
    fn the_readme_shows_every_key() {
        let readme = include_str!("../README.md");
        let (_, rest) = readme.split_once("```toml\ndialect").expect("an example");
        let (example, _) = rest.split_once("```").expect("its end");
        let example = format!("dialect{example}");
        parse(&example, false).expect("every key is known");
        let mut shown: Vec<String> = example.parse::<toml::Table>().expect("TOML").keys().cloned().collect();
        let mut known: Vec<&str> = KEYS.to_vec();
        shown.sort();
        known.sort_unstable();
        assert_eq!(shown, known);
    }

    #[test]
    fn severity_follows_rule_then_group_then_page() {
        let file =
            parse("[severity]\ngraph = \"note\"\nmultiple_heads = \"warning\"\nmissing_downgrade = \"off\"\n", false).unwrap();
        let settings = Settings::resolve(&file, None, &Overrides::default()).unwrap();
        let severity = |name: &str| settings.severity_of(rules::find(name).unwrap());
        assert_eq!(severity("multiple_heads"), Some(Severity::Warning));
        assert_eq!(severity("unknown_parent"), Some(Severity::Note));
        assert_eq!(severity("missing_downgrade"), None);
        assert_eq!(severity("missing_upgrade"), Some(Severity::Error));
    }
}
