//! Which files there are, as Git and people see them.

use std::path::{Path, PathBuf};

use globset::GlobSet;
use ignore::WalkBuilder;

/// Folders that hold other people's code.
const NEVER: &[&str] = &["node_modules", "__pycache__", "site-packages", "target", "__pypackages__"];

/// What a walk found; files in order, so that every run sees the same.
#[derive(Debug, Default)]
pub struct Tree {
    pub python: Vec<PathBuf>,
    pub sql: Vec<PathBuf>,
    /// Files that may configure an environment.
    pub settings: Vec<PathBuf>,
    /// Folders and files that could not be opened, with the reason.
    pub problems: Vec<(PathBuf, String)>,
}

/// Lists Python, SQL and configuration files below `root`. `.gitignore` is honoured with or without a
/// repository; symbolic links are not followed, so there are no loops.
/// Globs of `exclude` are relative to `base`, else to `root`.
pub fn walk(root: &Path, exclude: &GlobSet, base: Option<&Path>) -> Tree {
    let mut tree = Tree::default();
    let is_excluded = |path: &Path| {
        if exclude.is_empty() {
            return false;
        }
        let relative = base.and_then(|base| path.strip_prefix(base).ok()).or_else(|| path.strip_prefix(root).ok());
        exclude.is_match(relative.unwrap_or(path))
    };
    for entry in builder(root).build() {
        match entry {
            Ok(entry) => {
                let path = entry.path();
                let list = match path.extension().map(std::ffi::OsStr::as_encoded_bytes) {
                    Some(b"py") => &mut tree.python,
                    Some(b"sql") => &mut tree.sql,
                    Some(b"ini" | b"toml") => &mut tree.settings,
                    _ => continue,
                };
                if entry.file_type().is_some_and(|kind| kind.is_dir()) || is_excluded(path) {
                    continue;
                }
                // What the folder's listing already says is not asked again: it would be a call for every file.
                let is_plain = entry.file_type().is_some_and(|kind| kind.is_file());
                match !is_plain && is_special(path) {
                    true => tree.problems.push((path.to_owned(), "it is no regular file".to_owned())),
                    false => list.push(path.to_owned()),
                }
            }
            Err(error) => {
                let path = path_of(&error).unwrap_or_else(|| root.to_owned());
                let reason = error.io_error().map_or_else(|| error.to_string(), |error| error.kind().to_string());
                tree.problems.push((path, reason));
            }
        }
    }
    // Byte order is what Alembic sorts file names by, and faster than component by component.
    for list in [&mut tree.python, &mut tree.sql, &mut tree.settings] {
        list.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    }
    tree
}

fn builder(root: &Path) -> WalkBuilder {
    let mut builder = WalkBuilder::new(root);
    builder.require_git(false).follow_links(false).hidden(true);
    builder.filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        !(entry.depth() > 0 && entry.file_type().is_some_and(|kind| kind.is_dir()) && is_foreign(&name, entry.path()))
    });
    builder
}

/// The files of one ending below a folder, so many levels deep.
pub(super) fn with_ending(root: &Path, ending: &'static str, deep: Option<usize>) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = builder(root).max_depth(deep).build().flatten().map(ignore::DirEntry::into_path);
    entries.filter(move |path| path.extension().is_some_and(|extension| extension == ending))
}

/// A pipe, a socket or a device, which may never come to an end.
fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir())
}

fn is_foreign(name: &str, path: &Path) -> bool {
    NEVER.contains(&name) || path.join("pyvenv.cfg").exists()
}

fn path_of(error: &ignore::Error) -> Option<PathBuf> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path.clone()),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}
