use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Script(|context, found| {
    if context.environment.env.timeouts.lock {
        return;
    }
    for (at, step) in context.steps() {
        if matches!(&step.operation, Operation::Set { name, .. } if name == "lock_timeout") {
            return;
        }
        let here = context.at_step(at);
        let waited = context.stages[at].effects.locks.iter().find(|(name, mode)| mode.blocks_writes() && here.is_in_use(name));
        if let Some((name, mode)) = waited {
            found.statement = step.statement;
            found
                .at(step.span, format!("everybody queues behind this for as long as it waits for {} on `{name}`", mode.name()))
                .help("SET LOCAL lock_timeout = '5s'; in front of it, and try again when it strikes");
            return;
        }
    }
});
