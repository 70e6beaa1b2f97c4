//! What a statement does to a live database, by product and version.

pub mod mysql;
pub mod postgres;
pub mod sqlite;

use std::collections::{BTreeMap, BTreeSet};

use crate::migration::{Origin, Step, Unread, Wording};
use crate::operation::{Dialect, LockMode, Name, Operation};
use crate::schema::Schema;

/// What one operation costs and demands. Locks are those of its whole statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The strongest lock on each relation that existed before.
    pub locks: BTreeMap<Name, LockMode>,
    /// Tables that are written anew, each with the reason in words.
    pub rewrites: BTreeMap<Name, String>,
    /// Tables that are read in full, each with the reason in words.
    pub scans: BTreeMap<Name, String>,
    pub index_rebuilds: BTreeSet<String>,
    /// What is gone afterwards, in the words of the catalog: `col orders.qty`, `rel i orders_qty`, `con c chk`.
    pub drops: BTreeSet<String>,
    /// It fails inside a transaction block, or in a message with other statements.
    pub refuses_transaction: bool,
    /// Why it is certain to fail.
    pub fails_because: Option<String>,
    /// On MySQL and MariaDB, the cheapest algorithm by which the whole ALTER TABLE can run, and why no cheaper one.
    pub algorithm: Option<(mysql::Algorithm, String)>,
    /// What fails, where this operation is the one at fault.
    pub failure: Option<Failure>,
    /// Rows of other tables that it removes or changes, each with the reason in words.
    pub empties: BTreeMap<Name, String>,
    /// What is lost without a word, for people.
    pub loses: Vec<String>,
    /// It fails only after its work, so that locks and scans have happened: CREATE INDEX CONCURRENTLY.
    pub fails_late: bool,
}

/// Why SQLite, or Alembic on its behalf, refuses something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    /// What is answered, for people: `near "ALTER": syntax error`.
    pub answer: String,
    /// Only where the table has rows, which the history does not show.
    pub with_rows: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// It works inside of `batch_alter_table`.
    NeedsBatch,
    /// SQLite has no such statement.
    Syntax,
    /// ADD COLUMN that is not possible on a table with rows, or never.
    AddColumn,
    /// A constraint without a name in a batch.
    UnnamedConstraint,
    /// Views, indexes, generated columns, triggers that still need what goes away.
    Dependents,
    /// What is named is not there, or there already.
    Contradiction,
    /// Rows that break the new rule.
    Rows,
}

impl Effects {
    pub fn lock(&self, table: &Name) -> Option<LockMode> {
        self.locks.get(&in_public(table)).copied()
    }
}

/// A name as effects list it: `public` is left out.
pub fn in_public(name: &Name) -> Name {
    let schema = name.schema.as_deref().filter(|schema| *schema != "public");
    Name::with_schema(schema.map(str::to_owned), name.name.as_str())
}

/// The operations that one statement performs together.
#[derive(Clone, Debug)]
pub struct Statement<'s> {
    pub steps: Vec<&'s Step>,
    pub operations: Vec<&'s Operation>,
    pub wording: Wording,
}

impl<'s> Statement<'s> {
    /// Cuts steps into statements; gives the position of each one's first step. What Alembic emits for one call
    /// are statements of their own.
    pub fn cut(steps: &[&'s Step]) -> Vec<(usize, Statement<'s>)> {
        Statement::cut_where(steps, |before, step| {
            step.origin == Origin::Sql
                && before.origin == Origin::Sql
                && before.statement == step.statement
                && step.conditional == before.conditional
                && together(&before.operation, &step.operation)
        })
    }

    /// Joins each step to the one before it where the two belong together.
    fn cut_where(steps: &[&'s Step], joins: impl Fn(&Step, &Step) -> bool) -> Vec<(usize, Statement<'s>)> {
        let mut out: Vec<(usize, Statement<'s>)> = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            match out.last_mut() {
                Some((_, statement)) if joins(steps[at - 1], step) => {
                    statement.operations.push(&step.operation);
                    statement.steps.push(step);
                }
                _ => out.push((at, Statement { steps: vec![step], operations: vec![&step.operation], wording: step.wording })),
            }
        }
        out
    }
}

/// Whether two operations with one span are one statement: the statements of a DO block share its span too.
fn together(a: &Operation, b: &Operation) -> bool {
    let alters = |operation: &Operation| {
        !matches!(
            operation,
            Operation::CreateTable(_)
                | Operation::CreateIndex(_)
                | Operation::Insert { .. }
                | Operation::Update { .. }
                | Operation::Delete { .. }
                | Operation::Select(_)
        )
    };
    let several = |operation: &Operation| {
        matches!(
            operation,
            Operation::DropTable { .. } | Operation::Truncate { .. } | Operation::DropIndex { .. } | Operation::DropView { .. }
        )
    };
    match (several(a), several(b)) {
        (true, true) => a.kind() == b.kind(),
        _ => alters(a) && alters(b) && a.table().is_some() && a.table() == b.table(),
    }
}

/// The engine that a script is judged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine {
    /// None when nothing says which.
    pub dialect: Option<Dialect>,
    /// PostgreSQL's major version.
    pub postgres_major: u32,
    /// SQLite's minor version: 51 is 3.51.
    pub sqlite_minor: u32,
    /// Whether SQLite's connections have `PRAGMA foreign_keys=ON`; None where nothing says so.
    pub foreign_keys: Option<bool>,
    /// The metadata of env.py has a naming convention: constraints without a name get one.
    pub names_constraints: bool,
}

/// The oldest major that the project still supported when this was written is not assumed: the newest is.
pub const DEFAULT_POSTGRES_MAJOR: u32 = 17;

/// What most installations of Python carry, or older.
pub const DEFAULT_SQLITE_MINOR: u32 = 51;

impl Engine {
    /// Cuts steps into what the engine sees as one statement; gives the position of each one's first step.
    pub fn cut<'s>(&self, steps: &[&'s Step]) -> Vec<(usize, Statement<'s>)> {
        match self.dialect {
            Some(Dialect::Sqlite) => Statement::cut_where(steps, sqlite::belong_together),
            Some(Dialect::MySql | Dialect::MariaDb) => Statement::cut_where(steps, mysql::belong_together),
            _ => Statement::cut(steps),
        }
    }

    /// Whether a step fails inside a transaction whatever schema it meets.
    pub fn refuses_transaction(&self, step: &Step) -> bool {
        self.dialect == Some(Dialect::PostgreSql) && postgres::refuses_transaction(&step.operation, self.postgres_major)
    }

    /// What each operation of a statement does, in their order.
    pub fn effects(&self, statement: &Statement<'_>, schema: &Schema) -> Vec<Effects> {
        let mut effects = match self.dialect {
            Some(Dialect::PostgreSql) => postgres::effects(statement, schema, self.postgres_major),
            Some(Dialect::Sqlite) => sqlite::effects(statement, schema, self),
            Some(dialect @ (Dialect::MySql | Dialect::MariaDb)) => mysql::effects(statement, schema, dialect),
            _ => vec![Effects::default(); statement.operations.len()],
        };
        for (step, effects) in statement.steps.iter().zip(&mut effects) {
            if let Some(unread) = step.wording.unread {
                let reason = match unread {
                    Unread::Unfinished => "syntax error: a `;` is missing behind it",
                    Unread::At => "syntax error: the server does not read it",
                };
                *effects = Effects { fails_because: Some(reason.to_owned()), ..Effects::default() };
            }
            // A script that asks the database first does not do what is done already.
            if step.conditional && is_done(&step.operation, schema) {
                *effects = Effects::default();
            }
            // Nor is it certain to be reached, and a DO block may catch what it raises.
            if step.conditional || (step.wording.in_block && !effects.refuses_transaction) {
                effects.fails_because = None;
            }
        }
        effects
    }
}

/// What a step makes is there, or what it takes away is not.
fn is_done(operation: &Operation, schema: &Schema) -> bool {
    let whole = |table: &Name| schema.table(table).filter(|table| table.is_whole());
    match operation {
        Operation::CreateTable(create) => schema.table(&create.table).is_some(),
        Operation::AddColumn { table, column, .. } => schema.column(table, &column.name).is_some(),
        Operation::CreateIndex(index) => {
            let named = |name: &String| schema.table(&index.table).is_some_and(|table| table.index(name).is_some());
            index.name.as_ref().is_some_and(named)
        }
        Operation::AddConstraint { table, constraint } => {
            let named = |name: &String| schema.table(table).is_some_and(|table| table.constraint(name).is_some());
            constraint.name.as_ref().is_some_and(named)
        }
        Operation::CreateEnum { name, .. } => schema.enum_type(name).is_some(),
        Operation::DropColumn { table, column, .. }
        | Operation::RenameColumn { table, column, .. }
        | Operation::AlterColumnType { table, column, .. }
        | Operation::SetNotNull { table, column }
        | Operation::DropNotNull { table, column }
        | Operation::SetDefault { table, column, .. }
        | Operation::DropDefault { table, column } => {
            whole(table).is_some_and(|_| Name::new(column.as_str()).is_known() && schema.column(table, column).is_none())
        }
        Operation::DropConstraint { table, constraint: Some(name), .. } => {
            whole(table).is_some_and(|table| Name::new(name.as_str()).is_known() && table.constraint(name).is_none())
        }
        _ => false,
    }
}
