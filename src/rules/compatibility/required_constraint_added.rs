use crate::migration::Mark;
use crate::operation::{ConstraintKind, Operation};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AddConstraint { table, constraint } = &step.operation else { return };
    let what = match &constraint.kind {
        ConstraintKind::Unique { using_index: None, .. } => "duplicates",
        ConstraintKind::Check { .. } if !constraint.not_valid => "rows that violate it",
        _ => return,
    };
    // What was dropped just before has kept to it so far.
    let drops = |operation: &Operation| matches!(operation, Operation::DropConstraint { table: of, .. } if of == table);
    if before.steps().any(|(at, other)| at < before.at && drops(&other.operation)) {
        return;
    }
    // On PostgreSQL the lock is the louder finding.
    if !before.is_upgrade() || before.is_postgres() || !before.is_in_use(table) || before.is_emptied(table) {
        return;
    }
    found
        .at(step.at(Mark::Name), format!("{what} in `{table}` make this fail, and so does running code that still writes them"))
        .help("in phases: 1. release code that keeps to it; 2. mend the old rows; 3. add the constraint");
});
