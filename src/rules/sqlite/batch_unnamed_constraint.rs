use crate::engine::FailureKind;
use crate::migration::{Mark, Origin};
use crate::operation::{ConstraintKind, Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let unnamed = |kind| kind == FailureKind::UnnamedConstraint;
    if !before.effects().failure.as_ref().is_some_and(|failure| unnamed(failure.kind)) {
        return;
    }
    let Some(table) = step.operation.table() else { return };
    let (what, name) = match &step.operation {
        Operation::AddConstraint { constraint, .. } => match &constraint.kind {
            ConstraintKind::Unique { columns, .. } => {
                ("the unique constraint".to_owned(), format!("uq_{}_{}", table.name, columns.join("_")))
            }
            ConstraintKind::ForeignKey { columns, .. } => {
                ("the foreign key".to_owned(), format!("fk_{}_{}", table.name, columns.join("_")))
            }
            ConstraintKind::Check { .. } => ("the check".to_owned(), format!("ck_{}_…", table.name)),
            _ => ("the key".to_owned(), format!("pk_{}", table.name)),
        },
        _ => ("the constraint to drop".to_owned(), "its name".to_owned()),
    };
    let finding = found.at(
        step.at(Mark::Name),
        format!("the batch on `{table}` fails: {what} has no name, and Alembic raises \"Constraint must have a name\""),
    );
    finding.help(match &step.operation {
        Operation::AddConstraint { constraint, .. } if step.origin == Origin::Directive("add_column") => match &constraint.kind {
            ConstraintKind::ForeignKey { .. } => format!("give it a name: sa.ForeignKey(…, name=\"{}\")", show_holes(&name)),
            _ => format!("add the column without `unique=True`, and then:\nbatch_op.create_unique_constraint(\"{}\", […])", show_holes(&name)),
        },
        Operation::AddConstraint { .. } => format!("give it a name, such as \"{}\"", show_holes(&name)),
        _ => "constraints without a name get one in `batch_alter_table(…, naming_convention={\"uq\": \"uq_%(table_name)s_%(column_0_name)s\"})`, by which they can be dropped".to_owned(),
    });
});
