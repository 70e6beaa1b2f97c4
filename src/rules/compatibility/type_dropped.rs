use crate::migration::Mark;
use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DropType { name, .. } = &step.operation else { return };
    let made = |operation: &Operation| match operation {
        Operation::CreateEnum { name: made, .. }
        | Operation::CreateDomain { name: made, .. }
        | Operation::CreateComposite { name: made } => made == name,
        Operation::RenameType { to, .. } => *to == name.name,
        _ => false,
    };
    // A type that was set aside and replaced, or one that no column of this history has.
    let replaced =
        before.script.steps.iter().any(|other| {
            made(&other.operation) || matches!(&other.operation, Operation::RenameType { to, .. } if *to == name.name)
        });
    let unused = before.schema.has_type(name) && before.schema.columns_of_type(name).is_empty();
    if !before.is_upgrade() || replaced || unused {
        return;
    }
    found
        .at(step.at(Mark::Name), format!("code that is running now fails as soon as it casts to `{name}`, which is dropped here"))
        .help(format!("in phases: 1. release code that no longer uses `{name}`; 2. drop it in a migration of the next release"));
});
