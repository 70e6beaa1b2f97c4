use crate::finding::Severity;
use crate::operation::Operation;
use crate::rule::{Check, Context};

pub const CHECK: Check = Check::Step(|step, before, found| {
    let effects = before.effects();
    if effects.empties.is_empty() || !(step.batch.is_some() || is_recreated(before)) {
        return;
    }
    let Some(table) = step.operation.table() else { return };
    if before.is_new(table) {
        return;
    }
    let children: Vec<String> = effects.empties.keys().filter(|child| !before.is_new(child)).map(|child| format!("`{child}`")).collect();
    if children.is_empty() {
        return;
    }
    let known = before.schema.session.foreign_keys.or(before.engine.foreign_keys).is_some();
    let how = if step.batch.is_some() { "batch mode copies the table, drops it and renames the copy" } else { "the table is dropped, and a copy renamed" };
    let message = match known {
        true => format!("the rows of {} go: {how}, and dropping `{table}` deletes what it holds", children.join(", ")),
        false => format!("where connections set foreign_keys=ON, the rows of {} go: {how}", children.join(", ")),
    };
    let finding = found.at(step.span, message);
    for (child, why) in &effects.empties {
        finding.note(format!("`{child}`: {why}"));
    }
    if !known {
        finding.severity = Severity::Warning;
        finding.note("nothing that was read sets PRAGMA foreign_keys, which is off by default; `sqlite_foreign_keys` in the configuration says it");
    }
    finding.help("as the first thing in the migration, before any row is written:\nop.execute(\"PRAGMA foreign_keys=OFF\")");
});

/// Dropped here to make room for a copy of itself.
fn is_recreated(before: &Context<'_>) -> bool {
    let Some(table) = before.script.steps[before.at].operation.table() else { return false };
    matches!(before.script.steps[before.at].operation, Operation::DropTable { .. })
        && before.later().any(|later| matches!(&later.operation, Operation::RenameTable { to, .. } if to == table))
}
