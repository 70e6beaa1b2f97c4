//! New names, in everything that says the old one.

use super::relation::{Table, TableColumn, TableConstraint, TableIndex};
use super::{RelationId, Schema, expression};
use crate::history::Index;
use crate::operation::{ConstraintKind, Default, Expression, Name};

impl Schema {
    pub(super) fn rename_index(&mut self, index: &Name, table: Option<&Name>, to: &str) {
        let key = self.key(index);
        let (old, new) = (self.fold(&index.name), self.fold(to));
        let Some(id) = self.table_of_index(index, table) else { return };
        if let Some(table) = self.relations.get_mut(&id) {
            if let Some(entry) = table.indexes.get(&*old).cloned() {
                table.indexes.remove_mut(&*old);
                table.indexes.insert_mut(new, TableIndex { name: to.to_owned(), ..entry });
            }
            // The constraint on it goes by the same name.
            if let Some(entry) = table.constraints.get(&index.name).filter(|constraint| constraint.has_index()).cloned() {
                table.constraints.remove_mut(&index.name);
                table.constraints.insert_mut(to.to_owned(), TableConstraint { name: to.to_owned(), ..entry });
            }
        }
        self.indexes.remove_mut(&*key);
        self.indexes.insert_mut(self.key(&Name::with_schema(index.schema.clone(), to)).into_owned(), id);
    }

    pub(super) fn rename_relation(&mut self, from: &Name, to: &Name, migration: Index) {
        if !to.is_known() {
            return;
        }
        // ALTER TABLE also renames indexes and sequences.
        if self.table(from).is_none() && self.indexes.contains_key(&*self.key(from)) {
            return self.rename_index(from, None, &to.name);
        }
        if self.table(from).is_none() && self.sequences.contains_key(&*self.key(from)) {
            return self.rename_sequence(from, to);
        }
        let (key, new_key) = (self.key(from), self.key(to));
        let waiting = self.pointing_to_nothing(to);
        let Some(id) = self.known_or_new(from) else { return };
        let moves = from.schema != to.schema;
        let is_made_here = self.relations.get(&id).is_some_and(|table| table.created_in.is_some());
        self.dropped.insert_mut(key.clone().into_owned(), is_made_here);
        if let Some(table) = self.relations.get_mut(&id) {
            table.name = to.clone();
            table.renamed_in = Some(migration);
            let indexes: Vec<String> = if moves { table.indexes.keys().cloned().collect() } else { Vec::new() };
            for index in indexes {
                self.indexes.remove_mut(&*self.key(&Name::with_schema(from.schema.clone(), index.as_str())));
                self.indexes.insert_mut(self.key(&Name::with_schema(to.schema.clone(), index)).into_owned(), id);
            }
        }
        self.by_name.remove_mut(&*key);
        self.by_name.insert_mut(new_key.into_owned(), id);
        self.repoint(&waiting, to);
    }

    pub(super) fn rename_column(&mut self, table: &Name, from: &str, to: &str) {
        let (key, new_key) = (self.fold(from), self.fold(to));
        let Some(id) = self.known_or_new(table) else { return };
        let Some(known) = self.relations.get(&id) else { return };
        let ids = self.family_ids(known);
        let views: Vec<RelationId> = known.ties().used_by.clone();
        let pointing: Vec<(RelationId, String)> = known.ties().referenced_by.clone();
        let rename = |name: &mut String| {
            if *name == from {
                to.clone_into(name);
            }
        };
        for id in ids {
            let Some(table) = self.relations.get_mut(&id) else { continue };
            if let Some(old) = table.columns.get(&*key).cloned() {
                table.columns.remove_mut(&*key);
                table.columns.insert_mut(new_key.clone(), TableColumn { name: to.to_owned(), ..old });
            }
            rename_in_definitions(table, from, to, rename);
        }
        for (from_table, name) in pointing {
            let constraint = self.relations.get_mut(&from_table).and_then(|table| table.constraints.get_mut(&name));
            if let Some((_, columns)) = constraint.and_then(|constraint| constraint.references.as_mut()) {
                columns.iter_mut().for_each(rename);
            }
        }
        for view in views {
            if let Some(view) = self.relations.get_mut(&view) {
                for used in view.ties_mut().uses.iter_mut().filter(|used| used.relation == id) {
                    used.columns.iter_mut().flatten().for_each(rename);
                }
            }
        }
    }

    pub(super) fn rename_constraint(&mut self, table: &Name, from: &str, to: &str) {
        let Some(id) = self.table(table).map(|table| table.id) else { return };
        let schema = table.schema.clone();
        let Some(known) = self.relations.get_mut(&id) else { return };
        if known.constraints.get(from).is_some_and(TableConstraint::has_index) {
            return self.rename_index(&Name::with_schema(schema, from), Some(table), to);
        }
        let table = known;
        let Some(entry) = table.constraints.get(from).cloned() else { return };
        table.constraints.remove_mut(from);
        let target = entry.references.as_ref().map(|(target, _)| *target);
        table.constraints.insert_mut(to.to_owned(), TableConstraint { name: to.to_owned(), ..entry });
        if let Some(target) = target.and_then(|target| self.relations.get_mut(&target)) {
            for (of, name) in &mut target.ties_mut().referenced_by {
                if *of == id && name == from {
                    to.clone_into(name);
                }
            }
        }
    }
}

fn rename_in_definitions(table: &mut Table, from: &str, to: &str, rename: impl Fn(&mut String) + Copy) {
    let mentioning = table.indexes.iter().filter(|(_, index)| index.mentions(from));
    let indexes: Vec<(String, TableIndex)> = mentioning.map(|(key, index)| (key.clone(), index.clone())).collect();
    for (key, mut index) in indexes {
        for key in &mut index.columns {
            // A column stands there as it is called, an expression as it is written.
            *key = if key == from { to.to_owned() } else { expression::renamed(key, from, to) };
        }
        index.include.iter_mut().for_each(rename);
        if let Some(Expression(predicate)) = &mut index.predicate {
            *predicate = expression::renamed(predicate, from, to);
        }
        table.indexes.insert_mut(key, index);
    }
    let constraints: Vec<TableConstraint> =
        table.constraints.values().filter(|constraint| constraint.mentions(from)).cloned().collect();
    for mut constraint in constraints {
        match &mut constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. }
            | ConstraintKind::Unique { columns, .. }
            | ConstraintKind::Exclusion { columns }
            | ConstraintKind::ForeignKey { columns, .. } => columns.iter_mut().for_each(rename),
            ConstraintKind::Check { expression } => expression.0 = expression::renamed(&expression.0, from, to),
            ConstraintKind::NotNull { column } => rename(column),
        }
        table.constraints.insert_mut(constraint.name.clone(), constraint);
    }
    let generated: Vec<TableColumn> = table
        .columns
        .values()
        .filter(|column| column.generated_from().is_some_and(|text| expression::mentions(text, from)))
        .cloned()
        .collect();
    for mut column in generated {
        if let Some(Default::Generated { expression, .. }) = &mut column.default {
            expression.0 = expression::renamed(&expression.0, from, to);
        }
        table.columns.insert_mut(column.name.clone(), column);
    }
}
