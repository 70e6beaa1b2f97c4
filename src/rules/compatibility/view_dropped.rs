use crate::migration::Mark;
use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DropView { name, .. } = &step.operation else { return };
    let made_anew =
        before.later().any(|later| matches!(&later.operation, Operation::CreateView { name: made, .. } if made == name));
    if !before.is_upgrade() || before.is_new(name) || made_anew {
        return;
    }
    found
        .at(step.at(Mark::Name), format!("code that is running now fails as soon as it reads `{name}`, which is dropped here"))
        .help(format!("in phases: 1. release code that no longer reads `{name}`; 2. drop it in a migration of the next release"));
});
