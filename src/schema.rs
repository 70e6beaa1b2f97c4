//! The schema as the history has built it so far.
//!
//! Snapshots are cheap: all maps share their parts, so the schema before each of fifty thousand
//! migrations costs what changed, not what exists. What the history does not show stays unknown: a
//! table that no migration creates is in here only where something points to it, which says nothing
//! about the database.

mod build;
mod copy;
pub mod expression;
pub mod naming;
mod objects;
mod picture;
mod relation;
mod remove;
mod rename;
mod rows;
mod session;
mod unsettled;
pub mod value;

use std::borrow::Cow;
use std::collections::HashSet;

use rpds::HashTrieMap;

use crate::history::Index;
use crate::operation::{Class, DataType, Dialect, Name, Operation, Volatility};

pub use remove::rests_on;

use relation::Cells;
pub use relation::{Kind, Table, TableColumn, TableConstraint, TableIndex, Ties, Trigger, Use};
pub use session::Session;

/// A persistent map: a clone shares everything.
pub(crate) type Map<K, V> = HashTrieMap<K, V, archery::ArcTK, foldhash::fast::RandomState>;

fn new_map<K: Eq + std::hash::Hash, V>() -> Map<K, V> {
    Map::new_with_hasher_and_ptr_kind(foldhash::fast::RandomState::default())
}

/// A relation, whatever it is called by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationId(u32);

#[derive(Clone, Debug)]
pub struct Schema {
    relations: Map<RelationId, Table>,
    by_name: Map<String, RelationId>,
    next_relation: u32,
    /// The table that each index belongs to.
    indexes: Map<String, RelationId>,
    enums: Map<String, EnumType>,
    domains: Map<String, Domain>,
    composites: Map<String, Index>,
    functions: Map<String, Function>,
    sequences: Map<String, Option<(RelationId, String)>>,
    /// Tables and views that the history has dropped or renamed, under the names they had; false for those that it never made.
    dropped: Map<String, bool>,
    /// Tables with rows of which the values are known.
    with_rows: Map<RelationId, ()>,
    /// Tables that go with the session.
    temporaries: Vec<Name>,
    /// What the connection was told in this script.
    pub session: Session,
    /// MySQL and SQLite compare names without case.
    folds: bool,
    dialect: Option<Dialect>,
    /// Something ran that is not understood, or that ran under a condition: more may have changed than is shown here.
    pub has_gaps: bool,
    /// The last migration that created a table whose name is not known.
    unnamed_made_in: Option<Index>,
}

#[derive(Clone, Debug)]
pub struct EnumType {
    pub labels: Vec<String>,
    pub created_in: Index,
}

#[derive(Clone, Debug)]
pub struct Function {
    pub volatility: Volatility,
    /// What one in SQL computes, where its body is a single SELECT.
    pub body: Option<String>,
    pub returns_trigger: bool,
}

#[derive(Clone, Debug)]
pub struct Domain {
    pub base: DataType,
    pub not_null: bool,
    /// CHECK constraints by name.
    pub checks: Vec<String>,
    pub created_in: Index,
}

impl Domain {
    /// Whether values have to be checked.
    pub fn is_constrained(&self) -> bool {
        self.not_null || !self.checks.is_empty()
    }
}

fn fold(name: &str, folds: bool) -> String {
    if folds { name.to_lowercase() } else { name.to_owned() }
}

/// Questions.
impl Schema {
    pub fn new(dialect: Option<Dialect>) -> Self {
        Schema {
            relations: new_map(),
            by_name: new_map(),
            next_relation: 0,
            indexes: new_map(),
            enums: new_map(),
            domains: new_map(),
            composites: new_map(),
            functions: new_map(),
            sequences: new_map(),
            dropped: new_map(),
            with_rows: new_map(),
            temporaries: Vec::new(),
            session: Session::default(),
            dialect,
            folds: dialect.is_some_and(|dialect| dialect != Dialect::PostgreSql),
            unnamed_made_in: None,
            has_gaps: false,
        }
    }

    fn key<'n>(&self, name: &'n Name) -> Cow<'n, str> {
        let key = match &name.schema {
            Some(schema) if schema != "public" => Cow::Owned(format!("{schema}.{}", name.name)),
            _ => Cow::Borrowed(name.name.as_str()),
        };
        let is_folded = || key.chars().all(|c| c.to_lowercase().eq([c]));
        if !self.folds || is_folded() { key } else { Cow::Owned(key.to_lowercase()) }
    }

    fn is_sqlite(&self) -> bool {
        self.dialect == Some(Dialect::Sqlite)
    }

    pub fn dialect(&self) -> Option<Dialect> {
        self.dialect
    }

    fn is_mysql(&self) -> bool {
        self.dialect.is_some_and(Dialect::is_mysql_like)
    }

    fn fold(&self, name: &str) -> String {
        fold(name, self.folds)
    }

    /// A table or view.
    pub fn table(&self, name: &Name) -> Option<&Table> {
        self.relations.get(self.by_name.get(&*self.key(name))?)
    }

    /// Enum types by name.
    pub fn enums(&self) -> impl Iterator<Item = (&str, &EnumType)> {
        self.enums.iter().map(|(name, known)| (name.as_str(), known))
    }

    /// Whether the history has made a table of this name, and dropped or renamed it, and not made one again.
    pub fn was_made_and_dropped(&self, name: &Name) -> bool {
        let key = self.key(name);
        self.dropped.get(&*key) == Some(&true) && !self.by_name.contains_key(&*key)
    }

    /// Whether the history has dropped or renamed a table of this name, and not made one again.
    pub fn was_dropped(&self, name: &Name) -> bool {
        let key = self.key(name);
        self.dropped.contains_key(&*key) && !self.by_name.contains_key(&*key)
    }

    pub fn is_sequence(&self, name: &Name) -> bool {
        self.sequences.contains_key(&*self.key(name))
    }

    pub fn relation(&self, id: RelationId) -> Option<&Table> {
        self.relations.get(&id)
    }

    pub fn column(&self, table: &Name, column: &str) -> Option<&TableColumn> {
        self.table(table)?.columns.get(&self.fold(column))
    }

    /// The table of an index and what is known of it. Of a name that is not known in full nobody can say what it names.
    pub fn index(&self, name: &Name) -> Option<(&Table, &TableIndex)> {
        if !name.is_known() {
            return None;
        }
        let table = self.relations.get(self.indexes.get(&*self.key(name))?)?;
        Some((table, table.indexes.get(&self.fold(&name.name))?))
    }

    pub fn enum_type(&self, name: &Name) -> Option<&EnumType> {
        self.enums.get(&*self.key(name))
    }

    pub fn domain(&self, name: &Name) -> Option<&Domain> {
        self.domains.get(&*self.key(name))
    }

    /// Domains whose values are of this one.
    pub fn domains_over(&self, name: &Name) -> Vec<Name> {
        let key = self.key(name);
        let over = self.domains.iter().filter(|(_, domain)| domain.base.name == key);
        over.map(|(name, _)| Name::new(name.as_str())).collect()
    }

    /// The domain of that a column's type is one.
    pub fn domain_of(&self, data_type: &DataType) -> Option<&Domain> {
        if data_type.array { None } else { self.domains.get(&data_type.name) }
    }

    pub fn composite(&self, name: &Name) -> bool {
        self.composites.contains_key(&*self.key(name))
    }

    /// A function of this history.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
    }

    /// Whether the sequence is known, and the column that it belongs to.
    pub fn sequence(&self, name: &Name) -> Option<Option<(&Table, &str)>> {
        let owner = self.sequences.get(&*self.key(name))?;
        Some(owner.as_ref().and_then(|(table, column)| Some((self.relations.get(table)?, column.as_str()))))
    }

    pub fn unnamed_made_in(&self) -> Option<Index> {
        self.unnamed_made_in
    }

    /// Tables and views, in no order.
    pub fn relations(&self) -> impl Iterator<Item = &Table> {
        self.relations.values()
    }

    /// Tables that hold rows or have partitions, in no order.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.relations.values().filter(|table| !table.is_view())
    }

    pub fn composites(&self) -> impl Iterator<Item = &str> {
        self.composites.keys().map(String::as_str)
    }

    pub fn sequences(&self) -> impl Iterator<Item = &str> {
        self.sequences.keys().map(String::as_str)
    }

    /// Enums, domains and composites.
    pub fn has_type(&self, name: &Name) -> bool {
        let key = self.key(name);
        self.enums.contains_key(&*key) || self.domains.contains_key(&*key) || self.composites.contains_key(&*key)
    }

    /// Children and partitions, and theirs.
    pub fn descendants(&self, table: &Table) -> Vec<&Table> {
        self.reached(table, |ties| &ties.children)
    }

    /// Views over a relation, and views over those.
    pub fn views_over(&self, table: &Table) -> Vec<&Table> {
        self.reached(table, |ties| &ties.used_by)
    }

    /// What a tie leads to from a relation, from there, and so on; by name, without the relation itself unless it
    /// is reached again.
    fn reached(&self, from: &Table, tie: fn(&Ties) -> &[RelationId]) -> Vec<&Table> {
        let mut out: Vec<&Table> = Vec::new();
        let mut seen: HashSet<RelationId> = HashSet::new();
        let mut next: Vec<RelationId> = tie(from.ties()).to_vec();
        while let Some(id) = next.pop() {
            if let Some(relation) = self.relations.get(&id).filter(|_| seen.insert(id)) {
                out.push(relation);
                next.extend(tie(relation.ties()));
            }
        }
        out.sort_by(|a, b| a.name.cmp(&b.name));
        out
    }

    /// What a table inherits from, or is a partition of.
    pub fn parents<'s>(&'s self, table: &'s Table) -> impl Iterator<Item = &'s Table> {
        table.ties().parents.iter().filter_map(|id| self.relations.get(id))
    }

    /// What a view reads.
    pub fn below<'s>(&'s self, view: &'s Table) -> impl Iterator<Item = &'s Table> {
        view.ties().uses.iter().filter_map(|used| self.relations.get(&used.relation))
    }

    /// A table and its descendants, to be changed.
    fn family_ids(&self, table: &Table) -> Vec<RelationId> {
        std::iter::once(table.id).chain(self.descendants(table).iter().map(|child| child.id)).collect()
    }

    /// Views that use one column of a table.
    pub fn views_using(&self, table: &Table, column: &str) -> Vec<&Table> {
        let uses = |view: &&Table| {
            let of = view.ties().uses.iter().filter(|used| used.relation == table.id);
            of.into_iter().any(|used| used.columns.as_ref().is_none_or(|columns| columns.iter().any(|name| name == column)))
        };
        table.ties().used_by.iter().filter_map(|id| self.relations.get(id)).filter(uses).collect()
    }

    /// Foreign keys that point to a table: the table that has each, and the constraint.
    pub fn references_to<'s>(&'s self, table: &'s Table) -> impl Iterator<Item = (&'s Table, &'s TableConstraint)> {
        table.ties().referenced_by.iter().filter_map(|(id, name)| {
            let from = self.relations.get(id)?;
            Some((from, from.constraints.get(name)?))
        })
    }

    /// Foreign keys of a table, each with the table that it points to.
    pub fn references_from<'s>(&'s self, table: &'s Table) -> impl Iterator<Item = (&'s TableConstraint, &'s Table)> {
        table.constraints.values().filter_map(|constraint| {
            let (target, _) = constraint.references.as_ref()?;
            Some((constraint, self.relations.get(target)?))
        })
    }

    /// Whether a column is part of its table's primary key.
    pub fn is_in_key(&self, table: &Name, column: &str) -> bool {
        self.table(table).and_then(Table::primary_key).is_some_and(|key| key.mentions(column))
    }

    /// Columns whose type is this one: their tables and names.
    pub fn columns_of_type(&self, name: &Name) -> Vec<(&Table, &TableColumn)> {
        let key = self.key(name);
        let is_of = |column: &&TableColumn| column.data_type.as_ref().is_some_and(|data_type| data_type.name == key);
        let mut tables: Vec<&Table> = self.tables().filter(|table| table.columns.values().any(|column| is_of(&column))).collect();
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        let mut out = Vec::new();
        for table in tables {
            out.extend(table.columns().into_iter().filter(is_of).map(|column| (table, column)));
        }
        out
    }
}

/// Changes.
impl Schema {
    /// Applies what a migration does. Unknown tables and names with holes change nothing.
    pub fn apply(&mut self, operation: &Operation, migration: Index) {
        self.session.wrote |= operation.class() == Class::Data;
        match operation {
            Operation::CreateTable(create) => self.create_table(create, migration),
            Operation::DropTable { table, .. } => self.drop_relation(table),
            Operation::RenameTable { table, to } => self.rename_relation(table, to, migration),
            Operation::RenameView { name, to } => {
                self.rename_relation(name, &Name::with_schema(name.schema.clone(), to.as_str()), migration);
            }
            Operation::AddColumn { table, column, .. } => self.add_column(table, column, migration),
            Operation::DropColumn { table, column, .. } => self.drop_column(table, column),
            Operation::RenameColumn { table, column, to } => self.rename_column(table, column, to),
            Operation::AlterColumnType { table, column, to, using, collation, .. } => {
                self.change_column(table, column, |column| {
                    if using.is_some() || *to != column.data_type {
                        column.written.fill(Cells::Unknown);
                    }
                    column.data_type = to.clone();
                    column.collation = collation.clone();
                });
            }
            Operation::SetNotNull { table, column } => self.change_column(table, column, |column| column.nullable = Some(false)),
            // MySQL's MODIFY without NOT NULL leaves the columns of the primary key required (measured on MariaDB).
            Operation::DropNotNull { table, column } if self.is_mysql() && self.is_in_key(table, column) => {}
            Operation::DropNotNull { table, column } => self.change_column(table, column, |column| column.nullable = Some(true)),
            Operation::SetDefault { table, column, default } => {
                self.change_column(table, column, |column| column.default = Some(default.clone()));
            }
            Operation::DropDefault { table, column } => self.change_column(table, column, |column| column.default = None),
            Operation::AddConstraint { table, constraint } => self.add_constraint(table, constraint, migration),
            Operation::DropConstraint { table, constraint: Some(constraint), .. } => {
                self.settle_constraint(table, constraint);
                self.drop_constraint(table, constraint);
            }
            Operation::ValidateConstraint { table, constraint } => {
                self.settle_constraint(table, constraint);
                self.validate_constraint(table, constraint);
            }
            Operation::RenameConstraint { table, constraint, to } => {
                self.settle_constraint(table, constraint);
                self.rename_constraint(table, constraint, to);
            }
            Operation::CreateIndex(index) => self.create_index(index, migration),
            Operation::DropIndex { index, table, .. } => {
                self.settle_index(index, table.as_ref());
                self.drop_index(index, table.as_ref());
            }
            Operation::RenameIndex { index, table, to } => {
                self.settle_index(index, table.as_ref());
                self.rename_index(index, table.as_ref(), to);
            }
            Operation::Inherit { table, parent, stops: false } => self.inherit(table, parent),
            Operation::Inherit { table, parent, stops: true } => self.detach(parent, table),
            Operation::AttachPartition { table, partition, bound } => self.attach(table, partition, bound.as_ref()),
            Operation::DetachPartition { table, partition, .. } => self.detach(table, partition),
            Operation::CreateView { name, materialized, replace, if_not_exists, query, .. } => {
                self.create_view(name, *materialized, *replace, *if_not_exists, query.as_deref(), migration);
            }
            Operation::DropView { name, .. } => self.drop_relation(name),
            Operation::Set { name, value: Some(value), .. } => self.session.set(name, value),
            Operation::Begin => self.session.begun = true,
            Operation::Commit => (self.session.begun, self.session.wrote) = (false, false),
            Operation::Rollback => {
                (self.session.begun, self.session.wrote) = (false, false);
                self.forget_all_rows();
            }
            Operation::Other { kind: "rename_schema", name: Some(name), .. } => self.forget_schema(name),
            Operation::Other { kind: "rollback_to_savepoint", .. } => self.forget_all_rows(),
            Operation::Opaque { .. } => self.forget_all_values(),
            Operation::Select(query) if query.calls && !query.planned => self.forget_all_values(),
            Operation::Pragma { name, value } => self.session.pragma(name, value.as_deref()),
            Operation::Insert { table, rows } => self.insert_rows(table, rows),
            Operation::Update { table, rows, has_where } => self.update_rows(table, rows, *has_where),
            Operation::Delete { table, .. } | Operation::Truncate { table, .. } => self.empty(table),
            Operation::Other { kind, table: Some(table), name, .. } => self.change_attribute(kind, table, name.as_deref()),
            _ => self.apply_to_object(operation, migration),
        }
    }
}
