//! Operations as text again: calls of Alembic's `op`, or SQL. For help that can be pasted, and for fixes.

mod python;
mod sql;

use crate::operation::{DataType, Operation};
use crate::schema::Schema;

/// What a text is written for.
#[derive(Clone, Copy, Debug)]
pub enum Style<'s> {
    /// Calls of `op`; constraints in batch blocks where SQLite is one of the databases.
    Alembic {
        batch: bool,
        /// Where MySQL is one of them: its MODIFY and CHANGE say a column as a whole, so that Alembic asks for what is
        /// to stay, as it is in this schema.
        existing: Option<&'s Schema>,
    },
    Sql,
}

/// A name as SQL has to write it.
pub fn sql_name(text: &str) -> String {
    sql::name(text)
}

/// A type as SQL has to write it.
pub fn sql_type(kind: &DataType) -> String {
    sql::type_name(kind)
}

/// A key of an index as SQL has to write it.
pub fn sql_key(text: &str) -> String {
    sql::key_text(text)
}

/// One line, or several of one statement; None for what cannot be written without guessing.
pub fn operation(operation: &Operation, style: Style<'_>) -> Option<String> {
    let text = match style {
        Style::Alembic { batch, existing } => python::call(operation, batch, existing)?,
        Style::Sql => sql::statement(operation)?,
    };
    // What is not known in full is never written down.
    (!text.contains(crate::operation::HOLE) && !text.contains('…')).then_some(text)
}
