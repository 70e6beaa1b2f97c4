//! Finds Alembic environments: from configuration, from `env.py`, or from revision files alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::conduct::KnownBy;
use super::conventions::Framework;
use super::{Candidate, LEVELS_UP, Layout, plain};
use crate::alembic::ini::{self, Config};
use crate::operation::Dialect;

/// Folders that usually hold revision files, where neither an ini file nor env.py says so.
const USUAL_FOLDERS: &[&str] = &["versions", "migrations", "revisions", "alembic"];

/// Every Alembic environment among Python files and files of settings. `roots` are the paths that the user named.
pub fn layouts(python: &[PathBuf], settings: &[PathBuf], roots: &[PathBuf]) -> Vec<Layout> {
    let folders = Folders::new(python);
    let mut found: BTreeMap<Vec<PathBuf>, Layout> = BTreeMap::new();
    let mut claimed: BTreeSet<PathBuf> = BTreeSet::new();

    for config in configs(settings, roots) {
        let Some(location) = locate(&config.script_location, &config.file) else { continue };
        let named: Vec<PathBuf> = config.version_locations.iter().filter_map(|location| locate(location, &config.file)).collect();
        let versions = if named.is_empty() { vec![location.join("versions")] } else { named };
        let below = folders.below(&versions);
        let (mut loaded, mut beside): (Vec<Folder>, Vec<Folder>) =
            below.into_iter().partition(|folder| config.recursive || versions.contains(folder.path));
        let in_code = || config.version_locations.is_empty() && sets_locations(&location);
        if scripts(&loaded).next().is_none() || (!beside.is_empty() && in_code()) {
            loaded.append(&mut beside);
        }
        let reason = "the configuration does not set recursive_version_locations, so Alembic does not load it";
        let left_out: Vec<(PathBuf, String)> =
            scripts(&beside).filter(|file| looks_like_revision(file)).map(|file| (file.clone(), reason.to_owned())).collect();
        claimed.insert(location.clone());
        claimed.extend(loaded.iter().map(|folder| folder.path.clone()));
        claimed.extend(versions.iter().cloned());
        let scripts: Vec<PathBuf> = scripts(&loaded).cloned().collect();
        if scripts.is_empty() {
            continue;
        }
        let urls = config.url.clone().map(|url| (url, config.file.clone()));
        let whole = Loaded { root: location, versions, scripts };
        for part in if config.recursive { vec![whole] } else { by_database(whole) } {
            let layout = found.entry(part.versions).or_insert_with(|| layout(part.root, part.scripts));
            layout.urls.extend(urls.clone());
            if layout.left_out.is_empty() {
                layout.left_out.clone_from(&left_out);
            }
        }
    }

    for (location, files) in &folders.python {
        if claimed.contains(location) || !files.iter().any(|file| file.ends_with("env.py")) {
            continue;
        }
        let versions = vec![location.join("versions")];
        let below = folders.below(&versions);
        let scripts: Vec<PathBuf> = scripts(&below).cloned().collect();
        if !scripts.is_empty() {
            claimed.extend(below.iter().map(|folder| folder.path.clone()));
            claimed.insert(location.clone());
            for part in by_database(Loaded { root: location.clone(), versions, scripts }) {
                found.entry(part.versions).or_insert_with(|| layout(part.root, part.scripts));
            }
        }
    }

    for (folder, scripts) in &folders.python {
        let usual = folder.file_name().is_some_and(|name| USUAL_FOLDERS.contains(&name.to_string_lossy().as_ref()));
        let named = roots.iter().any(|root| root == folder || root.parent() == Some(folder.as_path()));
        let is_claimed =
            claimed.iter().any(|claim| folder == claim || (folder.starts_with(claim) && !claim.join("alembic.ini").exists()));
        if is_claimed || !(usual || named) {
            continue;
        }
        let revisions: Vec<PathBuf> = scripts.iter().filter(|script| looks_like_revision(script)).cloned().collect();
        if !revisions.is_empty() {
            found.entry(vec![folder.clone()]).or_insert_with(|| layout(folder.clone(), revisions));
        }
    }
    found.into_values().collect()
}

/// Whether env.py or a module beside the script folder gives Alembic its `version_locations`, as OpenStack's projects do.
fn sets_locations(location: &Path) -> bool {
    let beside = location.parent().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let modules = beside.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|extension| extension == "py"));
    let says = |text: &[u8]| memchr::memmem::find(text, b"version_locations").is_some();
    std::iter::once(location.join("env.py")).chain(modules).any(|file| std::fs::read(file).is_ok_and(|text| says(&text)))
}

/// What Alembic loads as one history.
struct Loaded {
    /// The folder that users know it by.
    root: PathBuf,
    /// Its version locations.
    versions: Vec<PathBuf>,
    scripts: Vec<PathBuf>,
}

/// `versions/sqlite` and `versions/postgresql`, of which env.py gives Alembic the one that it needs, are histories of their
/// own; one history where some script lies outside of such folders.
fn by_database(whole: Loaded) -> Vec<Loaded> {
    let folder_of = |script: &PathBuf| {
        let below = |folder: &'_ PathBuf| Some(folder.join(script.strip_prefix(folder).ok()?.components().next()?));
        let folder = whole.versions.iter().find_map(below)?;
        Dialect::from_name(&super::file_name(&folder)).map(|_| folder).filter(|folder| folder != script)
    };
    let mut parts: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for script in &whole.scripts {
        match folder_of(script) {
            Some(folder) => parts.entry(folder).or_default().push(script.clone()),
            None => return vec![whole],
        }
    }
    parts.into_iter().map(|(folder, scripts)| Loaded { root: folder.clone(), versions: vec![folder], scripts }).collect()
}

/// The script folder that a file or folder belongs to: the nearest ancestor with `env.py`.
pub fn environment_around(path: &Path) -> Option<PathBuf> {
    path.ancestors().take(LEVELS_UP).find(|folder| folder.join("env.py").is_file()).map(Path::to_owned)
}

/// The folder of a configuration above `path` that has it among its version locations, where these lie
/// outside of the folder with `env.py`.
pub fn configured_around(path: &Path) -> Option<PathBuf> {
    let named = |config: &Config| {
        config
            .version_locations
            .iter()
            .filter_map(|location| locate(location, &config.file))
            .any(|location| path.starts_with(location))
    };
    configs(&[], &[path.join("_")])
        .iter()
        .find(|config| named(config))
        .and_then(|config| config.file.parent().map(Path::to_owned))
}

fn layout(root: PathBuf, scripts: Vec<PathBuf>) -> Layout {
    let evidence_from = super::above(&root);
    Layout {
        root,
        framework: Framework::Alembic,
        files: scripts.into_iter().map(Candidate::new).collect(),
        evidence_from,
        urls: Vec::new(),
        known_by: KnownBy::Evidence,
        transaction: None,
        left_out: Vec::new(),
        unread_versions: Vec::new(),
    }
}

/// Python files by folder.
struct Folders {
    python: BTreeMap<PathBuf, Vec<PathBuf>>,
}

/// One of them.
#[derive(Clone, Copy)]
struct Folder<'f> {
    path: &'f PathBuf,
    files: &'f [PathBuf],
}

impl Folders {
    fn new(files: &[PathBuf]) -> Self {
        let mut python: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        // Files of one folder mostly follow each other.
        for run in files.chunk_by(|a, b| a.parent() == b.parent()) {
            let folder = run[0].parent().map(Path::to_owned).unwrap_or_default();
            python.entry(folder).or_default().extend_from_slice(run);
        }
        Folders { python }
    }

    /// These locations and the folders below them: in order, each once.
    fn below(&self, locations: &[PathBuf]) -> Vec<Folder<'_>> {
        let mut seen = BTreeSet::new();
        let below = |location: &'_ PathBuf| {
            let location = location.clone();
            self.python.range(location.clone()..).take_while(move |(folder, _)| folder.starts_with(&location))
        };
        let folders = locations.iter().flat_map(below).filter(|(path, _)| seen.insert(*path));
        folders.map(|(path, files)| Folder { path, files }).collect()
    }
}

/// The files that Alembic would load from these folders.
fn scripts<'f>(folders: &[Folder<'f>]) -> impl Iterator<Item = &'f PathBuf> + use<'f> {
    let files: Vec<&'f [PathBuf]> = folders.iter().map(|folder| folder.files).collect();
    files.into_iter().flatten().filter(|file| is_script(file))
}

/// Alembic leaves out `__init__.py` and editors' lock files.
fn is_script(file: &Path) -> bool {
    let name = file.file_name().map(std::ffi::OsStr::as_encoded_bytes).unwrap_or_default();
    !name.starts_with(b"__init__") && !name.starts_with(b".#")
}

fn looks_like_revision(file: &Path) -> bool {
    let Ok(bytes) = std::fs::read(file) else { return true };
    is_script(file) && memchr::memmem::find(&bytes, b"down_revision").is_some()
}

/// Configurations in the tree, and above the named paths.
fn configs(settings: &[PathBuf], roots: &[PathBuf]) -> Vec<Config> {
    let may_configure = |file: &&PathBuf| file.extension().is_some_and(|ext| ext == "ini") || file.ends_with("pyproject.toml");
    let mut paths: Vec<PathBuf> = settings.iter().filter(may_configure).cloned().collect();
    for root in roots {
        for folder in root.ancestors().skip(1).take(LEVELS_UP) {
            paths.extend(
                ["alembic.ini", "pyproject.toml"].map(|name| folder.join(name)).into_iter().filter(|path| path.is_file()),
            );
            if folder.join(".git").exists() {
                break;
            }
        }
    }
    let mut out = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        if !seen.insert(path.clone()) {
            continue;
        }
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        if !text.contains("script_location") {
            continue;
        }
        if path.extension().is_some_and(|extension| extension == "ini") {
            out.extend(ini::read_ini(&path, &text).unwrap_or_default());
        } else {
            out.extend(ini::read_pyproject(&path, &text).ok().flatten());
        }
    }
    out
}

/// A location as written, found on disk: absolute, `package:path`, or relative to the file, to a folder
/// above it, or to the working directory, as the project may be run from any of these.
fn locate(location: &str, config: &Path) -> Option<PathBuf> {
    let folder = config.parent()?;
    let path = Path::new(location);
    if path.is_absolute() {
        return path.is_dir().then(|| plain(path));
    }
    let relative: PathBuf = match location.split_once(':') {
        Some((package, rest)) => package.split('.').chain(rest.split(':')).collect(),
        None => path.to_owned(),
    };
    let above = folder.ancestors().take(LEVELS_UP).map(|ancestor| ancestor.join(&relative));
    let in_src = std::iter::once(folder.join("src").join(&relative));
    above.chain(in_src).find(|candidate| candidate.is_dir()).map(|found| plain(&found))
}
