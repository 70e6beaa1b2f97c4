use crate::finding::Severity;
use crate::operation::{ConstraintKind, Name, Operation};
use crate::rule::{Check, Context};
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let effects = before.effects();
    if effects.empties.is_empty() || !(step.batch.is_some() || is_recreated(before)) {
        return;
    }
    let Some(table) = step.operation.table() else { return };
    if before.is_new(table) {
        return;
    }
    // What goes in this very script anyway is not lost by the copy.
    let goes = |child: &Name| before.outline.dropped.contains(child);
    let old = || effects.empties.iter().filter(|(child, _)| !before.is_new(child) && !goes(child));
    let named = |deletes: bool| {
        let fitting = old().filter(|(_, why)| why.contains("deletes") == deletes);
        fitting.map(|(child, _)| format!("`{child}`")).collect::<Vec<_>>().join(", ")
    };
    let what = match (named(true), named(false)) {
        (gone, links) if gone.is_empty() && links.is_empty() => return,
        (gone, links) if links.is_empty() => format!("the rows of {gone} go"),
        (gone, links) if gone.is_empty() => format!("the rows of {links} lose what they point to"),
        (gone, links) => format!("the rows of {gone} go, and those of {links} lose what they point to"),
    };
    let known = before.schema.session.foreign_keys.or(before.engine.foreign_keys).is_some();
    let how = match step.batch {
        Some(_) => format!("batch mode copies `{table}` and drops the old one with all it holds"),
        None => format!("`{table}` is dropped with all it holds, and a copy renamed"),
    };
    let message = match known {
        true => format!("{what}: {how}"),
        false => format!("where connections set foreign_keys=ON, {what}: {how}"),
    };
    let finding = found.at(step.span, message);
    for (child, why) in old() {
        finding.note(format!("`{child}`: {why}"));
    }
    for child in held_back_by(before, table) {
        finding.note(format!("where rows of `{child}` point here, the drop fails instead, and nothing goes"));
    }
    if !known {
        finding.severity = Severity::Note;
        finding.note("no connection is known to set PRAGMA foreign_keys, which is off by default; `sqlite_foreign_keys` in the configuration says it");
    }
    finding.help(phrase::without_foreign_keys(before));
});

/// Tables whose foreign keys forbid that what they point to is deleted.
fn held_back_by<'a>(before: &Context<'a>, table: &Name) -> Vec<&'a Name> {
    let Some(table) = before.table(table) else { return Vec::new() };
    let forbids = |kind: &ConstraintKind| match kind {
        ConstraintKind::ForeignKey { reference, .. } => {
            !matches!(reference.on_delete.as_deref(), Some("CASCADE" | "SET NULL" | "SET DEFAULT"))
        }
        _ => false,
    };
    let pointing = table.ties().referenced_by.iter().filter(|(child, _)| *child != table.id);
    let forbidding = pointing.filter_map(|(child, key)| {
        let child = before.schema.relation(*child)?;
        child.constraint(key).filter(|key| forbids(&key.kind)).map(|_| &child.name)
    });
    // Rows that a cascade takes along hold nothing back: SQLite counts what is left at the end of the statement.
    let reached = cascaded(before, table);
    let mut names: Vec<&Name> = forbidding.filter(|child| !before.is_new(child) && !reached.contains(child)).collect();
    names.sort();
    names.dedup();
    names
}

/// The tables whose rows go with those of a table, one through another.
fn cascaded<'a>(before: &Context<'a>, table: &'a crate::schema::Table) -> Vec<&'a Name> {
    let cascades = |kind: &ConstraintKind| matches!(kind, ConstraintKind::ForeignKey { reference, .. } if reference.on_delete.as_deref() == Some("CASCADE"));
    let mut out: Vec<&Name> = Vec::new();
    let mut next = vec![table];
    while let Some(table) = next.pop() {
        for (from, key) in before.schema.references_to(table) {
            if cascades(&key.kind) && !out.contains(&&from.name) {
                out.push(&from.name);
                next.push(from);
            }
        }
    }
    out
}

/// Dropped here to make room for a copy of itself.
fn is_recreated(before: &Context<'_>) -> bool {
    let Some(table) = before.script.steps[before.at].operation.table() else { return false };
    matches!(before.script.steps[before.at].operation, Operation::DropTable { .. })
        && before.later().any(|later| matches!(&later.operation, Operation::RenameTable { to, .. } if to == table))
}
