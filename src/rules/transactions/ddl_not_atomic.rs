use crate::operation::{Class, Dialect};
use crate::rule::Check;

pub const CHECK: Check = Check::Script(|context, found| {
    if !context.dialect().is_some_and(Dialect::is_mysql_like) || !context.is_upgrade() {
        return;
    }
    let mut statements: Vec<_> = Vec::new();
    for (at, step) in context.steps() {
        let here = context.at_step(at);
        // What the script itself made can be dropped again by hand without loss.
        let old = step.operation.table().is_none_or(|table| here.table(table).is_some() && !here.is_new(table));
        if step.operation.class() == Class::Schema
            && old
            && statements.last().is_none_or(|known: &&crate::migration::Step| known.statement != step.statement)
        {
            statements.push(step);
        }
    }
    let [first, second, ..] = statements.as_slice() else { return };
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
