use std::collections::HashSet;

use crate::migration::{Migration, Script, Step};
use crate::operation::{Class, Dialect, Dialects};
use crate::project::Environment;
use crate::project::conventions::Framework;
use crate::project::dialect::is_for_one;
use crate::rule::Check;

pub const CHECK: Check = Check::Environment(|environment, found| {
    let dialects = environment.dialects();
    // A file for one database says so in its name, and SQL files have no branches.
    if dialects.len() < 2 || environment.framework != Framework::Alembic {
        return;
    }
    let mut told: HashSet<&str> = HashSet::new();
    for dialect in dialects {
        let branched: Vec<(&Migration, &Script, &Step)> =
            in_order(environment).filter_map(|migration| leaves_out(migration, dialect)).collect();
        // What most migrations do is how the project means it, and is said at the newest.
        let changing = in_order(environment).filter(|migration| migration.up.as_ref().is_some_and(has_changes)).count();
        let is_policy = branched.len() >= DECIDED && branched.len() * 2 > changing;
        let skipped = if is_policy { branched.len() - 1 } else { 0 };
        for (migration, script, step) in branched.into_iter().skip(skipped) {
            if !migration.judged || !told.insert(&migration.id) {
                continue;
            }
            let message = format!(
                "on {} this migration changes nothing: every change stands behind a check for another database",
                dialect.title()
            );
            let finding = found.in_file(&script.source, step.span, message);
            finding.statement = step.statement;
            if is_policy {
                finding.note(format!(
                    "{} of the {changing} migrations that change something do so; where that is meant, `dialect` in whimbrel.toml names the databases that the migrations are for",
                    skipped + 1
                ));
            } else {
                finding.note("the databases of one project go apart here, and later migrations meet both");
            }
            finding.help("write the branch for it, or say in a comment why it needs none");
            finding.of(migration);
        }
    }
});

fn in_order(environment: &Environment) -> impl Iterator<Item = &Migration> {
    environment.history.order.iter().map(|&index| &environment.migrations[index])
}

/// So many migrations that leave a database out are a decision.
const DECIDED: usize = 10;

fn changes(script: &Script) -> impl Iterator<Item = &Step> {
    let changes = |step: &&Step| step.operation.class() == Class::Schema || !step.operation.is_understood();
    script.steps.iter().filter(changes).filter(|step| !step.manner.implied)
}

fn has_changes(script: &Script) -> bool {
    changes(script).next().is_some()
}

/// The upgrade's first change, where none is for this database and no comment says why.
fn leaves_out(migration: &Migration, dialect: Dialect) -> Option<(&Migration, &Script, &Step)> {
    let up = migration.up.as_ref().filter(|up| !is_for_one(&up.source))?;
    if changes(up).any(|step| step.runs_on(Some(dialect))) {
        return None;
    }
    let step = changes(up).find(|step| step.only != Dialects::ANY)?;
    (!says_why(up, step)).then_some((migration, up, step))
}

/// A comment in front of the step that speaks of a database.
fn says_why(script: &Script, step: &Step) -> bool {
    let before = script.source.text().get(script.head.start as usize..step.statement.start as usize).unwrap_or_default();
    let mut comments = before.lines().filter_map(|line| line.split_once('#')).map(|(_, comment)| comment.to_lowercase());
    comments.any(|comment| ["sqlite", "postgres", "mysql", "mariadb"].iter().any(|name| comment.contains(name)))
}
