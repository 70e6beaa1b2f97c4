//! What operations are made of: names, types, columns, constraints, definitions of tables and indexes.

use std::fmt;

use crate::source::printable;

/// Stands in a name or an expression for a part that cannot be known without running the code.
///
/// A private-use character: every SQL dialect reads it as part of an identifier, so that
/// `ix_{table}` from an f-string still parses.
pub const HOLE: char = '\u{e000}';

/// A name or expression for people to read: holes are `{…}`, and nothing in it moves a cursor or breaks a line.
pub fn show_holes(text: &str) -> String {
    printable(text).replace(HOLE, "{…}")
}

/// The name of a table, index, type …, with its schema where the statement gives one.
/// Quotes are gone and, where the dialect folds, the case is folded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Name {
    pub schema: Option<String>,
    pub name: String,
}

impl Name {
    pub fn new(name: impl Into<String>) -> Self {
        Name { schema: None, name: name.into() }
    }

    /// Whether the server keeps the table for itself: a catalog is small, and no migration makes it.
    pub fn is_catalog(&self) -> bool {
        match self.schema.as_deref() {
            Some(schema) => {
                matches!(schema.to_ascii_lowercase().as_str(), "information_schema" | "pg_catalog" | "performance_schema")
            }
            None => self.name.starts_with("pg_") || self.name.starts_with("sqlite_"),
        }
    }

    pub fn with_schema(schema: Option<String>, name: impl Into<String>) -> Self {
        Name { schema, name: name.into() }
    }

    /// A name of which nothing is known.
    pub fn unknown() -> Self {
        Name::new(HOLE.to_string())
    }

    /// False when part of the name is a [`HOLE`].
    pub fn is_known(&self) -> bool {
        !self.name.contains(HOLE) && !self.schema.as_ref().is_some_and(|schema| schema.contains(HOLE))
    }
}

/// The schema of tables that end with their session, whatever the server calls it.
pub const TEMPORARY: &str = "pg_temp";

/// Without the schema when that is `public`, as in the JSON formats, or the session's own.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) if schema != "public" && schema != TEMPORARY => {
                write!(f, "{}.{}", show_holes(schema), show_holes(&self.name))
            }
            _ => f.write_str(&show_holes(&self.name)),
        }
    }
}

/// A column's type in the words of SQL: lower case, aliases resolved (`int4` is `integer`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataType {
    /// `varchar`, `timestamp with time zone`, the name of an enum …
    pub name: String,
    /// Length, precision and scale, fields … as written.
    pub modifiers: Vec<String>,
    pub array: bool,
    /// The labels of an enum that this type defines itself (`sa.Enum("a", "b")`, MySQL's ENUM).
    pub labels: Vec<String>,
}

impl DataType {
    pub fn new(name: impl Into<String>) -> Self {
        DataType { name: name.into(), modifiers: Vec::new(), array: false, labels: Vec::new() }
    }

    pub fn with_modifiers(name: impl Into<String>, modifiers: Vec<String>) -> Self {
        DataType { modifiers, ..DataType::new(name) }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_holes(&self.name))?;
        if !self.modifiers.is_empty() {
            write!(f, "({})", show_holes(&self.modifiers.join(",")))?;
        }
        if self.array { f.write_str("[]") } else { Ok(()) }
    }
}

/// An SQL expression as text; parts that are not known are holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression(pub String);

impl Expression {
    pub fn is_null(&self) -> bool {
        self.0.eq_ignore_ascii_case("null")
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_holes(&self.0))
    }
}

/// How a column gets its value when an INSERT leaves it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Default {
    Expression(Expression),
    /// `serial` and its kin, or MySQL's AUTO_INCREMENT.
    Sequence,
    /// `GENERATED … AS IDENTITY`.
    Identity,
    /// `GENERATED ALWAYS AS (…)`; stored, or computed when read.
    Generated {
        expression: Expression,
        /// None where the engine chooses: SQLAlchemy's `Computed("…")` is stored on PostgreSQL, not on SQLite.
        stored: Option<bool>,
    },
}

impl Default {
    /// `DEFAULT NULL`, which is none.
    pub fn is_null(&self) -> bool {
        matches!(self, Default::Expression(value) if value.is_null())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// None where the type cannot be known.
    pub data_type: Option<DataType>,
    /// None where nullability cannot be known.
    pub nullable: Option<bool>,
    pub default: Option<Default>,
    /// A default that only the application's ORM applies (`sa.Column(default=…)`).
    pub client_default: bool,
    pub primary_key: bool,
    pub unique: bool,
    pub references: Option<Reference>,
    pub checks: Vec<Expression>,
    pub names: ColumnNames,
    /// `COLLATE`, as written.
    pub collation: Option<String>,
    /// Its key, UNIQUE and foreign key are written behind the columns, as SQLAlchemy does.
    pub constraints_apart: bool,
    /// MySQL's `FIRST` or `AFTER`; None at the end.
    pub place: Option<ColumnPlace>,
}

/// The names that a column's own constraints are given; that of its foreign key is the reference's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnNames {
    pub key: Option<String>,
    pub unique: Option<String>,
    /// In the order of the CHECKs.
    pub checks: Vec<Option<String>>,
}

/// Where MySQL puts a new column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnPlace {
    First,
    After(String),
}

impl Column {
    pub fn new(name: impl Into<String>, data_type: Option<DataType>) -> Self {
        Column {
            name: name.into(),
            data_type,
            nullable: Some(true),
            default: None,
            client_default: false,
            primary_key: false,
            unique: false,
            references: None,
            checks: Vec::new(),
            names: ColumnNames::default(),
            collation: None,
            constraints_apart: false,
            place: None,
        }
    }
}

/// The other end of a foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub table: Name,
    /// Empty when the statement leaves it to the primary key.
    pub columns: Vec<String>,
    /// `CASCADE`, `SET NULL` …, upper case.
    pub on_delete: Option<String>,
    /// The constraint's name, where a column's definition gives one.
    pub name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// None when unnamed: the engine makes up a name.
    pub name: Option<String>,
    pub kind: ConstraintKind,
    /// Added with NOT VALID: existing rows are not checked.
    pub not_valid: bool,
    /// PostgreSQL 18's NOT ENFORCED: no row is ever checked.
    pub not_enforced: bool,
    /// `NO INHERIT`: a CHECK that children do not get.
    pub no_inherit: bool,
    /// It may be checked only when the transaction ends.
    pub deferrable: bool,
}

impl Constraint {
    /// Checked at once, for children too.
    pub fn new(name: Option<String>, kind: ConstraintKind) -> Self {
        Constraint { name, kind, not_valid: false, not_enforced: false, no_inherit: false, deferrable: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConstraintKind {
    PrimaryKey {
        columns: Vec<String>,
        using_index: Option<String>,
    },
    Unique {
        columns: Vec<String>,
        using_index: Option<String>,
    },
    ForeignKey {
        columns: Vec<String>,
        reference: Reference,
    },
    Check {
        expression: Expression,
    },
    Exclusion {
        columns: Vec<String>,
    },
    /// `CONSTRAINT name NOT NULL column`, PostgreSQL 18.
    NotNull {
        column: String,
    },
}

impl ConstraintKind {
    /// Stands on an index of the same name.
    pub fn has_index(&self) -> bool {
        matches!(self, ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } | ConstraintKind::Exclusion { .. })
    }

    /// The operation's kind when such a constraint is added.
    pub(super) fn added(&self) -> &'static str {
        match self {
            ConstraintKind::PrimaryKey { .. } => "add_primary_key",
            ConstraintKind::Unique { .. } => "add_unique",
            ConstraintKind::ForeignKey { .. } => "add_foreign_key",
            ConstraintKind::Check { .. } => "add_check",
            ConstraintKind::Exclusion { .. } => "add_exclusion",
            ConstraintKind::NotNull { .. } => "set_not_null",
        }
    }

    pub fn title(&self) -> &'static str {
        match self {
            ConstraintKind::PrimaryKey { .. } => "primary key",
            ConstraintKind::Unique { .. } => "unique constraint",
            ConstraintKind::ForeignKey { .. } => "foreign key",
            ConstraintKind::Check { .. } => "check constraint",
            ConstraintKind::Exclusion { .. } => "exclusion constraint",
            ConstraintKind::NotNull { .. } => "not-null constraint",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTable {
    pub table: Name,
    pub columns: Vec<Column>,
    pub constraints: Vec<Constraint>,
    pub if_not_exists: bool,
    pub temporary: bool,
    /// The columns come from a query, another table or code that is not followed: the list is not complete.
    pub columns_unknown: bool,
    /// The tables this one inherits from, or the one it is a partition of.
    pub parents: Vec<Name>,
    /// `PARTITION OF … FOR VALUES …`.
    pub bound: Option<Bound>,
    /// What `PARTITION BY` names; empty for an ordinary table.
    pub partition_key: Vec<String>,
    pub unlogged: bool,
    /// SQLite's STRICT: columns have one of six types.
    pub strict: bool,
    /// Its constraints may let a row that breaks them pass: `ON CONFLICT IGNORE` of SQLite, `DEFERRABLE`.
    pub lenient: bool,
    /// `LIKE other`, `OF type`, or what the query of CREATE TABLE … AS reads.
    pub reads: Vec<Name>,
    /// `CREATE TABLE … OF type`.
    pub of_type: Option<Name>,
    /// Rows are read: CREATE TABLE … AS without WITH NO DATA.
    pub copies_rows: bool,
    pub likes: Vec<Like>,
    /// MySQL's `DEFAULT CHARSET`, or that of its COLLATE.
    pub charset: Option<String>,
    /// The columns of CREATE TABLE … AS, where its query lists them plainly.
    pub selected: Option<Vec<Selected>>,
}

/// `LIKE other INCLUDING …`: what is copied besides the columns and their NOT NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Like {
    pub table: Name,
    pub defaults: bool,
    pub generated: bool,
    pub identity: bool,
    pub checks: bool,
    pub indexes: bool,
    /// Indexes keep their names, as on MySQL, where a name is unique within its table only.
    pub keeps_names: bool,
}

/// What a query gives a new table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// `*` or `name.*`, of these relations.
    All(Vec<Name>),
    /// A column of one of these relations.
    Column { of: Vec<Name>, column: String, called: String },
    /// Anything else; its type where a cast says it.
    Value { called: String, data_type: Option<DataType> },
}

/// Which rows a partition takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    pub is_default: bool,
    /// `FROM ('2024-01-01') TO ('2024-02-01')`, as written.
    pub text: String,
}

impl CreateTable {
    /// A table of which only the name is known.
    pub fn of_unknown_columns(table: Name) -> Self {
        CreateTable {
            table,
            columns: Vec::new(),
            constraints: Vec::new(),
            if_not_exists: false,
            temporary: false,
            columns_unknown: true,
            parents: Vec::new(),
            bound: None,
            partition_key: Vec::new(),
            unlogged: false,
            strict: false,
            lenient: false,
            reads: Vec::new(),
            of_type: None,
            copies_rows: false,
            likes: Vec::new(),
            charset: None,
            selected: None,
        }
    }
}

/// Where a new label of an enum goes: the order is that of comparisons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EnumPlace {
    #[default]
    Last,
    Before(String),
    After(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateIndex {
    /// None when unnamed.
    pub name: Option<String>,
    pub table: Name,
    /// Plain columns by name, expressions as text.
    pub columns: Vec<String>,
    pub unique: bool,
    pub concurrently: bool,
    pub if_not_exists: bool,
    /// `btree`, `gin` …, lower case; None where the statement leaves it out.
    pub method: Option<String>,
    pub predicate: Option<Expression>,
    /// Columns that are only carried along (`INCLUDE`).
    pub include: Vec<String>,
    /// `ON ONLY parent`: the partitions get none.
    pub only: bool,
    /// Some key is `DESC`.
    pub descending: bool,
}

impl CreateIndex {
    pub fn new(name: Option<String>, table: Name, columns: Vec<String>) -> Self {
        CreateIndex {
            name,
            table,
            columns,
            unique: false,
            concurrently: false,
            if_not_exists: false,
            method: None,
            predicate: None,
            include: Vec::new(),
            only: false,
            descending: false,
        }
    }

    /// The same, where a key may be written with its order: `x DESC` is the column `x`.
    pub fn with_orders(mut self) -> Self {
        for key in &mut self.columns {
            let mut words = key.split_whitespace();
            let (Some(column), Some(order)) = (words.next(), words.next()) else { continue };
            let descends = order.eq_ignore_ascii_case("desc");
            let is_plain = column.chars().all(|c| c.is_alphanumeric() || c == '_');
            if is_plain && words.next().is_none() && (descends || order.eq_ignore_ascii_case("asc")) {
                self.descending |= descends;
                *key = column.to_owned();
            }
        }
        self
    }

    /// The keys as they are written, with the order where it can only be that of one.
    pub fn keys(&self) -> Vec<String> {
        match self.columns.as_slice() {
            [one] if self.descending => vec![format!("{one} DESC")],
            all => all.to_vec(),
        }
    }
}

/// How often a function may give another answer; decides whether a default is computed once or for each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    Immutable,
    Stable,
    Volatile,
}

/// What ALTER DOMAIN does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainChange {
    AddCheck {
        constraint: Option<String>,
        not_valid: bool,
    },
    DropConstraint {
        constraint: String,
        if_exists: bool,
    },
    ValidateConstraint {
        constraint: String,
    },
    SetNotNull,
    DropNotNull,
    Rename {
        to: String,
    },
    RenameConstraint {
        constraint: String,
        to: String,
    },
    /// Default, owner, schema: nothing that rows or other objects feel.
    Other,
}

impl DomainChange {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            DomainChange::AddCheck { .. } => "add_domain_constraint",
            DomainChange::DropConstraint { .. } => "drop_domain_constraint",
            DomainChange::ValidateConstraint { .. } => "validate_domain_constraint",
            DomainChange::SetNotNull => "set_domain_not_null",
            DomainChange::Rename { .. } => "rename_type",
            _ => "alter_domain",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTrigger {
    pub name: String,
    pub table: Name,
    /// `UPDATE OF` these columns.
    pub columns: Vec<String>,
    pub or_replace: bool,
    /// FOR EACH ROW.
    pub each_row: bool,
    pub before: bool,
    /// An INSERT may fire it.
    pub on_insert: bool,
    /// What it executes.
    pub function: Option<String>,
    /// The whole statement, where its body is part of it (SQLite).
    pub text: Option<String>,
}

/// PostgreSQL's table locks, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

impl LockMode {
    /// As in PostgreSQL's documentation, in one word.
    pub fn name(self) -> &'static str {
        match self {
            LockMode::AccessShare => "AccessShare",
            LockMode::RowShare => "RowShare",
            LockMode::RowExclusive => "RowExclusive",
            LockMode::ShareUpdateExclusive => "ShareUpdateExclusive",
            LockMode::Share => "Share",
            LockMode::ShareRowExclusive => "ShareRowExclusive",
            LockMode::Exclusive => "Exclusive",
            LockMode::AccessExclusive => "AccessExclusive",
        }
    }

    /// From the words of `LOCK TABLE … IN … MODE`.
    pub fn from_words(words: &str) -> Option<Self> {
        let all = [
            LockMode::AccessShare,
            LockMode::RowShare,
            LockMode::RowExclusive,
            LockMode::ShareUpdateExclusive,
            LockMode::Share,
            LockMode::ShareRowExclusive,
            LockMode::Exclusive,
            LockMode::AccessExclusive,
        ];
        let compact: String = words.split_whitespace().collect();
        all.into_iter().find(|mode| mode.name().eq_ignore_ascii_case(&compact))
    }

    /// Whether SELECT waits.
    pub fn blocks_reads(self) -> bool {
        self == LockMode::AccessExclusive
    }

    /// Whether INSERT, UPDATE and DELETE wait.
    pub fn blocks_writes(self) -> bool {
        self >= LockMode::Share
    }
}

/// What [`Operation::Reindex`] rebuilds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReindexTarget {
    Index,
    Table,
    Schema,
    Database,
    System,
}
