//! Whether SQLite's own grammar reads a statement, by `sqlite3-parser`, which is generated from it.

use std::ops::Range;

use sqlite3_parser::ast::{AlterTableBody, Cmd, ColumnConstraint, CreateTableBody, NamedColumnConstraint, Stmt};
use sqlite3_parser::lexer::sql::{Error, Parser, ParserError};
use sqlite3_parser::{Bump, FallibleIterator};

use super::lexeme::Lexemes;
use crate::migration::SqliteSyntax;
use crate::operation::HOLE;

/// What SQLite's grammar says of one statement, and the bytes of the word at which it stops. A statement that is not
/// known in full is not judged.
pub(super) fn syntax(sql: &str) -> (SqliteSyntax, Option<Range<usize>>) {
    if sql.contains(HOLE) || sql.starts_with('\\') || has_driver_placeholder(sql) {
        return (SqliteSyntax::Accepted, None);
    }
    let arena = Bump::new();
    let mut parser = Parser::new(&arena, sql.as_bytes());
    match parser.next() {
        Ok(Some(Cmd::Stmt(statement))) if counts_what_it_cannot(&statement) => (SqliteSyntax::Refused, None),
        Ok(Some(Cmd::Stmt(statement))) => newer(sql, &statement),
        Ok(_) => (SqliteSyntax::Accepted, None),
        // `IN :ids` becomes a list before SQLite sees it.
        Err(Error::ParserError(ParserError::SyntaxError(word), _)) if word.starts_with(':') => (SqliteSyntax::Accepted, None),
        Err(error) => (SqliteSyntax::Refused, place(sql, &error)),
    }
}

/// `%s` and `%(name)s` of Python's drivers stand for values.
fn has_driver_placeholder(sql: &str) -> bool {
    sql.contains("%s") || sql.contains("%(")
}

/// `AUTOINCREMENT` on anything but an `INTEGER PRIMARY KEY`, which the grammar reads.
fn counts_what_it_cannot(statement: &Stmt<'_>) -> bool {
    let Stmt::CreateTable { body: CreateTableBody::ColumnsAndConstraints { columns, .. }, .. } = statement else { return false };
    columns.iter().any(|column| {
        let counts = |constraint: &NamedColumnConstraint<'_>| {
            matches!(constraint.constraint, ColumnConstraint::PrimaryKey { auto_increment: true, .. })
        };
        let is_integer = column.col_type.as_ref().is_some_and(|kind| kind.name.eq_ignore_ascii_case("integer"));
        column.constraints.iter().any(counts) && !is_integer
    })
}

/// What 3.53 brought.
fn newer(sql: &str, statement: &Stmt<'_>) -> (SqliteSyntax, Option<Range<usize>>) {
    let word = match statement {
        Stmt::AlterTable(_, AlterTableBody::AddConstraint(_) | AlterTableBody::DropConstraint(_)) => "constraint",
        Stmt::AlterTable(_, AlterTableBody::SetColumnNotNull(..) | AlterTableBody::DropColumnNotNull(_)) => "alter",
        _ => return (SqliteSyntax::Accepted, None),
    };
    let lexemes = Lexemes::roughly(sql);
    let near = (1..lexemes.len()).find(|&at| lexemes.is(at, word)).map(|at| lexemes.bytes(at..at + 1));
    (SqliteSyntax::Since353, near)
}

/// The word that the error is about: the last one of its text up to where the parser stopped.
fn place(sql: &str, error: &Error) -> Option<Range<usize>> {
    let Error::ParserError(ParserError::SyntaxError(word), position) = error else { return None };
    let position = position.as_ref()?;
    let line = sql.split_inclusive('\n').take(position.line.saturating_sub(1)).map(str::len).sum::<usize>();
    let mut end = (line + position.column + word.len()).min(sql.len());
    while !sql.is_char_boundary(end) {
        end += 1;
    }
    let start = sql[..end].rfind(word.as_str())?;
    Some(start..start + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_at_the_word_that_is_in_the_way() {
        let near = |sql: &str| syntax(sql).1.map(|range| sql[range].to_owned());
        assert_eq!(near("ALTER TABLE t\n ADD COLUMN IF NOT EXISTS x TEXT").as_deref(), Some("EXISTS"));
        assert_eq!(near("DROP TABLE p CASCADE").as_deref(), Some("CASCADE"));
        assert_eq!(near("CREATE TABLE t (id INTEGER)"), None);
        assert_eq!(syntax("ALTER TABLE t ALTER COLUMN a SET NOT NULL").0, SqliteSyntax::Since353);
        assert_eq!(syntax("UPDATE t SET a = %(a)s").0, SqliteSyntax::Accepted);
    }
}
