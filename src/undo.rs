//! The way back: what undoes an operation, and in [`difference`] what is still different after going there and back.

mod difference;

use std::collections::HashMap;

use crate::migration::{Origin, Step};
use crate::operation::{Class, Column, Constraint, ConstraintKind, CreateIndex, CreateTable, Dialects, Name, Operation};
use crate::schema::{Schema, Table, TableColumn, TableConstraint, TableIndex};

pub use difference::{Difference, How, differences};

/// The operations that undo one, given the schema before it; None where that cannot be known.
pub fn reverse(operation: &Operation, before: &Schema) -> Option<Vec<Operation>> {
    let table_before = |name: &Name| before.table(name);
    let column_before = |table: &Name, column: &str| before.column(table, column);
    let one = |operation: Operation| Some(vec![operation]);
    match operation {
        Operation::CreateTable(create) => {
            one(Operation::DropTable { table: create.table.clone(), if_exists: false, cascade: false })
        }
        Operation::DropTable { table, .. } => recreate(table_before(table)?, before),
        Operation::RenameTable { table, to } => one(Operation::RenameTable { table: to.clone(), to: table.clone() }),
        Operation::AddColumn { table, column, .. } => {
            one(Operation::DropColumn { table: table.clone(), column: column.name.clone(), if_exists: false, cascade: false })
        }
        Operation::DropColumn { table, column, .. } => {
            add_again(table_before(table)?, column_before(table, column).filter(|column| column.added_in.is_some())?)
        }
        Operation::RenameColumn { table, column, to } => {
            one(Operation::RenameColumn { table: table.clone(), column: to.clone(), to: column.clone() })
        }
        Operation::AlterColumnType { table, column, to, from, .. } => {
            let old = column_before(table, column).and_then(|column| column.data_type.clone()).or_else(|| from.clone())?;
            one(Operation::AlterColumnType {
                table: table.clone(),
                column: column.clone(),
                to: Some(old),
                from: to.clone(),
                using: None,
                collation: None,
            })
        }
        Operation::SetNotNull { table, column } => match column_before(table, column).and_then(|column| column.nullable) {
            Some(false) => Some(Vec::new()),
            _ => one(Operation::DropNotNull { table: table.clone(), column: column.clone() }),
        },
        Operation::DropNotNull { table, column } => match column_before(table, column).and_then(|column| column.nullable) {
            Some(true) => Some(Vec::new()),
            _ => one(Operation::SetNotNull { table: table.clone(), column: column.clone() }),
        },
        Operation::SetDefault { table, column, .. } | Operation::DropDefault { table, column } => {
            let old = column_before(table, column).filter(|old| old.default.is_some() || old.added_in.is_some())?;
            one(match &old.default {
                Some(default) => Operation::SetDefault { table: table.clone(), column: column.clone(), default: default.clone() },
                None => Operation::DropDefault { table: table.clone(), column: column.clone() },
            })
        }
        Operation::AddConstraint { table, constraint } => {
            let name = constraint.name.clone()?;
            one(Operation::DropConstraint { table: table.clone(), constraint: Some(name), if_exists: false, cascade: false })
        }
        Operation::DropConstraint { table, constraint: Some(name), .. } => {
            let known = table_before(table)?.constraint(name)?;
            one(Operation::AddConstraint { table: table.clone(), constraint: Box::new(constraint_of(known, before)) })
        }
        Operation::RenameConstraint { table, constraint, to } => {
            one(Operation::RenameConstraint { table: table.clone(), constraint: to.clone(), to: constraint.clone() })
        }
        Operation::CreateIndex(index) => {
            let name = Name::with_schema(index.table.schema.clone(), index.name.clone()?);
            one(Operation::DropIndex {
                index: name,
                table: Some(index.table.clone()),
                concurrently: false,
                if_exists: false,
                cascade: false,
            })
        }
        Operation::DropIndex { index, .. } => {
            let (table, known) = before.index(index)?;
            one(Operation::CreateIndex(Box::new(index_of(known, &table.name))))
        }
        Operation::RenameIndex { index, table, to } => {
            let renamed = Name::with_schema(index.schema.clone(), to.as_str());
            one(Operation::RenameIndex { index: renamed, table: table.clone(), to: index.name.clone() })
        }
        Operation::CreateEnum { name, .. } => {
            one(Operation::DropType { name: name.clone(), is_domain: false, if_exists: false, cascade: false })
        }
        Operation::DropType { name, is_domain: false, .. } => {
            one(Operation::CreateEnum { name: name.clone(), labels: before.enum_type(name)?.labels.clone() })
        }
        Operation::RenameType { name, to } => {
            one(Operation::RenameType { name: Name::with_schema(name.schema.clone(), to.as_str()), to: name.name.clone() })
        }
        Operation::CreateView { name, materialized, replace: false, .. } => {
            one(Operation::DropView { name: name.clone(), materialized: *materialized, if_exists: false, cascade: false })
        }
        Operation::ValidateConstraint { .. }
        | Operation::Select(_)
        | Operation::Set { .. }
        | Operation::Pragma { .. }
        | Operation::Begin
        | Operation::Commit
        | Operation::LockTable { .. }
        | Operation::Vacuum { .. }
        | Operation::Analyze { .. } => Some(Vec::new()),
        _ => None,
    }
}

/// The whole way back of a script: its steps undone, last first, each with the schema before it. None where a step
/// cannot be undone for certain.
pub fn way_back(steps: &[(&Step, &Schema)]) -> Option<Vec<Operation>> {
    let made: HashMap<&Name, usize> = steps
        .iter()
        .enumerate()
        .filter_map(|(at, (step, _))| match &step.operation {
            Operation::CreateTable(create) => Some((&create.table, at)),
            _ => None,
        })
        .collect();
    let made_here = |name: &Name| made.contains_key(name);
    // The table that a key points to is dropped first, where it was made last: the key has to go before it.
    let holds_up = |table: &Name, other: &Name| made.get(table).zip(made.get(other)).is_some_and(|(own, other)| own < other);
    let mut out = Vec::new();
    for (step, before) in steps.iter().rev() {
        if step.conditional || step.only != Dialects::ANY || step.operation.class() == Class::Data {
            return None;
        }
        // What goes with its table needs no line of its own.
        let goes_along = !matches!(step.operation, Operation::CreateTable(_)) && step.operation.table().is_some_and(made_here);
        let holds = match &step.operation {
            Operation::AddConstraint { table, constraint } => match &constraint.kind {
                ConstraintKind::ForeignKey { reference, .. } => holds_up(table, &reference.table),
                _ => false,
            },
            Operation::AddColumn { table, column, .. } => {
                column.references.as_ref().is_some_and(|reference| holds_up(table, &reference.table))
            }
            _ => false,
        };
        if goes_along && !holds {
            continue;
        }
        out.extend(reverse(&step.operation, before)?);
        // The types that create_table makes stay when the table goes.
        if let (Operation::CreateTable(create), Origin::Directive(_)) = (&step.operation, step.origin) {
            let types =
                create.columns.iter().filter_map(|column| column.data_type.as_ref()).filter(|kind| !kind.labels.is_empty());
            for kind in types.filter(|kind| before.enum_type(&Name::new(kind.name.as_str())).is_none()) {
                out.push(Operation::DropType {
                    name: Name::new(kind.name.as_str()),
                    is_domain: false,
                    if_exists: true,
                    cascade: false,
                });
            }
        }
    }
    Some(out)
}

/// A table with everything on it, as CREATE TABLE and CREATE INDEX.
fn recreate(table: &Table, schema: &Schema) -> Option<Vec<Operation>> {
    if !table.complete || table.is_view() {
        return None;
    }
    // A name that the engine made up, it makes up again.
    let of = |constraint: &TableConstraint| {
        let made = constraint_of(constraint, schema);
        Constraint { name: made.name.filter(|_| constraint.named), ..made }
    };
    let constraints = table.constraints().into_iter().map(of).collect();
    let columns = table.columns().into_iter().map(column_of).collect();
    let create =
        CreateTable { columns, constraints, columns_unknown: false, ..CreateTable::of_unknown_columns(table.name.clone()) };
    let own = |index: &&TableIndex| table.constraint(&index.name).is_none();
    let indexes =
        table.indexes().into_iter().filter(own).map(|index| Operation::CreateIndex(Box::new(index_of(index, &table.name))));
    Some(std::iter::once(Operation::CreateTable(Box::new(create))).chain(indexes).collect())
}

/// A dropped column, and the indexes and constraints that went with it.
fn add_again(table: &Table, column: &TableColumn) -> Option<Vec<Operation>> {
    let mut out =
        vec![Operation::AddColumn { table: table.name.clone(), column: Box::new(column_of(column)), if_not_exists: false }];
    for index in
        table.indexes().into_iter().filter(|index| index.mentions(&column.name) && table.constraint(&index.name).is_none())
    {
        out.push(Operation::CreateIndex(Box::new(index_of(index, &table.name))));
    }
    // Those without a name come back under another.
    for constraint in table.constraints().into_iter().filter(|constraint| constraint.mentions(&column.name)) {
        let kind = constraint.kind.clone();
        out.push(Operation::AddConstraint {
            table: table.name.clone(),
            constraint: Box::new(Constraint::new(Some(constraint.name.clone()), kind)),
        });
    }
    Some(out)
}

fn column_of(column: &TableColumn) -> Column {
    Column {
        nullable: column.nullable,
        default: column.default.clone(),
        collation: column.collation.clone(),
        ..Column::new(column.name.clone(), column.data_type.clone())
    }
}

fn constraint_of(constraint: &TableConstraint, schema: &Schema) -> Constraint {
    let mut kind = constraint.kind.clone();
    if let (ConstraintKind::ForeignKey { reference, .. }, Some((id, columns))) = (&mut kind, &constraint.references) {
        if let Some(table) = schema.relation(*id) {
            reference.table = table.name.clone();
        }
        reference.columns.clone_from(columns);
    }
    Constraint { not_valid: !constraint.validated, ..Constraint::new(Some(constraint.name.clone()), kind) }
}

fn index_of(index: &TableIndex, table: &Name) -> CreateIndex {
    CreateIndex {
        unique: index.unique,
        method: index.method.clone(),
        predicate: index.predicate.clone(),
        include: index.include.clone(),
        descending: index.descending,
        ..CreateIndex::new(Some(index.name.clone()), table.clone(), index.columns.clone())
    }
}
