use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let (cascades, known) = match &step.operation {
        Operation::DropTable { table, cascade, .. } => (*cascade, before.table(table).is_some_and(|table| table.complete)),
        Operation::DropColumn { table, cascade, .. } | Operation::DropConstraint { table, cascade, .. } => {
            (*cascade, before.table(table).is_some_and(|table| table.complete))
        }
        Operation::DropView { name, cascade, .. } => (*cascade, before.table(name).is_some()),
        Operation::DropType { name, cascade, .. } => (*cascade, before.schema.has_type(name)),
        Operation::DropSequence { cascade, .. }
        | Operation::DropFunction { cascade, .. }
        | Operation::DropSchema { cascade, .. } => (*cascade, false),
        _ => return,
    };
    if !cascades || !before.is_upgrade() || step.operation.table().is_some_and(|table| !before.is_in_use(table)) {
        return;
    }
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
        what.ends_with(&format!(" {named}"))
            || what.starts_with(&format!("col {named}."))
            || what.strip_prefix("con f ").is_some_and(mine)
    };
    // What the same statement lists.
    let siblings = before.steps().map(|(_, other)| other).filter(|other| other.statement == step.statement);
    let listed: Vec<String> = siblings
        .filter_map(|other| other.operation.object().or_else(|| other.operation.table().map(ToString::to_string)))
        .collect();
    let is_listed = |what: &str| listed.iter().any(|name| what.ends_with(&format!(" {name}")));
    let along: Vec<&str> = before
        .effects()
        .drops
        .iter()
        .filter(of_others)
        .map(String::as_str)
        .filter(|what| !own(what) && !is_listed(what))
        .collect();
    let takes: Vec<&str> = if others.is_empty() { Vec::new() } else { along };
    if takes.is_empty() && known {
        return;
    }
    let message = match takes.as_slice() {
        [] => format!("CASCADE drops whatever depends on `{named}`, and nothing in this history says what that is"),
        list => {
            format!("CASCADE drops what nobody listed: {}", list.iter().map(|what| readable(what)).collect::<Vec<_>>().join(", "))
        }
    };
    found.at(step.span, message).help("drop what depends on it by name, so that a reviewer sees it, and leave CASCADE out");
});

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
