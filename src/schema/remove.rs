//! What takes tables, columns, constraints and indexes out of the schema, with everything that goes along.

use super::relation::{Kind, Table, TableConstraint};
use super::{RelationId, Schema};
use crate::operation::Name;

impl Schema {
    /// The relations of a schema have other names from here on, under which they are not known.
    pub(super) fn forget_schema(&mut self, schema: &str) {
        let prefix = format!("{schema}.");
        let of_schema = |name: &&String| name.starts_with(&prefix);
        let names: Vec<String> = self.by_name.keys().filter(of_schema).cloned().collect();
        for name in names {
            if let Some(id) = self.by_name.get(&name).copied() {
                self.relations.remove_mut(&id);
            }
            self.by_name.remove_mut(&name);
        }
    }

    /// Drops a table or view with all that depends on it: without CASCADE the server would have refused.
    pub(super) fn drop_relation(&mut self, name: &Name) {
        let key = self.key(name);
        let Some(id) = self.by_name.get(&*key).copied() else {
            if name.is_known() {
                self.dropped.insert_mut(key.into_owned(), false);
            }
            return;
        };
        let Some(table) = self.relations.get(&id).cloned() else { return };
        let pointing: Vec<(RelationId, String)> =
            table.ties().referenced_by.iter().filter(|(from, _)| *from != id).cloned().collect();
        if !self.is_sqlite() {
            for (from, constraint) in &pointing {
                self.remove_constraint(*from, constraint);
            }
        }
        for constraint in table.constraints.values() {
            self.forget_reference(id, constraint);
        }
        let dependants = table.ties().used_by.iter().chain(&table.ties().children);
        for dependant in dependants {
            if let Some(name) = self.relations.get(dependant).map(|relation| relation.name.clone()) {
                self.drop_relation(&name);
            }
        }
        for parent in &table.ties().parents {
            if let Some(parent) = self.relations.get_mut(parent) {
                parent.ties_mut().children.retain(|child| *child != id);
            }
        }
        for used in &table.ties().uses {
            if let Some(used) = self.relations.get_mut(&used.relation) {
                used.ties_mut().used_by.retain(|view| *view != id);
            }
        }
        for index in table.indexes.keys() {
            self.indexes.remove_mut(&*self.key(&Name::with_schema(table.name.schema.clone(), index.as_str())));
        }
        let owned: Vec<String> = table.columns.values().filter_map(|column| column.sequence.clone()).collect();
        for sequence in owned {
            self.sequences.remove_mut(&*self.key(&Name::with_schema(table.name.schema.clone(), sequence)));
        }
        self.relations.remove_mut(&id);
        self.by_name.remove_mut(&*key);
        self.dropped.insert_mut(key.into_owned(), table.created_in.is_some());
        // SQLite's foreign keys point to a name; the next table of that name is theirs.
        if self.is_sqlite() && !pointing.is_empty() {
            self.repoint(&pointing, name);
        }
    }

    /// Makes foreign keys point to the table of this name, whether it is there or not.
    pub(super) fn repoint(&mut self, pointing: &[(RelationId, String)], to: &Name) {
        let Some(target) = self.known_or_new(to) else { return };
        for (from, name) in pointing {
            let constraint = self.relations.get_mut(from).and_then(|table| table.constraints.get_mut(name));
            let Some((id, _)) = constraint.and_then(|constraint| constraint.references.as_mut()) else { continue };
            *id = target;
            if let Some(table) = self.relations.get_mut(&target) {
                table.ties_mut().referenced_by.push((*from, name.clone()));
            }
        }
    }

    /// What points to a table of this name that nothing here creates.
    pub(super) fn pointing_to_nothing(&self, name: &Name) -> Vec<(RelationId, String)> {
        let stands_for_one = |table: &&Table| table.created_in.is_none() && table.columns().is_empty();
        self.table(name).filter(stands_for_one).map(|table| table.ties().referenced_by.clone()).unwrap_or_default()
    }

    pub(super) fn drop_column(&mut self, name: &Name, column: &str) {
        let key = self.fold(column);
        let Some(id) = self.known_or_new(name) else { return };
        let Some(table) = self.relations.get(&id) else { return };
        let children: Vec<RelationId> = self
            .descendants(table)
            .iter()
            .filter(|child| child.columns.get(&*key).is_some_and(|column| column.inherited))
            .map(|child| child.id)
            .collect();
        let views: Vec<Name> = self.views_using(table, &key).iter().map(|view| view.name.clone()).collect();
        for view in views {
            self.drop_relation(&view);
        }
        for id in std::iter::once(id).chain(children) {
            self.drop_column_of(id, &key);
        }
    }

    fn drop_column_of(&mut self, id: RelationId, column: &str) {
        let Some(table) = self.relations.get(&id) else { return };
        let schema = table.name.schema.clone();
        let constraints: Vec<String> = table
            .constraints
            .values()
            .filter(|constraint| constraint.mentions(column))
            .map(|constraint| constraint.name.clone())
            .collect();
        let pointing: Vec<(RelationId, String)> = self
            .references_to(table)
            .filter(|(_, constraint)| {
                constraint.references.as_ref().is_some_and(|(_, columns)| columns.iter().any(|name| name == column))
            })
            .map(|(from, constraint)| (from.id, constraint.name.clone()))
            .collect();
        let indexes: Vec<String> =
            table.indexes.values().filter(|index| index.mentions(column)).map(|index| index.name.clone()).collect();
        let generated: Vec<String> = table
            .columns
            .values()
            .filter(|other| {
                other.name != column && other.generated_from().is_some_and(|text| super::expression::mentions(text, column))
            })
            .map(|other| other.name.clone())
            .collect();
        let sequence = table.columns.get(column).and_then(|column| column.sequence.clone());
        for (from, constraint) in pointing {
            self.remove_constraint(from, &constraint);
        }
        for constraint in constraints {
            self.remove_constraint(id, &constraint);
        }
        for index in indexes {
            // On MySQL an index goes on over its other columns.
            let on_others = self.is_mysql()
                && self
                    .relations
                    .get(&id)
                    .and_then(|table| table.indexes.get(&index))
                    .is_some_and(|index| index.columns.len() > 1);
            match on_others {
                true => {
                    if let Some(index) = self.relations.get_mut(&id).and_then(|table| table.indexes.get_mut(&index)) {
                        index.columns.retain(|key| key != column);
                    }
                }
                false => self.remove_index(id, &Name::with_schema(schema.clone(), index)),
            }
        }
        if let Some(sequence) = sequence {
            self.sequences.remove_mut(&*self.key(&Name::with_schema(schema, sequence)));
        }
        if let Some(table) = self.relations.get_mut(&id) {
            table.columns.remove_mut(column);
        }
        for other in generated {
            self.drop_column_of(id, &other);
        }
    }

    pub(super) fn drop_constraint(&mut self, table: &Name, constraint: &str) {
        let Some(table) = self.table(table) else { return };
        let ids = self.family_ids(table);
        for id in ids {
            self.remove_constraint(id, constraint);
        }
    }

    /// Takes a constraint away with its index and, for a key, the foreign keys that rest on it.
    pub(super) fn remove_constraint(&mut self, id: RelationId, name: &str) {
        let Some(table) = self.relations.get(&id) else { return };
        let Some(constraint) = table.constraint(name).cloned() else { return };
        let name = constraint.name.as_str();
        let schema = table.name.schema.clone();
        if constraint.has_index() {
            // MySQL's foreign keys need an index, and no constraint.
            let rests = |key: &TableConstraint| !self.is_mysql() && rests_on(table, key, &constraint);
            let resting: Vec<(RelationId, String)> =
                self.references_to(table).filter(|(_, key)| rests(key)).map(|(from, key)| (from.id, key.name.clone())).collect();
            for (from, key) in resting {
                self.remove_constraint(from, &key);
            }
            self.remove_index(id, &Name::with_schema(schema, name));
        }
        self.forget_constraint(id, name);
    }

    /// Takes a constraint away, and what it points to; what points to it stays.
    pub(super) fn forget_constraint(&mut self, id: RelationId, name: &str) {
        let Some(constraint) = self.relations.get(&id).and_then(|table| table.constraint(name)).cloned() else { return };
        self.forget_reference(id, &constraint);
        if let Some(table) = self.relations.get_mut(&id) {
            table.constraints.remove_mut(&constraint.name);
        }
    }

    fn forget_reference(&mut self, from: RelationId, constraint: &TableConstraint) {
        let Some((target, _)) = &constraint.references else { return };
        if let Some(target) = self.relations.get_mut(target) {
            target.ties_mut().referenced_by.retain(|(table, name)| *table != from || *name != constraint.name);
        }
    }

    pub(super) fn drop_index(&mut self, index: &Name, table: Option<&Name>) {
        let Some(id) = self.table_of_index(index, table) else { return };
        // MySQL knows a unique constraint only as its index.
        if self.is_mysql() && self.relations.get(&id).is_some_and(|table| table.constraints.contains_key(&index.name)) {
            return self.remove_constraint(id, &index.name);
        }
        let partitions: Vec<(RelationId, Name)> = self
            .relations
            .get(&id)
            .filter(|table| table.kind == Kind::PartitionedTable)
            .map(|table| self.partition_indexes(table, &index.name))
            .unwrap_or_default();
        for (partition, index) in partitions {
            self.remove_index(partition, &index);
        }
        self.remove_index(id, index);
    }

    /// Where a name is unique within its table only, the statement names the table.
    pub(super) fn table_of_index(&self, index: &Name, table: Option<&Name>) -> Option<RelationId> {
        let named = table.and_then(|table| Some(self.table(table)?.id));
        named.or_else(|| self.indexes.get(&*self.key(index)).copied())
    }

    /// The indexes of partitions that belong to a partitioned index.
    fn partition_indexes(&self, table: &Table, index: &str) -> Vec<(RelationId, Name)> {
        let of = |child: &&Table| {
            let found = child.indexes.values().find(|own| own.parent.as_deref() == Some(index))?;
            Some((child.id, Name::with_schema(child.name.schema.clone(), found.name.as_str())))
        };
        self.descendants(table).iter().filter_map(of).collect()
    }

    fn remove_index(&mut self, id: RelationId, index: &Name) {
        let name = self.fold(&index.name);
        if let Some(table) = self.relations.get_mut(&id) {
            table.indexes.remove_mut(&name);
        }
        self.indexes.remove_mut(&*self.key(index));
    }
}

/// Whether a foreign key rests on this unique or primary key of the table: of several over the same columns, on the oldest.
pub fn rests_on(table: &Table, foreign_key: &TableConstraint, key: &TableConstraint) -> bool {
    use crate::operation::ConstraintKind::{PrimaryKey, Unique};
    let Some((_, referenced)) = &foreign_key.references else { return false };
    let fits = |key: &TableConstraint| match &key.kind {
        PrimaryKey { columns, .. } | Unique { columns, .. } => {
            columns.len() == referenced.len() && columns.iter().all(|column| referenced.contains(column))
        }
        _ => false,
    };
    let age = |key: &TableConstraint| (key.created_in, !matches!(key.kind, PrimaryKey { .. }));
    fits(key) && !table.constraints().into_iter().any(|other| fits(other) && age(other) < age(key))
}
