//! What an operation does to a live database, by product and version.

pub mod postgres;

use crate::operation::{Dialect, Operation};

/// What one statement costs and demands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// It fails inside a transaction block, or in a message with other statements.
    pub refuses_transaction: bool,
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
    pub fn effects(&self, operation: &Operation) -> Effects {
        match self.dialect {
            Some(Dialect::PostgreSql) => postgres::effects(operation, self.postgres_major),
            _ => Effects::default(),
        }
    }
}
