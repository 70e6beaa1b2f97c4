//! Tables made after others: `LIKE other`, and the columns of CREATE TABLE … AS.

use super::{Map, RelationId, Schema, Table, TableColumn, TableConstraint, TableIndex};
use crate::history::Index;
use crate::operation::{Constraint, ConstraintKind, CreateTable, Default, Expression, Like, Name, Selected};

impl Schema {
    pub(super) fn copy(&mut self, id: RelationId, create: &CreateTable, migration: Index) {
        for like in &create.likes {
            self.copy_like(id, like, migration);
        }
        if let Some(selected) = &create.selected {
            self.copy_selected(id, selected, migration);
        }
    }

    fn copy_like(&mut self, id: RelationId, like: &Like, migration: Index) {
        let Some(other) = self.table(&like.table).filter(|other| other.complete) else { return };
        let mut columns: Vec<TableColumn> = other.columns().into_iter().cloned().collect();
        let constraints: Vec<TableConstraint> = other.constraints().into_iter().cloned().collect();
        let indexes: Vec<TableIndex> = other.indexes().into_iter().cloned().collect();
        let numbered: Vec<String> = columns.iter().filter(|column| is_identity(column)).map(|one| one.name.clone()).collect();
        for column in &mut columns {
            let keeps = match &column.default {
                Some(Default::Identity) => like.identity,
                Some(Default::Generated { .. }) => like.generated,
                _ => like.defaults,
            };
            let default = match (column.default.take(), column.sequence.take()) {
                // It goes on taking numbers from the sequence of the old table.
                (Some(Default::Sequence), Some(sequence)) => {
                    Some(Default::Expression(Expression(format!("nextval('{sequence}')"))))
                }
                (default, _) => default,
            };
            *column = TableColumn {
                default: default.filter(|_| keeps),
                inherited: false,
                added_in: Some(migration),
                written: Vec::new(),
                ..column.clone()
            };
        }
        let by_constraint: Vec<&str> =
            constraints.iter().filter(|one| one.has_index()).map(|constraint| constraint.name.as_str()).collect();
        let plain: Vec<TableIndex> = indexes.into_iter().filter(|index| !by_constraint.contains(&index.name.as_str())).collect();
        self.add_copies(id, columns);
        for column in numbered.iter().filter(|_| like.identity) {
            self.give_sequence(id, column);
        }
        for constraint in &constraints {
            let (copied, name) = match &constraint.kind {
                ConstraintKind::Check { .. } => (like.checks, Some(constraint.name.clone())),
                ConstraintKind::ForeignKey { .. } => (false, None),
                ConstraintKind::NotNull { .. } => (true, Some(constraint.name.clone())),
                _ => (like.indexes, Some(constraint.name.clone()).filter(|_| like.keeps_names)),
            };
            if copied {
                let kind = without_index(constraint.kind.clone());
                self.constrain(id, &Constraint::new(name, kind), migration);
            }
        }
        for index in plain.into_iter().filter(|_| like.indexes) {
            let name = if like.keeps_names { index.name.clone() } else { self.index_name(id, &index.columns) };
            self.put_index(id, TableIndex { name, parent: None, created_in: migration, ..index });
        }
    }

    fn copy_selected(&mut self, id: RelationId, selected: &[Selected], migration: Index) {
        let mut columns: Vec<TableColumn> = Vec::new();
        for item in selected {
            match item {
                Selected::All(of) => {
                    let tables: Option<Vec<&Table>> =
                        of.iter().map(|name| self.table(name).filter(|table| table.complete)).collect();
                    let Some(tables) = tables.filter(|tables| !tables.is_empty()) else { return };
                    columns.extend(tables.iter().flat_map(|table| table.columns()).map(|column| self.plain(column, migration)));
                }
                Selected::Column { of, column, called } => {
                    let found = self.one_of(of, column).map(|column| self.plain(column, migration));
                    columns.push(TableColumn { name: called.clone(), ..found.unwrap_or_else(|| unknown(migration)) });
                }
                Selected::Value { called, data_type } => {
                    columns.push(TableColumn { name: called.clone(), data_type: data_type.clone(), ..unknown(migration) });
                }
            }
        }
        self.add_copies(id, columns);
    }

    /// The column of that name, where just one of the relations has it and all of them are known.
    fn one_of(&self, of: &[Name], column: &str) -> Option<&TableColumn> {
        let tables: Option<Vec<&Table>> = of.iter().map(|name| self.table(name).filter(|table| table.complete)).collect();
        let key = self.fold(column);
        let mut found = tables?.into_iter().filter_map(|table| table.column(&key));
        found.next().filter(|_| found.next().is_none())
    }

    /// A column as a query gives it: PostgreSQL and SQLite keep its type, MySQL its NOT NULL and default too.
    fn plain(&self, column: &TableColumn, migration: Index) -> TableColumn {
        let default = match &column.default {
            // It counts no more, and NOT NULL asks for a value.
            Some(Default::Sequence) => Some(Default::Expression(Expression("0".to_owned()))),
            Some(Default::Identity | Default::Generated { .. }) => None,
            other => other.clone(),
        };
        TableColumn {
            name: column.name.clone(),
            // SQLite keeps no more of a type than its affinity.
            data_type: column.data_type.clone().filter(|_| !self.is_sqlite()),
            nullable: if self.is_mysql() { column.nullable } else { Some(true) },
            default: default.filter(|_| self.is_mysql()),
            collation: column.collation.clone(),
            ..unknown(migration)
        }
    }

    fn add_copies(&mut self, id: RelationId, columns: Vec<TableColumn>) {
        let keys: Vec<String> = columns.iter().map(|column| self.fold(&column.name)).collect();
        let Some(table) = self.relations.get_mut(&id) else { return };
        for (key, column) in keys.into_iter().zip(columns) {
            let position = table.next_position;
            insert_behind(&mut table.columns, key, TableColumn { position, ..column });
            table.next_position += 1;
        }
        table.complete = true;
    }
}

/// A name that stands twice is an error of the server; the first one stays.
fn insert_behind(columns: &mut Map<String, TableColumn>, key: String, column: TableColumn) {
    if !columns.contains_key(&key) {
        columns.insert_mut(key, column);
    }
}

fn is_identity(column: &TableColumn) -> bool {
    matches!(column.default, Some(Default::Identity))
}

/// The copy gets an index of its own.
fn without_index(kind: ConstraintKind) -> ConstraintKind {
    match kind {
        ConstraintKind::PrimaryKey { columns, .. } => ConstraintKind::PrimaryKey { columns, using_index: None },
        ConstraintKind::Unique { columns, .. } => ConstraintKind::Unique { columns, using_index: None },
        other => other,
    }
}

fn unknown(migration: Index) -> TableColumn {
    TableColumn {
        name: String::new(),
        data_type: None,
        nullable: Some(true),
        default: None,
        collation: None,
        by_sqlalchemy: false,
        added_in: Some(migration),
        position: 0,
        sequence: None,
        inherited: false,
        written: Vec::new(),
    }
}
