use crate::migration::Mark;
use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DropFunction { name, .. } = &step.operation else { return };
    let known = before.schema.function(&crate::engine::in_public(name).to_string());
    // IF EXISTS of one that no migration makes clears up; there may be none.
    if known.is_none() && step.wording.if_exists {
        return;
    }
    let made = |operation: &Operation| matches!(operation, Operation::CreateFunction { name: made, .. } if made == name);
    // Only triggers call a trigger's function.
    let of_triggers = known.is_some_and(|function| function.returns_trigger);
    if of_triggers || !before.is_upgrade() || before.steps().any(|(_, other)| made(&other.operation)) {
        return;
    }
    found
        .at(step.at(Mark::Name), format!("code that is running now fails as soon as it calls `{name}()`, which is dropped here"))
        .help(format!(
            "in phases: 1. release code that no longer calls `{name}()`; 2. drop it in a migration of the next release"
        ));
});
