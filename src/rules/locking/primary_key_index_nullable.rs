use crate::migration::Mark;
use crate::operation::{ConstraintKind, Operation};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AddConstraint { table, constraint } = &step.operation else { return };
    let ConstraintKind::PrimaryKey { using_index: Some(index), .. } = &constraint.kind else { return };
    let Some((_, why)) = before.scanned() else { return };
    found
        .at(step.at(Mark::Name), format!("reads and writes of `{table}` wait: a column of `{index}` may be NULL, so {why}"))
        .note("a primary key makes its columns NOT NULL, which reads the whole table under AccessExclusive where they are not that already")
        .help("make the columns NOT NULL first, by way of a CHECK (… IS NOT NULL) that is NOT VALID at first and validated in the next migration");
});
