//! Whimbrel reads database migrations and says what they will do, without running them.
pub mod alembic;
pub mod finding;
pub mod history;
pub mod migration;
pub mod operation;
pub mod schema;
pub mod source;
pub mod sql;
pub mod text;
