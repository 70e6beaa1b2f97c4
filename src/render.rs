//! Operations as text again: calls of Alembic's `op`, or SQL. For help that can be pasted, and for fixes.

mod python;
mod sql;

use crate::operation::Operation;

/// What a text is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Calls of `op`; constraints in batch blocks where SQLite is one of the databases.
    Alembic {
        batch: bool,
    },
    Sql,
}

/// A name as SQL has to write it.
pub fn sql_name(text: &str) -> String {
    sql::name(text)
}

/// One line, or several of one statement; None for what cannot be written without guessing.
pub fn operation(operation: &Operation, style: Style) -> Option<String> {
    let text = match style {
        Style::Alembic { batch } => python::call(operation, batch)?,
        Style::Sql => sql::statement(operation)?,
    };
    // What is not known in full is never written down.
    (!text.contains(crate::operation::HOLE) && !text.contains('…')).then_some(text)
}
