use crate::engine::FailureKind;
use crate::migration::Mark;
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let effects = before.effects();
    let Some(failure) = effects.failure.as_ref().filter(|failure| failure.kind == FailureKind::Dependents) else { return };
    let Some(table) = step.operation.table() else { return };
    // Connections that enforce foreign keys are one cause, however many tables they hold up.
    let is_held_up = |at: usize| {
        let failure = before.stages[at].effects.failure.as_ref();
        failure.is_some_and(|failure| failure.kind == FailureKind::Dependents && failure.answer.contains("FOREIGN KEY"))
    };
    let by_keys = is_held_up(before.at);
    if by_keys && (0..before.at).any(is_held_up) {
        return;
    }
    let action = if step.batch.is_some() { "the batch on" } else { "this change of" };
    let finding = found.at(step.at(Mark::Name), format!("{action} `{table}` fails: {}", failure.answer));
    if step.batch.is_some() {
        finding.note(format!("`_alembic_tmp_{}` stays behind, and the next try fails on it", table.name));
    }
    let others: Vec<String> = (before.at + 1..before.stages.len())
        .filter(|at| by_keys && is_held_up(*at))
        .filter_map(|at| before.script.steps.get(at)?.operation.table())
        .map(|table| format!("`{table}`"))
        .collect();
    if !others.is_empty() {
        finding.note(format!("so do those of {} below", others.join(", ")));
    }
    finding.help(if failure.answer.contains("view") {
        let pragma = phrase::statement(before, "PRAGMA legacy_alter_table=ON");
        format!("drop the view before and create it again behind; or before the change:\n{pragma}")
    } else if failure.answer.contains("generated") {
        "drop the generated column before the batch and add it again behind it".to_owned()
    } else if failure.answer.contains("FOREIGN KEY") {
        phrase::without_foreign_keys(before)
    } else if failure.answer.contains("trigger") {
        "drop the trigger first".to_owned()
    } else {
        "drop the index or the constraint that uses the column first, in the same block".to_owned()
    });
});
