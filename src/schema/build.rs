//! What brings tables, columns, constraints and indexes into the schema, and what changes them.

use super::relation::{Kind, Table, TableColumn, TableConstraint, TableIndex};
use super::{EnumType, RelationId, Schema, fold, naming, unsettled};
use crate::history::Index;
use crate::operation::{Bound, Column, Constraint, ConstraintKind, CreateIndex, CreateTable, Default, Dialect, Name};

impl Schema {
    pub(super) fn new_id(&mut self) -> RelationId {
        self.next_relation += 1;
        RelationId(self.next_relation)
    }

    pub(super) fn insert(&mut self, table: Table) {
        self.by_name.insert_mut(self.key(&table.name).into_owned(), table.id);
        self.relations.insert_mut(table.id, table);
    }

    /// The table, made as one from elsewhere where this history does not create it.
    pub(super) fn known_or_new(&mut self, name: &Name) -> Option<RelationId> {
        if !name.is_known() {
            return None;
        }
        if let Some(id) = self.by_name.get(&*self.key(name)) {
            return Some(*id);
        }
        let id = self.new_id();
        self.insert(Table::new(id, name.clone(), Kind::Table, None));
        Some(id)
    }

    pub(super) fn change(&mut self, name: &Name, change: impl FnOnce(&mut Table, bool)) {
        let folds = self.folds;
        if let Some(table) = self.known_or_new(name).and_then(|id| self.relations.get_mut(&id)) {
            change(table, folds);
        }
    }

    pub(super) fn change_column(&mut self, table: &Name, column: &str, change: impl Fn(&mut TableColumn)) {
        let column = self.fold(column);
        let is_new_to_us = |table: &Table| !table.complete && table.kind == Kind::Table && table.column(&column).is_none();
        if self.table(table).is_none_or(is_new_to_us) && Name::new(column.as_str()).is_known() {
            self.change(table, |table, folds| table.assume(&column, folds));
        }
        let Some(table) = self.table(table) else { return };
        let tables = self.family_ids(table);
        for id in tables {
            if let Some(found) = self.relations.get_mut(&id).and_then(|table| table.columns.get_mut(&column)) {
                change(found);
            }
        }
    }

    pub(super) fn create_table(&mut self, create: &CreateTable, migration: Index) {
        let key = self.key(&create.table);
        if !create.table.is_known() {
            self.unnamed_made_in = Some(migration);
            return;
        }
        if create.if_not_exists && self.by_name.contains_key(&*key) {
            return;
        }
        let waiting = self.pointing_to_nothing(&create.table);
        let id = self.new_id();
        // On MySQL the table itself holds the rows.
        let on_mysql = self.dialect.is_some_and(Dialect::is_mysql_like);
        let kind = if create.partition_key.is_empty() || on_mysql { Kind::Table } else { Kind::PartitionedTable };
        let mut table = Table::new(id, create.table.clone(), kind, Some(migration));
        table.complete = !create.columns_unknown;
        table.temporary = create.temporary;
        if create.temporary {
            self.temporaries.push(create.table.clone());
        }
        table.unlogged = create.unlogged;
        table.strict = create.strict;
        table.lenient = create.lenient;
        if !create.partition_key.is_empty() {
            table.ties_mut().partition_key.clone_from(&create.partition_key);
        }
        if create.charset.is_some() {
            table.ties_mut().charset.clone_from(&create.charset);
        }
        if let Some(of) = &create.of_type {
            table.ties_mut().of_type = Some(of.to_string());
        }
        for column in &create.columns {
            table.add(column, self.folds, migration);
        }
        self.insert(table);
        self.repoint(&waiting, &create.table);
        // SQLAlchemy makes the enum types of a new table's columns.
        for data_type in create.columns.iter().filter_map(|column| column.data_type.as_ref()) {
            if !data_type.labels.is_empty() && data_type.name != "enum" && !self.enums.contains_key(&data_type.name) {
                let entry = EnumType { labels: data_type.labels.clone(), created_in: migration };
                self.enums.insert_mut(data_type.name.clone(), entry);
            }
        }
        for parent in &create.parents {
            self.take_after(id, parent, create.bound.as_ref(), migration);
        }
        self.copy(id, create, migration);
        for column in &create.columns {
            self.column_constraints(id, column, migration);
        }
        for constraint in &create.constraints {
            self.constrain(id, constraint, migration);
        }
    }

    /// A child gets its parent's columns; a partition its indexes too.
    fn take_after(&mut self, id: RelationId, parent: &Name, bound: Option<&Bound>, migration: Index) {
        let Some(parent_id) = self.known_or_new(parent) else { return };
        let Some(parent) = self.relations.get(&parent_id) else { return };
        let columns = parent.columns.clone();
        let complete = parent.complete;
        let checks: Vec<TableConstraint> = parent
            .constraints()
            .into_iter()
            .filter(|constraint| matches!(constraint.kind, ConstraintKind::Check { .. }) || bound.is_some())
            .filter(|constraint| !constraint.has_index())
            .cloned()
            .collect();
        if let Some(table) = self.relations.get_mut(&id) {
            // The inherited columns come first.
            let own: Vec<String> = table.columns.keys().filter(|key| !columns.contains_key(*key)).cloned().collect();
            for key in own {
                if let Some(column) = table.columns.get_mut(&*key) {
                    column.position += columns.size() as u32;
                }
            }
            table.next_position += columns.size() as u32;
            for (key, column) in columns.iter() {
                table.columns.insert_mut(
                    key.clone(),
                    TableColumn { added_in: Some(migration), inherited: true, written: Vec::new(), ..column.clone() },
                );
            }
            table.complete |= complete;
            for check in checks {
                table.constraints.insert_mut(check.name.clone(), check);
            }
        }
        self.tie(parent_id, id, bound);
        if bound.is_some() {
            self.index_partition(parent_id, id, migration);
        }
    }

    /// Nothing where it would close a circle, which the server refuses and every walk relies on.
    fn tie(&mut self, parent: RelationId, child: RelationId, bound: Option<&Bound>) {
        let below = self.relations.get(&child).map(|child| self.descendants(child)).unwrap_or_default();
        if parent == child || below.iter().any(|table| table.id == parent) {
            return;
        }
        if let Some(table) = self.relations.get_mut(&child) {
            let ties = table.ties_mut();
            ties.parents.push(parent);
            ties.bound = bound.cloned();
        }
        if let Some(table) = self.relations.get_mut(&parent) {
            table.ties_mut().children.push(child);
        }
    }

    /// Makes an index on a partition for each that its parent has and the partition lacks.
    fn index_partition(&mut self, parent: RelationId, partition: RelationId, migration: Index) {
        let Some(parent) = self.relations.get(&parent) else { return };
        let wanted: Vec<TableIndex> = parent.indexes.values().cloned().collect();
        for index in wanted {
            let Some(table) = self.relations.get(&partition) else { return };
            let fitting = table
                .indexes
                .values()
                .find(|own| own.parent.is_none() && own.columns == index.columns && own.unique == index.unique);
            match fitting.map(|own| own.name.clone()) {
                Some(own) => {
                    let key = self.fold(&own);
                    if let Some(own) = self.relations.get_mut(&partition).and_then(|table| table.indexes.get_mut(&*key)) {
                        own.parent = Some(index.name.clone());
                    }
                }
                None => {
                    let name = self.index_name(partition, &index.columns);
                    self.put_index(
                        partition,
                        TableIndex { parent: Some(index.name.clone()), name, created_in: migration, ..index },
                    );
                }
            }
        }
    }

    pub(super) fn attach(&mut self, table: &Name, partition: &Name, bound: Option<&Bound>) {
        let (Some(parent), Some(child)) = (self.known_or_new(table), self.known_or_new(partition)) else { return };
        let unknown = Bound { is_default: false, text: String::new() };
        self.tie(parent, child, Some(bound.unwrap_or(&unknown)));
        self.index_partition(parent, child, Index::MAX);
    }

    /// A table that this history does not create has no columns to share, and stays unknown.
    pub(super) fn inherit(&mut self, table: &Name, parent: &Name) {
        let Some(id) = self.table(table).map(|table| table.id) else { return };
        if let Some(parent) = self.known_or_new(parent) {
            self.tie(parent, id, None);
        }
    }

    pub(super) fn detach(&mut self, table: &Name, partition: &Name) {
        let (Some(parent), Some(child)) = (self.table(table).map(|table| table.id), self.table(partition).map(|table| table.id))
        else {
            return;
        };
        if let Some(table) = self.relations.get_mut(&parent) {
            table.ties_mut().children.retain(|id| *id != child);
        }
        if let Some(table) = self.relations.get_mut(&child) {
            let ties = table.ties_mut();
            ties.parents.retain(|id| *id != parent);
            ties.bound = None;
        }
    }

    pub(super) fn add_column(&mut self, table: &Name, column: &Column, migration: Index) {
        let Some(id) = self.known_or_new(table) else { return };
        let Some(known) = self.relations.get(&id) else { return };
        if known.columns.contains_key(&self.fold(&column.name)) {
            return;
        }
        let children: Vec<RelationId> = self.descendants(known).iter().map(|child| child.id).collect();
        let folds = self.folds;
        if let Some(table) = self.relations.get_mut(&id) {
            table.add(column, folds, migration);
        }
        self.column_constraints(id, column, migration);
        for child in children {
            if let Some(table) = self.relations.get_mut(&child) {
                table.add(column, folds, migration);
                if let Some(own) = table.columns.get_mut(&fold(&column.name, folds)) {
                    own.inherited = true;
                }
            }
            self.column_constraints(child, column, migration);
        }
    }

    /// What a column's definition says about rows: keys, checks, a sequence of its own.
    pub(super) fn column_constraints(&mut self, table: RelationId, column: &Column, migration: Index) {
        let own = || vec![column.name.clone()];
        let mut kinds: Vec<(ConstraintKind, Option<String>)> = Vec::new();
        if column.primary_key {
            kinds.push((ConstraintKind::PrimaryKey { columns: own(), using_index: None }, column.names.key.clone()));
        }
        if column.unique {
            kinds.push((ConstraintKind::Unique { columns: own(), using_index: None }, column.names.unique.clone()));
        }
        if let Some(reference) = &column.references {
            kinds.push((ConstraintKind::ForeignKey { columns: own(), reference: reference.clone() }, reference.name.clone()));
        }
        for (at, check) in column.checks.iter().enumerate() {
            let name = column.names.checks.get(at).cloned().flatten();
            kinds.push((ConstraintKind::Check { expression: check.clone() }, name));
        }
        let of = self.relations.get(&table).map(|table| table.name.name.clone()).unwrap_or_default();
        for (kind, given) in kinds {
            let taken = |name: &str| self.relations.get(&table).is_some_and(|table| table.constraints.contains_key(name));
            let named = given.is_some();
            // A column's CHECK is called after the column, whatever it mentions.
            let made = match (&kind, self.dialect) {
                (ConstraintKind::Check { .. }, Some(Dialect::MariaDb)) => Some(column.name.clone()),
                (ConstraintKind::Check { .. }, _) => Some(naming::object_name(&of, &column.name, "check")),
                _ => None,
            };
            let name = given.or(made).map(|name| naming::free(name, taken));
            let Some(name) = self.constrain(table, &Constraint::new(name, kind), migration) else { continue };
            if let Some(made) = self.relations.get_mut(&table).and_then(|table| table.constraints.get_mut(&name)) {
                (made.named, made.inline) = (named, !column.constraints_apart);
            }
        }
        if matches!(column.default, Some(Default::Sequence | Default::Identity)) {
            self.give_sequence(table, &column.name);
        }
    }

    /// The sequence behind a serial or identity column.
    pub(super) fn give_sequence(&mut self, table: RelationId, column: &str) {
        let key = self.fold(column);
        let Some(owner) = self.relations.get(&table) else { return };
        let schema = owner.name.schema.clone();
        let name = naming::object_name(&owner.name.name, column, "seq");
        let name = naming::free(name, |name| self.sequences.contains_key(name));
        self.sequences.insert_mut(self.key(&Name::with_schema(schema, name.as_str())).into_owned(), Some((table, key.clone())));
        if let Some(column) = self.relations.get_mut(&table).and_then(|table| table.columns.get_mut(&*key)) {
            column.sequence = Some(name);
        }
    }

    pub(super) fn add_constraint(&mut self, table: &Name, constraint: &Constraint, migration: Index) {
        let Some(id) = self.known_or_new(table) else { return };
        let children: Vec<RelationId> = match (&constraint.kind, self.relations.get(&id)) {
            (ConstraintKind::Check { .. } | ConstraintKind::NotNull { .. }, Some(table)) if !constraint.no_inherit => {
                self.descendants(table).iter().map(|child| child.id).collect()
            }
            _ => Vec::new(),
        };
        let name = self.constrain(id, constraint, migration);
        for child in children {
            self.constrain(child, &Constraint { name: name.clone(), ..constraint.clone() }, migration);
        }
    }

    /// Puts a constraint on one table, under the name that PostgreSQL would give it; returns that name.
    pub(super) fn constrain(&mut self, id: RelationId, constraint: &Constraint, migration: Index) -> Option<String> {
        let table = self.relations.get(&id)?;
        let of = table.name.name.clone();
        let (columns, suffix) = match &constraint.kind {
            ConstraintKind::PrimaryKey { .. } => (String::new(), "pkey"),
            ConstraintKind::Unique { columns, .. } => (columns.join("_"), "key"),
            ConstraintKind::Exclusion { columns } => (columns.join("_"), "excl"),
            ConstraintKind::ForeignKey { columns, .. } => (columns.join("_"), "fkey"),
            ConstraintKind::Check { expression } => {
                let used: Vec<&TableColumn> = table
                    .columns()
                    .into_iter()
                    .filter(|column| super::expression::mentions(&expression.0, &column.name))
                    .collect();
                (if let [one] = used.as_slice() { one.name.clone() } else { String::new() }, "check")
            }
            ConstraintKind::NotNull { column } => (column.clone(), "not_null"),
        };
        let schema = table.name.schema.clone();
        let taken = |name: &str| {
            table.constraints.contains_key(name)
                || table.indexes.contains_key(&self.fold(name))
                || !self.is_mysql() && self.indexes.contains_key(&*self.key(&Name::with_schema(schema.clone(), name)))
        };
        let made = || match (&constraint.kind, self.dialect) {
            // SQLite has no name for the constraint, and one of its own for the index.
            (ConstraintKind::Unique { .. }, Some(Dialect::Sqlite)) => naming::numbered(&format!("sqlite_autoindex_{of}_"), taken),
            (kind, Some(dialect)) if dialect.is_mysql_like() => naming::on_mysql(kind, &of, dialect, taken),
            _ => naming::free(naming::object_name(&of, &columns, suffix), taken),
        };
        let name = constraint.name.clone().map_or_else(made, |name| unsettled::apart(name, taken));
        let references = match &constraint.kind {
            ConstraintKind::ForeignKey { reference, .. } => self.point(id, &name, reference),
            _ => None,
        };
        let mut kind = constraint.kind.clone();
        self.constraint_index(id, &name, &mut kind, migration);
        let not_null: Vec<String> = match &kind {
            ConstraintKind::PrimaryKey { columns, .. } if !self.is_sqlite() => columns.clone(),
            ConstraintKind::NotNull { column } => vec![column.clone()],
            _ => Vec::new(),
        };
        let entry = TableConstraint {
            name: name.clone(),
            named: constraint.name.is_some(),
            inline: false,
            kind,
            validated: !constraint.not_valid && !constraint.not_enforced,
            enforced: !constraint.not_enforced,
            deferrable: constraint.deferrable,
            references,
            created_in: migration,
        };
        let folds = self.folds;
        if let Some(table) = self.relations.get_mut(&id) {
            for column in not_null.iter().filter(|_| !constraint.not_valid) {
                if let Some(column) = table.columns.get_mut(&fold(column, folds)) {
                    column.nullable = Some(false);
                }
            }
            table.constraints.insert_mut(name.clone(), entry);
        }
        if let ConstraintKind::ForeignKey { columns, .. } = &constraint.kind
            && self.is_mysql()
        {
            self.index_foreign_key(id, constraint.name.as_deref(), columns, migration);
        }
        Some(name)
    }

    /// The other end of a foreign key.
    fn point(
        &mut self,
        from: RelationId,
        constraint: &str,
        reference: &crate::operation::Reference,
    ) -> Option<(RelationId, Vec<String>)> {
        let target = self.known_or_new(&reference.table)?;
        let table = self.relations.get_mut(&target)?;
        table.ties_mut().referenced_by.push((from, constraint.to_owned()));
        let columns = match reference.columns.as_slice() {
            [] => match table.primary_key().map(|key| &key.kind) {
                Some(ConstraintKind::PrimaryKey { columns, .. }) => columns.clone(),
                _ => Vec::new(),
            },
            columns => columns.to_vec(),
        };
        Some((target, columns))
    }

    /// PRIMARY KEY, UNIQUE and EXCLUDE stand on an index of the constraint's name, or take one over.
    fn constraint_index(&mut self, id: RelationId, name: &str, kind: &mut ConstraintKind, migration: Index) {
        let (columns, using, unique) = match kind {
            ConstraintKind::PrimaryKey { columns, using_index } | ConstraintKind::Unique { columns, using_index } => {
                (columns, using_index.clone(), true)
            }
            ConstraintKind::Exclusion { columns } => (columns, None, false),
            _ => return,
        };
        if let Some(using) = using {
            let key = self.fold(&using);
            if let Some(index) = self.relations.get(&id).and_then(|table| table.indexes.get(&*key)) {
                columns.clone_from(&index.columns);
                let schema = self.relations.get(&id).and_then(|table| table.name.schema.clone());
                self.rename_index(&Name::with_schema(schema, using), None, name);
            }
            return;
        }
        let index = TableIndex {
            name: name.to_owned(),
            columns: columns.clone(),
            include: Vec::new(),
            predicate: None,
            method: None,
            unique,
            created_in: migration,
            descending: false,
            parent: None,
            implied: false,
        };
        self.put_index(id, index);
    }

    pub(super) fn put_index(&mut self, id: RelationId, index: TableIndex) {
        let key = self.fold(&index.name);
        let Some(table) = self.relations.get_mut(&id) else { return };
        let schema = table.name.schema.clone();
        let children = if table.kind == Kind::PartitionedTable { table.ties().children.clone() } else { Vec::new() };
        let (name, created_in) = (index.name.clone(), index.created_in);
        let replaced: Option<String> = table
            .indexes
            .iter()
            .find(|(_, known)| known.implied && index.begins_with(&known.columns))
            .map(|(key, _)| key.clone());
        if let Some(replaced) = replaced {
            table.indexes.remove_mut(&replaced);
        }
        table.indexes.insert_mut(key, index);
        self.indexes.insert_mut(self.key(&Name::with_schema(schema, name)).into_owned(), id);
        for child in children {
            self.index_partition(id, child, created_in);
        }
    }

    /// The index that MySQL makes for a foreign key where no other begins with its columns.
    fn index_foreign_key(&mut self, id: RelationId, given: Option<&str>, columns: &[String], migration: Index) {
        let Some(table) = self.relations.get(&id) else { return };
        if table.indexes.values().any(|index| !index.implied && index.begins_with(columns)) {
            return;
        }
        let name = given.map_or_else(|| self.index_name(id, columns), str::to_owned);
        let index = TableIndex {
            name,
            columns: columns.to_vec(),
            include: Vec::new(),
            predicate: None,
            method: None,
            unique: false,
            created_in: migration,
            descending: false,
            parent: None,
            implied: true,
        };
        self.put_index(id, index);
    }

    pub(super) fn index_name(&self, table: RelationId, columns: &[String]) -> String {
        let Some(table) = self.relations.get(&table) else { return String::new() };
        if self.is_mysql() {
            return naming::after_first_column(columns, |name| table.indexes.contains_key(&self.fold(name)));
        }
        let keys: Vec<&str> = columns.iter().map(|key| naming::key_name(key)).collect();
        let taken = |name: &str| self.indexes.contains_key(&*self.key(&Name::with_schema(table.name.schema.clone(), name)));
        naming::free(naming::object_name(&table.name.name, &keys.join("_"), "idx"), taken)
    }

    pub(super) fn create_index(&mut self, create: &CreateIndex, migration: Index) {
        let Some(id) = self.known_or_new(&create.table) else { return };
        let name = match &create.name {
            Some(name) => {
                let key = |name: &str| self.key(&Name::with_schema(create.table.schema.clone(), name)).into_owned();
                unsettled::apart(name.clone(), |name| self.indexes.contains_key(&key(name)))
            }
            None => self.index_name(id, &create.columns),
        };
        let qualified = Name::with_schema(create.table.schema.clone(), name.as_str());
        if create.if_not_exists && self.indexes.contains_key(&*self.key(&qualified)) {
            return;
        }
        let index = TableIndex {
            name,
            columns: create.columns.clone(),
            include: create.include.clone(),
            predicate: create.predicate.clone(),
            method: create.method.clone(),
            unique: create.unique,
            created_in: migration,
            descending: create.descending,
            parent: None,
            implied: false,
        };
        if create.only {
            let key = self.fold(&index.name);
            self.indexes
                .insert_mut(self.key(&Name::with_schema(create.table.schema.clone(), index.name.as_str())).into_owned(), id);
            if let Some(table) = self.relations.get_mut(&id) {
                table.indexes.insert_mut(key, index);
            }
            return;
        }
        self.put_index(id, index);
    }

    pub(super) fn validate_constraint(&mut self, table: &Name, constraint: &str) {
        let Some(table) = self.table(table) else { return };
        let ids = self.family_ids(table);
        for id in ids {
            if let Some(table) = self.relations.get_mut(&id)
                && let Some(known) = table.constraints.get_mut(constraint)
            {
                known.validated = true;
                if let ConstraintKind::NotNull { column } = known.kind.clone()
                    && let Some(column) = table.columns.get_mut(&column)
                {
                    column.nullable = Some(false);
                }
            }
        }
    }

    /// What kinds of ALTER TABLE that have no operation of their own change.
    pub(super) fn change_attribute(&mut self, kind: &str, table: &Name, name: Option<&str>) {
        if self.table(table).is_none() {
            return;
        }
        match (kind, name) {
            ("set_logged" | "set_unlogged", _) => self.change(table, |table, _| table.unlogged = kind == "set_unlogged"),
            ("default_charset", Some(charset)) => {
                self.change(table, |table, _| table.ties_mut().charset = Some(charset.to_owned()));
            }
            // Every column takes it.
            ("convert_charset" | "convert_collation", Some(charset)) => self.change(table, |table, _| {
                table.ties_mut().charset = Some(charset.to_owned());
                table.each_column(|_, column| column.collation = None);
            }),
            ("repartition", key) => {
                let key = key.unwrap_or_default().to_owned();
                self.change(table, |table, _| table.ties_mut().partition_key = vec![key]);
            }
            ("remove_partitioning", _) => self.change(table, |table, _| table.ties_mut().partition_key.clear()),
            ("cluster_on", name) => self.change(table, |table, _| table.ties_mut().clustered_on = name.map(str::to_owned)),
            ("drop_identity", Some(column)) => {
                if let Some(sequence) = self.column(table, column).and_then(|column| column.sequence.clone()) {
                    self.sequences.remove_mut(&sequence);
                }
                self.change_column(table, column, |column| (column.default, column.sequence) = (None, None));
            }
            ("drop_expression", Some(column)) => self.change_column(table, column, |column| column.default = None),
            ("create_policy", Some(name)) => self.change(table, |table, _| {
                table.guarded = true;
                table.ties_mut().policies.push(name.to_owned());
            }),
            ("create_rule" | "create_trigger" | "enable_row_security" | "force_row_security", _) => {
                self.change(table, |table, _| table.guarded = true)
            }
            ("drop_policy", Some(name)) => self.change(table, |table, _| table.ties_mut().policies.retain(|known| known != name)),
            ("create_statistics", Some(name)) => self.change(table, |table, _| table.ties_mut().statistics.push(name.to_owned())),
            ("of_type", name) => self.change(table, |table, _| table.ties_mut().of_type = name.map(str::to_owned)),
            ("rename_sequence", Some(to)) => self.rename_sequence(table, &Name::with_schema(table.schema.clone(), to)),
            _ => {}
        }
    }
}
