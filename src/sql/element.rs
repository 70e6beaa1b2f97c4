//! CREATE TABLE, element by element: one that `sqlparser` cannot read hides no other.

use std::ops::Range;

use super::lexeme::Lexemes;
use super::parsed_operations;
use super::types::data_type;
use crate::operation::{Column, Constraint, ConstraintKind, CreateIndex, Dialect, Operation};

/// What stands between the parentheses of CREATE TABLE.
#[derive(Default)]
pub(super) struct Elements {
    pub columns: Vec<Column>,
    pub constraints: Vec<Constraint>,
    /// MySQL's inline indexes, on a table without a name.
    pub indexes: Vec<CreateIndex>,
    /// Some element may be a column, and cannot be told.
    pub incomplete: bool,
}

/// Where the definition of a column goes on behind its type.
const BEHIND_TYPE: &[&str] = &[
    "not",
    "null",
    "default",
    "primary",
    "unique",
    "references",
    "check",
    "constraint",
    "generated",
    "as",
    "collate",
    "character",
    "charset",
    "comment",
    "auto_increment",
    "on",
    "key",
    "invisible",
    "visible",
    "zerofill",
    "virtual",
    "stored",
    "persistent",
    "first",
    "after",
    "encode",
    "storage",
    "compression",
];

/// The first words of an element that is no column.
const NO_COLUMN: &[&str] =
    &["key", "index", "fulltext", "spatial", "unique", "primary", "constraint", "check", "foreign", "exclude", "like", "period"];

/// The elements between the parentheses that `open` opens.
pub(super) fn elements(lexemes: &Lexemes<'_>, open: usize, dialect: Option<Dialect>) -> Elements {
    let mut out = Elements::default();
    let parts = lexemes.comma_separated_within(open + 1..lexemes.closing(open));
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        let text = &lexemes.sql[lexemes.bytes(part.clone())];
        if take(text, dialect, &mut out) || simplified(lexemes, part.clone()).is_some_and(|text| take(&text, dialect, &mut out)) {
            continue;
        }
        if let Some(constraint) = not_null(lexemes, &part, dialect) {
            out.constraints.push(constraint);
            continue;
        }
        let first = lexemes.text(part.start);
        match NO_COLUMN.iter().any(|word| first.eq_ignore_ascii_case(word)) {
            // The columns are what matters most: a rule that is not read is missed, not guessed.
            true => out.incomplete |= first.eq_ignore_ascii_case("like"),
            false => out.incomplete |= !column(lexemes, part, dialect, &mut out),
        }
    }
    out
}

/// `[CONSTRAINT name] NOT NULL column`, PostgreSQL 18.
fn not_null(lexemes: &Lexemes<'_>, part: &Range<usize>, dialect: Option<Dialect>) -> Option<Constraint> {
    let named = lexemes.skip(part.start, "constraint").and_then(|at| Some((lexemes.identifier(at, dialect)?, at + 1)));
    let (name, at) = named.map_or((None, part.start), |(name, at)| (Some(name), at));
    let column = lexemes.identifier(lexemes.skip(at, "not null")?, dialect)?;
    Some(Constraint::new(name, ConstraintKind::NotNull { column }))
}

/// Reads an element as that of a table which has no other.
fn take(element: &str, dialect: Option<Dialect>, out: &mut Elements) -> bool {
    let Some(lowered) = parsed_operations(&format!("CREATE TABLE t ({element})"), dialect) else { return false };
    let mut read = false;
    for operation in lowered.into_iter().map(|lowered| lowered.operation) {
        match operation {
            Operation::CreateTable(table) if !table.columns_unknown => {
                out.columns.extend(table.columns);
                out.constraints.extend(table.constraints);
                read = true;
            }
            Operation::CreateIndex(index) => out.indexes.push(*index),
            _ => {}
        }
    }
    read
}

/// Clauses that the parser does not take and that change nothing that is replayed; the words, and whether a word, a list
/// in parentheses or both may follow and go too.
const LEFT_OUT: &[(&str, Tail)] = &[
    ("with", Tail::List),
    ("storage", Tail::Word),
    ("compression", Tail::Word),
    ("nulls not distinct", Tail::Nothing),
    ("nulls distinct", Tail::Nothing),
    ("using index tablespace", Tail::Word),
    ("using btree", Tail::Nothing),
    ("using hash", Tail::Nothing),
    ("zerofill", Tail::Nothing),
    ("ignored", Tail::Nothing),
    ("not ignored", Tail::Nothing),
    ("key_block_size =", Tail::Word),
    ("key_block_size", Tail::Word),
    ("without system versioning", Tail::Nothing),
    ("with system versioning", Tail::Nothing),
];

/// Words behind which a list in parentheses goes.
const WITHOUT_LIST: &[&str] = &["as identity", "set null", "set default"];

#[derive(Clone, Copy)]
enum Tail {
    Nothing,
    Word,
    List,
}

/// An element without what the parser does not take; None where it has nothing of the kind.
pub(super) fn simplified(lexemes: &Lexemes<'_>, part: Range<usize>) -> Option<String> {
    let mut out = String::new();
    let mut changed = false;
    let mut at = part.start;
    while at < part.end {
        let left_out = LEFT_OUT.iter().filter(|_| at > part.start).find_map(|(words, tail)| {
            let behind = lexemes.skip(at, words)?;
            match tail {
                Tail::Nothing => Some(behind),
                Tail::Word => Some(behind + 1),
                Tail::List => (lexemes.text(behind) == "(").then(|| lexemes.closing(behind) + 1),
            }
        });
        let kept = WITHOUT_LIST.iter().find_map(|words| lexemes.skip(at, words).filter(|&behind| lexemes.text(behind) == "("));
        let (until, next) = match (left_out, kept) {
            (Some(next), _) => (at, next),
            (None, Some(open)) => (open, lexemes.closing(open) + 1),
            (None, None) => (at + 1, at + 1),
        };
        if until > at {
            out.push_str(&lexemes.sql[lexemes.bytes(at..until)]);
            out.push(' ');
        }
        changed |= next > until;
        at = next;
    }
    changed.then_some(out)
}

/// A column whose type, or what stands behind it, the parser does not know.
fn column(lexemes: &Lexemes<'_>, part: Range<usize>, dialect: Option<Dialect>, out: &mut Elements) -> bool {
    let Some(name) = lexemes.identifier(part.start, dialect) else { return false };
    let ends = |at: &usize| BEHIND_TYPE.iter().any(|word| lexemes.is(*at, word));
    let end = (part.start + 2..part.end).find(ends).unwrap_or(part.end);
    let written = lexemes.sql.get(lexemes.bytes(part.start + 1..end)).filter(|_| end > part.start + 1);
    // A template's word may stand for a type and a key.
    out.incomplete |= written.is_some_and(|written| !written.starts_with(|c: char| c.is_alphabetic() || c == '"' || c == '`'));
    let written = written.filter(|_| !out.incomplete).map(data_type);
    // What follows is read behind a type that the parser knows, as far as it can be read.
    let behind = if end < part.end { &lexemes.sql[lexemes.bytes(end..part.end)] } else { "" };
    let quoted = &lexemes.sql[lexemes.range(part.start)];
    let before = out.columns.len();
    if !take(&format!("{quoted} integer {behind}"), dialect, out) {
        let required =
            (end..part.end).any(|at| lexemes.skip(at, "not null").is_some() || lexemes.skip(at, "primary key").is_some());
        out.columns.push(Column { nullable: Some(!required), ..Column::new(name, None) });
    }
    for column in &mut out.columns[before..] {
        column.data_type.clone_from(&written);
    }
    true
}
