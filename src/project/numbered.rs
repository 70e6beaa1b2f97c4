//! Folders of SQL files: which tool's, in which order, and which file undoes which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::conduct::KnownBy;
use super::conventions::Framework;
use super::detect::{by_words, framework};
use super::journal::in_other_languages;
use super::{Candidate, Layout, above, dialect, file_name, folders_that_name};
use crate::dialect::{not_modelled, not_modelled_in_folder};
use crate::operation::Dialect;

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
    /// Whether a name begins with a number, after Flyway's letter; its repeatable files have none.
    fn is_numbered(file: &Path) -> bool {
        let name = file.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
        if name.starts_with(b"R__") && name.ends_with(b".sql") {
            return true;
        }
        let digits = match name {
            [b'V' | b'v' | b'U' | b'B', rest @ ..] => rest,
            name => name,
        };
        digits.first().is_some_and(u8::is_ascii_digit) && name.ends_with(b".sql")
    }

    /// Reads `000004_name.up.sql`, `V1_2__name.sql`, `00001-name.sqlite.sql`; None without a number in front.
    pub fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".sql")?;
        let ending = |ending: &str| stem.strip_suffix(ending);
        // yoyo calls it a rollback.
        let (stem, direction) = match (ending(".up"), ending(".down").or_else(|| ending(".rollback"))) {
            (Some(stem), _) => (stem, Some(Side::Up)),
            (_, Some(stem)) => (stem, Some(Side::Down)),
            _ => (stem, None),
        };
        // Flyway's undo files.
        let direction = if stem.starts_with('U') { Some(Side::Down) } else { direction };
        let numbered = stem.strip_prefix(['V', 'v', 'U', 'B']).unwrap_or(stem);
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

/// Numbers compare as numbers, however many zeros stand in front; Flyway's 1.0 is its 1.
pub(super) fn version_order(version: &str) -> Vec<u128> {
    let mut out: Vec<u128> = version.split('.').map(|part| part.parse().unwrap_or(u128::MAX)).collect();
    while out.len() > 1 && out.last() == Some(&0) {
        out.pop();
    }
    out
}

/// The folder that stands for the environment of a single file.
pub(super) fn root_of(file: &Path) -> PathBuf {
    group_of(file.parent().unwrap_or(file), file)
}

/// A folder, or the one above where the folder is itself a migration, by its name and by the file in it.
fn group_of(folder: &Path, file: &Path) -> PathBuf {
    match (folder.parent(), folder_version(folder, file)) {
        (Some(above), Some(_)) => above.to_owned(),
        _ => folder.to_owned(),
    }
}

/// The version in the name of a folder that is itself a migration or a step of versions (Prisma, deltas).
fn folder_version(folder: &Path, file: &Path) -> Option<String> {
    let name = folder.file_name()?.to_string_lossy().into_owned();
    // diesel writes dates with dashes: 2024-01-31-120000_name
    let head = name.split('_').next().unwrap_or_default();
    let digits: String = head.chars().filter(|c| *c != '-').collect();
    let is_number =
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && name.starts_with(|c: char| c.is_ascii_digit());
    // Prisma's `0_init/migration.sql`, diesel's `0001_init/up.sql`: the file says what the folder is.
    let holds_one = file.file_name().is_some_and(|name| name == "migration.sql" || name == "up.sql" || name == "down.sql");
    let is_step = head.len() == name.len() || digits.len() >= 14 || holds_one;
    // `0.10/01__name.sql`: a release, and its steps.
    let release = name.strip_prefix('v').unwrap_or(&name);
    let is_release = release.contains('.')
        && release.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        && FileName::is_numbered(file);
    if is_release { Some(release.to_owned()) } else { (is_number && is_step).then_some(digits) }
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
                    groups.entry(group_of(&folder, &list[0])).or_default().extend(list);
                }
                current = Some((file.parent().map(Path::to_owned).unwrap_or_default(), vec![file]));
            }
        }
    }
    if let Some((folder, list)) = current {
        groups.entry(group_of(&folder, &list[0])).or_default().extend(list);
    }
    let mut out = Vec::new();
    for (root, mut files) in groups {
        let numbered =
            |file: &PathBuf| FileName::is_numbered(file) || folder_version(file.parent().unwrap_or(file), file).is_some();
        let named = roots.contains(&root);
        let some_numbered = files.iter().any(numbered);
        // Liquibase's files may have any name, and say what they are; yoyo's say what they depend on.
        let told = if some_numbered { None } else { by_words(&files) };
        if !some_numbered && !named && told.is_none() {
            continue;
        }
        // Beside numbered files, others are dumps and seeds.
        if some_numbered {
            files.retain(numbered);
        }
        let (framework, known_by) = match told {
            Some(framework) => (framework, KnownBy::Evidence),
            None => framework(&root, &files),
        };
        let elsewhere = for_other_products(&root, &mut files);
        let baselines = if framework == Framework::Flyway { superseded(&mut files) } else { Vec::new() };
        let unread = in_other_languages(&root, framework);
        let reason = |language| format!("a migration in {language}, which is not read");
        out.push(Layout {
            evidence_from: above(&root),
            left_out: unread
                .iter()
                .map(|(path, _, language)| (path.clone(), reason(language)))
                .chain(
                    baselines
                        .into_iter()
                        .map(|path| (path, "a baseline of versions that are here: it never runs after them".to_owned())),
                )
                .chain(elsewhere)
                .collect(),
            unread_versions: unread.into_iter().map(|(_, version, _)| version).collect(),
            framework,
            files: files.into_iter().map(Candidate::new).collect(),
            urls: Vec::new(),
            known_by,
            transaction: None,
            root,
        });
    }
    out
}

/// Files for databases that are not modelled, by their names or their folder's, taken out; with the reason.
fn for_other_products(root: &Path, files: &mut Vec<PathBuf>) -> Vec<(PathBuf, String)> {
    let names_ours = |folder: &&Path| Dialect::in_folder_name(&file_name(folder)).is_some();
    let of_folder = folders_that_name(root)
        .take_while(|folder| !names_ours(folder))
        .find_map(|folder| not_modelled_in_folder(&file_name(folder)));
    let mut out = Vec::new();
    files.retain(|file| {
        let product = of_folder.or_else(|| dialect::database_word(&file_name(file)).and_then(not_modelled));
        out.extend(product.map(|product| (file.clone(), format!("it is for {product}, which is not modelled"))));
        product.is_none()
    });
    out
}

/// Flyway's baselines that the versioned files beside them make superfluous, taken out.
fn superseded(files: &mut Vec<PathBuf>) -> Vec<PathBuf> {
    let versioned: Vec<Vec<u128>> = files
        .iter()
        .filter(|file| !file_name(file).starts_with(['B', 'U', 'R']))
        .filter_map(|file| FileName::parse(&file_name(file)))
        .map(|name| version_order(&name.version))
        .collect();
    let is_superseded = |file: &PathBuf| {
        let own = FileName::parse(&file_name(file)).map(|name| version_order(&name.version));
        file_name(file).starts_with('B') && own.is_some_and(|own| versioned.iter().any(|version| *version <= own))
    };
    let (out, rest) = std::mem::take(files).into_iter().partition(is_superseded);
    *files = rest;
    out
}

/// Where a file stands in its environment.
pub(super) struct Version {
    pub id: String,
    /// Files of one version compare equal; where the tool goes by names, the name decides.
    pub order: (Vec<u128>, String),
    pub side: Option<Side>,
    pub title: String,
}

/// The version of a file for a tool that has other ways with names than the usual: ids that are whole names, refinery's
/// `U` that is a migration out of order.
pub(super) fn version_for(framework: Framework, root: &Path, file: &Path) -> Version {
    let usual = version_of(root, file);
    match framework {
        Framework::Yoyo => by_whole_name(file, &[(".rollback", Side::Down)]),
        // Its patterns read any character for the dot.
        Framework::MaragudkMigrate => {
            by_whole_name(file, &[(".up", Side::Up), ("_up", Side::Up), (".down", Side::Down), ("_down", Side::Down)])
        }
        Framework::Refinery => Version { side: None, ..usual },
        Framework::Plain => match date_and_time(&file_name(file)) {
            Some(version) => {
                Version { order: (version_order(&version.replace(['-', '_'], ".")), String::new()), id: version, ..usual }
            }
            None => usual,
        },
        _ => usual,
    }
}

/// The id is the name without its ending, and orders the files.
fn by_whole_name(file: &Path, endings: &[(&str, Side)]) -> Version {
    let name = file_name(file);
    let stem = name.strip_suffix(".sql").unwrap_or(&name);
    let ending = endings.iter().find_map(|(ending, side)| Some((stem.strip_suffix(ending)?, *side)));
    let (id, side) = ending.map_or((stem, None), |(id, side)| (id, Some(side)));
    Version { order: (Vec::new(), id.to_owned()), id: id.to_owned(), side, title: String::new() }
}

/// `20240131-120000`, `20240131_1200` at the start of a name: one version, not a day's.
fn date_and_time(name: &str) -> Option<String> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let date = digits(name);
    let time = name.get(date + 1..).map_or(0, digits);
    let is_both = date == 8 && name[date..].starts_with(['-', '_']) && (time == 4 || time == 6);
    is_both.then(|| name[..date + 1 + time].to_owned())
}

/// The version of a file: its own number, its folder's name (Prisma), the number of its folder and its own
/// name (folders of deltas), or its name alone.
pub(super) fn version_of(root: &Path, file: &Path) -> Version {
    let name = file_name(file);
    let stem = name.strip_suffix(".sql").unwrap_or(&name).to_owned();
    let folder = file.parent().filter(|folder| *folder != root);
    let in_folder =
        folder.and_then(|folder| Some((folder.file_name()?.to_string_lossy().into_owned(), folder_version(folder, file)?)));
    match (in_folder, FileName::parse(&name)) {
        (Some((_, number)), _) if stem == "up" || stem == "down" => {
            let side = if stem == "up" { Side::Up } else { Side::Down };
            // diesel compares them letter by letter, as Prisma does its folders.
            Version { order: (Vec::new(), number.clone()), id: number, side: Some(side), title: String::new() }
        }
        (Some((folder, number)), _) => {
            let (id, number) = match name == "migration.sql" {
                true => (folder.clone(), Vec::new()),
                false => (format!("{folder}/{stem}"), version_order(&number)),
            };
            Version { order: (number, id.clone()), id, side: None, title: stem }
        }
        (None, Some(own)) => Version {
            order: (version_order(&own.version), String::new()),
            id: own.version,
            side: own.direction,
            title: own.title,
        },
        (None, None) if stem.starts_with("R__") => {
            let title = stem["R__".len()..].to_owned();
            Version { order: (vec![u128::MAX], title.clone()), id: stem, side: None, title }
        }
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
        assert_eq!(root_of(Path::new("/m/2024-01-31-120000_init/up.sql")), Path::new("/m"));
        assert_eq!(version_of(Path::new("/m"), Path::new("/m/2024-01-31-120000_init/down.sql")).id, "20240131120000");
        assert_eq!(root_of(Path::new("/m/2024 notes/01foo.sql")), Path::new("/m/2024 notes"));
        assert_eq!(version_of(Path::new("/m"), Path::new("/m/58/01foo.sql")).id, "58/01foo");
        assert_eq!(version_of(Path::new("/m"), Path::new("/m/20240101000000_init/migration.sql")).id, "20240101000000_init");
    }
}
