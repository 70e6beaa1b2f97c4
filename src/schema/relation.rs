//! One table or view of the replayed schema.

use std::sync::Arc;

use super::{Map, RelationId, new_map};
use crate::history::Index;
use crate::operation::{Bound, Column, ColumnPlace, ConstraintKind, DataType, Default, Expression, Name, Series};

/// What kind of relation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Table,
    /// Has no rows of its own: its partitions do.
    PartitionedTable,
    View,
    MaterializedView,
}

#[derive(Clone, Debug)]
pub struct Table {
    pub id: RelationId,
    pub name: Name,
    pub kind: Kind,
    /// The migration that created it; None when it is only known from what was done to it.
    pub created_in: Option<Index>,
    /// False when some columns are not in `columns`.
    pub complete: bool,
    pub temporary: bool,
    pub unlogged: bool,
    /// SQLite's STRICT.
    pub strict: bool,
    /// Rules and policies decide what becomes of a row.
    pub guarded: bool,
    /// Its constraints may let a row that breaks them pass, or leave it out.
    pub lenient: bool,
    /// The migration that last renamed it.
    pub renamed_in: Option<Index>,
    /// The history inserts rows and never removes all of them.
    pub has_rows: bool,
    /// What is known of them: the first of the statements that wrote them.
    pub(super) batches: Vec<Batch>,
    /// Some migration updates rows of it.
    pub filled: bool,
    pub(super) columns: Map<String, TableColumn>,
    pub(super) indexes: Map<String, TableIndex>,
    pub(super) constraints: Map<String, TableConstraint>,
    pub(super) next_position: u32,
    pub(super) ties: Arc<Ties>,
}

/// How a relation hangs together with others. Most tables have none of these, and share one empty value.
#[derive(Clone, Debug, std::default::Default)]
pub struct Ties {
    /// What it inherits from, or the table that it is a partition of.
    pub parents: Vec<RelationId>,
    pub children: Vec<RelationId>,
    pub bound: Option<Bound>,
    pub partition_key: Vec<String>,
    /// Foreign keys of other tables (or its own) that point here: the table and the constraint's name.
    pub referenced_by: Vec<(RelationId, String)>,
    /// What a view reads.
    pub uses: Vec<Use>,
    /// Views over it.
    pub used_by: Vec<RelationId>,
    pub triggers: Vec<Trigger>,
    /// MySQL's character set of columns that name none.
    pub charset: Option<String>,
    pub policies: Vec<String>,
    pub clustered_on: Option<String>,
    /// Extended statistics over it.
    pub statistics: Vec<String>,
    /// The composite type that the table is `OF`.
    pub of_type: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Trigger {
    pub name: String,
    /// `UPDATE OF` these.
    pub columns: Vec<String>,
    /// What it executes.
    pub function: Option<String>,
    /// The whole statement, where its body is part of it (SQLite).
    pub text: Option<String>,
    /// An INSERT may fire it.
    pub on_insert: bool,
}

/// A relation that a view reads, and which of its columns.
#[derive(Clone, Debug)]
pub struct Use {
    pub relation: RelationId,
    /// None when any column may be used.
    pub columns: Option<Vec<String>>,
}

#[derive(Clone, Debug)]
pub struct TableColumn {
    pub name: String,
    pub data_type: Option<DataType>,
    pub nullable: Option<bool>,
    pub default: Option<Default>,
    pub collation: Option<String>,
    /// SQLAlchemy wrote its definition, so that it reads it back as it was.
    pub by_sqlalchemy: bool,
    /// None where the table had it already when this history first spoke of it: what it does not say is not known.
    pub added_in: Option<Index>,
    /// Order within the table.
    pub position: u32,
    /// The sequence that belongs to a serial or identity column.
    pub sequence: Option<String>,
    /// It comes from a parent.
    pub inherited: bool,
    /// What the rows of each of the table's batches have here.
    pub(super) written: Vec<Cells>,
}

/// The values of one column in one batch of rows.
#[derive(Clone, Debug)]
pub(super) enum Cells {
    Unknown,
    /// Row by row.
    Each(Arc<[String]>),
    /// The same expression for each row: a constant, or a formula over the batch's series.
    All(Arc<str>),
}

/// Rows that one statement of the history has certainly written.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub count: usize,
    pub series: Option<Arc<Series>>,
}

impl TableColumn {
    /// The expression of a generated column.
    pub fn generated_from(&self) -> Option<&str> {
        match &self.default {
            Some(Default::Generated { expression, .. }) => Some(&expression.0),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
pub struct TableIndex {
    pub name: String,
    /// Plain columns by name, expressions as text.
    pub columns: Vec<String>,
    pub include: Vec<String>,
    pub predicate: Option<Expression>,
    pub method: Option<String>,
    pub unique: bool,
    pub created_in: Index,
    /// Some key is `DESC`.
    pub descending: bool,
    /// The index of the partitioned parent that it is a part of.
    pub parent: Option<String>,
    /// MySQL made it for a foreign key, and drops it when another index can take its place.
    pub implied: bool,
}

impl TableIndex {
    /// Whether the columns come first in it, in this order, as MySQL asks for a foreign key.
    pub fn begins_with(&self, columns: &[String]) -> bool {
        self.columns.len() >= columns.len()
            && self.columns.iter().zip(columns).all(|(key, column)| key.eq_ignore_ascii_case(column))
    }

    pub fn mentions(&self, column: &str) -> bool {
        self.is_on(column)
            || self.include.iter().any(|name| name == column)
            || self.predicate.as_ref().is_some_and(|predicate| super::expression::mentions(&predicate.0, column))
            || self.columns.iter().any(|key| is_expression(key) && super::expression::mentions(key, column))
    }

    /// Whether the column itself is a key.
    pub fn is_on(&self, column: &str) -> bool {
        self.columns.iter().any(|key| key == column)
    }

    pub fn has_expressions(&self) -> bool {
        self.columns.iter().any(|key| is_expression(key))
    }
}

fn is_expression(key: &str) -> bool {
    key.contains(['(', ' ', '|', '+', '-', '*', '/', ':', '>'])
}

#[derive(Clone, Debug)]
pub struct TableConstraint {
    pub name: String,
    /// False where the name is the one that PostgreSQL would make up.
    pub named: bool,
    /// Written in the definition of its column.
    pub inline: bool,
    pub kind: ConstraintKind,
    /// Existing rows are known to satisfy it.
    pub validated: bool,
    pub enforced: bool,
    pub deferrable: bool,
    /// The table that a foreign key points to, and the columns there.
    pub references: Option<(RelationId, Vec<String>)>,
    pub created_in: Index,
}

impl TableConstraint {
    /// Whether SQLAlchemy's reflection of SQLite misses it: a CHECK without a name, and an inline UNIQUE behind
    /// anything but words (it looks for `name type UNIQUE` by a regular expression).
    pub fn escapes_reflection(&self, table: &Table) -> bool {
        let behind_words = |column: &TableColumn| {
            column.default.is_none() && column.data_type.as_ref().is_none_or(|kind| kind.modifiers.is_empty())
        };
        match &self.kind {
            ConstraintKind::Check { .. } => !self.named,
            ConstraintKind::Unique { columns, .. } => {
                self.inline && columns.first().and_then(|name| table.column(name)).is_some_and(|column| !behind_words(column))
            }
            _ => false,
        }
    }

    /// Whether it says something about the column of its own table.
    pub fn mentions(&self, column: &str) -> bool {
        match &self.kind {
            ConstraintKind::PrimaryKey { columns, .. }
            | ConstraintKind::Unique { columns, .. }
            | ConstraintKind::Exclusion { columns }
            | ConstraintKind::ForeignKey { columns, .. } => columns.iter().any(|name| name == column),
            ConstraintKind::Check { expression } => super::expression::mentions(&expression.0, column),
            ConstraintKind::NotNull { column: of } => of == column,
        }
    }

    /// Stands on an index of the same name.
    pub fn has_index(&self) -> bool {
        self.kind.has_index()
    }

    /// `p`, `u`, `f`, `c`, `x`, `n`: pg_constraint.contype.
    pub fn letter(&self) -> char {
        match self.kind {
            ConstraintKind::PrimaryKey { .. } => 'p',
            ConstraintKind::Unique { .. } => 'u',
            ConstraintKind::ForeignKey { .. } => 'f',
            ConstraintKind::Check { .. } => 'c',
            ConstraintKind::Exclusion { .. } => 'x',
            ConstraintKind::NotNull { .. } => 'n',
        }
    }
}

impl Table {
    pub(super) fn new(id: RelationId, name: Name, kind: Kind, created_in: Option<Index>) -> Self {
        static NO_TIES: std::sync::LazyLock<Arc<Ties>> = std::sync::LazyLock::new(Arc::default);
        Table {
            id,
            name,
            kind,
            created_in,
            complete: false,
            temporary: false,
            unlogged: false,
            strict: false,
            guarded: false,
            lenient: false,
            renamed_in: None,
            has_rows: false,
            batches: Vec::new(),
            filled: false,
            columns: new_map(),
            indexes: new_map(),
            constraints: new_map(),
            next_position: 0,
            ties: NO_TIES.clone(),
        }
    }

    pub(super) fn ties_mut(&mut self) -> &mut Ties {
        Arc::make_mut(&mut self.ties)
    }

    pub fn ties(&self) -> &Ties {
        &self.ties
    }

    pub(super) fn add(&mut self, column: &Column, folds: bool, migration: Index) {
        let entry = TableColumn {
            name: column.name.clone(),
            data_type: column.data_type.clone(),
            nullable: column.nullable,
            default: column.default.clone(),
            collation: column.collation.clone(),
            by_sqlalchemy: column.constraints_apart,
            added_in: Some(migration),
            position: self.next_position,
            sequence: None,
            inherited: false,
            written: vec![super::rows::left_out(column.default.as_ref(), column.data_type.as_ref()); self.batches.len()],
        };
        self.next_position += 1;
        let key = super::fold(&column.name, folds);
        self.columns.insert_mut(key.clone(), entry);
        if let Some(place) = &column.place {
            self.move_to(&key, place, folds);
        }
    }

    /// Puts the last column somewhere else.
    fn move_to(&mut self, key: &str, place: &ColumnPlace, folds: bool) {
        let position = match place {
            ColumnPlace::First => 0,
            ColumnPlace::After(other) => match self.columns.get(&super::fold(other, folds)) {
                Some(other) => other.position + 1,
                None => return,
            },
        };
        let later: Vec<String> =
            self.columns.iter().filter(|(_, column)| column.position >= position).map(|(key, _)| key.clone()).collect();
        for other in later {
            if let Some(column) = self.columns.get_mut(&other) {
                column.position = if other == key { position } else { column.position + 1 };
            }
        }
    }

    /// A column that was there before this history, of which only the name is known.
    pub(super) fn assume(&mut self, name: &str, folds: bool) {
        let mut column = Column::new(name, None);
        column.nullable = None;
        self.add(&column, folds, Index::MAX);
        if let Some(column) = self.columns.get_mut(&super::fold(name, folds)) {
            column.added_in = None;
        }
    }

    /// In the order in which they were added.
    pub fn columns(&self) -> Vec<&TableColumn> {
        let mut columns: Vec<&TableColumn> = self.columns.values().collect();
        columns.sort_by_key(|column| column.position);
        columns
    }

    pub fn column(&self, name: &str) -> Option<&TableColumn> {
        self.columns.get(name)
    }

    /// By name.
    pub fn indexes(&self) -> Vec<&TableIndex> {
        let mut indexes: Vec<&TableIndex> = self.indexes.values().collect();
        indexes.sort_by(|a, b| a.name.cmp(&b.name));
        indexes
    }

    pub fn index(&self, name: &str) -> Option<&TableIndex> {
        self.indexes.get(name).or_else(|| self.indexes.get(self.unsettled_index(name)?))
    }

    /// By name.
    pub fn constraints(&self) -> Vec<&TableConstraint> {
        let mut constraints: Vec<&TableConstraint> = self.constraints.values().collect();
        constraints.sort_by(|a, b| a.name.cmp(&b.name));
        constraints
    }

    /// The constraint of that name; the primary key also goes by MySQL's name for all of them.
    pub fn constraint(&self, name: &str) -> Option<&TableConstraint> {
        let by_word = || self.primary_key().filter(|_| name == "PRIMARY");
        self.constraints.get(name).or_else(by_word).or_else(|| self.constraints.get(self.unsettled_constraint(name)?))
    }

    pub fn primary_key(&self) -> Option<&TableConstraint> {
        self.constraints.values().find(|constraint| matches!(constraint.kind, ConstraintKind::PrimaryKey { .. }))
    }

    /// Its own constraints let it have one row and no more: a unique index over a constant, or a unique column to which a
    /// CHECK leaves one value.
    pub fn has_one_row_at_most(&self) -> bool {
        let one_value = |name: &String| {
            self.column(name).is_some_and(|column| column.nullable == Some(false))
                && self.constraints.values().any(|constraint| match &constraint.kind {
                    ConstraintKind::Check { expression } => {
                        constraint.validated && super::expression::leaves_one_value(&expression.0, name)
                    }
                    _ => false,
                })
        };
        let same_in_all = |key: &String| super::expression::is_constant(key) || one_value(key);
        let by_index = |index: &TableIndex| {
            index.unique && index.predicate.is_none() && !index.columns.is_empty() && index.columns.iter().all(same_in_all)
        };
        let by_constraint = |constraint: &TableConstraint| match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => {
                !columns.is_empty() && columns.iter().all(one_value)
            }
            _ => false,
        };
        self.indexes.values().any(by_index) || self.constraints.values().any(by_constraint)
    }

    /// The history makes it and shows all of its columns, so what is not there does not exist.
    pub fn is_whole(&self) -> bool {
        self.complete && self.created_in.is_some()
    }

    pub fn is_view(&self) -> bool {
        matches!(self.kind, Kind::View | Kind::MaterializedView)
    }

    pub fn is_partition(&self) -> bool {
        self.ties.bound.is_some()
    }

    /// Holds rows of its own.
    pub fn has_storage(&self) -> bool {
        matches!(self.kind, Kind::Table | Kind::MaterializedView)
    }
}
