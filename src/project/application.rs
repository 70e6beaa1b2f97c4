//! What the application's own code says that scripts rely on and do not repeat: the naming convention of its metadata, and
//! whether its connections to SQLite enforce foreign keys.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::walk;
use crate::alembic::env::uncommented;
use crate::alembic::naming::{self, Convention};
use crate::source::floor;

/// More modules than most applications have; of a larger one, the first are read.
const MOST_MODULES: usize = 3_000;
/// Larger modules are data.
const LARGEST_BYTES: u64 = 512 * 1024;
/// Names that stand for a folder of tests, whose connections are their own.
const TESTS: &[&str] = &["tests", "test", "testing", "conftest.py"];

/// What shows that a folder belongs to a project.
const OF_PROJECT: &[&str] =
    &[".git", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", "alembic.ini", "__init__.py"];

/// What shows in which language a program is written.
const LANGUAGES: &[(&str, &str)] = &[("go.mod", "go"), ("Cargo.toml", "rs")];

const CONVENTION: &str = "naming_convention";
const PRAGMA: &str = "pragma foreign_keys";

/// The texts of the application that speak of either.
#[derive(Debug, Default)]
pub(super) struct Application {
    python: Vec<String>,
    /// Of a program in another language, which hands options to its driver.
    other: Vec<String>,
}

/// What is known of the names that the metadata gives.
#[derive(Debug)]
pub(super) enum Naming {
    /// Nothing speaks of a convention.
    None,
    /// There is one, and it is not plain to see which.
    Unknown,
    Known(Convention),
}

impl Application {
    /// Reads the packages that env.py imports, and the modules beside it. `folders` are the script folder and those above it.
    pub fn around(env: &str, folders: &[PathBuf]) -> Self {
        let last = folders.iter().rposition(|folder| OF_PROJECT.iter().any(|name| folder.join(name).exists()));
        let folders = &folders[..last.map_or(0, |last| last + 1)];
        let mut files: Vec<PathBuf> = Vec::new();
        let beside = folders.get(1).into_iter().flat_map(|above| walk::with_ending(above, "py", Some(2)));
        // Flask-Migrate hands the application over.
        let whole = folders
            .get(1)
            .filter(|_| env.contains("current_app"))
            .into_iter()
            .flat_map(|root| walk::with_ending(root, "py", None));
        let imported = packages(env, folders).into_iter().flat_map(|package| walk::with_ending(&package, "py", None));
        // What scripts say is their own.
        let is_script = |path: &PathBuf| folders.first().is_some_and(|scripts| path.starts_with(scripts));
        // The project itself may lie in a folder of tests.
        let within = |path: &PathBuf| path.strip_prefix(folders.last()?).ok().map(Path::to_owned);
        let is_test = |path: &PathBuf| {
            let parts = within(path).unwrap_or_default();
            parts.components().any(|part| TESTS.contains(&part.as_os_str().to_string_lossy().as_ref()))
                || super::file_name(path).starts_with("test_")
        };
        files.extend(beside.chain(imported).chain(whole).filter(|path| !is_test(path) && !is_script(path)).take(MOST_MODULES));
        files.sort();
        files.dedup();
        let python = files.par_iter().filter_map(|path| telling(path, PYTHON)).collect();
        Application { python, other: Vec::new() }
    }

    /// Reads the program around a folder of SQL files, in the language of its manifest.
    pub fn around_files(folders: &[PathBuf]) -> Self {
        let manifest = |folder: &PathBuf| LANGUAGES.iter().find(|(manifest, _)| folder.join(manifest).exists());
        let Some((root, (_, ending))) = folders.iter().find_map(|folder| Some((folder, manifest(folder)?))) else {
            return Application::around("", folders);
        };
        let is_test = |path: &PathBuf| path.to_string_lossy().ends_with("_test.go") || super::file_name(path) == "tests.rs";
        let files: Vec<PathBuf> =
            walk::with_ending(root, ending, None).filter(|path| !is_test(path)).take(MOST_MODULES).collect();
        let other = files.par_iter().filter_map(|path| telling(path, OTHER)).collect();
        Application { python: Vec::new(), other }
    }

    /// The convention by which constraints without a name get one. What env.py says itself, goes.
    pub fn naming(&self, env: &str) -> Naming {
        let own = naming::in_module(env);
        if !own.is_empty() {
            return only(own);
        }
        let mut found: Vec<Convention> = Vec::new();
        let speaks = |text: &&str| text.to_ascii_lowercase().contains(CONVENTION);
        let mut unclear = false;
        for text in std::iter::once(env).chain(self.python.iter().map(String::as_str)).filter(speaks) {
            let conventions = naming::in_module(text);
            unclear |= conventions.is_empty() && text.contains(&format!("{CONVENTION}="));
            for convention in conventions {
                if !found.contains(&convention) {
                    found.push(convention);
                }
            }
        }
        if unclear && found.is_empty() { Naming::Unknown } else { only(found) }
    }

    /// `PRAGMA foreign_keys=ON`, in env.py or in a module of the application: there for every connection, by an event of
    /// SQLAlchemy or where connections are made, and not in one session. Or an option of another program's connections.
    pub fn foreign_keys(&self, env: &str) -> Option<bool> {
        let in_python = || self.python.iter().find_map(|text| pragma(&uncommented(text), false));
        let elsewhere = || self.other.iter().find_map(|text| pragma(text, false).or_else(|| option(text)));
        pragma(env, true).or_else(in_python).or_else(elsewhere)
    }
}

/// The one convention that was found, if it is one.
fn only(mut found: Vec<Convention>) -> Naming {
    match (found.len(), found.pop()) {
        (_, None) => Naming::None,
        (1, Some(convention)) => Naming::Known(convention),
        _ => Naming::Unknown,
    }
}

/// What Python modules are read for, as they are written.
const PYTHON: &[&str] = &[CONVENTION, "NAMING_CONVENTION", "foreign_keys"];
/// What programs in other languages are read for.
const OTHER: &[&str] = &["foreign_keys", "_fk"];

/// What the options of a connection say: Go's `_foreign_keys=on`, `_fk=1` and `_pragma=foreign_keys(1)`, also put together
/// by `Set("_foreign_keys", "on")`, and sqlx's `.foreign_keys(true)`.
fn option(text: &str) -> Option<bool> {
    const OPTIONS: [&str; 4] = ["_foreign_keys", "_fk", "_pragma=foreign_keys", ".foreign_keys"];
    let value = |option: &str, at: usize| {
        // The whole of a name: `CONSTRAINT user_fk ON …` sets nothing.
        if !option.starts_with('.') && !text[..at].ends_with(['?', '&', '"', '\'', '`']) {
            return None;
        }
        let value = text[at + option.len()..].trim_start_matches(['"', '\'', ',', ' ', '=', '(']);
        let word = value.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
        match word.as_str() {
            "on" | "1" | "true" => Some(true),
            "off" | "0" | "false" => Some(false),
            _ => None,
        }
    };
    OPTIONS.iter().find_map(|option| text.match_indices(option).find_map(|(at, _)| value(option, at)))
}

/// What the PRAGMA sets, where it is set for all connections, or `anywhere`.
fn pragma(text: &str, anywhere: bool) -> Option<bool> {
    const FOR_ALL: [&str; 4] = ["listens_for", "event.listen", "creator", "sqlite3.connect"];
    // So far behind the word that says for whom.
    const NEAR: usize = 800;
    let text = text.to_ascii_lowercase();
    let for_all = |at: usize| {
        let before = &text[floor(&text, at.saturating_sub(NEAR))..at];
        anywhere || FOR_ALL.iter().any(|word| before.contains(word))
    };
    let at = text.match_indices(PRAGMA).map(|(at, _)| at).find(|at| for_all(*at))?;
    let value = text[at + PRAGMA.len()..].trim_start_matches([' ', '=', '(']);
    Some(value.starts_with("on") || value.starts_with('1') || value.starts_with("true"))
}

/// A module's text, if it has something to say.
fn telling(path: &Path, words: &[&str]) -> Option<String> {
    let small = std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() <= LARGEST_BYTES);
    let text = small.then(|| std::fs::read_to_string(path).ok())??;
    words.iter().any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some()).then_some(text)
}

/// The project's own packages and modules among what a module imports.
fn packages(text: &str, folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("from ").or_else(|| line.strip_prefix("import ")))
        .filter_map(|rest| rest.split(['.', ' ', ',', ';']).next())
        // A folder that is called `alembic` is not what it imports.
        .filter(|name| !matches!(*name, "" | "alembic" | "sqlalchemy"))
        .collect();
    names.sort_unstable();
    names.dedup();
    let places = || folders.iter().flat_map(|folder| [folder.clone(), folder.join("src")]);
    let find = |name: &str| {
        places().find_map(|place| {
            let (package, module) = (place.join(name), place.join(format!("{name}.py")));
            [package, module].into_iter().find(|path| path.exists())
        })
    };
    names.into_iter().filter_map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_whole_names_with_a_value() {
        assert_eq!(option("query.Set(\"_foreign_keys\", \"on\")"), Some(true));
        assert_eq!(option("open(\"file.db?cache=shared&_fk=0\")"), Some(false));
        assert_eq!(option("open(\"file.db?_pragma=foreign_keys(1)\")"), Some(true));
        assert_eq!(option("options.foreign_keys(true)"), Some(true));
        assert_eq!(option("DROP INDEX user_fk ON users"), None);
        assert_eq!(option("(\"_fk\", ondelete)"), None);
    }
}
