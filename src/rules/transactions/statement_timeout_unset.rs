use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Script(|context, found| {
    if context.environment.env.timeouts.statement {
        return;
    }
    for (at, step) in context.steps() {
        if matches!(&step.operation, Operation::Set { name, .. } if name == "statement_timeout") {
            return;
        }
        let here = context.at_step(at);
        let effects = &context.stages[at].effects;
        let slow = effects.rewrites.keys().chain(effects.scans.keys()).find(|name| here.is_in_use(name));
        if let Some(name) = slow {
            found.statement = step.statement;
            found
                .at(step.span, format!("nothing ends this when `{name}` turns out to be larger than expected"))
                .help("SET LOCAL statement_timeout = '15min'; in front of it");
            return;
        }
    }
});
