use crate::operation::{LockMode, Name, Operation};
use crate::rule::{Check, Context};
use crate::schema::RelationId;

pub const CHECK: Check = Check::Step(|step, before, found| {
    if !before.is_upgrade() {
        return;
    }
    let table = match &step.operation {
        Operation::DropConstraint { table, .. } | Operation::DropTable { table, .. } | Operation::DropColumn { table, .. } => {
            table
        }
        Operation::CreateTable(create) if create.bound.is_some() => &create.table,
        _ => return,
    };
    // What else is dropped is drop_cascade's.
    if matches!(
        step.operation,
        Operation::DropTable { cascade: true, .. }
            | Operation::DropConstraint { cascade: true, .. }
            | Operation::DropColumn { cascade: true, .. }
    ) {
        return;
    }
    let other = |(name, mode): &(&Name, &LockMode)| {
        **mode == LockMode::AccessExclusive
            && *name != table
            && before.table(name).is_some()
            && before.is_in_use(name)
            && before.held(name) != Some(LockMode::AccessExclusive)
    };
    let family = |name: &Name| {
        before.table(table).zip(before.table(name)).is_some_and(|(table, name)| table.ties().children.contains(&name.id))
    };
    let dropped_too = |name: &Name| before.outline.dropped.contains(name);
    let taken_anyway = |name: &Name| {
        before.stages().any(|(later, stage)| {
            later.operation.table() == Some(name) && stage.effects.lock(name) == Some(LockMode::AccessExclusive)
        })
    };
    let pointed_at = pointed_at(&step.operation, before);
    let by_this_step = |name: &Name| match (&pointed_at, before.table(name)) {
        (Some(tables), Some(table)) => tables.contains(&table.id),
        _ => true,
    };
    let Some((name, _)) = before
        .effects()
        .locks
        .iter()
        .filter(other)
        .find(|(name, _)| by_this_step(name) && !family(name) && !dropped_too(name) && !taken_anyway(name))
    else {
        return;
    };
    found
        .at(step.span, format!("reads and writes of `{name}` wait for this too: it is locked against everybody until the transaction ends"))
        .note("the other table of a foreign key, and the parent of a partition, are locked with AccessExclusive along with the one that is named")
        .help(match before.environment.env.timeouts.lock {
            true => "run it while no long query on that table is running, and again where env.py's lock_timeout strikes",
            false => "set a lock_timeout first, so that a long query on it does not hold up everybody else",
        });
});

/// The tables that the foreign keys point to which a part of an ALTER TABLE drops: the effects are of all its parts. None
/// where they are not known.
fn pointed_at(operation: &Operation, before: &Context<'_>) -> Option<Vec<RelationId>> {
    let constraints = match operation {
        Operation::DropConstraint { table, constraint: Some(name), .. } => vec![before.table(table)?.constraint(name)?],
        Operation::DropColumn { table, column, .. } => {
            let table = before.table(table).filter(|table| table.complete)?;
            table.constraints().into_iter().filter(|constraint| constraint.mentions(column)).collect()
        }
        _ => return None,
    };
    Some(constraints.iter().filter_map(|constraint| Some(constraint.references.as_ref()?.0)).collect())
}
