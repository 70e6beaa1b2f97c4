use crate::operation::{Class, Operation};
use crate::rule::Check;

pub const CHECK: Check = Check::Script(|context, found| {
    // The block stops before it commits anything.
    if context.is_in_outer_transaction() {
        return;
    }
    let changes = |operation: &Operation| operation.class() != Class::Neither;
    let mut before = None;
    for (_, step) in context.steps() {
        if !step.autocommit {
            before = if changes(&step.operation) { before.or(Some(step)) } else { before };
            continue;
        }
        let Some(earlier) = before else { continue };
        found.statement = step.statement;
        let finding = found.at(
            step.span,
            "this block commits what the migration did before it: when a later step fails, the migration is half done and not recorded",
        );
        finding.label(&context.script.source, earlier.span, "committed by the block");
        finding.help("give the block a migration of its own");
        return;
    }
});
