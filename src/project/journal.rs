//! What a tool has written down of its own files, against the files: `atlas.sum`, drizzle's journal, Prisma's folders,
//! and numbered files of another language that nobody reads here.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::conventions::Framework;
use super::numbered::{FileName, Version};
use super::{Layout, file_name, shown};
use crate::source::Source;

/// What of a journal and its files does not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file is not what it was when it was written down.
    Changed,
    /// A file that the tool passes over.
    Skipped,
    /// Something is written down of which there is no file.
    Missing,
    /// The journal itself.
    Unreadable,
}

#[derive(Clone, Debug)]
pub struct Discord {
    pub kind: Kind,
    /// The file that it is said of: the migration, or the journal.
    pub source: Arc<Source>,
    pub message: String,
    pub help: &'static str,
}

/// Everything that does not fit.
pub(super) fn discords(layout: &Layout, sources: &[Arc<Source>]) -> Vec<Discord> {
    match layout.framework {
        Framework::Atlas => of_atlas(&layout.root, sources),
        Framework::Drizzle => of_drizzle(&layout.root, sources),
        Framework::Prisma => of_prisma(&layout.root),
        _ => Vec::new(),
    }
}

/// A journal that cannot be read, so that nothing is known of it.
fn unreadable(path: &Path, text: String, why: &str) -> Discord {
    Discord {
        kind: Kind::Unreadable,
        source: Arc::new(Source::new(shown(path), text)),
        message: format!("{} cannot be read: {why}", file_name(path)),
        help: "resolve the conflict, or let the tool write it anew",
    }
}

/// The text of a journal.
///
/// # Errors
/// What there is to say instead: nothing, where there is no journal.
fn text_of(path: &Path) -> Result<String, Vec<Discord>> {
    let bytes = std::fs::read(path).map_err(|_| Vec::new())?;
    String::from_utf8(bytes).map_err(|_| vec![unreadable(path, String::new(), "it is not UTF-8")])
}

/// A file that is read, by its name.
fn by_name(sources: &[Arc<Source>]) -> HashMap<&str, &Arc<Source>> {
    sources.iter().map(|source| (source.file_name(), source)).collect()
}

/// `atlas.sum`: a running SHA-256 over the names and the bytes of all files in the order of their names, so that the first
/// file whose line differs is the one that was changed. A file with `atlas:sum ignore` counts with its name alone.
fn of_atlas(root: &Path, sources: &[Arc<Source>]) -> Vec<Discord> {
    const HELP: &str = "put the file back as it was; while no database has run it: atlas migrate hash";
    let sum = root.join("atlas.sum");
    let text = match text_of(&sum) {
        Ok(text) => text,
        Err(discords) => return discords,
    };
    if text.lines().next().is_some_and(|line| !line.starts_with("h1:")) || text.lines().skip(1).any(|line| !line.contains(" h1:"))
    {
        return vec![unreadable(&sum, text, "not every line is a checksum")];
    }
    let written: HashMap<&str, &str> = text.lines().skip(1).filter_map(|line| line.rsplit_once(" h1:")).collect();
    let mut files: Vec<PathBuf> =
        list(root).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "sql")).collect();
    files.sort();
    let known = by_name(sources);
    let journal = || Arc::new(Source::new(shown(&sum), text.clone()));
    let discord = |kind, source: Option<&&Arc<Source>>, message: String| Discord {
        kind,
        source: source.map_or_else(journal, |source| (*source).clone()),
        message,
        help: HELP,
    };
    let mut out = Vec::new();
    let mut hash = Sha256::new();
    let mut names: HashSet<String> = HashSet::new();
    for path in files {
        let (name, Ok(bytes)) = (file_name(&path), std::fs::read(&path)) else { continue };
        hash.update(name.as_bytes());
        if String::from_utf8_lossy(&bytes).lines().any(|line| line.trim() == "-- atlas:sum ignore") {
            continue;
        }
        hash.update(&bytes);
        match written.get(name.as_str()) {
            None => {
                let message = format!("atlas.sum does not list `{name}`: atlas migrate apply refuses to run");
                out.push(discord(Kind::Skipped, known.get(name.as_str()), message));
            }
            // Behind the first that differs all do.
            Some(sum) if out.is_empty() && STANDARD.encode(hash.clone().finalize()) != **sum => {
                let message =
                    format!("`{name}` is not what it was when atlas.sum was written: atlas migrate apply refuses to run");
                out.push(discord(Kind::Changed, known.get(name.as_str()), message));
            }
            Some(_) => {}
        }
        names.insert(name);
    }
    let mut gone: Vec<&&str> = written.keys().filter(|name| !names.contains(**name)).collect();
    gone.sort();
    for name in gone {
        out.push(discord(
            Kind::Missing,
            None,
            format!("atlas.sum lists `{name}`, which is not there: atlas migrate apply refuses to run"),
        ));
    }
    out
}

#[derive(Deserialize)]
struct Journal {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    tag: String,
    when: f64,
}

/// `meta/_journal.json`: drizzle runs what it lists, in its order, and of that only what is newer than the last it ran.
fn of_drizzle(root: &Path, sources: &[Arc<Source>]) -> Vec<Discord> {
    const HELP: &str = "let drizzle-kit generate write the file and the journal together; after a merge, generate it anew";
    let path = root.join("meta/_journal.json");
    let text = match text_of(&path) {
        Ok(text) => text,
        Err(discords) => return discords,
    };
    let journal = match serde_json::from_str::<Journal>(text.trim_start_matches('\u{feff}')) {
        Ok(journal) => journal,
        Err(error) => return vec![unreadable(&path, text, &error.to_string())],
    };
    let journal_source = Arc::new(Source::new(shown(&path), text));
    let known = by_name(sources);
    let mut out = Vec::new();
    let mut newest: Option<&Entry> = None;
    for entry in &journal.entries {
        let name = format!("{}.sql", entry.tag);
        let Some(source) = known.get(name.as_str()) else {
            let message = format!("the journal lists `{}`, but there is no `{name}`: drizzle stops at it", entry.tag);
            out.push(Discord { kind: Kind::Missing, source: journal_source.clone(), message, help: HELP });
            continue;
        };
        match newest.filter(|newest| entry.when <= newest.when) {
            Some(newest) => {
                let message = format!(
                    "the journal dates `{}` before `{}`, which stands in front of it: where that one ran already, drizzle skips this one",
                    entry.tag, newest.tag
                );
                out.push(Discord { kind: Kind::Skipped, source: (*source).clone(), message, help: HELP });
            }
            None => newest = Some(entry),
        }
    }
    let listed: HashSet<&str> = journal.entries.iter().map(|entry| entry.tag.as_str()).collect();
    for source in sources {
        let name = source.file_name().trim_end_matches(".sql");
        if !listed.contains(name) {
            let message = format!("meta/_journal.json does not list `{name}`: drizzle never runs it");
            out.push(Discord { kind: Kind::Skipped, source: source.clone(), message, help: HELP });
        }
    }
    out
}

/// Gives files the places that drizzle's journal gives them; what it does not list comes last.
pub(super) fn order_by_drizzle(root: &Path, names: &mut [Version], sources: &[Arc<Source>]) {
    let Ok(text) = text_of(&root.join("meta/_journal.json")) else { return };
    let Ok(journal) = serde_json::from_str::<Journal>(text.trim_start_matches('\u{feff}')) else { return };
    let places: HashMap<&str, usize> = journal.entries.iter().enumerate().map(|(at, entry)| (entry.tag.as_str(), at)).collect();
    for (name, source) in names.iter_mut().zip(sources) {
        let place = places.get(source.file_name().trim_end_matches(".sql")).copied();
        name.order = (vec![place.map_or(u128::MAX, |place| place as u128)], format!("{:?} {}", name.order.0, name.order.1));
    }
}

/// Prisma takes every folder for a migration, also one without its file.
fn of_prisma(root: &Path) -> Vec<Discord> {
    let folders = list(root).into_iter().filter(|path| path.is_dir() && !path.join("migration.sql").exists());
    let one = |path: PathBuf| Discord {
        kind: Kind::Missing,
        source: Arc::new(Source::new(shown(&path.join("migration.sql")), "")),
        message: format!("`{}` has no migration.sql: Prisma stops with P3015", file_name(&path)),
        help: "put the file back, or delete the folder",
    };
    folders.map(one).collect()
}

/// What stands in a folder, in order.
fn list(folder: &Path) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    out.sort();
    out
}

/// The endings of files in other languages that a runner takes as migrations too, and the language.
fn other_languages(framework: Framework) -> &'static [(&'static str, &'static str)] {
    match framework {
        // golang-migrate itself has none; projects that wrap it do.
        Framework::Goose | Framework::GolangMigrate => &[("go", "Go")],
        Framework::Flyway => &[("java", "Java"), ("kt", "Kotlin")],
        Framework::NodePgMigrate => &[("js", "JavaScript"), ("cjs", "JavaScript"), ("mjs", "JavaScript"), ("ts", "TypeScript")],
        Framework::Refinery => &[("rs", "Rust")],
        Framework::Yoyo => &[("py", "Python")],
        _ => &[],
    }
}

/// Migrations in another language in a folder of SQL ones: the file, its version, and the language.
pub(super) fn in_other_languages(root: &Path, framework: Framework) -> Vec<(PathBuf, String, &'static str)> {
    let languages = other_languages(framework);
    if languages.is_empty() {
        return Vec::new();
    }
    // In a folder of thousands of SQL files, each is asked for its ending and no more.
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let mut others: Vec<(PathBuf, &'static str)> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let ending = Path::new(&name).extension()?;
            let (_, language) = languages.iter().find(|(known, _)| ending == *known)?;
            Some((entry.path(), *language))
        })
        .collect();
    others.sort();
    let of = |(path, language): (PathBuf, &'static str)| {
        let stem = path.file_stem()?.to_str()?;
        let name = FileName::parse(&format!("{stem}.sql")).filter(|_| !stem.ends_with("_test") && !stem.ends_with(".test"))?;
        path.is_file().then_some((path.clone(), name.version, language))
    };
    others.into_iter().filter_map(of).collect()
}
