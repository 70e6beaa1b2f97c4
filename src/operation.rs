//! The common model: what a statement or an `op.*` call does to a database, whoever wrote it and how.
//!
//! Front ends lower into it, the replay applies it, engines say what it costs, rules judge it.
//! What no front end understands is [`Operation::Opaque`]: counted and shown, never guessed over.

mod definition;
mod rows;

pub use crate::dialect::{Dialect, Dialects};
pub use definition::*;
pub use rows::{MOST_WRITTEN, Query, Relation, Rows, Series, Written};

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
        /// The old type as the script states it (`existing_type`).
        from: Option<DataType>,
        using: Option<Expression>,
        collation: Option<String>,
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
    /// The table is known where the dialect names it: MySQL.
    RenameIndex {
        index: Name,
        table: Option<Name>,
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
        place: EnumPlace,
    },
    RenameEnumValue {
        name: Name,
        value: String,
        to: String,
    },
    /// Of any kind: enum, composite, range; a domain too.
    DropType {
        name: Name,
        is_domain: bool,
        if_exists: bool,
        cascade: bool,
    },
    RenameType {
        name: Name,
        to: String,
    },
    CreateComposite {
        name: Name,
    },
    /// `ALTER TYPE … ADD/DROP/ALTER ATTRIBUTE`.
    AlterComposite {
        name: Name,
        changes_type: bool,
        /// The attribute that goes.
        dropped: Option<String>,
        cascade: bool,
    },
    CreateDomain {
        name: Name,
        base: DataType,
        not_null: bool,
        /// The CHECK constraints by name; None for one that the engine names.
        checks: Vec<Option<String>>,
    },
    AlterDomain {
        name: Name,
        change: DomainChange,
    },
    CreateFunction {
        name: Name,
        volatility: Volatility,
        /// The expression of a function in SQL whose body is one SELECT of it.
        body: Option<String>,
        returns_trigger: bool,
        or_replace: bool,
    },
    DropFunction {
        name: Name,
        if_exists: bool,
        cascade: bool,
    },
    CreateSequence {
        name: Name,
        owned_by: Option<(Name, String)>,
        if_not_exists: bool,
    },
    /// `ALTER SEQUENCE … OWNED BY`.
    OwnSequence {
        name: Name,
        owned_by: Option<(Name, String)>,
    },
    DropSequence {
        name: Name,
        if_exists: bool,
        cascade: bool,
    },
    CreateTrigger(Box<CreateTrigger>),
    DropTrigger {
        table: Option<Name>,
        trigger: String,
        if_exists: bool,
        cascade: bool,
    },
    DropSchema {
        name: String,
        if_exists: bool,
        cascade: bool,
    },
    CreateView {
        name: Name,
        materialized: bool,
        replace: bool,
        if_not_exists: bool,
        /// WITH NO DATA is absent.
        with_data: bool,
        /// None where the query could not be read.
        query: Option<Box<Query>>,
    },
    DropView {
        name: Name,
        materialized: bool,
        if_exists: bool,
        cascade: bool,
    },
    RenameView {
        name: Name,
        to: String,
    },
    RefreshMaterializedView {
        name: Name,
        concurrently: bool,
        /// WITH NO DATA is absent.
        with_data: bool,
    },
    /// `ALTER TABLE … [NO] INHERIT parent`.
    Inherit {
        table: Name,
        parent: Name,
        stops: bool,
    },
    AttachPartition {
        table: Name,
        partition: Name,
        bound: Option<Bound>,
    },
    DetachPartition {
        table: Name,
        partition: Name,
        concurrently: bool,
    },
    Insert {
        table: Name,
        rows: Box<Rows>,
    },
    Update {
        table: Name,
        has_where: bool,
        rows: Box<Rows>,
    },
    Delete {
        table: Name,
        has_where: bool,
        rows: Box<Rows>,
    },
    Truncate {
        table: Name,
        cascade: bool,
        restart_identity: bool,
    },
    Select(Box<Query>),
    LockTable {
        table: Name,
        mode: LockMode,
    },
    /// All tables where `table` is None.
    Vacuum {
        table: Option<Name>,
        full: bool,
    },
    Analyze {
        table: Option<Name>,
    },
    Cluster {
        table: Option<Name>,
        index: Option<String>,
    },
    Begin,
    Commit,
    Rollback,
    /// A session parameter; `local` ends with the transaction.
    Set {
        name: String,
        /// As written; None where it is not read.
        value: Option<String>,
        local: bool,
    },
    /// SQLite's settings of a connection.
    Pragma {
        name: String,
        value: Option<String>,
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
            Operation::DropType { is_domain: false, .. } => "drop_type",
            Operation::DropType { is_domain: true, .. } => "drop_domain",
            Operation::RenameType { .. } => "rename_type",
            Operation::CreateComposite { .. } => "create_type",
            Operation::AlterComposite { .. } => "alter_type",
            Operation::CreateDomain { .. } => "create_domain",
            Operation::AlterDomain { change, .. } => change.kind(),
            Operation::CreateFunction { .. } => "create_function",
            Operation::DropFunction { .. } => "drop_function",
            Operation::CreateSequence { .. } => "create_sequence",
            Operation::OwnSequence { .. } => "alter_sequence",
            Operation::DropSequence { .. } => "drop_sequence",
            Operation::CreateTrigger(_) => "create_trigger",
            Operation::DropTrigger { .. } => "drop_trigger",
            Operation::DropSchema { .. } => "drop_schema",
            Operation::CreateView { materialized: false, .. } => "create_view",
            Operation::CreateView { materialized: true, .. } => "create_materialized_view",
            Operation::DropView { materialized: false, .. } => "drop_view",
            Operation::DropView { materialized: true, .. } => "drop_materialized_view",
            Operation::RenameView { .. } => "rename_view",
            Operation::RefreshMaterializedView { .. } => "refresh_materialized_view",
            Operation::Inherit { stops: false, .. } => "inherit",
            Operation::Inherit { stops: true, .. } => "no_inherit",
            Operation::AttachPartition { .. } => "attach_partition",
            Operation::DetachPartition { .. } => "detach_partition",
            Operation::Insert { .. } => "insert",
            Operation::Update { .. } => "update",
            Operation::Delete { .. } => "delete",
            Operation::Truncate { .. } => "truncate",
            Operation::Select(_) => "select",
            Operation::LockTable { .. } => "lock_table",
            Operation::Vacuum { .. } => "vacuum",
            Operation::Analyze { .. } => "analyze",
            Operation::Cluster { .. } => "cluster",
            Operation::Begin => "begin",
            Operation::Commit => "commit",
            Operation::Rollback => "rollback",
            Operation::Set { .. } => "set",
            Operation::Pragma { .. } => "pragma",
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
            | Operation::Inherit { table, .. }
            | Operation::AttachPartition { table, .. }
            | Operation::DetachPartition { table, .. }
            | Operation::Insert { table, .. }
            | Operation::LockTable { table, .. }
            | Operation::Update { table, .. }
            | Operation::Delete { table, .. }
            | Operation::Truncate { table, .. } => Some(table),
            Operation::CreateTrigger(trigger) => Some(&trigger.table),
            Operation::DropIndex { table, .. }
            | Operation::RenameIndex { table, .. }
            | Operation::Other { table, .. }
            | Operation::DropTrigger { table, .. }
            | Operation::Vacuum { table, .. }
            | Operation::Analyze { table }
            | Operation::Cluster { table, .. } => table.as_ref(),
            _ => None,
        }
    }

    /// What a change of rows reads and writes.
    pub fn rows_mut(&mut self) -> Option<&mut Rows> {
        match self {
            Operation::Insert { rows, .. } | Operation::Update { rows, .. } | Operation::Delete { rows, .. } => Some(rows),
            _ => None,
        }
    }

    /// Whether this makes the table, which is then nobody's before it.
    /// The table that has to be there: not one that is made, and none where an index is found by its own name.
    pub fn needed_table(&self) -> Option<&Name> {
        match self {
            Operation::CreateTable(_)
            | Operation::DropIndex { .. }
            | Operation::RenameIndex { .. }
            | Operation::DropTable { if_exists: true, .. } => None,
            operation => operation.table(),
        }
    }

    pub fn creates(&self, table: &Name) -> bool {
        matches!(self, Operation::CreateTable(create) if create.table.name == table.name && create.table.to_string() == table.to_string())
    }

    /// ALTER COLUMN: another type, nullability or default. Whoever repeats it changes nothing more.
    pub fn alters_column(&self) -> bool {
        matches!(
            self,
            Operation::AlterColumnType { .. }
                | Operation::SetNotNull { .. }
                | Operation::DropNotNull { .. }
                | Operation::SetDefault { .. }
                | Operation::DropDefault { .. }
        )
    }

    pub fn class(&self) -> Class {
        match self {
            Operation::Insert { .. } | Operation::Update { .. } | Operation::Delete { .. } | Operation::Truncate { .. } => {
                Class::Data
            }
            Operation::Begin | Operation::Commit | Operation::Rollback | Operation::Set { .. } | Operation::Opaque { .. } => {
                Class::Neither
            }
            Operation::RefreshMaterializedView { .. }
            | Operation::Reindex { .. }
            | Operation::Select(_)
            | Operation::LockTable { .. }
            | Operation::Vacuum { .. }
            | Operation::Analyze { .. }
            | Operation::Cluster { .. } => Class::Neither,
            Operation::Other { class, .. } => *class,
            _ => Class::Schema,
        }
    }

    pub fn insert(table: Name) -> Self {
        Operation::Insert { table, rows: Box::default() }
    }

    pub fn update(table: Name, has_where: bool) -> Self {
        Operation::Update { table, has_where, rows: Box::default() }
    }

    pub fn delete(table: Name, has_where: bool) -> Self {
        Operation::Delete { table, has_where, rows: Box::default() }
    }

    /// What the operation is about besides its table: a column, index, constraint, type, view, sequence …
    pub fn object(&self) -> Option<String> {
        let shown = |name: &Name| Some(name.to_string());
        let text = |name: &str| Some(show_holes(name));
        match self {
            Operation::AddColumn { column, .. } => text(&column.name),
            Operation::DropColumn { column, .. }
            | Operation::RenameColumn { column, .. }
            | Operation::AlterColumnType { column, .. }
            | Operation::SetNotNull { column, .. }
            | Operation::DropNotNull { column, .. }
            | Operation::SetDefault { column, .. }
            | Operation::DropDefault { column, .. } => text(column),
            Operation::AddConstraint { constraint, .. } => constraint.name.as_deref().and_then(text),
            Operation::DropConstraint { constraint, .. } => constraint.as_deref().and_then(text),
            Operation::ValidateConstraint { constraint, .. } | Operation::RenameConstraint { constraint, .. } => text(constraint),
            Operation::CreateIndex(index) => index.name.as_deref().and_then(text),
            Operation::DropIndex { index, .. } | Operation::RenameIndex { index, .. } => shown(index),
            Operation::Reindex { name, .. }
            | Operation::CreateEnum { name, .. }
            | Operation::AddEnumValue { name, .. }
            | Operation::RenameEnumValue { name, .. }
            | Operation::DropType { name, .. }
            | Operation::RenameType { name, .. }
            | Operation::CreateComposite { name }
            | Operation::AlterComposite { name, .. }
            | Operation::CreateDomain { name, .. }
            | Operation::AlterDomain { name, .. }
            | Operation::CreateFunction { name, .. }
            | Operation::DropFunction { name, .. }
            | Operation::CreateSequence { name, .. }
            | Operation::OwnSequence { name, .. }
            | Operation::DropSequence { name, .. }
            | Operation::CreateView { name, .. }
            | Operation::DropView { name, .. }
            | Operation::RenameView { name, .. }
            | Operation::RefreshMaterializedView { name, .. }
            | Operation::Inherit { parent: name, .. }
            | Operation::AttachPartition { partition: name, .. }
            | Operation::DetachPartition { partition: name, .. } => shown(name),
            Operation::CreateTrigger(trigger) => text(&trigger.name),
            Operation::DropTrigger { trigger, .. } => text(trigger),
            Operation::DropSchema { name, .. } => text(name),
            Operation::Set { name, .. } => text(name),
            Operation::Other { name, .. } => name.clone(),
            _ => None,
        }
    }

    pub fn is_understood(&self) -> bool {
        !matches!(self, Operation::Opaque { .. })
    }
}
