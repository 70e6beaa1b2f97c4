//! What SQLite's connection was told, and what copying a table loses.

use super::{Schema, fold};
use crate::history::Index;
use crate::operation::{Constraint, ConstraintKind, Name};

/// Settings of a SQLite connection within one script.
#[derive(Clone, Copy, Debug, Default)]
pub struct Session {
    /// `PRAGMA foreign_keys`; None where the script leaves it as the connection has it.
    pub foreign_keys: Option<bool>,
    /// `PRAGMA legacy_alter_table`.
    pub legacy_alter_table: bool,
    /// PostgreSQL's TimeZone was set to one that is not UTC.
    pub is_elsewhere: bool,
    /// MySQL was told not to look at foreign keys.
    pub skips_foreign_keys: bool,
    /// The script has said BEGIN, and no COMMIT yet.
    pub begun: bool,
    /// Rows were written: Python's driver has begun a transaction, in which `PRAGMA foreign_keys` does nothing.
    pub wrote: bool,
}

impl Session {
    /// `SET name = value`.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let value = value.trim().trim_matches(['\'', '"']).to_ascii_lowercase();
        match name {
            "timezone" | "time zone" => {
                let utc = ["utc", "gmt", "uct", "zulu", "etc/utc", "etc/gmt", "+00:00", "0"];
                self.is_elsewhere = !utc.contains(&value.as_str());
            }
            "foreign_key_checks" | "@@foreign_key_checks" => self.skips_foreign_keys = matches!(value.as_str(), "0" | "off"),
            _ => {}
        }
    }

    pub(super) fn pragma(&mut self, name: &str, value: Option<&str>) {
        let on = value.map(|value| matches!(value, "on" | "1" | "true" | "yes"));
        match (name, on) {
            ("foreign_keys", Some(on)) if !self.wrote => self.foreign_keys = Some(on),
            ("legacy_alter_table", Some(on)) => self.legacy_alter_table = on,
            _ => {}
        }
    }
}

impl Schema {
    /// A script begins: nothing is set, and the temporary tables of the one before are gone.
    pub fn begin_session(&mut self) {
        self.session = Session::default();
        for table in std::mem::take(&mut self.temporaries) {
            self.drop_relation(&table);
        }
    }

    /// Alembic's batch mode has copied the table: what it does not see is gone, unless the script `keeps` it, and what the
    /// script hands over is there.
    pub fn recreate(&mut self, table: &Name, keeps: impl Fn(&ConstraintKind) -> bool, brought: &[Constraint], migration: Index) {
        // The rows are copied with INSERT … SELECT.
        self.session.wrote = true;
        let folds = self.folds;
        let Some(known) = self.table(table) else { return };
        let indexes: Vec<String> =
            known.indexes().into_iter().filter(|index| index.has_expressions()).map(|index| index.name.clone()).collect();
        let unnamed: Vec<String> = known
            .constraints()
            .into_iter()
            .filter(|constraint| constraint.escapes_reflection(known) && !keeps(&constraint.kind))
            .map(|constraint| constraint.name.clone())
            .collect();
        let there: Vec<ConstraintKind> = known.constraints().into_iter().map(|constraint| constraint.kind.clone()).collect();
        for index in indexes {
            self.drop_index(&Name::with_schema(table.schema.clone(), index), None);
        }
        for constraint in unnamed {
            self.drop_constraint(table, &constraint);
        }
        for constraint in brought.iter().filter(|constraint| !there.contains(&constraint.kind)) {
            self.add_constraint(table, constraint, migration);
        }
        self.change(table, |table, _| {
            if !table.ties().triggers.is_empty() {
                table.ties_mut().triggers.clear();
            }
            let collated: Vec<String> = table
                .columns()
                .iter()
                .filter(|column| column.collation.is_some())
                .map(|column| fold(&column.name, folds))
                .collect();
            for column in collated {
                if let Some(column) = table.columns.get_mut(&column) {
                    column.collation = None;
                }
            }
            let descending: Vec<String> =
                table.indexes().iter().filter(|index| index.descending).map(|index| fold(&index.name, folds)).collect();
            for index in descending {
                if let Some(index) = table.indexes.get_mut(&index) {
                    index.descending = false;
                }
            }
        });
    }
}
