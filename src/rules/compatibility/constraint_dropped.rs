use crate::migration::Mark;
use crate::operation::{ConstraintKind, Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DropConstraint { table, constraint: Some(name), cascade: false, .. } = &step.operation else { return };
    let Some(known) = before.table(table).and_then(|table| table.constraint(name)) else { return };
    if !before.is_upgrade() || !before.is_in_use(table) || !before.is_old(known.created_in) {
        return;
    }
    let dropped = known.kind.title();
    // NOT NULL that takes over from its CHECK, and whatever comes back in another form.
    let replaced = before.script.steps.iter().any(|other| match &other.operation {
        // The table may have another name by then.
        Operation::AddConstraint { constraint, .. } => constraint.kind.title() == dropped,
        // A unique index refuses the same duplicates.
        Operation::CreateIndex(index) => {
            matches!(&known.kind, ConstraintKind::Unique { columns, .. } if index.unique && index.table == *table && index.predicate.is_none() && index.columns == *columns)
        }
        Operation::SetNotNull { table: of, column } => of == table && known.mentions(column),
        Operation::DropTable { table: of, .. } => of == table,
        Operation::DropColumn { table: of, column, .. } => of == table && known.mentions(column),
        _ => false,
    });
    let proves_not_null = matches!(&known.kind, ConstraintKind::Check { expression } if before.table(table).is_some_and(|table| {
        table.columns().iter().any(|column| column.nullable == Some(false) && crate::schema::expression::proves_not_null(&expression.0, &column.name))
    }));
    if replaced || proves_not_null {
        return;
    }
    found
        .at(
            step.at(Mark::Name),
            format!("`{table}` no longer keeps the {dropped} `{}`: running code may rely on it", show_holes(name)),
        )
        .help("drop it once no release that relies on it is running");
});
