//! Folders of SQL files: which tool's, in which order, and which file undoes which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::conventions::{CONVENTIONS, Framework};
use super::{Candidate, Layout, above};

/// The parts of a migration's file name.
#[derive(Debug, PartialEq, Eq, Clone)]
pub(super) struct FileName {
    /// As written: `000004`, `20240101120000`, `1.2`.
    pub version: String,
    pub direction: Option<Side>,
    /// What stands between the version and the endings.
    pub title: String,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) enum Side {
    Up,
    Down,
}

impl FileName {
    /// Whether a name begins with a number, after Flyway's letter.
    fn is_numbered(file: &Path) -> bool {
        let name = file.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
        let digits =
            name.strip_prefix(b"V").or_else(|| name.strip_prefix(b"v")).or_else(|| name.strip_prefix(b"U")).unwrap_or(name);
        digits.first().is_some_and(u8::is_ascii_digit) && name.ends_with(b".sql")
    }

    /// Reads `000004_name.up.sql`, `V1_2__name.sql`, `00001-name.sqlite.sql`; None without a number in front.
    pub fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".sql")?;
        let (stem, direction) = match (stem.strip_suffix(".up"), stem.strip_suffix(".down")) {
            (Some(stem), _) => (stem, Some(Side::Up)),
            (_, Some(stem)) => (stem, Some(Side::Down)),
            _ => (stem, None),
        };
        // Flyway's undo files.
        let direction = if stem.starts_with('U') { Some(Side::Down) } else { direction };
        let numbered = stem.strip_prefix(['V', 'v', 'U']).unwrap_or(stem);
        let digits = numbered.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return None;
        }
        // Flyway writes dots as underscores: V1_2__name
        let length = match numbered.find("__") {
            Some(end) if numbered[..end].bytes().all(|byte| byte.is_ascii_digit() || byte == b'_' || byte == b'.') => end,
            _ => digits,
        };
        let title = numbered[length..].trim_start_matches(['_', '-', '.', ' ']).to_owned();
        Some(FileName { version: numbered[..length].replace('_', "."), direction, title })
    }
}

/// Numbers compare as numbers, however many zeros stand in front.
fn version_order(version: &str) -> Vec<u128> {
    version.split('.').map(|part| part.parse().unwrap_or(u128::MAX)).collect()
}

/// The folder that stands for the environment of a single file.
pub(super) fn root_of(file: &Path) -> PathBuf {
    group_of(file.parent().unwrap_or(file))
}

/// A folder, or the one above where the folder is itself a migration.
fn group_of(folder: &Path) -> PathBuf {
    match (folder.parent(), folder_version(folder)) {
        (Some(above), Some(_)) => above.to_owned(),
        _ => folder.to_owned(),
    }
}

/// The version in the name of a folder that is itself a migration or a step of versions (Prisma, deltas).
fn folder_version(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_string_lossy().into_owned();
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    let is_step = digits == name.len() || (digits >= 14 && name.as_bytes().get(digits) == Some(&b'_'));
    (digits > 0 && is_step).then(|| name[..digits].to_owned())
}

/// Groups SQL files into environments.
pub(super) fn layouts(files: Vec<PathBuf>, roots: &[PathBuf]) -> Vec<Layout> {
    // Files of one folder follow each other.
    let mut groups: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    let mut current: Option<(PathBuf, Vec<PathBuf>)> = None;
    for file in files {
        match &mut current {
            Some((folder, list)) if file.parent() == Some(folder) => list.push(file),
            _ => {
                if let Some((folder, list)) = current.take() {
                    groups.entry(group_of(&folder)).or_default().extend(list);
                }
                current = Some((file.parent().map(Path::to_owned).unwrap_or_default(), vec![file]));
            }
        }
    }
    if let Some((folder, list)) = current {
        groups.entry(group_of(&folder)).or_default().extend(list);
    }
    let mut out = Vec::new();
    for (root, mut files) in groups {
        let numbered = |file: &PathBuf| FileName::is_numbered(file) || folder_version(file.parent().unwrap_or(file)).is_some();
        let named = roots.contains(&root);
        let some_numbered = files.iter().any(numbered);
        if !some_numbered && !named {
            continue;
        }
        let framework = framework(&root, &files);
        // Beside numbered files, others are dumps and seeds.
        if some_numbered {
            files.retain(numbered);
        }
        out.push(Layout {
            evidence_from: above(&root),
            framework,
            files: files.into_iter().map(|path| Candidate { path, judged: true }).collect(),
            urls: Vec::new(),
            left_out: Vec::new(),
            root,
        });
    }
    out
}

fn name(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn framework(root: &Path, files: &[PathBuf]) -> Framework {
    if root.join("migration_lock.toml").exists() || files.iter().all(|file| name(file) == "migration.sql") {
        return Framework::Prisma;
    }
    let flyway = |file: &PathBuf| name(file).starts_with('V') && name(file).contains("__");
    if files.iter().any(flyway) {
        return Framework::Flyway;
    }
    if files.iter().any(|file| FileName::parse(&name(file)).is_some_and(|name| name.direction.is_some())) {
        return Framework::GolangMigrate;
    }
    // A few files tell: a project does not mix tools in a folder.
    let texts: Vec<String> = files
        .iter()
        .take(4)
        .filter_map(|file| std::fs::read(file).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    let opens = |line: &str, marker: &str| {
        line.trim_start_matches('\u{feff}')
            .trim()
            .strip_prefix("--")
            .is_some_and(|comment| starts_with(comment.trim_start(), marker))
    };
    let has = |marker: &str| !marker.is_empty() && texts.iter().any(|text| text.lines().any(|line| opens(line, marker)));
    CONVENTIONS.iter().find(|convention| has(convention.up_marker)).map_or(Framework::Plain, |found| found.framework)
}

/// Whether a comment begins with a tool's marker, in any case.
pub(super) fn starts_with(comment: &str, marker: &str) -> bool {
    comment.get(..marker.len()).is_some_and(|head| head.eq_ignore_ascii_case(marker))
}

/// Where a file stands in its environment.
pub(super) struct Version {
    pub id: String,
    /// Files of one version compare equal; where the tool goes by names, the name decides.
    pub order: (Vec<u128>, String),
    pub side: Option<Side>,
    pub title: String,
}

/// The version of a file: its own number, its folder's name (Prisma), the number of its folder and its own
/// name (folders of deltas), or its name alone.
pub(super) fn version_of(root: &Path, file: &Path) -> Version {
    let name = name(file);
    let stem = name.strip_suffix(".sql").unwrap_or(&name).to_owned();
    let folder = file.parent().filter(|folder| *folder != root);
    let in_folder = folder.and_then(|folder| Some((folder.file_name()?.to_string_lossy().into_owned(), folder_version(folder)?)));
    match (in_folder, FileName::parse(&name)) {
        (Some((folder, number)), _) => {
            let id = if name == "migration.sql" { folder.clone() } else { format!("{folder}/{stem}") };
            Version { order: (version_order(&number), id.clone()), id, side: None, title: stem }
        }
        (None, Some(own)) => Version {
            order: (version_order(&own.version), String::new()),
            id: own.version,
            side: own.direction,
            title: own.title,
        },
        (None, None) => Version { order: (vec![u128::MAX], stem.clone()), id: stem, side: None, title: String::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_tell_version_direction_and_title() {
        let parsed = FileName::parse("000004_add_index.up.sql").unwrap();
        assert_eq!((parsed.version.as_str(), parsed.direction, parsed.title.as_str()), ("000004", Some(Side::Up), "add_index"));
        assert_eq!(FileName::parse("V1_2__name.sql").unwrap().version, "1.2");
        assert_eq!(FileName::parse("00001-name.sqlite.sql").unwrap().title, "name.sqlite");
        assert_eq!(FileName::parse("schema.sql"), None);
    }

    #[test]
    fn folders_can_carry_the_version() {
        assert_eq!(root_of(Path::new("/m/20240101000000_init/migration.sql")), Path::new("/m"));
        assert_eq!(root_of(Path::new("/m/58/01foo.sql")), Path::new("/m"));
        assert_eq!(root_of(Path::new("/m/2024 notes/01foo.sql")), Path::new("/m/2024 notes"));
        assert_eq!(version_of(Path::new("/m"), Path::new("/m/58/01foo.sql")).id, "58/01foo");
        assert_eq!(version_of(Path::new("/m"), Path::new("/m/20240101000000_init/migration.sql")).id, "20240101000000_init");
    }
}
