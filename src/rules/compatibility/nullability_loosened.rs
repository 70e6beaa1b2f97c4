use crate::migration::Mark;
use crate::operation::{Dialect, Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DropNotNull { table, column } = &step.operation else { return };
    let was_required = before.schema.column(table, column).is_some_and(|known| known.nullable == Some(false));
    let stays_required = before.dialect().is_some_and(Dialect::is_mysql_like) && before.schema.is_in_key(table, column);
    if !before.is_upgrade() || before.is_new_column(table, column) || !was_required || stays_required {
        return;
    }
    if before.is_left_behind(table) || before.is_renamed_column(table, column) {
        return;
    }
    // A call that renames it as well breaks the same readers by that.
    let renames = |operation: &Operation| matches!(operation, Operation::RenameColumn { .. });
    if before.steps().any(|(_, other)| other.statement == step.statement && renames(&other.operation)) {
        return;
    }
    let column = show_holes(column);
    if step.manner.implied && before.dialect().is_some_and(Dialect::is_mysql_like) {
        found
            .at(
                step.at(Mark::Name),
                format!(
                    "`{table}.{column}` is no longer NOT NULL: MySQL writes the column anew, and nothing says that it stays so"
                ),
            )
            .help("repeat what it is: add `existing_nullable=False`");
        return;
    }
    found
        .at(step.at(Mark::Name), format!("running code that reads `{table}.{column}` may meet NULL from now on"))
        .help("release code that takes NULL first");
});
