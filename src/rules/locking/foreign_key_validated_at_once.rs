use crate::migration::{Mark, Origin};
use crate::operation::{
    Constraint, ConstraintKind, Default as ColumnDefault, Dialect, Expression, LockMode, Name, Operation, show_holes,
};
use crate::rule::{Check, Context};
use crate::rules::{mend, phrase};

pub const CHECK: Check = Check::Step(|step, before, found| {
    let (table, reference, columns, name) = match &step.operation {
        Operation::AddConstraint { table, constraint } => match &constraint.kind {
            ConstraintKind::ForeignKey { reference, columns } => (table, reference, columns.join("_"), constraint.name.clone()),
            _ => return,
        },
        // A column that comes with a value in each row; an empty one needs no check.
        Operation::AddColumn { table, column, .. } => match (&column.references, &column.default) {
            (Some(reference), Some(default)) if *default != ColumnDefault::Expression(Expression("NULL".to_owned())) => {
                (table, reference, column.name.clone(), reference.name.clone())
            }
            _ => return,
        },
        _ => return,
    };
    // What is said of a rewritten table includes this.
    if before.scanned().is_none() || before.is_new(table) || before.rewritten().is_some() {
        return;
    }
    // VALIDATE needs a name, and what the engine or a naming convention makes up is not for guessing.
    let is_named = name.is_some();
    let name = name.unwrap_or_else(|| match before.environment.dialects().as_slice() {
        // The one that it has got so far, which other migrations may say.
        [Dialect::PostgreSql] => format!("{}_{columns}_fkey", table.name),
        _ => format!("fk_{}_{columns}", table.name),
    });
    let validate =
        format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", phrase::sql_name(table), phrase::sql_name(&Name::new(name.as_str())));
    let inline = match &step.operation {
        Operation::AddColumn { column, .. } if step.origin == Origin::Sql => Some(column),
        _ => None,
    };
    let how = match (inline, step.origin, is_named) {
        // NOT VALID cannot stand behind a column's own REFERENCES.
        (Some(column), ..) => {
            let kind = ConstraintKind::ForeignKey { columns: vec![column.name.clone()], reference: reference.clone() };
            let constraint = Constraint { not_valid: true, ..Constraint::new(Some(name.clone()), kind) };
            let apart = Operation::AddConstraint { table: table.clone(), constraint: Box::new(constraint) };
            let text = crate::render::operation(&apart, phrase::style(before)).unwrap_or_default();
            format!("add the column without REFERENCES, and behind it:\n{text}")
        }
        (None, Origin::Sql, true) => "add NOT VALID to the constraint".to_owned(),
        (None, Origin::Sql, false) => {
            format!("write CONSTRAINT {} and NOT VALID around the foreign key", phrase::sql_name(&Name::new(name.as_str())))
        }
        (None, Origin::Directive(_), true) => "add `postgresql_not_valid=True`".to_owned(),
        (None, Origin::Directive(_), false) => format!("name it \"{}\" and add `postgresql_not_valid=True`", show_holes(&name)),
    };
    // Other actions of the same ALTER TABLE may lock more than this one.
    let is_made_again = before.steps().take_while(|(at, _)| *at < before.at).any(|(_, step)| {
        matches!(&step.operation, Operation::DropConstraint { table: of, constraint: Some(old), .. } if of == table && *old == name)
    });
    let held = |held: &Name| {
        before.held(held).max(before.effects().lock(held)).is_some_and(LockMode::blocks_reads)
            // What the old key pointed to, its drop locks too.
            || (is_made_again && *held == reference.table && pointed_there(before, table, &name, held) && before.held(table).is_some_and(LockMode::blocks_reads))
    };
    let who = |name| if held(name) { "reads and writes of" } else { "writes to" };
    let referenced = &reference.table;
    let whom = if referenced == table || before.is_new(referenced) {
        format!("{} `{table}`", who(table))
    } else if held(table) == held(referenced) {
        format!("{} `{table}` and `{referenced}`", who(table))
    } else {
        format!("{} `{table}` and {} `{referenced}`", who(table), who(referenced))
    };
    found
        .at(step.at(Mark::Name), format!("{whom} wait while the foreign key of every row is checked"))
        .note("ADD FOREIGN KEY holds ShareRowExclusive on both tables for a scan; with NOT VALID only for an instant, and VALIDATE lets reads and writes go on")
        .note(before.origin_of(table))
        .help(match (inline, phrase::and_once_committed(before, &validate)) {
            (Some(_), then) => format!("{how}\n{then}"),
            (None, then) => format!("{how}, {then}"),
        })
        .fix(mend::not_valid(before, step));
});

/// Whether a key that is not known pointed to this table: the way back makes it again, or it is the likeliest.
fn pointed_there(before: &Context<'_>, table: &Name, name: &str, target: &Name) -> bool {
    let other = if before.is_upgrade() { &before.migration.down } else { &before.migration.up };
    let old = other.iter().flat_map(|script| &script.steps).find_map(|step| match &step.operation {
        Operation::AddConstraint { table: of, constraint } if of == table && constraint.name.as_deref() == Some(name) => {
            match &constraint.kind {
                ConstraintKind::ForeignKey { reference, .. } => Some(&reference.table),
                _ => None,
            }
        }
        _ => None,
    });
    old.is_none_or(|old| old == target)
}
