use std::path::Path;

use crate::finding::{Edit, Fix};
use crate::migration::Migration;
use crate::project::Environment;
use crate::project::alembic::environment_around;
use crate::project::conventions::Framework;
use crate::project::dialect::in_file_name;
use crate::rule::{Check, Found};
use crate::source::Span;

pub const CHECK: Check = Check::Environment(|environment, found| match environment.framework {
    Framework::Alembic => diverged_heads(environment, found),
    _ => shared_versions(environment, found),
});

fn diverged_heads(environment: &Environment, found: &mut Found<'_>) {
    let broken = breaks_below(environment);
    for (labels, mut heads) in environment.history.heads_by_label() {
        // A head for another reason has its own finding: its line of history hangs in the air, or a
        // second file with its id goes on.
        heads.retain(|&head| !broken[head]);
        if heads.len() < 2 {
            continue;
        }
        // One finding, at the judged head that comes last by file order; it is usually the new one.
        let Some(&judged) = heads.iter().rev().find(|&&head| environment.migrations[head].judged) else { continue };
        let Some(&other) = heads.iter().find(|&&head| head != judged) else { continue };
        let heads: Vec<&Migration> = heads.iter().map(|&head| &environment.migrations[head]).collect();
        let migration = &environment.migrations[judged];
        let ids: Vec<&str> = heads.iter().map(|head| head.id.as_str()).collect();
        let branch = if labels.is_empty() { String::new() } else { format!(" of branch `{}`", labels.join("`, `")) };
        let message =
            format!("the history has {} heads{branch} ({}): `alembic upgrade head` refuses to run", ids.len(), ids.join(", "));
        let finding = found.in_file(&migration.source, migration.id_span, message).of(migration);
        for head in heads.iter().filter(|head| head.id != migration.id) {
            finding.label(&head.source, head.id_span, format!("`{}` is a head, too", head.id));
        }
        if let Some(fork) = environment.history.fork_of(judged, other) {
            let fork = &environment.migrations[fork];
            let other = &environment.migrations[other];
            finding.label(
                &fork.source,
                fork.id_span,
                format!("`{}` and `{}` diverge after `{}`", migration.id, other.id, fork.id),
            );
        }
        finding.help(format!("alembic merge -m \"merge heads\" {}", ids.join(" "))).fix(merge(environment, migration, &ids));
    }
}

/// The merge revision, as the environment's own template has it.
fn merge(environment: &Environment, beside: &Migration, heads: &[&str]) -> Option<Fix> {
    let root = Path::new(&environment.root);
    let folder = environment_around(root).unwrap_or_else(|| root.to_owned());
    let template = std::fs::read_to_string(folder.join("script.py.mako")).ok()?;
    // An id that is the same wherever the same heads are merged.
    let id = format!(
        "{:012x}",
        heads
            .join(",")
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
            >> 16
    );
    let parents = format!("({})", heads.iter().map(|head| format!("'{head}'")).collect::<Vec<_>>().join(", "));
    let mut text = String::new();
    for line in template.split_inclusive('\n').filter(|line| !line.contains("create_date")) {
        text.push_str(
            &line
                .replace("${message}", "merge heads")
                .replace("${up_revision}", &id)
                .replace("${down_revision | comma,n}", &heads.join(", "))
                .replace("${down_revision | comma, n}", &heads.join(", "))
                .replace("${repr(up_revision)}", &format!("'{id}'"))
                .replace("${repr(down_revision)}", &parents)
                .replace("${repr(branch_labels)}", "None")
                .replace("${repr(depends_on)}", "None")
                .replace("${imports if imports else \"\"}", "")
                .replace("${imports if imports else ''}", "")
                .replace("${upgrades if upgrades else \"pass\"}", "pass")
                .replace("${downgrades if downgrades else \"pass\"}", "pass"),
        );
    }
    // A template of the project's own making has words that only Mako reads.
    let is_plain = !text.contains("${") && !text.lines().any(|line| line.trim_start().starts_with(['%', '<']));
    let folder = beside.source.path().rsplit_once('/').map_or(".", |(folder, _)| folder);
    let file = format!("{folder}/{id}_merge_heads.py");
    let edit = Edit { file, span: Span::default(), text };
    if is_plain { Some(Fix { safe: false, description: "merge the heads".to_owned(), edits: vec![edit] }) } else { None }
}

/// Whether each migration is an older copy of a duplicate, or has an ancestor whose parent is not known.
fn breaks_below(environment: &Environment) -> Vec<bool> {
    let history = &environment.history;
    let mut broken: Vec<bool> = environment.migrations.iter().map(|migration| migration.parents.incomplete).collect();
    history.dangling.iter().for_each(|(index, _)| broken[*index] = true);
    for &(first, _) in &history.duplicates {
        broken[first] = true;
        // What the older copy follows has lost its child with it.
        let parents = environment.migrations[first].parents.values();
        parents.filter_map(|id| history.find(id)).for_each(|parent| broken[parent] |= history.children[parent].is_empty());
    }
    for &index in &history.order {
        broken[index] |= history.parents[index].iter().any(|&parent| broken[parent]);
    }
    broken
}

/// Two files with one number: two branches took the same one.
fn shared_versions(environment: &Environment, found: &mut Found<'_>) {
    for &(first, second) in &environment.history.duplicates {
        let (first, second) = (&environment.migrations[first], &environment.migrations[second]);
        // Of `2_a.mysql.sql` and `2_a.postgres.sql` each database runs one.
        let database = |migration: &Migration| in_file_name(&migration.source);
        let apart = matches!((database(first), database(second)), (Some(a), Some(b)) if a != b);
        if apart || (!first.judged && !second.judged) {
            continue;
        }
        let (here, there) = if second.judged { (second, first) } else { (first, second) };
        let message =
            format!("two migrations share version {}: `{}` and `{}`", here.id, there.source.file_name(), here.source.file_name());
        found
            .in_file(&here.source, here.id_span, message)
            .of(here)
            .label(&there.source, there.id_span, format!("the other version {}", there.id))
            .note(match environment.framework {
                Framework::GolangMigrate => "golang-migrate refuses to start: \"duplicate migration file\"",
                _ => "which of the two runs first, or at all, is up to chance",
            })
            .help("give the one that is not released yet the next free number");
    }
}
