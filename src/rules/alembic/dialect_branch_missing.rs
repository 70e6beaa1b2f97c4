use crate::operation::{Class, Dialects};
use crate::project::conventions::Framework;
use crate::project::dialect::is_for_one;
use crate::rule::Check;

pub const CHECK: Check = Check::Script(|context, found| {
    let Some(dialect) = context.dialect().filter(|_| context.environment.dialects().len() > 1 && context.is_upgrade()) else {
        return;
    };
    // A file for one database says so in its name, and SQL files have no branches.
    if context.framework() != Framework::Alembic || is_for_one(&context.script.source) {
        return;
    }
    let changes =
        || context.script.steps.iter().filter(|step| step.operation.class() == Class::Schema || !step.operation.is_understood());
    if changes().any(|step| step.runs_on(Some(dialect))) {
        return;
    }
    let Some(step) = changes().find(|step| step.only != Dialects::ANY) else { return };
    found
        .at(
            step.span,
            format!(
                "on {} this migration changes nothing: every change stands behind a check for another database",
                dialect.title()
            ),
        )
        .note("the databases of one project go apart here, and later migrations meet both")
        .help("write the branch for it, or say in a comment why it needs none");
});
