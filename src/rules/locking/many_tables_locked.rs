use std::collections::HashSet;

use crate::migration::Step;
use crate::operation::{LockMode, Name, Operation};
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Script(|context, found| {
    let many = context.settings.thresholds.many_tables_locked;
    let mut locked: Vec<(&Name, &Step)> = Vec::new();
    for (at, step) in context.steps() {
        if !context.inside_at(at).is_transaction() || matches!(step.operation, Operation::Commit | Operation::Rollback) {
            if locked.len() >= many {
                break;
            }
            locked.clear();
            continue;
        }
        let here = context.at_step(at);
        // Of one DROP TABLE of several, each takes its sequences along.
        let first = (0..=at).rev().take_while(|other| context.script.steps[*other].statement == step.statement).last();
        let at_first = context.at_step(first.unwrap_or(at));
        // The table that the statement names is locked before those that hang on it.
        let own = step.operation.table();
        let (named, others): (Vec<_>, Vec<_>) =
            context.stages[at].effects.locks.iter().partition(|(name, _)| own.is_some_and(|own| own == *name));
        for (name, mode) in named.into_iter().chain(others) {
            let is_table = here.table(name).is_none_or(|table| !table.is_view()) && !at_first.schema.is_sequence(name);
            if *mode == LockMode::AccessExclusive
                && is_table
                && here.is_in_use(name)
                // Whoever still uses what goes here fails anyway.
                && !context.outline.dropped.contains(name)
                // Under its old name it was counted.
                && !here.is_renamed(name)
                && locked.iter().all(|(known, _)| *known != name)
            {
                locked.push((name, step));
            }
        }
    }
    // One foreign key locks two tables, and cannot be had in parts.
    let changed: HashSet<_> = locked.iter().map(|(_, step)| step.operation.table()).collect();
    if locked.len() < many || changed.len() < 2 || !context.is_upgrade() {
        return;
    }
    let Some((_, last)) = locked.last() else { return };
    let names: Vec<String> = locked.iter().map(|(name, _)| format!("`{name}`")).collect();
    found.statement = last.statement;
    found
        .at(last.span, format!("one transaction locks {} tables against everybody, one after the other: {}", names.len(), names.join(", ")))
        .note("each lock is held until the end, while the next one is waited for; a session that takes them in another order makes a deadlock")
        .help(format!(
            "change one table a migration{}{}",
            phrase::unless_committed_apart(context),
            if context.environment.env.timeouts.lock { "" } else { ", or set a lock_timeout and try again" }
        ));
});
