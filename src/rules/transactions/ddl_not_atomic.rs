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
    let statements: Vec<_> = context
        .engine
        .cut(&reached)
        .into_iter()
        .filter(|(at, statement)| statement.operations.iter().any(|operation| operation.class() == Class::Schema) && is_old(*at))
        .map(|(at, statement)| (steps[at].1, statement.operations.iter().all(|operation| operation.alters_column())))
        .collect();
    // What can be repeated lets the migration just be run again.
    let Some(first) = statements.iter().position(|(_, can_be_repeated)| !can_be_repeated) else { return };
    let (first, Some((second, _))) = (statements[first].0, statements.get(first + 1)) else { return };
    found.statement = second.statement;
    let finding = found.at(
        second.span,
        format!(
            "{} statements change the schema here, and each commits by itself: when one fails, those before it stay",
            statements.len()
        ),
    );
    finding.label(&context.script.source, first.span, "this stays done, and the migration is not recorded");
    finding.help("one statement a migration; several changes of one table fit into one ALTER TABLE, which is atomic");
});
