use crate::operation::{Class, Dialect, Operation};
use crate::rule::Check;

pub const CHECK: Check = Check::Script(|context, found| {
    if !context.dialect().is_some_and(Dialect::is_mysql_like) || !context.is_upgrade() {
        return;
    }
    let steps: Vec<_> = context.steps().collect();
    let reached: Vec<_> = steps.iter().map(|(_, step)| *step).collect();
    // What the script itself made can be dropped again by hand without loss.
    let is_old = |at: usize| {
        let here = context.at_step(steps[at].0);
        let operation = &steps[at].1.operation;
        !matches!(operation, Operation::CreateTable(_)) && operation.table().is_none_or(|table| !here.is_new(table))
    };
    let all: Vec<_> = context
        .engine
        .cut(&reached)
        .into_iter()
        .filter(|(_, statement)| statement.operations.iter().any(|operation| operation.class() == Class::Schema))
        .map(|(at, statement)| (at, statement.operations.iter().all(|operation| operation.alters_column())))
        .collect();
    let old: Vec<_> = all.iter().filter(|(at, _)| is_old(*at)).collect();
    // What can be repeated lets the migration just be run again.
    let Some(last) = old.iter().position(|(_, can_be_repeated)| !can_be_repeated) else { return };
    let Some((second, _)) = old.get(last + 1) else { return };
    // New tables stay as well, and then are in the way.
    let Some((first, _)) = all.iter().find(|(_, can_be_repeated)| !can_be_repeated) else { return };
    let (first, second) = (steps[*first].1, steps[*second].1);
    found.statement = second.statement;
    let finding = found.at(
        second.span,
        format!(
            "{} statements change the schema here, and each commits by itself: when one fails, those before it stay",
            all.len()
        ),
    );
    finding.label(&context.script.source, first.span, "this stays done, and the migration is not recorded");
    finding.help("one statement a migration; several changes of one table fit into one ALTER TABLE, which is atomic");
});
