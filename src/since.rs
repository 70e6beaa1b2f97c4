//! What only shows against another revision of the repository: history that was rewritten, heads that will be.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::alembic::script;
use crate::config::Settings;
use crate::finding::Finding;
use crate::migration::Migration;
use crate::project::conventions::Framework;
use crate::project::git::{Change, Since, absolute};
use crate::project::{Environment, file_name};
use crate::rule::Found;
use crate::rules;
use crate::source::{Source, Span};

/// Leaves only migrations to be judged that are new since the revision.
pub fn narrow(environments: &mut [Environment], since: &Since) {
    for migration in environments.iter_mut().flat_map(|environment| &mut environment.migrations) {
        let is_new = |source: &Arc<Source>| matches!(since.changes.get(&absolute(source.path())), Some(Change::Added));
        let any = is_new(&migration.source) || migration.scripts().any(|(_, script)| is_new(&script.source));
        migration.judged &= any;
    }
}

/// Findings about one environment that need both revisions.
pub fn findings(environment: &Environment, since: &Since, settings: &Settings) -> Vec<Finding> {
    let mut out = edited(environment, since, settings);
    out.extend(out_of_order(environment, since, settings));
    out.extend(future_heads(environment, since, settings));
    out
}

fn found<'a>(rule: &str, environment: &'a Environment, settings: &Settings) -> Option<Found<'a>> {
    let rule = rules::find(rule)?;
    let anywhere = environment.migrations.first().map_or_else(Arc::default, |first| first.source.clone());
    Some(Found::new(rule, settings.severity_of(rule)?, anywhere, &environment.root))
}

/// Migrations that the revision has already, and that are not as they were there.
fn edited(environment: &Environment, since: &Since, settings: &Settings) -> Vec<Finding> {
    let Some(mut found) = found("edited_migration", environment, settings) else { return Vec::new() };
    let help = "put it back as it was, and write a new migration for the change";
    let mut told = BTreeSet::new();
    let mut files: Vec<(&Arc<Source>, &Migration, Span)> = Vec::new();
    for migration in &environment.migrations {
        files.push((&migration.source, migration, migration.id_span));
        files.extend(migration.scripts().map(|(_, script)| (&script.source, migration, script.head)));
    }
    for (source, migration, at) in files {
        let path = absolute(source.path());
        let message = match since.changes.get(&path) {
            Some(Change::Modified) => format!(
                "`{}` was changed, and `{}` has it already: databases that ran it will not run it again",
                migration.id,
                since.name()
            ),
            Some(Change::RenamedFrom(old)) => {
                format!("`{}` was renamed from {}, and `{}` has it already", source.file_name(), file_name(old), since.name())
            }
            _ => continue,
        };
        if told.insert(path) {
            found.in_file(source, at, message).of(migration).help(help);
        }
    }
    let root = absolute(&environment.root);
    let is_migration = |path: &Path| match environment.framework {
        Framework::Alembic => {
            path.extension().is_some_and(|ending| ending == "py") && path.components().any(|part| part.as_os_str() == "versions")
        }
        _ => path.extension().is_some_and(|ending| ending == "sql"),
    };
    let anywhere = found.source.clone();
    for (path, change) in &since.changes {
        if *change == Change::Deleted && path.starts_with(&root) && is_migration(path) {
            let message =
                format!("{} is gone, and `{}` has it already: databases that ran it are stranded", file_name(path), since.name());
            found.in_file(&anywhere, Span::default(), message).help(help);
        }
    }
    found.findings
}

/// New numbered files that sort before some that are there already.
fn out_of_order(environment: &Environment, since: &Since, settings: &Settings) -> Vec<Finding> {
    let Some(mut found) =
        found("out_of_order_version", environment, settings).filter(|_| environment.framework != Framework::Alembic)
    else {
        return Vec::new();
    };
    let before: BTreeSet<PathBuf> = since.names_at_base(&absolute(&environment.root)).into_iter().collect();
    let mut last: Option<&Migration> = None;
    for migration in environment.migrations.iter().rev() {
        let is_old = before.contains(&absolute(migration.source.path()));
        match last {
            None if is_old => last = Some(migration),
            Some(last) if !is_old && migration.id != last.id => {
                let message = format!(
                    "`{}` sorts before {}, which `{}` has already: where that one ran, this one never will, or is refused",
                    migration.source.file_name(),
                    last.id,
                    since.name()
                );
                found
                    .in_file(&migration.source, migration.id_span, message)
                    .of(migration)
                    .help("give it a number behind the last one");
            }
            _ => {}
        }
    }
    found.findings
}

/// This branch and the revision each add a child to one parent.
fn future_heads(environment: &Environment, since: &Since, settings: &Settings) -> Vec<Finding> {
    let Some(mut found) = found("future_heads", environment, settings).filter(|_| environment.framework == Framework::Alembic)
    else {
        return Vec::new();
    };
    let here: HashSet<&str> = environment.migrations.iter().map(|migration| migration.id.as_str()).collect();
    let texts = since.files_of_revision(&absolute(&environment.root), ".py");
    let there: Vec<Migration> = texts
        .into_iter()
        .map(|(path, text)| script::recover(&Arc::new(Source::new(path.to_string_lossy().into_owned(), text)), false))
        .filter(|migration| !migration.id.is_empty() && migration.id_span != Span::default())
        .collect();
    let known_there: HashSet<&str> = there.iter().map(|migration| migration.id.as_str()).collect();
    // What only one side has; of that, what has no child.
    let theirs: Vec<&Migration> = there.iter().filter(|migration| !here.contains(migration.id.as_str())).collect();
    let ours: Vec<&Migration> =
        environment.migrations.iter().filter(|migration| !known_there.contains(migration.id.as_str())).collect();
    let parents: HashSet<&str> = ours.iter().chain(&theirs).flat_map(|migration| migration.parents.values()).collect();
    let is_head = |migration: &&&Migration| !parents.contains(migration.id.as_str());
    if let (Some(ours), Some(other)) = (ours.iter().find(is_head), theirs.iter().find(is_head)) {
        let message = format!("merging into `{}` makes two heads: it has `{}` since this branch left it", since.name(), other.id);
        let finding = found.in_file(&ours.source, ours.id_span, message).of(ours);
        finding.note(format!(
            "{} comes after {}, as {} does here",
            other.id,
            other.parents.values().collect::<Vec<_>>().join(", "),
            ours.id
        ));
        finding.help(format!(
            "set `down_revision` of the first revision of this branch to \"{}\", or merge after it: alembic merge {} {}",
            other.id, ours.id, other.id
        ));
    }
    found.findings
}
