//! The schema as the history has built it so far.
//!
//! Snapshots are cheap: all maps share their parts, so the schema before each of fifty thousand
//! migrations costs what changed, not what exists. What the history does not show stays unknown: a
//! table that no migration creates is not in here, which says nothing about the database.

use rpds::HashTrieMapSync as Map;

use crate::history::Index;
use crate::operation::{Column, ConstraintKind, CreateIndex, CreateTable, DataType, Default, Dialect, Name, Operation};

#[derive(Clone, Debug)]
pub struct Schema {
    tables: Map<String, Table>,
    /// The table that each index belongs to.
    indexes: Map<String, String>,
    enums: Map<String, EnumType>,
    /// MySQL and SQLite compare names without case.
    folds: bool,
    /// The last migration that created a table whose name is not known.
    unnamed_made_in: Option<Index>,
}

#[derive(Clone, Debug)]
pub struct Table {
    pub name: Name,
    /// The migration that created it; None when it is only known from what was done to it.
    pub created_in: Option<Index>,
    /// False when some columns are not in `columns`.
    pub complete: bool,
    pub temporary: bool,
    /// The migration that last renamed it.
    pub renamed_in: Option<Index>,
    columns: Map<String, TableColumn>,
    indexes: Map<String, TableIndex>,
    next_position: u32,
}

#[derive(Clone, Debug)]
pub struct TableColumn {
    pub name: String,
    pub data_type: Option<DataType>,
    pub nullable: Option<bool>,
    pub default: Option<Default>,
    pub added_in: Index,
    /// Order within the table.
    pub position: u32,
}

#[derive(Clone, Debug)]
pub struct TableIndex {
    pub columns: Vec<String>,
    pub unique: bool,
    pub created_in: Index,
}

#[derive(Clone, Debug)]
pub struct EnumType {
    pub labels: Vec<String>,
    pub created_in: Index,
}

impl Schema {
    pub fn new(dialect: Option<Dialect>) -> Self {
        Schema {
            tables: Map::new_sync(),
            indexes: Map::new_sync(),
            enums: Map::new_sync(),
            folds: dialect.is_some_and(|dialect| dialect != Dialect::PostgreSql),
            unnamed_made_in: None,
        }
    }

    fn key(&self, name: &Name) -> String {
        let key = match &name.schema {
            Some(schema) if schema != "public" => format!("{schema}.{}", name.name),
            _ => name.name.clone(),
        };
        if self.folds { key.to_lowercase() } else { key }
    }

    fn fold(&self, name: &str) -> String {
        fold(name, self.folds)
    }

    pub fn table(&self, name: &Name) -> Option<&Table> {
        self.tables.get(&self.key(name))
    }

    pub fn column(&self, table: &Name, column: &str) -> Option<&TableColumn> {
        self.table(table)?.columns.get(&self.fold(column))
    }

    /// The table of an index and what is known of it.
    pub fn index(&self, name: &Name) -> Option<(&Table, &TableIndex)> {
        let table = self.tables.get(self.indexes.get(&self.key(name))?)?;
        Some((table, table.indexes.get(&self.fold(&name.name))?))
    }

    pub fn enum_type(&self, name: &Name) -> Option<&EnumType> {
        self.enums.get(&self.key(name))
    }

    pub fn unnamed_made_in(&self) -> Option<Index> {
        self.unnamed_made_in
    }

    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    /// Applies what a migration does. Unknown tables and names with holes change nothing.
    pub fn apply(&mut self, operation: &Operation, migration: Index) {
        match operation {
            Operation::CreateTable(create) => self.create_table(create, migration),
            Operation::DropTable { table, .. } => self.drop_table(table),
            Operation::RenameTable { table, to } => self.rename_table(table, to, migration),
            Operation::AddColumn { table, column, .. } => self.change(table, |table, folds| table.add(column, folds, migration)),
            Operation::DropColumn { table, column, .. } => self.change(table, |table, folds| {
                table.columns.remove_mut(&fold(column, folds));
            }),
            Operation::RenameColumn { table, column, to } => self.change(table, |table, folds| {
                if let Some(old) = table.columns.get(&fold(column, folds)).cloned() {
                    table.columns.remove_mut(&fold(column, folds));
                    table.columns.insert_mut(fold(to, folds), TableColumn { name: to.clone(), ..old });
                }
            }),
            Operation::AlterColumnType { table, column, to, .. } => {
                self.change_column(table, column, |column| column.data_type = to.clone());
            }
            Operation::SetNotNull { table, column } => self.change_column(table, column, |column| column.nullable = Some(false)),
            Operation::DropNotNull { table, column } => self.change_column(table, column, |column| column.nullable = Some(true)),
            Operation::SetDefault { table, column, default } => {
                self.change_column(table, column, |column| column.default = Some(default.clone()));
            }
            Operation::DropDefault { table, column } => self.change_column(table, column, |column| column.default = None),
            Operation::AddConstraint { table, constraint } => {
                if let ConstraintKind::PrimaryKey { columns, .. } = &constraint.kind {
                    for column in columns {
                        self.change_column(table, column, |column| column.nullable = Some(false));
                    }
                }
            }
            Operation::CreateIndex(index) => self.create_index(index, migration),
            Operation::DropIndex { index, table, .. } => self.drop_index(index, table.as_ref()),
            Operation::RenameIndex { index, to } => self.rename_index(index, to),
            Operation::CreateEnum { name, labels } => {
                self.enums.insert_mut(self.key(name), EnumType { labels: labels.clone(), created_in: migration });
            }
            Operation::AddEnumValue { name, value, .. } => {
                if let Some(mut known) = self.enum_type(name).cloned() {
                    known.labels.push(value.clone());
                    self.enums.insert_mut(self.key(name), known);
                }
            }
            Operation::DropType { name, .. } => {
                self.enums.remove_mut(&self.key(name));
            }
            _ => {}
        }
    }

    fn create_table(&mut self, create: &CreateTable, migration: Index) {
        let key = self.key(&create.table);
        if !create.table.is_known() {
            self.unnamed_made_in = Some(migration);
        }
        if !create.table.is_known() || (create.if_not_exists && self.tables.contains_key(&key)) {
            return;
        }
        let mut table = Table {
            name: create.table.clone(),
            created_in: Some(migration),
            complete: !create.columns_unknown,
            temporary: create.temporary,
            renamed_in: None,
            columns: Map::new_sync(),
            indexes: Map::new_sync(),
            next_position: 0,
        };
        for column in &create.columns {
            table.add(column, self.folds, migration);
        }
        for constraint in &create.constraints {
            if let ConstraintKind::PrimaryKey { columns, .. } = &constraint.kind {
                for name in columns {
                    if let Some(column) = table.columns.get_mut(&fold(name, self.folds)) {
                        column.nullable = Some(false);
                    }
                }
            }
        }
        self.tables.insert_mut(key, table);
    }

    fn drop_table(&mut self, name: &Name) {
        let key = self.key(name);
        if let Some(table) = self.tables.get(&key) {
            let schema = table.name.schema.clone();
            let indexes: Vec<String> = table.indexes.keys().cloned().collect();
            for index in indexes {
                let index_key = self.key(&Name::with_schema(schema.clone(), index));
                self.indexes.remove_mut(&index_key);
            }
            self.tables.remove_mut(&key);
        }
    }

    fn rename_table(&mut self, from: &Name, to: &Name, migration: Index) {
        let (key, new_key) = (self.key(from), self.key(to));
        let known = self.tables.get(&key).cloned().or_else(|| from.is_known().then(|| Table::from_elsewhere(from.clone())));
        if let Some(mut table) = known.filter(|_| to.is_known()) {
            table.name = to.clone();
            table.renamed_in = Some(migration);
            for index in table.indexes.keys() {
                let index_key = self.key(&Name::with_schema(from.schema.clone(), index.clone()));
                self.indexes.insert_mut(index_key, new_key.clone());
            }
            self.tables.remove_mut(&key);
            self.tables.insert_mut(new_key, table);
        }
    }

    fn create_index(&mut self, index: &CreateIndex, migration: Index) {
        let Some(name) = index.name.as_ref().filter(|name| Name::new(name.as_str()).is_known()) else { return };
        let table_key = self.key(&index.table);
        let index_key = self.key(&Name::with_schema(index.table.schema.clone(), name.clone()));
        if index.if_not_exists && self.indexes.contains_key(&index_key) {
            return;
        }
        let entry = TableIndex { columns: index.columns.clone(), unique: index.unique, created_in: migration };
        // An index on a table from elsewhere is remembered all the same: its drop is then no surprise.
        if !self.tables.contains_key(&table_key) && index.table.is_known() {
            self.tables.insert_mut(table_key.clone(), Table::from_elsewhere(index.table.clone()));
        }
        let name = self.fold(name);
        if let Some(table) = self.tables.get_mut(&table_key) {
            table.indexes.insert_mut(name, entry);
            self.indexes.insert_mut(index_key, table_key);
        }
    }

    fn drop_index(&mut self, index: &Name, table: Option<&Name>) {
        let key = self.key(index);
        let table_key = table.map(|table| self.key(table)).or_else(|| self.indexes.get(&key).cloned());
        let name = self.fold(&index.name);
        if let Some(table) = table_key.and_then(|key| self.tables.get_mut(&key)) {
            table.indexes.remove_mut(&name);
        }
        self.indexes.remove_mut(&key);
    }

    fn rename_index(&mut self, index: &Name, to: &str) {
        let key = self.key(index);
        let (old, new) = (self.fold(&index.name), self.fold(to));
        let Some(table_key) = self.indexes.get(&key).cloned() else { return };
        if let Some(table) = self.tables.get_mut(&table_key)
            && let Some(entry) = table.indexes.get(&old).cloned()
        {
            table.indexes.remove_mut(&old);
            table.indexes.insert_mut(new, entry);
        }
        self.indexes.remove_mut(&key);
        self.indexes.insert_mut(self.key(&Name::with_schema(index.schema.clone(), to)), table_key);
    }

    fn change(&mut self, name: &Name, change: impl FnOnce(&mut Table, bool)) {
        let (key, folds) = (self.key(name), self.folds);
        if !self.tables.contains_key(&key) && name.is_known() {
            self.tables.insert_mut(key.clone(), Table::from_elsewhere(name.clone()));
        }
        if let Some(table) = self.tables.get_mut(&key) {
            change(table, folds);
        }
    }

    fn change_column(&mut self, table: &Name, column: &str, change: impl FnOnce(&mut TableColumn)) {
        let column = self.fold(column);
        if let Some(found) = self.tables.get_mut(&self.key(table)).and_then(|table| table.columns.get_mut(&column)) {
            change(found);
        }
    }
}

fn fold(name: &str, folds: bool) -> String {
    if folds { name.to_lowercase() } else { name.to_owned() }
}

impl Table {
    /// A table that this history changes but does not create.
    fn from_elsewhere(name: Name) -> Self {
        Table {
            name,
            created_in: None,
            complete: false,
            temporary: false,
            renamed_in: None,
            columns: Map::new_sync(),
            indexes: Map::new_sync(),
            next_position: 0,
        }
    }

    fn add(&mut self, column: &Column, folds: bool, migration: Index) {
        let entry = TableColumn {
            name: column.name.clone(),
            data_type: column.data_type.clone(),
            nullable: column.nullable,
            default: column.default.clone(),
            added_in: migration,
            position: self.next_position,
        };
        self.next_position += 1;
        self.columns.insert_mut(fold(&column.name, folds), entry);
    }

    /// In the order in which they were added.
    pub fn columns(&self) -> Vec<&TableColumn> {
        let mut columns: Vec<&TableColumn> = self.columns.values().collect();
        columns.sort_by_key(|column| column.position);
        columns
    }
}
