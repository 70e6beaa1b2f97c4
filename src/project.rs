//! From paths to environments: which folders hold migrations, of which tool, for which database.

pub mod alembic;
mod application;
pub mod conduct;
pub mod conventions;
mod detect;
pub mod dialect;
pub mod git;
pub mod journal;
mod numbered;
pub mod read;
mod relevant;

mod search_path;
mod sections;
pub mod walk;

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};

use globset::GlobSet;

use crate::alembic::env::EnvPy;
use crate::history::{History, Index};
use crate::migration::{Execution, Migration};
use crate::operation::{Dialect, Name};
use crate::source::{Source, Span, printable};
use conduct::{KnownBy, Transaction};
use conventions::Framework;

/// A migration environment before any script was read.
#[derive(Debug)]
pub struct Layout {
    /// The folder that users know the environment by.
    pub root: PathBuf,
    pub framework: Framework,
    pub files: Vec<Candidate>,
    /// Folders in which evidence of the dialect is looked for, nearest first.
    pub evidence_from: Vec<PathBuf>,
    /// Migrations that are not read, with the reason.
    pub left_out: Vec<(PathBuf, String)>,
    /// The versions of those in other languages.
    pub unread_versions: Vec<String>,
    /// Database URLs that the environment's own configuration gives, with the file.
    pub urls: Vec<(String, PathBuf)>,
    pub known_by: KnownBy,
    /// What the configuration says of the runner.
    pub transaction: Option<Transaction>,
}

/// A file that may be a migration.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub path: PathBuf,
    /// False when the file is only read as history.
    pub judged: bool,
    /// What an editor holds in the place of what is on the disk.
    pub unsaved: Option<Arc<[u8]>>,
}

impl Candidate {
    /// A file to judge as it is on the disk.
    pub fn new(path: PathBuf) -> Self {
        Candidate { path, judged: true, unsaved: None }
    }
}

/// Why an environment is taken to be for a dialect.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    pub dialect: Dialect,
    /// The driver that SQLAlchemy would load, where a URL names one: `psycopg2`, `asyncpg`.
    pub driver: Option<String>,
    /// For `check -v`: what says so, and where.
    pub because: String,
}

/// A file that could not be read as what it claims to be.
#[derive(Clone, Debug)]
pub struct Unreadable {
    pub source: Arc<Source>,
    pub span: Span,
    pub message: String,
    pub judged: bool,
}

/// A migration environment with everything that was read.
#[derive(Debug)]
pub struct Environment {
    /// Relative to the working directory, with forward slashes.
    pub root: String,
    pub framework: Framework,
    pub known_by: KnownBy,
    /// What the configuration says of the runner.
    pub transaction: Option<Transaction>,
    /// The main dialect first; empty when nothing says which.
    pub evidence: Vec<Evidence>,
    pub migrations: Vec<Migration>,
    pub unreadable: Vec<Unreadable>,
    pub history: History,
    /// Files that were read.
    pub files: usize,
    /// How the runner executes a script that says nothing of its own, as this project has configured it.
    pub execution: Execution,
    /// Whether all pending migrations share one transaction.
    pub all_pending_together: bool,
    /// Whether the project's code sets `PRAGMA foreign_keys=ON` on SQLite; None where nothing that was read does.
    pub foreign_keys: Option<bool>,
    pub env: EnvPy,
    /// The dependencies keep SQLAlchemy below 2.
    pub has_old_sqlalchemy: bool,
    pub ways_back: WaysBack,
    /// What of the tool's own list and the files does not fit together.
    pub discords: Vec<journal::Discord>,
    /// The versions of migrations in other languages, which are not read.
    pub unread_versions: Vec<String>,
    /// See [`Environment::naming`].
    pub by_table: OnceLock<HashMap<Name, Vec<Index>>>,
}

/// What the migrations of an environment have of ways back, where all of them were read in full.
#[derive(Clone, Copy, Debug, Default)]
pub struct WaysBack {
    /// Some migration has one, be it empty.
    pub is_used: bool,
    /// How many migrations have one with something in it; None where not all were read in full.
    pub with_content: Option<usize>,
}

impl Environment {
    pub fn dialects(&self) -> Vec<Dialect> {
        self.evidence.iter().map(|evidence| evidence.dialect).collect()
    }

    /// Whether a migration in another language, which is not read, comes before this one: it may have done anything.
    pub fn follows_unread(&self, index: Index) -> bool {
        let own = numbered::version_order(&self.migrations[index].id);
        self.unread_versions.iter().any(|version| numbered::version_order(version) < own)
    }

    /// Whether a migration is one of several that a migration of pop was cut into, which go forth and back as a whole:
    /// their versions have 14 digits in common, and their titles are the same.
    pub fn is_slice(&self, index: Index) -> bool {
        if !matches!(self.framework, Framework::Pop | Framework::Popx) {
            return false;
        }
        let parts = |migration: &Migration| {
            let (version, title) = migration.source.file_name().split_once('_')?;
            let (time, number) = version.split_at_checked(14).filter(|(_, number)| number.len() == 6)?;
            Some((time.to_owned(), number.to_owned(), title.split('.').next().unwrap_or_default().to_owned()))
        };
        let Some((time, number, title)) = parts(&self.migrations[index]) else { return false };
        let (before, behind) = self.migrations.split_at(index);
        let of_time = |other: &&Migration| parts(other).is_some_and(|(own, ..)| own == time);
        let near = before.iter().rev().take_while(of_time).chain(behind.iter().take_while(of_time));
        let is_other = |(_, other, its): (String, String, String)| other != number && its == title;
        near.filter_map(parts).any(is_other)
    }

    /// The migrations whose upgrade names a table, in the order of the history.
    pub fn naming(&self, table: &Name) -> &[Index] {
        let by_table = self.by_table.get_or_init(|| {
            let mut out: HashMap<Name, Vec<Index>> = HashMap::new();
            for &index in &self.history.order {
                for table in self.migrations[index].up.iter().flat_map(|up| &up.steps).filter_map(|step| step.operation.table()) {
                    match out.get_mut(table) {
                        Some(list) if list.last() == Some(&index) => {}
                        Some(list) => list.push(index),
                        None => {
                            out.insert(table.clone(), vec![index]);
                        }
                    }
                }
            }
            out
        });
        by_table.get(table).map_or(&[], Vec::as_slice)
    }

    /// Whether SQLAlchemy is known to use this driver for this dialect.
    pub fn driver(&self, dialect: Dialect) -> Option<&str> {
        self.evidence.iter().find(|evidence| evidence.dialect == dialect)?.driver.as_deref()
    }
}

/// How far above a folder its configuration is looked for.
const LEVELS_UP: usize = 8;

/// A folder and those above it, up to the repository's root.
fn above(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for ancestor in folder.ancestors().take(LEVELS_UP) {
        out.push(ancestor.to_owned());
        if ancestor.join(".git").exists() {
            break;
        }
    }
    out
}

/// The folder and the one above, within the project, whose names may tell the database: `migrations/sqlite`, `sqlite/migrations`.
fn folders_that_name(root: &Path) -> impl Iterator<Item = &Path> {
    root.ancestors().take(2).take_while(|folder| !folder.join(".git").exists())
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// The last part of a path, as users see it.
pub fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A path as users see it: relative to the working directory where it is below it, with forward slashes.
pub fn shown(path: &Path) -> String {
    static HERE: LazyLock<String> = LazyLock::new(|| std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned());
    let text = path.to_string_lossy();
    // As text: path by path this is called for every file.
    let below = text
        .strip_prefix(HERE.as_str())
        .and_then(|rest| if rest.is_empty() { Some(rest) } else { rest.strip_prefix(std::path::MAIN_SEPARATOR) });
    let text = below.map_or(text.clone(), |below| below.to_owned().into());
    let text = if cfg!(windows) { text.replace('\\', "/").into() } else { text };
    if text.is_empty() { ".".to_owned() } else { text.into_owned() }
}

/// Finds every environment that the given paths hold or belong to. All paths in the result are absolute.
///
/// A folder stands for every environment below it; a file, or a folder inside an environment, for the
/// environment it belongs to, of which then only that part is judged.
///
/// # Errors
/// A path that does not exist.
pub fn discover(paths: &[PathBuf], exclude: &GlobSet, base: Option<&Path>) -> Result<Discovery, String> {
    let mut out = Discovery::default();
    let mut whole = Vec::new();
    let mut parts: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in paths {
        let absolute = std::path::absolute(path).map(|path| plain(&path)).map_err(|error| error.to_string())?;
        match std::fs::metadata(&absolute) {
            Err(error) => return Err(format!("{}: {}", printable(&shown(&absolute)), error.kind())),
            Ok(found) => match alembic::environment_around(&absolute).or_else(|| alembic::configured_around(&absolute)) {
                Some(root) if root != absolute => parts.entry(root).or_default().push(absolute),
                None if found.is_file() => parts.entry(numbered::root_of(&absolute)).or_default().push(absolute),
                _ => whole.push(absolute),
            },
        }
    }
    for root in whole {
        let tree = walk::walk(&root, exclude, base);
        out.add(tree, &[root], None);
    }
    for (root, judged) in parts {
        let tree = walk::walk(&root, exclude, base);
        out.add(tree, &[root], Some(&judged));
    }
    out.layouts.sort_by(|a, b| a.root.cmp(&b.root));
    let same_files = |a: &Layout, b: &Layout| a.files.iter().map(|file| &file.path).eq(b.files.iter().map(|file| &file.path));
    out.layouts.dedup_by(|a, b| a.root == b.root && a.framework == b.framework && same_files(a, b));
    Ok(out)
}

/// What discovery found.
#[derive(Debug, Default)]
pub struct Discovery {
    pub layouts: Vec<Layout>,
    /// Folders and files that could not be opened, with the reason.
    pub problems: Vec<(PathBuf, String)>,
}

impl Discovery {
    fn add(&mut self, tree: walk::Tree, roots: &[PathBuf], judged: Option<&[PathBuf]>) {
        let mut layouts = alembic::layouts(&tree.python, &tree.settings, roots);
        // SQL beside the scripts belongs to them, unless the scripts sit at the root of a whole project.
        let is_project = |root: &Path| [".git", "pyproject.toml", "alembic.ini"].iter().any(|name| root.join(name).exists());
        let taken: Vec<PathBuf> =
            layouts.iter().filter(|layout| !is_project(&layout.root)).map(|layout| layout.root.clone()).collect();
        let inside_alembic = |file: &PathBuf| taken.iter().any(|root| file.starts_with(root));
        let problems = tree.problems;
        let sql: Vec<PathBuf> = tree.sql.into_iter().filter(|file| !inside_alembic(file)).collect();
        layouts.extend(numbered::layouts(sql, roots));
        if let Some(judged) = judged {
            for candidate in layouts.iter_mut().flat_map(|layout| &mut layout.files) {
                candidate.judged = judged.iter().any(|path| candidate.path.starts_with(path));
            }
            layouts.retain(|layout| layout.files.is_empty() || layout.files.iter().any(|candidate| candidate.judged));
        }
        self.problems.extend(layouts.iter().flat_map(|layout| layout.left_out.iter().cloned()));
        layouts.retain(|layout| !layout.files.is_empty());
        self.layouts.extend(layouts);
        self.problems.extend(problems);
    }
}
