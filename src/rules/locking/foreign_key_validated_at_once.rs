use crate::migration::{Mark, Origin};
use crate::operation::{ConstraintKind, Name, Operation};
use crate::rule::Check;
use crate::rules::{mend, phrase};

pub const CHECK: Check = Check::Step(|step, before, found| {
    let (table, reference, name) = match &step.operation {
        Operation::AddConstraint { table, constraint } => match &constraint.kind {
            ConstraintKind::ForeignKey { reference, .. } => (table, reference, constraint.name.clone()),
            _ => return,
        },
        // A column that comes with a value in each row; an empty one needs no check.
        Operation::AddColumn { table, column, .. } if column.references.is_some() => match &column.references {
            Some(reference) => (table, reference, None),
            None => return,
        },
        _ => return,
    };
    // What is said of a rewritten table includes this.
    if before.scanned().is_none() || before.is_new(table) || before.rewritten().is_some() {
        return;
    }
    let name = name.unwrap_or_else(|| "fk".to_owned());
    let validate = format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", phrase::sql_name(table), phrase::sql_name(&Name::new(name)));
    let how = match step.origin {
        Origin::Sql => "add NOT VALID to the constraint",
        Origin::Directive(_) => "add `postgresql_not_valid=True`",
    };
    let alone = reference.table == *table || before.is_new(&reference.table);
    let whom = if alone { format!("`{table}`") } else { format!("`{table}` and `{}`", reference.table) };
    let held = |name| before.held(name).is_some_and(|mode| mode.blocks_reads());
    let who = if held(table) || held(&reference.table) { "reads and writes of" } else { "writes to" };
    found
        .at(step.at(Mark::Name), format!("{who} {whom} wait while the foreign key of every row is checked"))
        .note("ADD FOREIGN KEY holds ShareRowExclusive on both tables for a scan; with NOT VALID only for an instant, and VALIDATE lets reads and writes go on")
        .note(before.origin_of(table))
        .help(format!("{how}, and {}:\n{}", phrase::in_next_migration(before), phrase::statement(step, &validate)))
        .fix(mend::not_valid(before, step));
});
