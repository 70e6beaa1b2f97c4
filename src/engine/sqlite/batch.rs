//! Alembic's batch mode where it copies the table: what fails, what is lost, whose rows go.
//!
//! `ApplyBatchImpl` in Alembic's `batch.py` reflects the table, changes the picture, creates `_alembic_tmp_NAME`, copies
//! the rows, drops the old table, renames the new one, and makes the indexes anew.

use super::picture::{lacks_column, left_out};
use super::{Failure, FailureKind, Model, failure};
use crate::engine::Effects;
use crate::history::Index;
use crate::migration::{Batch, CopyFrom, Step};
use crate::operation::{ConstraintKind, Default, HOLE, Name, Operation, show_holes};
use crate::schema::expression::mentions;
use crate::schema::{Table, TableColumn};

impl Model<'_> {
    pub(super) fn recreate(&self, batch: &Batch, steps: &[&Step]) -> Vec<Effects> {
        let table = steps.iter().find_map(|step| step.operation.table());
        let known = table.and_then(|table| self.schema.table(table));
        let mut whole = Effects::default();
        let schema = table.zip(batch.copy_from.picture()).map(|(table, picture)| {
            let mut schema = self.schema.clone();
            schema.take_picture(table, picture, Index::default());
            schema
        });
        // What the block changes: the picture in `copy_from=`, or what Alembic reflects.
        let pictured = schema.as_ref().zip(table).and_then(|(schema, table)| schema.table(table));
        let changed = pictured.or(known);
        let at_fault =
            steps.iter().enumerate().find_map(|(at, step)| Some((at, self.refused_in_batch(batch, step, steps, changed)?)));
        let rows = at_fault.or_else(|| self.breaks_rows(steps, known));
        let missing = rows.or_else(|| Some((0, lacks_column(known?, pictured?, steps)?)));
        let found = missing.or_else(|| Some((0, self.copy_fails(batch, steps, known?, changed?, &mut whole)?)));
        if let Some(known) = known {
            whole.loses = match pictured {
                Some(pictured) => left_out(known, pictured, steps),
                None => losses(batch, known, steps),
            };
            whole.drops = whole.loses.iter().cloned().collect();
            whole.drops.extend(taken_along(known, steps));
            whole.drops.extend(whole.empties.keys().map(|child| format!("rows {child}")));
        }
        if let Some(table) = table {
            whole.rewrites.insert(table.clone(), "Alembic's batch mode copies it into a new table".to_owned());
        }
        if let Some((_, failure)) = found.as_ref().filter(|(_, failure)| !failure.with_rows) {
            whole = Effects { fails_because: Some(failure.answer.clone()), ..Effects::default() };
        }
        let mut out = vec![whole; steps.len()];
        if let Some((at, failure)) = found {
            out[at].failure = Some(failure);
        }
        // Losses are those of the block; its first step tells them.
        for later in out.iter_mut().skip(1) {
            later.loses.clear();
            later.empties.clear();
        }
        out
    }

    /// What the block refuses before it copies anything.
    fn refused_in_batch(&self, batch: &Batch, step: &Step, steps: &[&Step], known: Option<&Table>) -> Option<Failure> {
        // What the block is told names what is reflected, not what is new.
        let unnamed = || {
            (!self.names_constraints).then(|| failure(FailureKind::UnnamedConstraint, "ValueError: Constraint must have a name"))
        };
        let gone = |answer: String| Some(failure(FailureKind::Contradiction, answer));
        let is_dropped = |name: &str| {
            steps.iter().any(|other| dropped_column(&other.operation).is_some_and(|column| column.eq_ignore_ascii_case(name)))
        };
        let is_there = |name: &str| known.is_some_and(|table| table.column(&name.to_lowercase()).is_some()) && !is_dropped(name);
        if known.is_some_and(Table::is_view) {
            return gone(format!(
                "use DROP VIEW to delete view {}",
                known.map_or_else(String::new, |view| view.name.to_string())
            ));
        }
        let lax = |kind: Option<&crate::operation::DataType>| {
            kind.is_some_and(|kind| !super::statements::is_strict(kind)) && known.is_some_and(|table| table.strict)
        };
        match &step.operation {
            Operation::AddColumn { table, column, .. } if lax(column.data_type.as_ref()) => {
                gone(super::statements::unknown_datatype(table, column))
            }
            Operation::AlterColumnType { table, column, to, .. } if lax(to.as_ref()) => {
                let column = crate::operation::Column::new(column.as_str(), to.clone());
                gone(super::statements::unknown_datatype(table, &column))
            }
            Operation::AddConstraint { constraint, .. } if constraint.name.is_none() => unnamed(),
            Operation::AddConstraint { constraint, .. } if matches!(constraint.kind, ConstraintKind::Check { .. }) => {
                let ConstraintKind::Check { expression } = &constraint.kind else { return None };
                let new: Vec<&str> = steps.iter().filter_map(|other| new_name(&other.operation)).collect();
                self.unknown_name(known?, &expression.0, &new)
            }
            Operation::AddColumn { column, .. } if is_there(&column.name) => {
                gone(format!("duplicate column name: {}", show_holes(&column.name)))
            }
            Operation::RenameColumn { column, to, .. } if is_there(to) && !to.eq_ignore_ascii_case(column) => {
                gone(format!("duplicate column name: {}", show_holes(to)))
            }
            Operation::CreateIndex(index) if index.if_not_exists => {
                gone("TypeError: ApplyBatchImpl.create_index() got an unexpected keyword argument 'if_not_exists'".to_owned())
            }
            Operation::DropIndex { index, .. } if batch.copy_from != CopyFrom::Unknown => {
                let known = known.filter(|table| table.complete && index.is_known())?;
                let is_pictured = batch.copy_from != CopyFrom::None;
                let reflected =
                    known.index(&index.name.to_lowercase()).is_some_and(|index| is_pictured || !index.has_expressions());
                if reflected { None } else { gone(format!("ValueError: No such index: '{index}'")) }
            }
            Operation::CreateIndex(index) if index.columns.iter().any(|key| is_expression(key)) => {
                gone("KeyError: an index over an expression is not made in a batch block".to_owned())
            }
            Operation::CreateIndex(index) if index.columns.iter().any(|key| renamed_to(steps, key) && !is_there(key)) => {
                gone(format!("KeyError: '{}'", index.columns.join("', '")))
            }
            Operation::CreateIndex(_)
                if !steps.iter().any(|other| {
                    matches!(
                        other.operation,
                        Operation::AddColumn { .. } | Operation::RenameColumn { .. } | Operation::DropIndex { .. }
                    )
                }) =>
            {
                self.statement(step, &mut Effects::default())
            }
            Operation::DropConstraint { constraint: None, .. } => unnamed(),
            Operation::DropConstraint { constraint: Some(name), .. } if batch.copy_from != CopyFrom::Unknown => {
                let known = known.filter(|table| table.complete && !batch.has_naming_convention)?;
                let made_before = steps.iter().any(|other| matches!(&other.operation, Operation::AddConstraint { constraint, .. } if constraint.name.as_ref() == Some(name)));
                let there =
                    known.constraints().iter().any(|constraint| constraint.named && constraint.name.eq_ignore_ascii_case(name));
                let known_name = Name::new(name.as_str()).is_known();
                if there || made_before || !known_name { None } else { gone(format!("ValueError: No such constraint: '{name}'")) }
            }
            Operation::DropColumn { column, .. }
            | Operation::AlterColumnType { column, .. }
            | Operation::SetNotNull { column, .. }
            | Operation::DropNotNull { column, .. }
            | Operation::SetDefault { column, .. }
            | Operation::DropDefault { column, .. }
            | Operation::RenameColumn { column, .. }
                if batch.copy_from != CopyFrom::Unknown =>
            {
                let is_added = |other: &&Step| matches!(&other.operation, Operation::AddColumn { column: added, .. } if added.name == *column);
                // A column is known by its old name until the block ends.
                let in_block = steps.iter().any(is_added);
                let missing = self.missing_column(known?, column).filter(|_| !in_block)?;
                Some(Failure { answer: format!("KeyError: '{}'", show_holes(column)), ..missing })
            }
            _ => None,
        }
    }

    /// What fails while the table is copied; fills in whose rows go on the way.
    /// `changed` is the table as the block takes it: what reflection sees, or the picture in `copy_from=`.
    fn copy_fails(
        &self,
        batch: &Batch,
        steps: &[&Step],
        known: &Table,
        changed: &Table,
        effects: &mut Effects,
    ) -> Option<Failure> {
        let table = &known.name;
        let dependent = |answer: String| Some(failure(FailureKind::Dependents, answer));
        let dropped: Vec<String> = steps
            .iter()
            .filter_map(|step| dropped_column(&step.operation))
            .filter(|name| !name.contains(HOLE))
            .map(str::to_lowercase)
            .collect();
        let generated =
            |column: &&&TableColumn| column.generated_from().is_some() && !dropped.contains(&column.name.to_lowercase());
        if let Some(column) = changed.columns().iter().find(generated).filter(|_| batch.copy_from != CopyFrom::Unknown) {
            return dependent(format!("cannot INSERT into generated column \"{}\"", column.name));
        }
        let left_over = Name::new(format!("_alembic_tmp_{}", table.name));
        if self.schema.table(&left_over).is_some() {
            return dependent(format!("table {left_over} already exists"));
        }
        let blocked = self.dropped_rows(known, effects);
        if let Some(view) = self.views_over(known, None).first().filter(|_| !self.schema.session.legacy_alter_table) {
            return dependent(format!("error in view {view}: no such table: main.{table}"));
        }
        // The renaming at the end reads all triggers again.
        let speaks_of_it = |other: &&Table| {
            let says = |trigger: &crate::schema::Trigger| trigger.text.as_deref().is_some_and(|text| mentions(text, &table.name));
            other.id != known.id && other.ties().triggers.iter().any(says)
        };
        if let Some(other) = self.schema.tables().find(speaks_of_it).filter(|_| !self.schema.session.legacy_alter_table) {
            let names: Vec<&str> = other.ties().triggers.iter().map(|trigger| trigger.name.as_str()).collect();
            return dependent(format!("error in trigger {}: no such table: main.{table}", names.join(", ")));
        }
        if self.foreign_keys == Some(true) && self.points_to_itself(known) {
            return dependent("FOREIGN KEY constraint failed: rows of the copy point to the old table".to_owned());
        }
        for column in steps.iter().filter_map(|step| renamed_column(&step.operation)).map(str::to_lowercase) {
            let in_check = changed.constraints().into_iter().any(|constraint| {
                matches!(&constraint.kind, ConstraintKind::Check { expression } if constraint.named && mentions(&expression.0, &column))
            });
            let says = |index: &crate::schema::TableIndex| {
                !index.has_expressions() && index.predicate.as_ref().is_some_and(|predicate| mentions(&predicate.0, &column))
            };
            if (in_check || changed.indexes().into_iter().any(says)) && batch.copy_from != CopyFrom::Unknown {
                return dependent(format!("no such column: {column}"));
            }
        }
        let dropped_index = |name: &str| {
            steps.iter().any(|step| matches!(&step.operation, Operation::DropIndex { index, .. } if index.name == name))
        };
        for column in &dropped {
            let in_index = changed.indexes().into_iter().find(|index| {
                changed.constraint(&index.name).is_none()
                    && !index.has_expressions()
                    && !dropped_index(&index.name)
                    && index.mentions(column)
            });
            let in_check = changed.constraints().into_iter().any(|constraint| {
                matches!(&constraint.kind, ConstraintKind::Check { expression } if constraint.named && mentions(&expression.0, column))
                    && !steps.iter().any(|step| matches!(&step.operation, Operation::DropConstraint { constraint: Some(name), .. } if *name == constraint.name))
            });
            if in_index.is_some() || in_check {
                return dependent(format!("no such column: {column}"));
            }
        }
        blocked
    }

    /// Some row has a value in a foreign key of the table to itself.
    fn points_to_itself(&self, table: &Table) -> bool {
        let mut own = self.schema.references_from(table).filter(|(_, target)| target.id == table.id);
        own.any(|(key, _)| match &key.kind {
            ConstraintKind::ForeignKey { columns, .. } => {
                columns.iter().all(|column| table.has_value(&column.to_lowercase(), |value| value.key().is_some()))
            }
            _ => false,
        })
    }

    /// New rules that rows break, certainly or where there are any: the position of the step, and why.
    fn breaks_rows(&self, steps: &[&Step], known: Option<&Table>) -> Option<(usize, Failure)> {
        let broken = |step: &&Step| match &step.operation {
            Operation::SetNotNull { column, .. } if known.is_some_and(|table| table.has_null_in(&column.to_lowercase())) => {
                Some(failure(FailureKind::Rows, "NOT NULL constraint failed"))
            }
            Operation::AddColumn { table, column, .. } => {
                let empty = !matches!(&column.default, Some(Default::Expression(value)) if !value.is_null());
                let generated = matches!(column.default, Some(Default::Generated { .. }));
                // To a table without a key, SQLite gives the numbers of its rows.
                let required = match column.primary_key {
                    true => known.is_some_and(|table| table.primary_key().is_some()),
                    false => column.nullable == Some(false),
                };
                let answer = format!("NOT NULL constraint failed: _alembic_tmp_{}.{}", table.name, show_holes(&column.name));
                let default = match &column.default {
                    Some(Default::Expression(value)) => value.0.as_str(),
                    _ => "NULL",
                };
                let is_broken = |check: &crate::operation::Expression| {
                    crate::schema::value::is_false(&check.0, column, default) || known.is_some_and(|table| table.breaks(&check.0))
                };
                if known.is_some_and(|table| table.has_rows) && column.checks.iter().any(is_broken) {
                    return Some(failure(FailureKind::Rows, "CHECK constraint failed"));
                }
                let failure =
                    Failure { with_rows: !known.is_some_and(|table| table.has_rows), ..failure(FailureKind::AddColumn, answer) };
                // SQLAlchemy's INSERT … SELECT gives the default of the model.
                (required && empty && !generated && !column.client_default).then_some(failure)
            }
            Operation::AddConstraint { constraint, .. } => match &constraint.kind {
                ConstraintKind::Unique { columns, .. } | ConstraintKind::PrimaryKey { columns, .. } => {
                    let columns: Vec<String> = columns.iter().map(|column| column.to_lowercase()).collect();
                    known
                        .is_some_and(|table| table.repeats(&columns, None))
                        .then(|| failure(FailureKind::Rows, "UNIQUE constraint failed"))
                }
                ConstraintKind::Check { expression } => known
                    .is_some_and(|table| table.breaks(&expression.0))
                    .then(|| failure(FailureKind::Rows, "CHECK constraint failed")),
                _ => None,
            },
            _ => None,
        };
        steps.iter().enumerate().find_map(|(at, step)| Some((at, broken(step)?)))
    }
}

/// A name that the block gives.
fn renamed_to(steps: &[&Step], name: &str) -> bool {
    steps.iter().any(|other| matches!(&other.operation, Operation::RenameColumn { to, .. } if to == name))
}

fn is_expression(key: &str) -> bool {
    Name::new(key).is_known() && key.contains(['(', ' '])
}

/// Named keys that go with a dropped column.
fn taken_along(table: &Table, steps: &[&Step]) -> Vec<String> {
    let dropped: Vec<String> = steps.iter().filter_map(|step| dropped_column(&step.operation)).map(str::to_lowercase).collect();
    let goes = |constraint: &&crate::schema::TableConstraint| {
        constraint.named && constraint.has_index() && dropped.iter().any(|column| constraint.mentions(column))
    };
    table.constraints().into_iter().filter(goes).map(|constraint| format!("constraint {}", constraint.name)).collect()
}

/// The column that a step brings, or its new name.
fn new_name(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::AddColumn { column, .. } => Some(&column.name),
        Operation::RenameColumn { to, .. } => Some(to),
        _ => None,
    }
}

pub(super) fn renamed_column(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::RenameColumn { column, .. } => Some(column),
        _ => None,
    }
}

/// The column of the table that a step changes or takes away.
pub(super) fn altered_column(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::AlterColumnType { column, .. }
        | Operation::SetNotNull { column, .. }
        | Operation::DropNotNull { column, .. }
        | Operation::SetDefault { column, .. }
        | Operation::DropDefault { column, .. } => Some(column),
        other => dropped_column(other).or_else(|| renamed_column(other)),
    }
}

pub(super) fn dropped_column(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::DropColumn { column, .. } => Some(column),
        _ => None,
    }
}

/// Types that SQLAlchemy's reflection of SQLite knows by name; others come back as what their affinity is.
const REFLECTED: &[&str] = &[
    "bigint",
    "blob",
    "bool",
    "boolean",
    "char",
    "date",
    "date_char",
    "datetime",
    "datetime_char",
    "double",
    "double precision",
    "decimal",
    "float",
    "int",
    "integer",
    "json",
    "numeric",
    "real",
    "smallint",
    "text",
    "time",
    "time_char",
    "timestamp",
    "varchar",
    "nvarchar",
    "timestamp without time zone",
    "time without time zone",
    "double_precision",
    "clob",
    "character varying",
    "character",
];

/// What reflection does not see of a table, in the order of weight.
fn losses(batch: &Batch, table: &Table, steps: &[&Step]) -> Vec<String> {
    let mut out: Vec<String> = table.ties().triggers.iter().map(|trigger| format!("trigger {}", trigger.name)).collect();
    let dropped: Vec<&str> = steps.iter().filter_map(|step| dropped_column(&step.operation)).collect();
    let is_dropped = |name: &str| dropped.iter().any(|column| column.eq_ignore_ascii_case(name));
    let dropped_index =
        |name: &str| steps.iter().any(|step| matches!(&step.operation, Operation::DropIndex { index, .. } if index.name == name));
    for index in
        table.indexes().into_iter().filter(|index| table.constraint(&index.name).is_none() && !dropped_index(&index.name))
    {
        if index.has_expressions() {
            out.push(format!("index {}", index.name));
        } else if index.descending {
            out.push(format!("DESC of index {}", index.name));
        }
    }
    if batch.copy_from == CopyFrom::Unknown {
        return out;
    }
    for constraint in table.constraints().into_iter().filter(|constraint| constraint.escapes_reflection(table)) {
        let about_dropped = dropped.iter().any(|column| constraint.mentions(&column.to_lowercase()));
        if batch.table_args.bring(&constraint.kind) || about_dropped {
            continue;
        }
        out.push(match &constraint.kind {
            ConstraintKind::Check { expression } => format!("CHECK ({})", show_holes(&expression.0)),
            ConstraintKind::Unique { columns, .. } => format!("UNIQUE ({})", columns.join(", ")),
            _ => continue,
        });
    }
    let retyped = |name: &str| {
        steps
            .iter()
            .any(|step| matches!(&step.operation, Operation::AlterColumnType { column, .. } if column.eq_ignore_ascii_case(name)))
    };
    for column in table.columns().into_iter().filter(|column| !is_dropped(&column.name) && !retyped(&column.name)) {
        if let Some(collation) = &column.collation {
            out.push(format!("COLLATE {collation} of {}", column.name));
        }
        if matches!(column.default, Some(Default::Sequence)) && !column.by_sqlalchemy {
            out.push(format!("AUTOINCREMENT of {}", column.name));
        }
        if let Some(kind) = column
            .data_type
            .as_ref()
            .filter(|kind| !column.by_sqlalchemy && kind.labels.is_empty() && !REFLECTED.contains(&kind.name.as_str()))
        {
            out.push(format!("type {kind} of {}", column.name));
        }
    }
    out
}
