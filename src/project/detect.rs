//! Which tool runs a folder of SQL files: by what it leaves beside them, by their names, by the markers in them, by
//! the project's manifest.

use std::path::{Path, PathBuf};

use super::conduct::{KnownBy, known_by};
use super::conventions::{CONVENTIONS, Convention, Framework, Names};
use super::numbered::FileName;
use super::sections::{opens, opens_alone};
use super::{above, dialect, file_name};
use crate::dialect::not_modelled;
use crate::operation::Dialect;

/// How many files are read for markers: a project does not mix tools in a folder.
const LOOKED_INTO: usize = 4;

/// The tool whose files these are, and what says so; [`Framework::Plain`] where nothing tells.
pub(super) fn framework(root: &Path, files: &[PathBuf]) -> (Framework, KnownBy) {
    let shape = shape(files);
    let fits = |convention: &&Convention| convention.framework != Framework::Alembic && convention.names.contains(&shape);
    let candidates: Vec<&Convention> = CONVENTIONS.iter().filter(fits).collect();
    let beside = |convention: &&&Convention| convention.traces.iter().any(|trace| is_trace(root, trace));
    let by_trace = candidates.iter().find(beside);
    let marked = || {
        let texts: Vec<String> = files.iter().take(LOOKED_INTO).filter_map(|file| head(file)).collect();
        candidates.iter().find(|convention| texts.iter().any(|text| has_marker(convention, text)))
    };
    // Where a folder itself says what it was made by, its names need not fit.
    let known = by_trace.or_else(marked).copied().or_else(|| by_manifest(root, &candidates));
    if let Some(convention) = known {
        return (convention.framework, KnownBy::Evidence);
    }
    let guessed = without_evidence(shape, files);
    (guessed, known_by(guessed, &above(root)))
}

/// The tool whose words the files begin with, where their names say nothing.
pub(super) fn by_words(files: &[PathBuf]) -> Option<Framework> {
    let texts: Vec<String> = files.iter().take(LOOKED_INTO).filter_map(|file| head(file)).collect();
    let says = |words: &str| texts.iter().any(|text| text.lines().take(5).any(|line| opens(line, words)));
    if says("liquibase formatted sql") {
        return Some(Framework::Liquibase);
    }
    says("depends:").then_some(Framework::Yoyo)
}

/// What a shape of names stands for when nothing else tells.
fn without_evidence(shape: Names, files: &[PathBuf]) -> Framework {
    // `0001_name.sqlite3.up.sql`
    let is_for_one = |file: &PathBuf| {
        let name = file_name(file);
        dialect::database_word(&name).is_some_and(|word| Dialect::from_name(word).is_some() || not_modelled(word).is_some())
    };
    match shape {
        Names::UpDown if files.iter().any(is_for_one) => Framework::Pop,
        Names::UpDown => Framework::GolangMigrate,
        Names::Versioned => Framework::Flyway,
        Names::UpDownFolders => Framework::Diesel,
        Names::MigrationFolders => Framework::Prisma,
        Names::Numbered => Framework::Plain,
    }
}

fn shape(files: &[PathBuf]) -> Names {
    let names: Vec<String> = files.iter().map(|file| file_name(file)).collect();
    let parsed = || names.iter().filter_map(|name| FileName::parse(name));
    if !names.is_empty() && names.iter().all(|name| name == "migration.sql") {
        Names::MigrationFolders
    } else if names.iter().all(|name| name == "up.sql" || name == "down.sql") {
        Names::UpDownFolders
    } else if names.iter().any(|name| name.starts_with(['V', 'R', 'B']) && name.contains("__")) {
        Names::Versioned
    } else if parsed().any(|name| name.direction.is_some()) {
        Names::UpDown
    } else {
        Names::Numbered
    }
}

/// Traces stand in the folder itself, or, where they are a tool's configuration, in one above.
fn is_trace(root: &Path, trace: &str) -> bool {
    if let Some(above) = trace.strip_prefix("../") {
        // Supabase's configuration has a name that others use too; its folder has not.
        let parent = root.parent().filter(|parent| parent.ends_with("supabase"));
        return root.ends_with("supabase/migrations") || parent.is_some_and(|parent| parent.join(above).exists());
    }
    let is_configuration = trace.ends_with("toml") && *trace != *"migration_lock.toml"
        || trace.contains("config")
        || trace.ends_with("conf")
        || trace.ends_with("ini")
        || trace.starts_with('.');
    if is_configuration { above(root).iter().any(|folder| folder.join(trace).exists()) } else { root.join(trace).exists() }
}

/// The beginning of a file, where markers and directives stand.
fn head(file: &Path) -> Option<String> {
    std::fs::read(file).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn has_marker(convention: &Convention, text: &str) -> bool {
    if convention.framework == Framework::Liquibase {
        return text.lines().take(5).any(|line| opens(line, "liquibase formatted sql"));
    }
    if convention.framework == Framework::Drizzle {
        return text.contains("--> statement-breakpoint");
    }
    if convention.framework == Framework::Sqlx {
        // What `sqlx migrate add` writes into a new file.
        let templates = ["Add migration script here", "Add up migration script here", "Add down migration script here"];
        return text.lines().take(1).any(|line| templates.iter().any(|template| opens(line, template)));
    }
    let markers = [convention.up_marker, convention.down_marker];
    let has = |marker: &str| !marker.is_empty() && text.lines().any(|line| opens_alone(line, marker));
    markers.into_iter().any(has)
}

/// The nearest manifest that names a tool decides: in a repository of several services each has its own.
fn by_manifest<'c>(root: &Path, candidates: &[&'c Convention]) -> Option<&'c Convention> {
    above(root).iter().find_map(|folder| {
        candidates.iter().copied().find(|convention| {
            convention.packages.iter().any(|(package, manifest)| {
                std::fs::read_to_string(folder.join(manifest)).is_ok_and(|text| dialect::mentions(&text, package))
            })
        })
    })
}
