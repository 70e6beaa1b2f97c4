use crate::migration::Mark;
use crate::operation::{Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AlterColumnType { table, column, .. } = &step.operation else { return };
    let Some(known) = before.table(table) else { return };
    let views = before.schema.views_using(known, column);
    let Some(view) = views.first() else { return };
    let column = show_holes(column);
    let finding = found.at(
        step.at(Mark::Name),
        format!("the type of `{table}.{column}` cannot be changed while the view `{}` uses it", view.name),
    );
    if let Some(made) = view.created_in.and_then(|made| before.environment.migrations.get(made)) {
        finding.note(format!("`{}` was created in {}", view.name, made.id));
    }
    finding.help(format!("drop `{}` first and create it again afterwards, in the same migration", view.name));
});
