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
    let interesting = ["alter", "create", "drop", "reindex", "truncate", "call", "merge", "analyze", "vacuum"];
    if !interesting.iter().any(|word| first.eq_ignore_ascii_case(word)) {
        return Wording::default();
    }
    Wording { only: says("only"), if_exists: says("if exists"), needs: needs(lexemes), ..Wording::default() }
}

/// How a statement begins, words behind that, if any are needed, and the major that brought them.
const SYNTAX: &[(&str, &str, u32, &str)] = &[
    ("call", "", 11, "CALL"),
    ("merge", "", 15, "MERGE"),
    ("reindex (", "concurrently", 14, "REINDEX (CONCURRENTLY)"),
    ("reindex (", "tablespace", 14, "REINDEX (TABLESPACE)"),
    ("create procedure", "", 11, "CREATE PROCEDURE"),
    ("create or replace trigger", "", 14, "CREATE OR REPLACE TRIGGER"),
    ("create unlogged sequence", "", 15, "CREATE UNLOGGED SEQUENCE"),
    ("create publication", "where (", 15, "the WHERE of a publication"),
    ("create publication", "tables in schema", 15, "TABLES IN SCHEMA"),
    ("create view", "security_invoker", 15, "security_invoker"),
    ("create or replace view", "security_invoker", 15, "security_invoker"),
    ("drop procedure", "", 11, "DROP PROCEDURE"),
    ("drop routine", "", 11, "DROP PROCEDURE"),
    ("drop database", "force", 13, "DROP DATABASE … (FORCE)"),
    ("alter publication", "where (", 15, "the WHERE of a publication"),
    ("alter publication", "tables in schema", 15, "TABLES IN SCHEMA"),
    ("alter view", "security_invoker", 15, "security_invoker"),
    ("alter view", "rename column", 13, "ALTER VIEW … RENAME COLUMN"),
    ("alter database", "refresh collation version", 15, "REFRESH COLLATION VERSION"),
    ("alter sequence", "set logged", 15, "ALTER SEQUENCE … SET LOGGED"),
    ("alter sequence", "set unlogged", 15, "ALTER SEQUENCE … SET UNLOGGED"),
    ("alter statistics", "set statistics", 13, "ALTER STATISTICS … SET STATISTICS"),
    ("alter index", "attach partition", 11, "ALTER INDEX … ATTACH PARTITION"),
    ("alter index", "alter", 11, "ALTER INDEX … ALTER COLUMN"),
    ("alter", "no depends on extension", 13, "NO DEPENDS ON EXTENSION"),
    ("alter type", "drop value", u32::MAX, "ALTER TYPE … DROP VALUE"),
];

/// Whether a statement begins so, and has these words behind that, if any.
fn stands(lexemes: &Lexemes<'_>, head: &str, words: &str) -> bool {
    let behind = lexemes.skip(0, head);
    behind.is_some_and(|at| words.is_empty() || (at..lexemes.len()).any(|at| lexemes.skip(at, words).is_some()))
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
    for (head, words, since, shown) in SYNTAX {
        if stands(lexemes, head, words) {
            need(*since, shown);
        }
    }
    match lexemes.text(0).as_bytes().first().map(u8::to_ascii_lowercase) {
        Some(b'v' | b'a') if lexemes.is(0, "vacuum") || lexemes.is(0, "analyze") => maintenance(lexemes, &mut need),
        Some(b'r') if lexemes.is(2, "concurrently") => need(12, "REINDEX … CONCURRENTLY"),
        Some(b'c') if !second("function") && (1..lexemes.len()).any(|at| lexemes.skip(at, "execute function").is_some()) => {
            need(11, "EXECUTE FUNCTION");
        }
        Some(b'a')
            if second("domain")
                && (3..lexemes.len()).any(|at| lexemes.skip(at, "not null").is_some() && is_constraint(lexemes, at)) =>
        {
            need(17, "a NOT NULL constraint of a domain");
        }
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
            Some(b's')
                if table && lexemes.is(at, "storage") && !lexemes.is(at - 1, "set") && is_storage(lexemes.text(at + 1)) =>
            {
                need(16, "STORAGE of a new column");
            }
            Some(b's') if table && lexemes.skip(at, "set access method default").is_some() => {
                need(17, "SET ACCESS METHOD DEFAULT");
            }
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

/// Options of VACUUM and ANALYZE by the major that brought them.
const MAINTENANCE: &[(&str, u32, &str)] = &[
    ("skip_locked", 12, "SKIP_LOCKED"),
    ("index_cleanup", 12, "INDEX_CLEANUP"),
    ("truncate", 12, "TRUNCATE"),
    ("parallel", 13, "PARALLEL"),
    ("process_toast", 14, "PROCESS_TOAST"),
    ("process_main", 16, "PROCESS_MAIN"),
    ("buffer_usage_limit", 16, "BUFFER_USAGE_LIMIT"),
    ("skip_database_stats", 16, "SKIP_DATABASE_STATS"),
    ("only_database_stats", 16, "ONLY_DATABASE_STATS"),
];

fn maintenance(lexemes: &Lexemes<'_>, need: &mut impl FnMut(u32, &'static str)) {
    let options = lexemes.text(1) == "(";
    let behind = if options { lexemes.closing(1) } else { 1 };
    for (option, since, words) in MAINTENANCE {
        if options && lexemes.find(2..behind, option).is_some() {
            need(*since, words);
        }
    }
    if lexemes.comma_separated(behind.max(1)).len() > 1 {
        need(11, "several tables in one statement");
    }
}

fn is_storage(word: &str) -> bool {
    ["plain", "external", "extended", "main", "default"].iter().any(|storage| word.eq_ignore_ascii_case(storage))
}

/// `ADD [CONSTRAINT name] NOT NULL column`, not the option of a column.
fn is_constraint(lexemes: &Lexemes<'_>, at: usize) -> bool {
    lexemes.is(at - 1, "add") || (at >= 3 && lexemes.is(at - 2, "constraint") && lexemes.is(at - 3, "add"))
}

fn makes_partition(lexemes: &Lexemes<'_>, before: usize) -> bool {
    lexemes.find(2..before, "attach partition").or_else(|| lexemes.find(2..before, "partition of")).is_some()
}

/// How a statement begins, and words behind that, which are another product's: what MySQL 8 and MariaDB 10.11 have a
/// syntax error for (measured on MariaDB).
const FOREIGN_TO_MYSQL: &[(&str, &str, &str)] = &[
    ("comment on", "", "COMMENT ON"),
    ("vacuum", "", "VACUUM"),
    ("reindex", "", "REINDEX"),
    ("create extension", "", "CREATE EXTENSION"),
    ("create type", "", "CREATE TYPE"),
    ("create materialized view", "", "CREATE MATERIALIZED VIEW"),
    ("create index concurrently", "", "CREATE INDEX CONCURRENTLY"),
    ("create unique index concurrently", "", "CREATE INDEX CONCURRENTLY"),
    ("drop index concurrently", "", "DROP INDEX CONCURRENTLY"),
    ("insert", "on conflict", "ON CONFLICT"),
];

/// Words that neither MySQL nor MariaDB reads.
pub(super) fn foreign_to_mysql(lexemes: &Lexemes<'_>) -> Option<&'static str> {
    if let Some((.., shown)) = FOREIGN_TO_MYSQL.iter().find(|(head, words, _)| stands(lexemes, head, words)) {
        return Some(shown);
    }
    if !(lexemes.is(0, "alter") && lexemes.is(1, "table")) {
        return None;
    }
    // ALTER [COLUMN] c SET DEFAULT and DROP DEFAULT are all that they have.
    (3..lexemes.len()).find_map(|at| {
        let column = lexemes.skip(at, "alter column").or_else(|| lexemes.skip(at, "alter"))?;
        let behind = column + 1;
        let says = |words: &str| lexemes.skip(behind, words).is_some();
        let known = [
            ("set not null", "SET NOT NULL"),
            ("drop not null", "DROP NOT NULL"),
            ("set data type", "SET DATA TYPE"),
            ("type", "ALTER COLUMN … TYPE"),
        ];
        known.into_iter().find(|(words, _)| says(words)).map(|(_, shown)| shown)
    })
}
