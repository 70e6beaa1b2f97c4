use crate::migration::Mark;
use crate::operation::{ConstraintKind, Operation};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AddConstraint { table, constraint } = &step.operation else { return };
    if !matches!(constraint.kind, ConstraintKind::Exclusion { .. }) || before.scanned().is_none() || before.is_new(table) {
        return;
    }
    found
        .at(step.at(Mark::Name), format!("reads and writes of `{table}` wait until the index of the exclusion constraint is built"))
        .note("an exclusion constraint can neither be NOT VALID nor take over an index that was built CONCURRENTLY")
        .note(before.origin_of(table))
        .help(format!("in phases: 1. make a new table with the constraint; 2. write both; 3. copy the rows of `{table}` in batches; 4. change over; or run it in a maintenance window"));
});
