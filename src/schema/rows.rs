//! What is certain about rows: that there are some, that some have NULL, that some are alike.

use super::{RelationId, Schema, fold};
use crate::operation::{Name, Rows};

impl Schema {
    pub(super) fn insert_rows(&mut self, name: &Name, rows: &Rows) {
        let folds = self.folds;
        let Some(table) = self.known_or_new(name).and_then(|id| self.relations.get_mut(&id)) else { return };
        table.has_rows = true;
        table.has_several_rows |= rows.several;
        let in_order: Vec<String> = match rows.columns.as_slice() {
            [] => table.columns().iter().map(|column| fold(&column.name, folds)).collect(),
            named => named.iter().map(|column| fold(column, folds)).collect(),
        };
        for at in &rows.constant {
            if let Some(column) = in_order.get(*at).and_then(|column| table.columns.get_mut(column)) {
                column.repeats = true;
            }
        }
        for at in &rows.nulls {
            if let Some(column) = in_order.get(*at).and_then(|column| table.columns.get_mut(column)) {
                column.has_nulls |= column.nullable == Some(true);
            }
        }
        if rows.columns.is_empty() {
            return;
        }
        let left_out = |key: &String| !in_order.contains(key);
        let empty: Vec<String> = table.columns.keys().filter(|key| left_out(key)).cloned().collect();
        for key in empty {
            if let Some(column) = table.columns.get_mut(&key) {
                column.has_nulls |= column.default.is_none() && column.nullable == Some(true);
            }
        }
    }

    /// An UPDATE fills what it sets; of a table that is not known it changes nothing here.
    pub(super) fn update_rows(&mut self, name: &Name, rows: &Rows) {
        let Some(table) = self.table(name) else { return };
        let id = table.id;
        let known = table.filled && table.columns.values().all(|column| !column.has_nulls && !column.repeats);
        if known {
            return;
        }
        let folds = self.folds;
        let Some(table) = self.relations.get_mut(&id) else { return };
        table.filled = true;
        let set: Vec<String> = match rows.columns.as_slice() {
            [] => table.columns.keys().cloned().collect(),
            named => named.iter().map(|column| fold(column, folds)).collect(),
        };
        for key in set {
            if let Some(column) = table.columns.get_mut(&key) {
                (column.has_nulls, column.repeats) = (false, false);
            }
        }
    }

    /// No row is certain any longer.
    pub(super) fn empty(&mut self, name: &Name) {
        let Some(table) = self.table(name).filter(|table| table.has_rows) else { return };
        self.forget_rows(table.id);
    }

    fn forget_rows(&mut self, id: RelationId) {
        let Some(table) = self.relations.get_mut(&id) else { return };
        (table.has_rows, table.has_several_rows) = (false, false);
        let keys: Vec<String> = table.columns.keys().cloned().collect();
        for key in keys {
            if let Some(column) = table.columns.get_mut(&key) {
                (column.has_nulls, column.repeats) = (false, false);
            }
        }
    }
}
