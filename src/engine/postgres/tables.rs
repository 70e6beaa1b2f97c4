//! CREATE TABLE: it makes something new, and touches what it points to or comes from.

use super::Model;
use crate::operation::{ConstraintKind, CreateTable, LockMode, Name};

impl Model<'_> {
    pub(super) fn create_table(&mut self, create: &CreateTable) {
        let name = &create.table;
        if self.schema.table(name).is_some_and(|known| known.created_in.is_some()) {
            if !create.if_not_exists {
                self.fail(format!("`{name}` exists already"));
            }
            return;
        }
        for parent in &create.parents {
            match &create.bound {
                Some(bound) => self.create_partition(parent, bound),
                None => self.lock(parent, LockMode::ShareUpdateExclusive),
            }
        }
        let by_column = create.columns.iter().filter_map(|column| column.references.as_ref());
        let by_constraint = create.constraints.iter().filter_map(|constraint| match &constraint.kind {
            ConstraintKind::ForeignKey { reference, .. } => Some(reference),
            _ => None,
        });
        for reference in by_column.chain(by_constraint).filter(|reference| reference.table != *name) {
            self.referenced_key(None, &reference.table, &reference.columns, &[]);
            self.lock_referenced(&reference.table, LockMode::ShareRowExclusive);
        }
        for like in &create.likes {
            self.lock(&like.table, LockMode::AccessShare);
        }
        if let Some(of_type) = &create.of_type {
            self.lock(of_type, LockMode::AccessShare);
        }
        let copied = |name: &&Name| !create.likes.iter().any(|like| like.table == **name);
        for other in create.reads.iter().filter(copied) {
            self.read(other, LockMode::AccessShare, create.copies_rows);
        }
        if create.partition_key.is_empty() && self.brings_index(create) {
            self.scan(name, "its indexes are built, while it is empty");
        }
    }

    /// Whether the new table has an index of its own, or one of the table that it is a partition or copy of.
    fn brings_index(&self, create: &CreateTable) -> bool {
        let has_indexes = |name: &Name| self.schema.table(name).is_some_and(|table| !table.indexes().is_empty());
        create.columns.iter().any(|column| column.primary_key || column.unique)
            || create.constraints.iter().any(|constraint| constraint.kind.has_index())
            || create.likes.iter().any(|like| like.indexes && has_indexes(&like.table))
            || create.bound.is_some() && create.parents.iter().any(has_indexes)
    }
}
