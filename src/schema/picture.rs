//! `copy_from=` of Alembic's batch mode: what the script says of a table takes the place of what the history knows of it.

use super::Schema;
use crate::history::Index;
use crate::operation::{CreateTable, Name, Operation};

impl Schema {
    /// The table is copied into a new one as the script pictures it; its rows, and the foreign keys that point to it, stay.
    /// Measured with Alembic 1.20 on SQLite.
    pub fn take_picture(&mut self, table: &Name, picture: &[Operation], migration: Index) {
        // The rows are copied with INSERT … SELECT.
        self.session.wrote = true;
        let Some(id) = self.known_or_new(table) else { return };
        let Some(known) = self.relations.get(&id) else { return };
        let indexes: Vec<Name> =
            known.indexes().iter().map(|index| Name::with_schema(known.name.schema.clone(), index.name.as_str())).collect();
        let own_keys: Vec<String> = known.constraints().iter().map(|constraint| constraint.name.clone()).collect();
        let before = known.columns.clone();
        for index in indexes {
            self.drop_index(&index, None);
        }
        for key in own_keys {
            self.forget_constraint(id, &key);
        }
        self.forget_values(id);
        for operation in picture {
            match operation {
                Operation::CreateTable(create) => self.redefine(table, create, migration),
                Operation::CreateIndex(index) => self.create_index(index, migration),
                _ => {}
            }
        }
        let Some(table) = self.relations.get_mut(&id) else { return };
        table.each_column(|key, column| {
            if let Some(known) = before.get(key) {
                column.added_in = known.added_in;
            }
        });
    }

    fn redefine(&mut self, name: &Name, create: &CreateTable, migration: Index) {
        self.change(name, |table, folds| {
            table.columns = super::new_map();
            table.complete = !create.columns_unknown;
            table.strict = create.strict;
            table.lenient = create.lenient;
            if !table.ties().triggers.is_empty() {
                table.ties_mut().triggers.clear();
            }
            for column in &create.columns {
                table.add(column, folds, migration);
            }
        });
        let Some(id) = self.table(name).map(|table| table.id) else { return };
        for column in &create.columns {
            self.column_constraints(id, column, migration);
        }
        for constraint in &create.constraints {
            self.constrain(id, constraint, migration);
        }
    }
}
