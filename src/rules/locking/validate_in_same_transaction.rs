use crate::migration::Mark;
use crate::operation::{Operation, show_holes};
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::ValidateConstraint { table, constraint } = &step.operation else { return };
    if !before.inside().is_transaction() || before.is_new(table) {
        return;
    }
    let same = |operation: &Operation| {
        matches!(operation, Operation::AddConstraint { table: of, constraint: added }
            if of == table && added.not_valid && added.name.as_ref() == Some(constraint))
    };
    let Some((added_at, added)) = before.steps().filter(|(at, _)| *at < before.at).find(|(_, step)| same(&step.operation)) else {
        return;
    };
    // A COMMIT between the two lets the lock go.
    let commits = before.steps().any(|(at, step)| at > added_at && at < before.at && step.operation == Operation::Commit);
    if commits || added.autocommit || !before.inside_at(added_at).is_transaction() {
        return;
    }
    let lock = before.stages[added_at].effects.lock(table).map_or("lock", |mode| mode.name());
    let finding = found.at(
        step.at(Mark::Name),
        format!(
            "`{}` is validated in the transaction that adds it: the {lock} on `{table}` is held through the scan",
            show_holes(constraint)
        ),
    );
    finding.label(&before.script.source, added.span, "added here, NOT VALID");
    finding.help(format!(
        "VALIDATE CONSTRAINT {}, so that the first transaction ends before the scan begins",
        phrase::in_next_migration(before)
    ));
});
