use crate::operation::{LockMode, Name, Operation};
use crate::rule::Check;
use crate::rules::phrase;
use crate::schema::expression::has_word;

pub const CHECK: Check = Check::Script(|context, found| {
    let mut held: Option<(usize, &Name)> = None;
    for (at, step) in context.steps() {
        let stage = &context.stages[at];
        let in_transaction = context.inside_at(at).is_transaction();
        if !in_transaction || matches!(step.operation, Operation::Commit | Operation::Rollback) {
            held = None;
            continue;
        }
        let here = context.at_step(at);
        // Data changes are mixed_ddl_dml's, constraints and indexes have rules that say the same of themselves.
        let slow = matches!(
            step.operation,
            Operation::ValidateConstraint { .. } | Operation::Select(_) | Operation::RefreshMaterializedView { .. }
        );
        if let (Some((by, table)), Some((scanned, why))) = (held, here.scanned())
            && slow
            && !is_quick(here.text(step.span))
            && here.schema.table(table).is_some()
            && !validates_own(&step.operation, table)
        {
            found.statement = step.statement;
            let finding = found.at(
                step.span,
                format!(
                    "reads and writes of `{table}` wait while `{scanned}` is read in full{}",
                    if why == "it is read in full" { String::new() } else { format!(": {why}") }
                ),
            );
            let earlier = &context.script.steps[by];
            finding.label(
                &context.script.source,
                earlier.span,
                format!("takes AccessExclusive on `{table}`, until the end of the transaction"),
            );
            let apart = phrase::unless_committed_apart(context);
            // What is read of the table that was changed may need the change.
            finding.help(match scanned == table {
                true => format!("move the slow step into a migration of its own{apart}"),
                false => {
                    format!("move the slow step in front of the one that takes the lock, or into a migration of its own{apart}")
                }
            });
            return;
        }
        let strong = stage.effects.locks.iter().find(|(name, mode)| **mode == LockMode::AccessExclusive && here.is_in_use(name));
        held = held.or(strong.map(|(name, _)| (at, name)));
    }
});

/// The largest key is the last entry of its index.
fn is_quick(query: &str) -> bool {
    let query = query.to_ascii_lowercase();
    // A condition may be served by an index that nothing here shows.
    has_word(&query, "where") || query.contains("max(") || query.contains("min(") || has_word(&query, "limit")
}

/// VALIDATE of the table that is locked is validate_in_same_transaction's.
fn validates_own(operation: &Operation, locked: &Name) -> bool {
    matches!(operation, Operation::ValidateConstraint { table, .. } if table == locked)
}
