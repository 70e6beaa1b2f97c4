//! The Alembic front end: configuration, revision metadata, and `upgrade()`/`downgrade()` without running them.
//!
//! `python` parses, `script` puts a migration together, `eval` executes functions abstractly over
//! `value`s; `directive` turns calls of `op.*`, and `connection` those past it, into operations with the help of
//! `sqlalchemy`.

mod alter;
mod block;
mod builtin;
mod connection;
mod custom;
mod directive;
mod entity;
mod enumeration;
pub mod env;
mod eval;
mod expression;
pub mod ini;
pub mod literal;
pub mod modules;
pub mod naming;
pub mod python;
pub mod script;
mod sqlalchemy;
mod statement;
mod types;
mod value;
