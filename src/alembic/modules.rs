//! Python modules of the project that migration scripts import their helpers from.
//!
//! They are found by reading import lines as text, so that a script need not be parsed twice, and parsed
//! once for all scripts of an environment.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustpython_parser::ast::Suite;

use super::connection::is_library;
use super::python;
use crate::source::Source;

/// Larger modules hold an application, not helpers.
const LARGEST_BYTES: u64 = 256 * 1024;
/// More modules than any environment's helpers have.
const MOST_MODULES: usize = 200;

/// A parsed module.
pub struct Module {
    pub source: Arc<Source>,
    pub body: Suite,
    folder: PathBuf,
}

/// The project's modules that scripts can reach, by file.
#[derive(Default)]
pub struct Modules {
    by_file: HashMap<PathBuf, Module>,
    /// Folders in which absolute imports are looked for, nearest first.
    roots: Vec<PathBuf>,
}

impl Modules {
    /// Loads what `scripts` (their folder and text) import, and what those import.
    pub fn load<'s>(scripts: impl Iterator<Item = (&'s Path, &'s str)>, roots: &[PathBuf]) -> Self {
        let mut modules = Modules { by_file: HashMap::new(), roots: roots.to_vec() };
        let mut open: BTreeSet<PathBuf> = BTreeSet::new();
        let mut asked: BTreeSet<(PathBuf, String)> = BTreeSet::new();
        for (folder, text) in scripts {
            modules.imports(folder, text, &mut asked, &mut open);
        }
        while let Some(file) = open.pop_first() {
            if modules.by_file.len() >= MOST_MODULES || modules.by_file.contains_key(&file) {
                continue;
            }
            let small = std::fs::metadata(&file).is_ok_and(|found| found.len() <= LARGEST_BYTES);
            let Some(text) = small.then(|| std::fs::read_to_string(&file).ok()).flatten() else { continue };
            let folder = file.parent().map(Path::to_owned).unwrap_or_default();
            modules.imports(&folder, &text, &mut asked, &mut open);
            let source = Arc::new(Source::new(crate::project::shown(&file), text));
            if let Ok(body) = python::parse(&source) {
                modules.by_file.insert(file, Module { source, body, folder });
            }
        }
        modules
    }

    /// The module that `name`, with leading dots where it is relative, means in a file of `folder`.
    pub fn find(&self, folder: &Path, name: &str) -> Option<&Module> {
        if self.by_file.is_empty() {
            return None;
        }
        let mut candidates = candidates(folder, name, &self.roots);
        candidates.find_map(|file| self.by_file.get(&file))
    }

    /// Adds the files of this text's imports to `open`.
    fn imports(&self, folder: &Path, text: &str, asked: &mut BTreeSet<(PathBuf, String)>, open: &mut BTreeSet<PathBuf>) {
        for line in imports_of(text) {
            let names: Vec<String> = if let Some(rest) = line.strip_prefix("from ") {
                let Some((module, imported)) = rest.split_once(" import ") else { continue };
                let module = module.trim();
                if is_library(module) {
                    continue;
                }
                let inner = imported.split('#').next().unwrap_or_default().replace(['(', ')'], "");
                let joined =
                    |name: &str| if module.ends_with('.') { format!("{module}{name}") } else { format!("{module}.{name}") };
                let parts = inner.split(',').filter_map(|part| part.split_whitespace().next().map(joined));
                std::iter::once(module.to_owned()).chain(parts).collect()
            } else if let Some(rest) = line.strip_prefix("import ") {
                rest.split(',').filter_map(|part| part.split_whitespace().next().map(str::to_owned)).collect()
            } else {
                continue;
            };
            for name in names.into_iter().filter(|name| !is_library(name)) {
                // Absolute imports mean the same from everywhere.
                let base = if name.starts_with('.') { folder.to_owned() } else { PathBuf::new() };
                if asked.insert((base, name.clone())) {
                    open.extend(candidates(folder, &name, &self.roots).find(|file| file.is_file()));
                }
            }
        }
    }
}

/// The lines that hold `import `, without the spaces in front of them.
fn imports_of(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let at = memchr::memmem::find(rest.as_bytes(), b"import ")?;
        let start = memchr::memrchr(b'\n', &rest.as_bytes()[..at]).map_or(0, |newline| newline + 1);
        let end = memchr::memchr(b'\n', &rest.as_bytes()[at..]).map_or(rest.len(), |newline| at + newline);
        let line = &rest[start..end];
        rest = &rest[end..];
        Some(line.trim_start())
    })
}

impl Module {
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The files that could be meant.
fn candidates<'c>(folder: &'c Path, name: &str, roots: &'c [PathBuf]) -> impl Iterator<Item = PathBuf> + use<'c> {
    let dots = name.len() - name.trim_start_matches('.').len();
    let relative: PathBuf = name[dots..].split('.').filter(|part| !part.is_empty()).collect();
    let bases: Vec<PathBuf> = match dots {
        0 => std::iter::once(folder.to_owned()).chain(roots.iter().cloned()).collect(),
        _ => folder.ancestors().nth(dots - 1).map(Path::to_owned).into_iter().collect(),
    };
    let files = move |base: PathBuf| {
        let stem = base.join(&relative);
        [stem.with_extension("py"), stem.join("__init__.py")]
    };
    bases.into_iter().flat_map(files)
}
