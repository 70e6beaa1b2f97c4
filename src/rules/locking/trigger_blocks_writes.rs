use crate::operation::{Name, Operation};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let (table, what): (&Name, &str) = match &step.operation {
        Operation::CreateTrigger(trigger) => (&trigger.table, "the trigger is created"),
        // A downgrade that drops what the upgrade made is no surprise.
        Operation::DropTrigger { table: Some(table), .. } if before.is_upgrade() => (table, "the trigger is dropped"),
        Operation::Other { kind: "enable_trigger", table: Some(table), .. } => (table, "the trigger is switched on"),
        Operation::Other { kind: "disable_trigger", table: Some(table), .. } => (table, "the trigger is switched off"),
        _ => return,
    };
    let Some(mode) = before.effects().lock(table).filter(|_| before.is_in_use(table)) else { return };
    let sets_timeout = |operation: &Operation| matches!(operation, Operation::Set { name, .. } if name == "lock_timeout");
    if before.environment.env.timeouts.lock
        || before.steps().any(|(at, earlier)| at < before.at && sets_timeout(&earlier.operation))
    {
        return;
    }
    // Nobody waits for more than they wait already.
    if before.held(table).is_some_and(|held| held >= mode) {
        return;
    }
    let how_often = |operation: &Operation| {
        matches!(
            operation,
            Operation::CreateTrigger(_)
                | Operation::DropTrigger { .. }
                | Operation::Other { kind: "enable_trigger" | "disable_trigger", .. }
        )
    };
    let earlier = before.steps().take_while(|(at, _)| *at < before.at);
    // Each for an instant, and each with the same advice: said at the first.
    if !before.inside().is_transaction()
        && earlier
            .map(|(_, step)| step)
            .any(|step| how_often(&step.operation) && step.operation.table().is_some_and(|table| before.is_in_use(table)))
    {
        return;
    }
    let who = if mode.blocks_reads() { "reads and writes" } else { "writes" };
    // The lock stays until the transaction ends, and so does what comes behind it.
    let is_slow = |at: usize| {
        let effects = &before.stages[at].effects;
        !effects.rewrites.is_empty() || !effects.scans.is_empty()
    };
    let goes_on = before.inside().is_transaction() && (before.at + 1..before.stages.len()).any(is_slow);
    let how_long = if goes_on { "until the transaction ends" } else { "for an instant" };
    found
        .at(step.span, format!("{who} of `{table}` wait while {what}, {how_long}"))
        .note(format!("the statement takes {} on `{table}`, and first waits for what is running", mode.name()))
        .help("set a lock_timeout first, so that a long transaction does not hold up everybody else");
});
