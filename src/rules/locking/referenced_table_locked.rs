use crate::operation::{LockMode, Name, Operation};
use crate::rule::Check;

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
    let Some((name, _)) =
        before.effects().locks.iter().filter(other).find(|(name, _)| !family(name) && !dropped_too(name) && !taken_anyway(name))
    else {
        return;
    };
    found
        .at(step.span, format!("reads and writes of `{name}` wait for this too: it is locked against everybody until the transaction ends"))
        .note("the other table of a foreign key, and the parent of a partition, are locked with AccessExclusive along with the one that is named")
        .help("set a lock_timeout first, so that a long query on it does not hold up everybody else");
});
