//! What holds for a run: the configuration files and the command line together.

mod file;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{Glob, GlobSet, GlobSetBuilder};

pub use file::{ConfigFile, Level, Thresholds};
use file::{Decimal, Size, TableSize, Version};

use crate::engine::{DEFAULT_POSTGRES_MAJOR, DEFAULT_SQLITE_MINOR, Effects, Engine};
use crate::finding::Severity;
use crate::operation::{Dialect, Name};
use crate::project::Environment;
use crate::project::conduct::Transaction;
use crate::project::conventions::Framework;
use crate::rule::Rule;
use crate::rules;

/// The majors that the engine model was measured on.
pub const POSTGRES_MAJORS: std::ops::RangeInclusive<u32> = 10..=18;

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
    /// None: as the runner is known to.
    pub transaction: Option<Transaction>,
    pub postgres_major: u32,
    pub sqlite_minor: u32,
    /// None: what the project's code says.
    pub sqlite_foreign_keys: Option<bool>,
    /// Only what does not come before one of these is judged.
    pub new_after: Vec<String>,
    /// Tables with so few rows that nobody notices a lock on them.
    pub small_tables: GlobSet,
    /// Tables that nobody may be kept from.
    pub large_tables: GlobSet,
    pub thresholds: Thresholds,
    /// Files, and what an editor holds in the place of what is on the disk.
    pub unsaved: Vec<(PathBuf, Arc<[u8]>)>,
    pub fail_on: Severity,
    levels: BTreeMap<String, Level>,
    per_path_ignores: Vec<(GlobSet, Vec<String>)>,
    /// Globs are relative to the folder of the configuration file.
    pub base: Option<PathBuf>,
    /// Settings for the environments whose folder matches a glob, the longest glob first.
    environments: Vec<(String, GlobSet, Settings)>,
    /// The configuration file that was read, and what it and the files it extends say.
    pub source: Option<PathBuf>,
    pub written: ConfigFile,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            select: None,
            ignore: Vec::new(),
            exclude: GlobSet::empty(),
            dialects: Vec::new(),
            runner: None,
            transaction: None,
            postgres_major: DEFAULT_POSTGRES_MAJOR,
            sqlite_minor: DEFAULT_SQLITE_MINOR,
            sqlite_foreign_keys: None,
            new_after: Vec::new(),
            small_tables: GlobSet::empty(),
            large_tables: GlobSet::empty(),
            thresholds: Thresholds::default(),
            unsaved: Vec::new(),
            fail_on: Severity::Error,
            levels: BTreeMap::new(),
            per_path_ignores: Vec::new(),
            base: None,
            environments: Vec::new(),
            source: None,
            written: ConfigFile::default(),
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
        let table = file::load(path)?;
        let failure = |error: String| format!("{}: {error}", path.display());
        let written = file::typed(table.clone()).map_err(failure)?;
        let mut settings = Settings::resolve(&written, path.parent(), overrides).map_err(failure)?;
        for glob in written.environments.keys() {
            let own = file::of_environment(&table, glob).map_err(failure)?;
            let own = Settings::resolve(&own, path.parent(), overrides).map_err(failure)?;
            let pattern = glob.trim_start_matches("./").to_owned();
            settings.environments.push((glob.clone(), globs(&[pattern]).map_err(failure)?, own));
        }
        // The longest says most of where.
        settings.environments.sort_by_key(|(glob, ..)| std::cmp::Reverse(glob.len()));
        settings.source = Some(path.to_owned());
        Ok(settings)
    }

    /// The same as a configuration file: what the files and the command line say, and the defaults.
    ///
    /// # Errors
    /// A value that TOML cannot hold.
    pub fn as_toml(&self) -> Result<String, String> {
        // What holds for the run stands above them.
        let of_one = |own: &Settings| ConfigFile { exclude: Vec::new(), fail_on: None, ..own.effective() };
        let environments = self.environments.iter().map(|(glob, _, own)| (glob.clone(), of_one(own)));
        let effective = ConfigFile { environments: environments.collect(), ..self.effective() };
        toml::to_string(&effective).map_err(|error| error.to_string())
    }

    /// What holds, without the environments that have settings of their own.
    fn effective(&self) -> ConfigFile {
        let level = |rule: &Rule| match self.severity_of(rule) {
            Some(severity) => Some(Level::from(severity)),
            None => rule.page.on_by_default.then_some(Level::Off),
        };
        ConfigFile {
            extend: None,
            dialect: file::OneOrMany::from(self.dialects.iter().map(ToString::to_string).collect::<Vec<_>>()),
            pg_version: Some(Version::Number(self.postgres_major)),
            sqlite_version: Some(Decimal::Text(format!("3.{}", self.sqlite_minor))),
            // Each rule has its level below.
            select: None,
            ignore: Vec::new(),
            fail_on: Some(self.fail_on),
            severity: rules::all().iter().filter_map(|rule| Some((rule.name.to_owned(), level(rule)?))).collect(),
            environments: BTreeMap::new(),
            ..self.written.clone()
        }
    }

    /// What holds for the environment in this folder.
    pub fn of(&self, root: &Path) -> Cow<'_, Settings> {
        if self.environments.is_empty() {
            return Cow::Borrowed(self);
        }
        let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let relative = self.base.as_deref().and_then(|base| absolute.strip_prefix(base).ok()).unwrap_or(&absolute);
        // `folder/**` means the folder, too.
        let matches = |globs: &GlobSet| globs.is_match(relative) || globs.is_match(relative.join("_"));
        match self.environments.iter().find(|(_, globs, _)| matches(globs)) {
            Some((.., own)) => Cow::Owned(Settings { unsaved: self.unsaved.clone(), ..own.clone() }),
            None => Cow::Borrowed(self),
        }
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
            transaction: file.transaction,
            postgres_major: pg_version.unwrap_or(DEFAULT_POSTGRES_MAJOR),
            sqlite_minor: sqlite_version.map(|version| version.sqlite_minor()).transpose()?.unwrap_or(DEFAULT_SQLITE_MINOR),
            sqlite_foreign_keys: file.sqlite_foreign_keys,
            new_after: file.new_after.names().into_iter().map(str::to_owned).collect(),
            small_tables: tables_of(file, Size::Small)?,
            large_tables: tables_of(file, Size::Large)?,
            thresholds: file.thresholds,
            fail_on: overrides.fail_on.or(file.fail_on).unwrap_or(Severity::Error),
            levels: file.severity.clone(),
            per_path_ignores,
            base: base.and_then(|base| std::path::absolute(base).ok()),
            written: file.clone(),
            ..Settings::default()
        })
    }

    /// The engine that an environment's scripts are judged for.
    pub fn engine(&self, environment: &Environment, dialect: Option<Dialect>) -> Engine {
        Engine {
            dialect,
            postgres_major: self.postgres_major,
            sqlite_minor: self.sqlite_minor,
            foreign_keys: self.sqlite_foreign_keys.or(environment.foreign_keys),
            names_constraints: environment.env.has_naming_convention,
        }
    }

    /// Whether a table is small by the configuration.
    pub fn is_small(&self, table: &Name) -> bool {
        is_in(&self.small_tables, table)
    }

    /// Whether a table is large by the configuration.
    pub fn is_large(&self, table: &Name) -> bool {
        is_in(&self.large_tables, table)
    }

    /// A table that is large by the configuration, among those that a step locks.
    pub fn large_table<'e>(&self, effects: &'e Effects) -> Option<&'e Name> {
        effects.locks.keys().find(|name| self.is_large(name))
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

fn is_in(tables: &GlobSet, name: &Name) -> bool {
    !tables.is_empty() && (tables.is_match(&name.name) || tables.is_match(name.to_string()))
}

/// The tables of a size: those that have it, and the list of its name.
fn tables_of(file: &ConfigFile, size: Size) -> Result<GlobSet, String> {
    let word = if size == Size::Small { "small" } else { "large" };
    let mut patterns: Vec<String> = Vec::new();
    for (name, given) in &file.tables {
        match given {
            TableSize::Size(given) if *given == size => patterns.push(name.clone()),
            TableSize::Size(_) => {}
            TableSize::Names(names) if name == word => patterns.extend(names.iter().cloned()),
            TableSize::Names(_) if matches!(name.as_str(), "small" | "large") => {}
            TableSize::Names(_) => {
                return Err(format!("`tables.{name}` is \"small\" or \"large\"; lists stand under `small` and `large`"));
            }
        }
    }
    globs(&patterns)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ConfigFile, String> {
        file::typed(file::table_of(text, false)?)
    }

    #[test]
    fn unknown_keys_and_rules_name_the_nearest() {
        assert_eq!(
            read("per-path-ignores = {}").unwrap_err(),
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
        let (_, rest) = readme.split_once("```toml\nextend").expect("an example");
        let (example, _) = rest.split_once("```").expect("its end");
        let example = format!("extend{example}");
        read(&example).expect("every key is known");
        let mut shown: Vec<String> = example.parse::<toml::Table>().expect("TOML").keys().cloned().collect();
        let mut known: Vec<&str> = file::KEYS.to_vec();
        shown.sort();
        known.sort_unstable();
        assert_eq!(shown, known);
    }

    #[test]
    fn severity_follows_rule_then_group_then_page() {
        let file = read("[severity]\ngraph = \"note\"\nmultiple_heads = \"warning\"\nmissing_downgrade = \"off\"\n").unwrap();
        let settings = Settings::resolve(&file, None, &Overrides::default()).unwrap();
        let severity = |name: &str| settings.severity_of(rules::find(name).unwrap());
        assert_eq!(severity("multiple_heads"), Some(Severity::Warning));
        assert_eq!(severity("unknown_parent"), Some(Severity::Note));
        assert_eq!(severity("missing_downgrade"), None);
        assert_eq!(severity("missing_upgrade"), Some(Severity::Error));
    }
}
