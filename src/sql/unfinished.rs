//! Statements between which somebody forgot the semicolon: the server reads on and refuses both.

use sqlparser::tokenizer::Tokenizer;

use super::lexeme::Lexemes;
use super::parser_dialect;
use crate::operation::Dialect;

/// Words that begin a statement and cannot stand inside of one that begins with [`OUTER`].
const STARTS: &[&str] = &[
    "alter table",
    "create table",
    "create index",
    "create unique index",
    "create type",
    "drop table",
    "drop index",
    "insert into",
    "delete from",
];

/// Statements of which the whole grammar is plain: no body, no query that writes.
const OUTER: &[&str] =
    &["alter table", "create index", "create unique index", "create table", "drop index", "drop table", "drop type", "update"];

/// Where another statement begins, on a line of its own and behind no semicolon.
pub(super) fn next_statement(sql: &str, dialect: Option<Dialect>) -> Option<usize> {
    let begins = |text: &str, words: &str| {
        let mut rest = text;
        words.split(' ').all(|word| {
            let found = rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
            let behind = rest.get(word.len()..).unwrap_or_default();
            let ends = !behind.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            rest = behind.trim_start();
            found && ends
        })
    };
    if !sql.contains('\n') || !OUTER.iter().any(|words| begins(sql, words)) {
        return None;
    }
    let mut at = 0;
    let starts = sql.split_inclusive('\n').filter_map(|line| {
        let start = at + (line.len() - line.trim_start().len());
        at += line.len();
        let opens = start > 0 && STARTS.iter().any(|words| begins(&sql[start..], words));
        opens.then_some(start)
    });
    let starts: Vec<usize> = starts.collect();
    if starts.is_empty() {
        return None;
    }
    // MySQL's `ALTER TABLE t DROP INDEX i`, and what stands in parentheses, quotes or behind a comma, belongs to the first.
    let tokens = Tokenizer::new(parser_dialect(sql, dialect), sql).tokenize_with_location().ok()?;
    let lexemes = Lexemes::new(sql, &tokens);
    let mut depth = 0usize;
    for index in 0..lexemes.len() {
        match lexemes.text(index) {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let start = lexemes.range(index).start;
        if depth > 0 || starts.binary_search(&start).is_err() {
            continue;
        }
        let action = lexemes.is(0, "alter") && lexemes.is(index, "drop");
        let joined = matches!(lexemes.text(index - 1), "," | "-") || lexemes.is(index - 1, "as") || lexemes.is(index - 1, "then");
        if !action && !joined {
            return Some(start);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::next_statement;

    #[test]
    fn a_statement_that_begins_in_another_is_seen() {
        for (first, next) in [
            ("DROP INDEX IF EXISTS ix\n", "ALTER TABLE users DROP COLUMN at"),
            ("create unique index ux on users (email)\n  ", "create table b (id int)"),
            ("ALTER TABLE a ADD COLUMN b text\n\n", "INSERT INTO c VALUES (1)"),
            ("UPDATE a SET b = 'ALTER TABLE\nx'\n", "ALTER TABLE a ALTER b SET NOT NULL"),
        ] {
            assert_eq!(next_statement(&format!("{first}{next}"), None), Some(first.len()), "{first}");
        }
    }

    #[test]
    fn what_belongs_to_a_statement_stays_in_it() {
        for whole in [
            "ALTER TABLE t\nDROP INDEX i",
            "ALTER TABLE t ADD COLUMN a int,\n  DROP TABLE",
            "CREATE TABLE a (\ninsert into\n)",
            "UPDATE t SET a = 'x\nDROP TABLE b'",
            "CREATE TABLE t AS\nSELECT 1",
            "UPDATE t -- as in\nSET a = 1",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\nINSERT INTO a VALUES (1)",
            "ALTER TABLE tables\nADD create_table int",
            "ALTER TABLE t -- it's\n/*\nDROP TABLE b\n*/ ADD a int",
        ] {
            assert_eq!(next_statement(whole, None), None, "{whole}");
        }
    }
}
