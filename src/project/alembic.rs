//! Finds Alembic environments: from configuration, from `env.py`, or from revision files alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::conventions::Framework;
use super::{Candidate, LEVELS_UP, Layout, plain};
use crate::alembic::ini::{self, Config};

/// Folders that usually hold revision files, where neither an ini file nor env.py says so.
const USUAL_FOLDERS: &[&str] = &["versions", "migrations", "revisions", "alembic"];

/// Every Alembic environment among `files`. `roots` are the paths that the user named.
pub fn layouts(files: &[PathBuf], roots: &[PathBuf]) -> Vec<Layout> {
    let folders = Folders::new(files);
    let mut found: BTreeMap<Vec<PathBuf>, Layout> = BTreeMap::new();
    let mut claimed: BTreeSet<PathBuf> = BTreeSet::new();

    for config in configs(files, roots) {
        let Some(location) = locate(&config.script_location, &config.file) else { continue };
        let named: Vec<PathBuf> = config.version_locations.iter().filter_map(|location| locate(location, &config.file)).collect();
        let versions = if named.is_empty() { vec![location.join("versions")] } else { named };
        let below = folders.scripts(&versions, true);
        let mut scripts = folders.scripts(&versions, config.recursive);
        if scripts.is_empty() {
            // The folder may be filled by env.py's own settings, as OpenStack's projects do.
            scripts.clone_from(&below);
        }
        let loaded: BTreeSet<&PathBuf> = scripts.iter().collect();
        let left_out: Vec<PathBuf> =
            below.into_iter().filter(|file| !loaded.contains(file) && looks_like_revision(file)).collect();
        claimed.insert(location.clone());
        claimed.extend(scripts.iter().filter_map(|script| script.parent().map(Path::to_owned)));
        claimed.extend(versions.iter().cloned());
        if scripts.is_empty() {
            continue;
        }
        let urls = config.url.clone().map(|url| (url, config.file.clone()));
        let layout = found.entry(versions).or_insert_with(|| layout(location, scripts));
        layout.urls.extend(urls);
        if layout.left_out.is_empty() {
            layout.left_out = left_out;
        }
    }

    for env in files.iter().filter(|file| file.file_name().is_some_and(|name| name == "env.py")) {
        let Some(location) = env.parent() else { continue };
        if claimed.contains(location) {
            continue;
        }
        let versions = vec![location.join("versions")];
        let scripts = folders.scripts(&versions, true);
        if !scripts.is_empty() {
            claimed.extend(scripts.iter().filter_map(|script| script.parent().map(Path::to_owned)));
            claimed.insert(location.to_owned());
            found.entry(versions).or_insert_with(|| layout(location.to_owned(), scripts));
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
        left_out: Vec::new(),
    }
}

/// Python files by folder.
struct Folders {
    python: BTreeMap<PathBuf, Vec<PathBuf>>,
}

impl Folders {
    fn new(files: &[PathBuf]) -> Self {
        let mut python: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for file in files {
            if let (Some(folder), true) = (file.parent(), file.extension().is_some_and(|extension| extension == "py")) {
                python.entry(folder.to_owned()).or_default().push(file.clone());
            }
        }
        Folders { python }
    }

    /// The files that Alembic would load from these locations: in order, each once.
    fn scripts(&self, locations: &[PathBuf], recursive: bool) -> Vec<PathBuf> {
        let mut seen = BTreeSet::new();
        let mut out = Vec::new();
        for location in locations {
            let below = self.python.range(location.clone()..).take_while(|(folder, _)| folder.starts_with(location));
            for (_, files) in below.filter(|(folder, _)| recursive || *folder == location) {
                out.extend(files.iter().filter(|file| is_script(file) && seen.insert((*file).clone())).cloned());
            }
        }
        out
    }
}

/// Alembic leaves out `__init__.py` and editors' lock files.
fn is_script(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    !name.starts_with("__init__") && !name.starts_with(".#")
}

fn looks_like_revision(file: &Path) -> bool {
    let Ok(bytes) = std::fs::read(file) else { return true };
    is_script(file) && memchr::memmem::find(&bytes, b"down_revision").is_some()
}

/// Configurations in the tree, and above the named paths.
fn configs(files: &[PathBuf], roots: &[PathBuf]) -> Vec<Config> {
    let mut paths: Vec<PathBuf> = files
        .iter()
        .filter(|file| {
            file.extension().is_some_and(|ext| ext == "ini") || file.file_name().is_some_and(|name| name == "pyproject.toml")
        })
        .cloned()
        .collect();
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
