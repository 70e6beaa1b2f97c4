//! Words of a statement that change what PostgreSQL does with it, beside its operations.

use super::lexeme::Lexemes;
use crate::migration::{Needs, Wording};

/// What `ONLY` and syntax that some majors lack say about a whole statement.
pub(super) fn of(lexemes: &Lexemes<'_>) -> Wording {
    let first = lexemes.text(0);
    let says = |words: &str| (1..lexemes.len().min(16)).any(|at| lexemes.skip(at, words).is_some());
    if ["update", "delete", "select", "with", "lock"].iter().any(|word| first.eq_ignore_ascii_case(word)) {
        return Wording { only: says("only"), ..Wording::default() };
    }
    let interesting = ["alter", "create", "drop", "reindex", "truncate", "call", "merge", "analyze"];
    if !interesting.iter().any(|word| first.eq_ignore_ascii_case(word)) {
        return Wording::default();
    }
    Wording { only: says("only"), if_exists: says("if exists"), needs: needs(lexemes), ..Wording::default() }
}

/// The newest syntax that the statement uses.
fn needs(lexemes: &Lexemes<'_>) -> Option<Needs> {
    let mut found: Option<Needs> = None;
    let mut need = |since: u32, words: &'static str| {
        if found.is_none_or(|known| known.since < since) {
            found = Some(Needs { since, below: u32::MAX, words });
        }
    };
    let second = |word: &str| lexemes.is(1, word);
    match lexemes.text(0).to_ascii_lowercase().as_str() {
        "call" => need(11, "CALL"),
        "merge" => need(15, "MERGE"),
        "reindex" if lexemes.text(1) == "(" && lexemes.find(2..lexemes.closing(1), "concurrently").is_some() => {
            need(14, "REINDEX (CONCURRENTLY)");
        }
        "reindex" if lexemes.is(2, "concurrently") => need(12, "REINDEX … CONCURRENTLY"),
        "create" if second("procedure") => need(11, "CREATE PROCEDURE"),
        "create" if lexemes.skip(0, "create or replace trigger").is_some() => need(14, "CREATE OR REPLACE TRIGGER"),
        "create"
            if lexemes.find(1..lexemes.len(), "execute function").is_some()
                && !lexemes.text(1).eq_ignore_ascii_case("function") =>
        {
            need(11, "EXECUTE FUNCTION");
        }
        "drop" if second("procedure") || second("routine") => need(11, "DROP PROCEDURE"),
        "alter" if second("statistics") && lexemes.is(3, "set") && lexemes.is(4, "statistics") => {
            need(13, "ALTER STATISTICS … SET STATISTICS");
        }
        "alter" if second("view") && lexemes.find(3..lexemes.len(), "rename column").is_some() => {
            need(13, "ALTER VIEW … RENAME COLUMN");
        }
        "alter" if second("index") && lexemes.is(3, "attach") => need(11, "ALTER INDEX … ATTACH PARTITION"),
        "alter" if second("index") && lexemes.is(3, "alter") => need(11, "ALTER INDEX … ALTER COLUMN"),
        "alter" if second("type") && lexemes.skip(3, "drop value").is_some() => need(u32::MAX, "ALTER TYPE … DROP VALUE"),
        _ => {}
    }
    let statistics = second("statistics");
    let table = second("table") || second("foreign") || second("temp") || second("temporary") || second("unlogged");
    let index = second("index") || second("unique");
    let mut generated = false;
    let mut stored = false;
    for at in 1..lexemes.len() {
        let word = lexemes.text(at);
        match word.as_bytes().first().map(u8::to_ascii_lowercase) {
            Some(b'g') if table && lexemes.skip(at, "generated always as (").is_some() => generated = true,
            Some(b's') if generated && lexemes.is(at, "stored") => stored = true,
            Some(b's') if table && lexemes.skip(at, "set compression").is_some() => need(14, "SET COMPRESSION"),
            Some(b's') if table && lexemes.skip(at, "set access method").is_some() => need(15, "SET ACCESS METHOD"),
            Some(b's') if table && lexemes.skip(at, "set expression").is_some() => need(17, "SET EXPRESSION"),
            Some(b's') if table && lexemes.skip(at, "set with oids").is_some() => {
                return Some(Needs { since: 0, below: 12, words: "SET WITH OIDS" });
            }
            Some(b'd') if table && lexemes.skip(at, "drop expression").is_some() => need(13, "DROP EXPRESSION"),
            Some(b'd') if table && lexemes.skip(at, "detach partition").is_some() => {
                let last = lexemes.len() - 1;
                if lexemes.is(last, "concurrently") || lexemes.is(last, "finalize") {
                    need(14, "DETACH PARTITION … CONCURRENTLY");
                }
            }
            Some(b'd') if table && at + 1 == lexemes.len() && lexemes.is(at, "default") && makes_partition(lexemes, at) => {
                need(11, "a DEFAULT partition");
            }
            Some(b'p') if table && lexemes.skip(at, "partition by hash").is_some() => need(11, "PARTITION BY HASH"),
            Some(b'e') if lexemes.is(at, "enforced") => need(18, "ENFORCED"),
            Some(b'n') if (table || index) && lexemes.skip(at, "nulls not distinct").is_some() => need(15, "NULLS NOT DISTINCT"),
            Some(b'n') if table && lexemes.skip(at, "not null").is_some() && is_constraint(lexemes, at) => {
                need(18, "a NOT NULL table constraint");
            }
            Some(b'w') if table && lexemes.skip(at, "without overlaps").is_some() => need(18, "WITHOUT OVERLAPS"),
            Some(b'i') if index && lexemes.skip(at, "include (").is_some() => need(11, "INCLUDE"),
            Some(b'(') if statistics && lexemes.is(at - 1, "on") => need(14, "statistics on expressions"),
            Some(b'c') if table && at > 3 && lexemes.is(at, "compression") && !lexemes.is(at - 1, "set") => {
                need(14, "COMPRESSION");
            }
            _ => {}
        }
    }
    if generated {
        if stored { need(12, "GENERATED … STORED") } else { need(18, "virtual generated columns") }
    }
    found
}

/// `ADD [CONSTRAINT name] NOT NULL column`, not the option of a column.
fn is_constraint(lexemes: &Lexemes<'_>, at: usize) -> bool {
    lexemes.is(at - 1, "add") || (at >= 3 && lexemes.is(at - 2, "constraint") && lexemes.is(at - 3, "add"))
}

fn makes_partition(lexemes: &Lexemes<'_>, before: usize) -> bool {
    lexemes.find(2..before, "attach partition").or_else(|| lexemes.find(2..before, "partition of")).is_some()
}
