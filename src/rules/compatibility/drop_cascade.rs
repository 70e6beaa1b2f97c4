use crate::migration::Step;
use crate::operation::Operation;
use crate::rule::{Check, Context};

pub const CHECK: Check = Check::Step(|step, before, found| {
    // One statement, one finding: the first of what it drops speaks for all.
    let siblings: Vec<(usize, &Step)> = before.steps().filter(|(_, other)| other.statement == step.statement).collect();
    if siblings.first().is_some_and(|(first, _)| *first != before.at) {
        return;
    }
    let cascades = match &step.operation {
        Operation::DropTable { cascade, .. }
        | Operation::DropColumn { cascade, .. }
        | Operation::DropConstraint { cascade, .. }
        | Operation::DropView { cascade, .. }
        | Operation::DropType { cascade, .. }
        | Operation::DropSequence { cascade, .. }
        | Operation::DropFunction { cascade, .. }
        | Operation::DropSchema { cascade, .. } => *cascade,
        _ => return,
    };
    if !cascades || step.operation.table().is_some_and(|table| !before.is_in_use(table)) {
        return;
    }
    // Whether the history shows all that depends on it.
    let is_known = |operation: &Operation| match operation {
        Operation::DropTable { table, .. } | Operation::DropColumn { table, .. } | Operation::DropConstraint { table, .. } => {
            before.table(table).is_some_and(|table| table.complete)
        }
        Operation::DropView { name, .. } => before.table(name).is_some(),
        Operation::DropType { name, .. } => before.schema.has_type(name),
        _ => false,
    };
    let known = siblings.iter().all(|(_, other)| is_known(&other.operation));
    // A trigger may bear the name of its function.
    let functions = matches!(step.operation, Operation::DropFunction { .. });
    let named = step.operation.object().or_else(|| step.operation.table().map(ToString::to_string)).unwrap_or_default();
    // What belongs to the dropped table itself goes without CASCADE too; what belongs to others does not.
    let others: Vec<String> = before.effects().locks.keys().map(ToString::to_string).filter(|name| *name != named).collect();
    let of_others = |what: &&String| {
        what.starts_with("con f ")
            || what.starts_with("rel v ")
            || what.starts_with("rel m ")
            || what.starts_with("trg ")
            || what.starts_with("col ")
    };
    let mine = |name: &str| {
        step.operation.table().and_then(|table| before.table(table)).is_some_and(|table| table.constraint(name).is_some())
    };
    let own = |what: &str| {
        !functions && what.ends_with(&format!(" {named}"))
            || what.starts_with(&format!("col {named}."))
            || what.strip_prefix("con f ").is_some_and(mine)
    };
    let listed: Vec<String> = siblings
        .iter()
        .filter_map(|(_, other)| other.operation.object().or_else(|| other.operation.table().map(ToString::to_string)))
        .collect();
    let is_listed = |what: &str| !functions && listed.iter().any(|name| what.ends_with(&format!(" {name}")));
    let mut along: Vec<&str> = siblings
        .iter()
        .flat_map(|(at, _)| &before.stages[*at].effects.drops)
        .filter(of_others)
        .map(String::as_str)
        .filter(|what| !own(what) && !is_listed(what) && !goes_with_its_table(what, before))
        .collect();
    along.sort_unstable();
    along.dedup();
    let takes: Vec<&str> = if others.is_empty() { Vec::new() } else { along };
    // The way back takes along what the way forth made: only what it is certain to take from others counts.
    let columns_of_others = || takes.iter().any(|what| what.starts_with("col "));
    if takes.is_empty() && known || !before.is_upgrade() && !columns_of_others() {
        return;
    }
    let message = match takes.as_slice() {
        [] => {
            let more = match listed.len() {
                0 | 1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            format!("CASCADE drops whatever depends on `{named}`{more}, and nothing in this history says what that is")
        }
        list => {
            let mut named: Vec<String> = list.iter().take(NAMED).map(|what| readable(what)).collect();
            if list.len() > NAMED {
                named.push(format!("and {} more", list.len() - NAMED));
            }
            format!("CASCADE drops what nobody listed: {}", named.join(", "))
        }
    };
    found.at(step.span, message).help("drop what depends on it by name, so that a reviewer sees it, and leave CASCADE out");
});

/// How many of them a message names.
const NAMED: usize = 6;

/// A column of a table that the script drops by its name.
fn goes_with_its_table(what: &str, before: &Context<'_>) -> bool {
    let column = what.strip_prefix("col ").and_then(|name| name.rsplit_once('.'));
    column.is_some_and(|(table, _)| before.outline.dropped.iter().any(|dropped| dropped.to_string() == table))
}

/// `con f fk` as the reader knows it.
fn readable(what: &str) -> String {
    let (kind, name) = what.rsplit_once(' ').unwrap_or(("", what));
    let kind = match kind {
        "con f" => "the foreign key",
        "rel v" => "the view",
        "rel m" => "the materialized view",
        "trg" => "the trigger",
        _ => "the column",
    };
    format!("{kind} `{name}`")
}
