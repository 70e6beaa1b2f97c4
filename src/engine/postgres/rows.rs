//! Statements over rows: what they lock and read, through foreign keys, sequences and views too.

use super::Model;
use crate::operation::{ConstraintKind, Default, LockMode, Name, Query, Reference, Rows};
use crate::schema::{Kind, Table, TableConstraint};

use LockMode::{AccessShare, RowExclusive, RowShare};

/// From 12 on an INSERT locks only the partitions that its rows go to (measured on 10 and 14; release notes of 12).
const ROUTES_LAZILY: u32 = 12;

impl<'m> Model<'m> {
    /// Reads relations, also those below views.
    pub(super) fn read(&mut self, name: &Name, mode: LockMode, in_full: bool) {
        self.lock(name, mode);
        let Some(table) = self.schema.table(name) else {
            if in_full && name.is_known() {
                self.scan(name, "it is read in full");
            }
            return;
        };
        if table.kind == Kind::View {
            for below in self.schema.below(table) {
                self.read(&below.name, mode, in_full);
            }
            return;
        }
        for child in self.family(table) {
            self.lock(&child.name, mode);
        }
        if in_full {
            self.scan_stored(name, "it is read in full");
        }
    }

    pub(super) fn select(&mut self, query: &Query) {
        for sequence in &query.sequences {
            self.lock(sequence, RowExclusive);
        }
        for relation in &query.relations {
            let is_locked = query.locks_rows && (query.locked.is_empty() || query.locked.contains(&relation.called));
            let mode = if is_locked { RowShare } else { AccessShare };
            let narrowed = query.planned || (query.relations.len() == 1 && self.is_narrowed(&relation.name, &query.narrowed_by));
            if self.schema.sequence(&relation.name).is_none() {
                self.read(&relation.name, mode, !narrowed);
            }
        }
    }

    /// Whether an index on one of the compared columns spares reading the whole table.
    fn is_narrowed(&self, table: &Name, columns: &[String]) -> bool {
        self.schema.table(table).is_some_and(|table| columns.iter().any(|column| leads_an_index(table, column)))
    }

    fn target(&mut self, name: &Name) -> Option<&'m Table> {
        self.lock(name, RowExclusive);
        self.schema.table(name)
    }

    fn reads(&mut self, rows: &Rows) {
        for name in &rows.reads {
            self.read(name, AccessShare, true);
        }
    }

    pub(super) fn insert(&mut self, name: &Name, rows: &Rows) {
        self.reads(rows);
        let Some(table) = self.target(name) else { return };
        let given = |column: &str| rows.columns.iter().any(|name| name == column);
        // Without a column list a short row leaves the last columns to their defaults.
        let width = rows.written.as_ref().and_then(|written| written.rows.first()).map_or(usize::MAX, Vec::len);
        for (at, column) in table.columns().into_iter().enumerate() {
            let takes_number = matches!(column.default, Some(Default::Sequence | Default::Identity)) && !given(&column.name);
            let is_given = rows.columns.is_empty() && at < width;
            if let Some(sequence) = column.sequence.as_ref().filter(|_| takes_number && !is_given) {
                self.lock(&Name::with_schema(table.name.schema.clone(), sequence.as_str()), RowExclusive);
            }
        }
        for (key, target) in self.schema.references_from(table) {
            let ConstraintKind::ForeignKey { columns, .. } = &key.kind else { continue };
            if rows.columns.is_empty() || columns.iter().any(|column| given(column)) {
                self.lock(&target.name, RowShare);
            }
        }
        if table.kind == Kind::PartitionedTable {
            let partitions = match self.partition_of_row(table, rows).filter(|_| self.major >= ROUTES_LAZILY) {
                Some(one) => vec![one],
                None => self.schema.descendants(table),
            };
            for partition in partitions {
                self.lock(&partition.name, RowExclusive);
            }
        }
    }

    pub(super) fn update(&mut self, name: &Name, rows: &Rows, has_where: bool) {
        let Some(table) = self.changed(name, rows, has_where) else { return };
        let sets = |column: &String| rows.columns.contains(column);
        // NULL points to nothing.
        let is_null = |value: &String| value.eq_ignore_ascii_case("null");
        let clears = |column: &String| {
            rows.single()
                .is_some_and(|values| rows.columns.iter().zip(values).any(|(name, value)| name == column && is_null(value)))
        };
        for (key, target) in self.schema.references_from(table) {
            let ConstraintKind::ForeignKey { columns, .. } = &key.kind else { continue };
            if columns.iter().any(sets) && !columns.iter().any(clears) {
                self.lock(&target.name, RowShare);
            }
        }
    }

    pub(super) fn delete(&mut self, name: &Name, rows: &Rows, has_where: bool) {
        let Some(table) = self.changed(name, rows, has_where) else { return };
        for parent in self.schema.parents(table) {
            if table.is_partition() && self.major < 14 {
                self.lock(&parent.name, AccessShare);
            }
        }
        self.delete_from_children(table, 0);
    }

    /// What UPDATE and DELETE have in common; the table where it is known.
    fn changed(&mut self, name: &Name, rows: &Rows, has_where: bool) -> Option<&'m Table> {
        self.reads(rows);
        let Some(table) = self.target(name) else {
            if !has_where {
                self.scan(name, "each row is read");
            }
            return None;
        };
        for child in self.family(table) {
            self.lock(&child.name, RowExclusive);
        }
        if !self.is_narrowed(name, &rows.narrowed_by) {
            self.scan_stored(name, "each row is read");
        }
        Some(table)
    }

    /// Deleted rows are looked up in the tables that point to them.
    fn delete_from_children(&mut self, table: &'m Table, depth: usize) {
        // Cascades can go in circles.
        if depth > 16 {
            return;
        }
        for (from, key) in self.schema.references_to(table) {
            let action = on_delete(key);
            let mode = if action == Action::Nothing { RowShare } else { RowExclusive };
            self.lock(&from.name, mode);
            if !key_columns(key).iter().any(|column| leads_an_index(from, column)) {
                self.scan(&from.name, "the rows that point to the deleted ones are looked for, without an index");
            }
            if action == Action::Cascade && from.id != table.id {
                self.delete_from_children(from, depth + 1);
            }
        }
    }

    pub(super) fn lock_table(&mut self, name: &Name, mode: LockMode) {
        let Some(table) = self.schema.table(name) else { return self.lock(name, mode) };
        if table.kind == Kind::View {
            if self.major < 11 {
                return self.fail(format!("LOCK TABLE of the view `{name}` needs PostgreSQL 11"));
            }
            self.lock(name, mode);
            for below in self.schema.below(table) {
                self.lock_table(&below.name, mode);
            }
            return;
        }
        self.lock_family(name, mode);
    }
}

fn leads_an_index(table: &Table, column: &str) -> bool {
    table.indexes().iter().any(|index| index.predicate.is_none() && index.columns.first().is_some_and(|first| first == column))
}

fn key_columns(key: &TableConstraint) -> &[String] {
    match &key.kind {
        ConstraintKind::ForeignKey { columns, .. } => columns,
        _ => &[],
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Nothing,
    Cascade,
    Set,
}

fn on_delete(key: &TableConstraint) -> Action {
    let ConstraintKind::ForeignKey { reference: Reference { on_delete, .. }, .. } = &key.kind else { return Action::Nothing };
    match on_delete.as_deref() {
        Some("CASCADE") => Action::Cascade,
        Some(action) if action.starts_with("SET") => Action::Set,
        _ => Action::Nothing,
    }
}
