//! The common model: what a statement or an `op.*` call does to a database, whoever wrote it and how.
//!
//! Front ends lower into it, the replay applies it, engines say what it costs, rules judge it.
//! What no front end understands is [`Operation::Opaque`]: counted and shown, never guessed over.

use std::fmt;

pub use crate::dialect::{Dialect, Dialects};
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

/// Without the schema when that is `public`, as in the JSON formats.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) if schema != "public" => write!(f, "{}.{}", show_holes(schema), show_holes(&self.name)),
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
        stored: bool,
    },
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
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// None when unnamed: the engine makes up a name.
    pub name: Option<String>,
    pub kind: ConstraintKind,
    /// Added with NOT VALID: existing rows are not checked.
    pub not_valid: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConstraintKind {
    PrimaryKey { columns: Vec<String>, using_index: Option<String> },
    Unique { columns: Vec<String>, using_index: Option<String> },
    ForeignKey { columns: Vec<String>, reference: Reference },
    Check { expression: Expression },
    Exclusion,
}

impl ConstraintKind {
    /// The operation's kind when such a constraint is added.
    fn added(&self) -> &'static str {
        match self {
            ConstraintKind::PrimaryKey { .. } => "add_primary_key",
            ConstraintKind::Unique { .. } => "add_unique",
            ConstraintKind::ForeignKey { .. } => "add_foreign_key",
            ConstraintKind::Check { .. } => "add_check",
            ConstraintKind::Exclusion => "add_exclusion",
        }
    }

    pub fn title(&self) -> &'static str {
        match self {
            ConstraintKind::PrimaryKey { .. } => "primary key",
            ConstraintKind::Unique { .. } => "unique constraint",
            ConstraintKind::ForeignKey { .. } => "foreign key",
            ConstraintKind::Check { .. } => "check constraint",
            ConstraintKind::Exclusion => "exclusion constraint",
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
        }
    }
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

/// One thing that one statement does. `ALTER TABLE` with three actions is three operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    CreateTable(Box<CreateTable>),
    DropTable {
        table: Name,
        if_exists: bool,
        cascade: bool,
    },
    RenameTable {
        table: Name,
        to: Name,
    },
    AddColumn {
        table: Name,
        column: Box<Column>,
        if_not_exists: bool,
    },
    DropColumn {
        table: Name,
        column: String,
        if_exists: bool,
        cascade: bool,
    },
    RenameColumn {
        table: Name,
        column: String,
        to: String,
    },
    AlterColumnType {
        table: Name,
        column: String,
        to: Option<DataType>,
        using: Option<Expression>,
    },
    SetNotNull {
        table: Name,
        column: String,
    },
    DropNotNull {
        table: Name,
        column: String,
    },
    SetDefault {
        table: Name,
        column: String,
        default: Default,
    },
    DropDefault {
        table: Name,
        column: String,
    },
    AddConstraint {
        table: Name,
        constraint: Box<Constraint>,
    },
    DropConstraint {
        table: Name,
        constraint: Option<String>,
        if_exists: bool,
        cascade: bool,
    },
    ValidateConstraint {
        table: Name,
        constraint: String,
    },
    RenameConstraint {
        table: Name,
        constraint: String,
        to: String,
    },
    CreateIndex(Box<CreateIndex>),
    /// The table is known where the dialect or the directive names it.
    DropIndex {
        index: Name,
        table: Option<Name>,
        concurrently: bool,
        if_exists: bool,
        cascade: bool,
    },
    RenameIndex {
        index: Name,
        to: String,
    },
    Reindex {
        target: ReindexTarget,
        name: Name,
        concurrently: bool,
    },
    CreateEnum {
        name: Name,
        labels: Vec<String>,
    },
    AddEnumValue {
        name: Name,
        value: String,
        if_not_exists: bool,
    },
    RenameEnumValue {
        name: Name,
        value: String,
        to: String,
    },
    DropType {
        name: Name,
        if_exists: bool,
        cascade: bool,
    },
    CreateView {
        name: Name,
        materialized: bool,
        replace: bool,
    },
    DropView {
        name: Name,
        materialized: bool,
        if_exists: bool,
        cascade: bool,
    },
    RefreshMaterializedView {
        name: Name,
        concurrently: bool,
    },
    AttachPartition {
        table: Name,
        partition: Name,
    },
    DetachPartition {
        table: Name,
        partition: Name,
        concurrently: bool,
    },
    Insert {
        table: Name,
    },
    Update {
        table: Name,
        has_where: bool,
    },
    Delete {
        table: Name,
        has_where: bool,
    },
    Truncate {
        table: Name,
        cascade: bool,
    },
    Begin,
    Commit,
    Rollback,
    /// A session parameter; `local` ends with the transaction.
    Set {
        name: String,
        local: bool,
    },
    /// Understood, and neither the replay nor an effect needs more than its kind and object.
    Other {
        kind: &'static str,
        table: Option<Name>,
        name: Option<String>,
        class: Class,
    },
    /// Not understood, with the reason for `check -v`.
    Opaque {
        reason: String,
    },
}

/// Whether a statement changes structure, rows, or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Data definition.
    Schema,
    /// Rows are written.
    Data,
    /// Queries, settings, transaction control, permissions.
    Neither,
}

impl Operation {
    /// A statement that is understood well enough to name, with nothing to replay.
    pub fn other(kind: &'static str, class: Class) -> Self {
        Operation::Other { kind, table: None, name: None, class }
    }

    pub fn opaque(reason: impl Into<String>) -> Self {
        Operation::Opaque { reason: reason.into() }
    }

    /// The kind in JSON and in prose, in the words of SQL, the same from every front end.
    pub fn kind(&self) -> &'static str {
        match self {
            Operation::CreateTable(_) => "create_table",
            Operation::DropTable { .. } => "drop_table",
            Operation::RenameTable { .. } => "rename_table",
            Operation::AddColumn { .. } => "add_column",
            Operation::DropColumn { .. } => "drop_column",
            Operation::RenameColumn { .. } => "rename_column",
            Operation::AlterColumnType { .. } => "alter_column_type",
            Operation::SetNotNull { .. } => "set_not_null",
            Operation::DropNotNull { .. } => "drop_not_null",
            Operation::SetDefault { .. } => "set_default",
            Operation::DropDefault { .. } => "drop_default",
            Operation::AddConstraint { constraint, .. } => constraint.kind.added(),
            Operation::DropConstraint { .. } => "drop_constraint",
            Operation::ValidateConstraint { .. } => "validate_constraint",
            Operation::RenameConstraint { .. } => "rename_constraint",
            Operation::CreateIndex(_) => "create_index",
            Operation::DropIndex { .. } => "drop_index",
            Operation::RenameIndex { .. } => "rename_index",
            Operation::Reindex { .. } => "reindex",
            Operation::CreateEnum { .. } => "create_type",
            Operation::AddEnumValue { .. } => "add_enum_value",
            Operation::RenameEnumValue { .. } => "rename_enum_value",
            Operation::DropType { .. } => "drop_type",
            Operation::CreateView { materialized: false, .. } => "create_view",
            Operation::CreateView { materialized: true, .. } => "create_materialized_view",
            Operation::DropView { materialized: false, .. } => "drop_view",
            Operation::DropView { materialized: true, .. } => "drop_materialized_view",
            Operation::RefreshMaterializedView { .. } => "refresh_materialized_view",
            Operation::AttachPartition { .. } => "attach_partition",
            Operation::DetachPartition { .. } => "detach_partition",
            Operation::Insert { .. } => "insert",
            Operation::Update { .. } => "update",
            Operation::Delete { .. } => "delete",
            Operation::Truncate { .. } => "truncate",
            Operation::Begin => "begin",
            Operation::Commit => "commit",
            Operation::Rollback => "rollback",
            Operation::Set { .. } => "set",
            Operation::Other { kind, .. } => kind,
            Operation::Opaque { .. } => "opaque",
        }
    }

    /// The table that the operation is about.
    pub fn table(&self) -> Option<&Name> {
        match self {
            Operation::CreateTable(create) => Some(&create.table),
            Operation::CreateIndex(index) => Some(&index.table),
            Operation::DropTable { table, .. }
            | Operation::RenameTable { table, .. }
            | Operation::AddColumn { table, .. }
            | Operation::DropColumn { table, .. }
            | Operation::RenameColumn { table, .. }
            | Operation::AlterColumnType { table, .. }
            | Operation::SetNotNull { table, .. }
            | Operation::DropNotNull { table, .. }
            | Operation::SetDefault { table, .. }
            | Operation::DropDefault { table, .. }
            | Operation::AddConstraint { table, .. }
            | Operation::DropConstraint { table, .. }
            | Operation::ValidateConstraint { table, .. }
            | Operation::RenameConstraint { table, .. }
            | Operation::AttachPartition { table, .. }
            | Operation::DetachPartition { table, .. }
            | Operation::Insert { table }
            | Operation::Update { table, .. }
            | Operation::Delete { table, .. }
            | Operation::Truncate { table, .. } => Some(table),
            Operation::DropIndex { table, .. } | Operation::Other { table, .. } => table.as_ref(),
            _ => None,
        }
    }

    pub fn class(&self) -> Class {
        match self {
            Operation::Insert { .. } | Operation::Update { .. } | Operation::Delete { .. } | Operation::Truncate { .. } => {
                Class::Data
            }
            Operation::Begin | Operation::Commit | Operation::Rollback | Operation::Set { .. } | Operation::Opaque { .. } => {
                Class::Neither
            }
            Operation::RefreshMaterializedView { .. } | Operation::Reindex { .. } => Class::Neither,
            Operation::Other { class, .. } => *class,
            _ => Class::Schema,
        }
    }

    pub fn is_understood(&self) -> bool {
        !matches!(self, Operation::Opaque { .. })
    }
}
