//! What a statement does to a live database, by product and version.

pub mod postgres;

use std::collections::{BTreeMap, BTreeSet};

use crate::migration::{Origin, Step, Wording};
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
    /// It fails only after its work, so that locks and scans have happened: CREATE INDEX CONCURRENTLY.
    pub fails_late: bool,
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
    pub operations: Vec<&'s Operation>,
    pub wording: Wording,
}

impl<'s> Statement<'s> {
    /// Cuts steps into statements; gives the position of each one's first step. What Alembic emits for one call
    /// are statements of their own.
    pub fn cut(steps: &[&'s Step]) -> Vec<(usize, Statement<'s>)> {
        let mut out: Vec<(usize, Statement<'s>)> = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let joins = at > 0
                && step.origin == Origin::Sql
                && steps[at - 1].origin == Origin::Sql
                && steps[at - 1].statement == step.statement
                && step.conditional == steps[at - 1].conditional
                && together(&steps[at - 1].operation, &step.operation);
            match out.last_mut() {
                Some((_, statement)) if joins => statement.operations.push(&step.operation),
                _ => out.push((at, Statement { operations: vec![&step.operation], wording: step.wording })),
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
}

/// The oldest major that the project still supported when this was written is not assumed: the newest is.
pub const DEFAULT_POSTGRES_MAJOR: u32 = 17;

impl Engine {
    /// Whether a step fails inside a transaction whatever schema it meets.
    pub fn refuses_transaction(&self, step: &Step) -> bool {
        self.dialect == Some(Dialect::PostgreSql) && postgres::refuses_transaction(&step.operation, self.postgres_major)
    }

    /// What each operation of a statement does, in their order.
    pub fn effects(&self, statement: &Statement<'_>, schema: &Schema) -> Vec<Effects> {
        match self.dialect {
            Some(Dialect::PostgreSql) => postgres::effects(statement, schema, self.postgres_major),
            _ => vec![Effects::default(); statement.operations.len()],
        }
    }
}
