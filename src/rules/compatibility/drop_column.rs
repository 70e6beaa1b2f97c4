use crate::migration::Mark;
use crate::operation::{Operation, show_holes};
use crate::rule::Check;
use crate::rules::{contradictions, phrase};

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DropColumn { table, column, .. } = &step.operation else { return };
    if !before.is_upgrade() || before.is_new_column(table, column) {
        return;
    }
    // What running code trips over is the other name.
    if before.is_renamed_column(table, column) || before.is_left_behind(table) {
        return;
    }
    // Rules that say more of the same column.
    let said = contradictions::not_there(step, before).is_some()
        || phrase::renamed_to(before, table, column).is_some()
        || (before.is_postgres() && !phrase::goes_with_column(before, table, column).is_empty());
    if said {
        return;
    }
    let perhaps =
        before.outline.dropped.contains(table) || before.outline.columns_made.contains(&(table.clone(), column.clone()));
    let comes_back = perhaps
        && before.later().any(|later| match &later.operation {
            Operation::AddColumn { table: to, column: added, .. } => to == table && added.name == *column,
            Operation::RenameColumn { table: of, to, .. } => of == table && to == column,
            Operation::DropTable { table: dropped, .. } => dropped == table,
            _ => false,
        });
    if comes_back {
        return;
    }
    let known = before.schema.column(table, column);
    // Otherwise the code that leaves it out cannot insert a row.
    let is_required = known.is_some_and(|known| known.nullable == Some(false) && known.default.is_none());
    let column = show_holes(column);
    let finding = found.at(
        step.at(Mark::Name),
        format!("code that is running now fails as soon as it reads or writes `{table}.{column}`, which is dropped here"),
    );
    if let Some(known) = known
        && let Some(added) = known.added_in.and_then(|index| before.environment.migrations.get(index))
    {
        finding.note(format!("`{column}` was added in {}", added.id));
    }
    let unused = format!("release code that no longer uses `{column}` (with an ORM, also take it out of the model)");
    let in_key = before.table(table).is_some_and(|table| table.primary_key().is_some_and(|key| key.mentions(&column)));
    let without = if in_key { "give `{}` a default" } else { "let `{}` take NULL, or give it a default" }.replace("{}", &column);
    finding.help(match is_required {
        false => format!("in phases: 1. {unused}; 2. drop the column in a migration of the next release"),
        true => format!(
            "in phases: 1. {without}, so that rows can do without it; 2. {unused}; 3. drop the column in a migration of the next release"
        ),
    });
});
