use crate::migration::Mark;
use crate::operation::{Dialect, Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DropDefault { table, column } = &step.operation else { return };
    if !before.is_upgrade() || before.is_new_column(table, column) {
        return;
    }
    let Some(known) = before.schema.column(table, column) else { return };
    // Running code never had a default that this very script has set.
    let sets = |operation: &Operation| matches!(operation, Operation::SetDefault { table: of, column: set, .. } if of == table && set == column);
    let comes_back = before.later().any(|later| sets(&later.operation));
    if before.steps().take_while(|(at, _)| *at < before.at).any(|(_, step)| sets(&step.operation)) {
        return;
    }
    if known.default.is_none() || known.nullable != Some(false) || comes_back {
        return;
    }
    let column = show_holes(column);
    found
        .at(
            step.at(Mark::Name),
            format!("running code that inserts into `{table}` without `{column}` fails once its default is gone"),
        )
        .help(match step.manner.implied && before.dialect().is_some_and(Dialect::is_mysql_like) {
            true => "MySQL writes the column anew, and nothing says that the default stays: add `existing_server_default=…`"
                .to_owned(),
            false => format!("release code that always writes `{column}` first"),
        });
});
