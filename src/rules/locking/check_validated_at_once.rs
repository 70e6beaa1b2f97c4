use crate::migration::{Mark, Origin};
use crate::operation::{ConstraintKind, Name, Operation};
use crate::rule::{Check, Context};
use crate::rules::{mend, phrase};

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AddConstraint { table, constraint } = &step.operation else { return };
    if !matches!(constraint.kind, ConstraintKind::Check { .. }) {
        return;
    }
    let Some((scanned, _)) = before.scanned() else { return };
    let name = Name::new(constraint.name.clone().unwrap_or_else(|| "check_name".to_owned()));
    let validate = format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", phrase::sql_name(table), phrase::sql_name(&name));
    let how = match step.origin {
        Origin::Sql => "add NOT VALID to the constraint",
        Origin::Directive(_) => "add `postgresql_not_valid=True`",
    };
    let finding = found
        .at(step.at(Mark::Name), format!("reads and writes of `{scanned}` wait while every row is checked"))
        .note("ADD CHECK holds AccessExclusive for a scan; with NOT VALID only for an instant, and VALIDATE lets reads and writes go on")
        .note(before.origin_of(table));
    if replaces_a_wider_one(before, table) {
        finding.note("rows that the upgrade has allowed since may break it: then this fails, and so does VALIDATE");
        finding.help(format!(
            "change or delete the rows that the upgrade has allowed first; {how}, {}",
            phrase::and_once_committed(before, &validate)
        ));
    } else {
        finding.help(format!("{how}, {}", phrase::and_once_committed(before, &validate)));
    }
    finding.fix(mend::not_valid(before, step));
});

/// A way back that puts a CHECK in the place of the one that the upgrade has put there.
fn replaces_a_wider_one(before: &Context<'_>, table: &Name) -> bool {
    let adds = |operation: &Operation| matches!(operation, Operation::AddConstraint { table: of, constraint } if of == table && matches!(constraint.kind, ConstraintKind::Check { .. }));
    let drops = |operation: &Operation| matches!(operation, Operation::DropConstraint { table: of, .. } if of == table);
    let up = || before.migration.up.iter().flat_map(|up| &up.steps);
    !before.is_upgrade() && up().any(|step| drops(&step.operation)) && up().any(|step| adds(&step.operation))
}
