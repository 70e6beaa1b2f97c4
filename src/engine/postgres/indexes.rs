//! Indexes, and commands that write tables or indexes anew.

use super::{Model, in_public};
use crate::operation::{CreateIndex, LockMode, Name, Operation, ReindexTarget};
use crate::schema::{Kind, Table, TableConstraint, TableIndex};

impl<'m> Model<'m> {
    pub(super) fn create_index(&mut self, index: &CreateIndex) {
        let name = &index.table;
        let mode = if index.concurrently { LockMode::ShareUpdateExclusive } else { LockMode::Share };
        let known = self.schema.table(name);
        let taken = index.name.as_ref().and_then(|own| self.schema.index(&Name::with_schema(name.schema.clone(), own.as_str())));
        if let Some(own) = index.name.as_ref().filter(|_| taken.is_some()) {
            if index.if_not_exists {
                return self.lock(name, mode);
            }
            return self.fail(format!("`{own}` exists already"));
        }
        if let Some(known) = known {
            if known.kind == Kind::View {
                return self.fail(format!("`{name}` is a view"));
            }
            let plain = |key: &&String| key.chars().all(|c| c.is_alphanumeric() || c == '_');
            if let Some(missing) = index.columns.iter().filter(plain).find(|key| known.complete && known.column(key).is_none()) {
                return self.fail(format!("`{name}` has no column `{missing}`"));
            }
            if known.kind == Kind::PartitionedTable {
                if self.major < 11 {
                    return self.fail(format!("the partitioned table `{name}` cannot have an index before PostgreSQL 11"));
                }
                if index.concurrently {
                    return self.fail(format!("an index on the partitioned table `{name}` cannot be built CONCURRENTLY"));
                }
                if index.unique && !self.partitioned_key(known, &index.columns) {
                    return;
                }
                self.lock(name, mode);
                if !index.only {
                    for partition in self.schema.descendants(known) {
                        self.lock(&partition.name, mode);
                        // An index like it becomes part of the new one.
                        let has_one = |own: &TableIndex| {
                            own.columns == index.columns
                                && own.unique == index.unique
                                && own.include == index.include
                                && own.predicate == index.predicate
                                && own.parent.is_none()
                        };
                        if partition.has_storage() && !partition.indexes().into_iter().any(has_one) {
                            self.scan(&partition.name, "the index is built");
                        }
                    }
                }
                return;
            }
        }
        let predicate = index.predicate.as_ref().map(|predicate| predicate.0.as_str());
        if let Some(known) = known.filter(|known| index.unique && known.repeats(&index.columns, predicate)) {
            self.fail(format!("rows of `{}` are alike in {}", known.name, index.columns.join(", ")));
            self.effects.fails_late = index.concurrently;
        }
        self.lock(name, mode);
        self.scan(name, "the index is built");
    }

    pub(super) fn drop_index(&mut self, index: &Name, table: Option<&Name>, concurrently: bool, if_exists: bool, cascade: bool) {
        let several = self.statement.iter().filter(|operation| matches!(operation, Operation::DropIndex { .. })).count() > 1;
        if concurrently && several {
            return self.fail("DROP INDEX CONCURRENTLY drops one index at a time");
        }
        if concurrently && cascade {
            return self.fail("DROP INDEX CONCURRENTLY cannot CASCADE");
        }
        let mode = if concurrently { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive };
        let Some((owner, found)) = self.schema.index(index) else {
            // The table that the index stands on is not known, unless the directive names it.
            if let Some(table) = table.filter(|_| !if_exists) {
                self.lock(table, mode);
            }
            return;
        };
        if owner.constraint(&found.name).is_some_and(|constraint| constraint.has_index()) {
            return self.fail(format!("the constraint `{index}` of `{}` needs the index: drop the constraint", owner.name));
        }
        let covers = |columns: &[String]| {
            found.unique && columns.len() == found.columns.len() && columns.iter().all(|column| found.columns.contains(column))
        };
        let is_only_one = |columns: &[String]| {
            let others =
                owner.indexes().into_iter().filter(|other| other.unique && other.predicate.is_none() && other.name != found.name);
            !others
                .into_iter()
                .any(|other| other.columns.len() == columns.len() && columns.iter().all(|column| other.columns.contains(column)))
        };
        let mut resting = self.schema.references_to(owner);
        let rests =
            |key: &TableConstraint| key.references.as_ref().is_some_and(|(_, columns)| covers(columns) && is_only_one(columns));
        if let Some((from, key)) = resting.find(|(_, key)| rests(key)).filter(|_| !cascade) {
            return self.fail(format!("the foreign key `{}` of `{}` rests on `{index}`", key.name, from.name));
        }
        if let Some(parent) = &found.parent {
            return self.fail(format!("the index `{parent}` of the partitioned parent needs `{index}`"));
        }
        let is_partitioned = owner.kind == Kind::PartitionedTable;
        if is_partitioned && concurrently {
            return self.fail(format!("the partitioned index `{index}` cannot be dropped CONCURRENTLY"));
        }
        self.lock(&owner.name, mode);
        self.drops(format!("rel {} {}", if is_partitioned { 'I' } else { 'i' }, found.name));
        if is_partitioned {
            for partition in self.schema.descendants(owner) {
                self.lock(&partition.name, mode);
                let own = partition.indexes().into_iter().find(|own| own.parent.as_ref() == Some(&found.name));
                if let Some(own) = own {
                    self.drops(format!("rel i {}", own.name));
                }
            }
        }
    }

    pub(super) fn reindex(&mut self, target: ReindexTarget, name: &Name, concurrently: bool) {
        let mode = if concurrently { LockMode::ShareUpdateExclusive } else { LockMode::Share };
        match target {
            ReindexTarget::Index => {
                let Some((table, index)) = self.schema.index(name) else { return };
                if table.kind == Kind::PartitionedTable {
                    if self.major < 14 {
                        return self.fail("REINDEX of a partitioned index needs PostgreSQL 14");
                    }
                    self.effects.refuses_transaction = true;
                    let own = Some(index.name.clone());
                    for partition in self.schema.descendants(table) {
                        self.lock(&partition.name, mode);
                        for index in partition.indexes().into_iter().filter(|index| index.parent == own) {
                            self.rebuild(partition, &index.name);
                        }
                    }
                    return;
                }
                self.lock(&table.name, mode);
                let index = index.name.clone();
                self.rebuild(table, &index);
            }
            ReindexTarget::Table => match self.schema.table(name) {
                Some(table) if table.kind == Kind::PartitionedTable => {
                    self.lock(name, mode);
                    if self.major >= 14 {
                        self.effects.refuses_transaction = true;
                        for partition in self.schema.descendants(table) {
                            self.lock(&partition.name, mode);
                            self.rebuild_all(partition);
                        }
                    }
                }
                Some(table) => {
                    self.lock(name, mode);
                    self.rebuild_all(table);
                }
                None => {
                    self.lock(name, mode);
                    self.scan(name, "its indexes are built anew");
                }
            },
            ReindexTarget::Schema | ReindexTarget::Database => {
                let inside = |table: &&Table| {
                    let schema = table.name.schema.as_deref().unwrap_or("public");
                    table.has_storage() && (target == ReindexTarget::Database || schema == name.name)
                };
                let mut tables: Vec<&'m Table> = self.schema.relations().filter(inside).collect();
                tables.sort_by(|a, b| a.name.cmp(&b.name));
                for table in tables {
                    self.lock(&table.name, mode);
                    self.rebuild_all(table);
                }
            }
            ReindexTarget::System => {}
        }
    }

    fn rebuild_all(&mut self, table: &'m Table) {
        for index in table.indexes() {
            self.rebuild(table, &index.name);
        }
    }

    fn rebuild(&mut self, table: &Table, index: &str) {
        self.effects.index_rebuilds.insert(index.to_owned());
        self.scan(&table.name, "its indexes are built anew");
    }

    pub(super) fn cluster(&mut self, table: Option<&Name>, index: Option<&str>) {
        let why = "its rows are put in the order of the index";
        let Some(name) = table else {
            // Every table that was clustered before, each in a transaction of its own.
            let marked = |table: &&Table| table.ties().clustered_on.is_some();
            let mut tables: Vec<Name> = self.schema.tables().filter(marked).map(|table| table.name.clone()).collect();
            tables.sort();
            for table in tables {
                self.lock(&table, LockMode::AccessExclusive);
                self.rewrite_stored(&table, why);
            }
            return;
        };
        let known = self.schema.table(name);
        if let Some(known) = known {
            if known.kind == Kind::PartitionedTable {
                if self.major < 15 && index.is_some() {
                    return self.fail("CLUSTER of a partitioned table needs PostgreSQL 15");
                }
                if index.is_none() && known.ties().clustered_on.is_none() {
                    return self.fail(format!("`{name}` has no index to be clustered on: say which with USING"));
                }
                self.effects.refuses_transaction = true;
                for partition in self.schema.descendants(known) {
                    self.lock(&partition.name, LockMode::AccessExclusive);
                    self.rewrite(&partition.name, why);
                }
                return;
            }
            if index.is_none() && known.ties().clustered_on.is_none() && known.complete {
                return self.fail(format!("`{name}` has no index to be clustered on: say which with USING"));
            }
        }
        self.lock(name, LockMode::AccessExclusive);
        self.rewrite_stored(name, why);
    }

    pub(super) fn vacuum(&mut self, table: Option<&Name>, full: bool) {
        let mode = if full { LockMode::AccessExclusive } else { LockMode::ShareUpdateExclusive };
        let why = "VACUUM FULL writes the table anew";
        let Some(name) = table else {
            let mut tables: Vec<&'m Table> = self.schema.relations().filter(|table| table.has_storage()).collect();
            tables.sort_by(|a, b| a.name.cmp(&b.name));
            for table in tables {
                self.lock(&table.name, mode);
                if full {
                    self.rewrite(&table.name, why);
                }
            }
            return;
        };
        let mut tables: Vec<Name> = vec![name.clone()];
        if let Some(table) = self.schema.table(name) {
            // Partitions go along, and from 18 on children do.
            let along = table.kind == Kind::PartitionedTable || (self.major >= 18 && !self.wording.only);
            let children = if along { self.schema.descendants(table) } else { Vec::new() };
            tables.extend(children.into_iter().map(|child| child.name.clone()));
            tables.retain(|name| self.schema.table(name).is_none_or(|table| table.has_storage()));
        }
        for name in tables {
            self.lock(&name, mode);
            if full {
                self.rewrite(&name, why);
            }
        }
    }

    pub(super) fn analyze(&mut self, table: Option<&Name>) {
        let mode = LockMode::ShareUpdateExclusive;
        match table {
            Some(name) => {
                let Some(table) = self.schema.table(name) else { return self.lock(name, mode) };
                if table.kind == Kind::View {
                    return;
                }
                self.lock(name, mode);
                // A sample of the children's rows goes into the parent's statistics; those of partitions, and from 18 on
                // those of all children, are gathered along.
                let along = !self.wording.only && (table.kind == Kind::PartitionedTable || self.major >= 18);
                for child in self.schema.descendants(table) {
                    self.lock(&child.name, if along { mode } else { LockMode::AccessShare });
                }
            }
            None => {
                let all: Vec<Name> = self
                    .schema
                    .relations()
                    .filter(|table| table.kind != Kind::View)
                    .map(|table| in_public(&table.name))
                    .collect();
                for name in all {
                    self.lock(&name, mode);
                }
            }
        }
    }
}
