use crate::migration::{Mark, Origin};
use crate::operation::{ConstraintKind, Name, Operation};
use crate::rule::Check;
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
    found
        .at(step.at(Mark::Name), format!("reads and writes of `{scanned}` wait while every row is checked"))
        .note("ADD CHECK holds AccessExclusive for a scan; with NOT VALID only for an instant, and VALIDATE lets reads and writes go on")
        .note(before.origin_of(table))
        .help(format!("{how}, {}", phrase::and_once_committed(before, &validate)))
        .fix(mend::not_valid(before, step));
});
