//! Statements that `sqlparser` cannot read, recognised by their first words.

use super::lexeme::Lexemes;
use super::{Lowered, postgres, rest, routine};
use crate::migration::{Mark, Unread, Wording};
use crate::operation::{Bound, Class, Dialect, Name, Operation, Query, ReindexTarget, Relation};

/// Statements whose meaning for a migration the parser's tree loses or misreads.
pub(super) fn read_first(lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Option<Vec<Lowered>> {
    let one = |operation: Operation| Some(vec![Lowered::new(operation)]);
    let neither = |kind: &'static str| Some(vec![Lowered::new(Operation::other(kind, Class::Neither))]);
    let first = lexemes.text(0).to_ascii_lowercase();
    if dialect.is_none_or(|dialect| dialect == Dialect::PostgreSql)
        && let Some(lowered) = postgres::read(lexemes, dialect)
    {
        return Some(lowered);
    }
    match first.as_str() {
        "do" if lexemes.text(1).starts_with(['$', '\''])
            || lexemes.text(1).starts_with(['E', 'e']) && lexemes.text(1).ends_with('\'')
            || lexemes.is(1, "language") =>
        {
            Some(routine::anonymous_block(lexemes, dialect))
        }
        "reindex" => reindex(lexemes, dialect).and_then(one),
        "vacuum" => one(Operation::Vacuum { table: None, full: false }),
        // Only ALL refuses a transaction.
        "discard" if !lexemes.is(1, "all") => neither("discard_part"),
        "discard" => neither("discard"),
        "load" if lexemes.is(1, "data") || lexemes.is(1, "xml") => {
            let into = (2..lexemes.len()).find_map(|at| lexemes.skip(at, "into table"));
            let table = into.and_then(|at| lexemes.name(at, dialect)).map(|(table, _)| table);
            one(Operation::Other { kind: "load_data", table, name: None, class: Class::Data })
        }
        "checkpoint" | "listen" | "notify" | "unlisten" | "load" => neither("session_command"),
        "begin" | "start" if lexemes.len() <= 8 && !lexemes.text(1).is_empty() && !lexemes.is(1, "atomic") => {
            one(Operation::Begin)
        }
        "end" if lexemes.len() <= 2 => one(Operation::Commit),
        "commit" | "rollback" if lexemes.is(1, "prepared") => neither("end_prepared"),
        "abort" if lexemes.len() <= 2 => one(Operation::Rollback),
        "drop" if lexemes.is(1, "index") => drop_index(lexemes, dialect),
        "alter" => alter(lexemes, dialect),
        _ => None,
    }
}

fn concurrently(lexemes: &Lexemes<'_>, at: usize) -> (bool, usize) {
    let present = lexemes.is(at, "concurrently");
    (present, at + usize::from(present))
}

fn reindex(lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Option<Operation> {
    let mut at = 1;
    let mut in_options = false;
    if lexemes.text(at) == "(" {
        let close = lexemes.closing(at);
        in_options = lexemes.find(at + 1..close, "concurrently").is_some();
        at = close + 1;
    }
    let target = match lexemes.text(at).to_ascii_lowercase().as_str() {
        "index" => ReindexTarget::Index,
        "table" => ReindexTarget::Table,
        "schema" => ReindexTarget::Schema,
        "database" => ReindexTarget::Database,
        "system" => ReindexTarget::System,
        // SQLite: REINDEX [name]
        _ => {
            let name = lexemes.name(at, dialect).map_or_else(Name::unknown, |(name, _)| name);
            return Some(Operation::Reindex { target: ReindexTarget::Index, name, concurrently: false });
        }
    };
    let (inline, at) = concurrently(lexemes, at + 1);
    let name = lexemes.name(at, dialect).map_or_else(Name::unknown, |(name, _)| name);
    Some(Operation::Reindex { target, name, concurrently: inline || in_options })
}

/// DROP INDEX, of which the parser's tree loses CONCURRENTLY.
fn drop_index(lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Option<Vec<Lowered>> {
    let (concurrently, at) = concurrently(lexemes, 2);
    let behind = lexemes.skip(at, "if exists");
    let if_exists = behind.is_some();
    // No server drops what does not exist.
    if lexemes.skip(at, "if not exists").is_some() {
        let wording = Wording { unread: Some(Unread::At), ..Wording::default() };
        let opaque = Lowered { wording, ..Lowered::new(Operation::opaque("DROP … IF NOT EXISTS is no statement")) };
        return Some(vec![opaque.mark(Mark::Refused, Some(lexemes.range(at + 1)))]);
    }
    let cascade = lexemes.is(lexemes.len() - 1, "cascade");
    let mut out = Vec::new();
    for part in lexemes.comma_separated(behind.unwrap_or(at)) {
        let (index, end) = lexemes.name(part.start, dialect)?;
        let table = lexemes.is(end, "on").then(|| lexemes.name(end + 1, dialect)).flatten().map(|(table, _)| table);
        let operation = Operation::DropIndex { index, table, concurrently, if_exists, cascade };
        out.push(Lowered::new(operation).mark(Mark::Name, Some(lexemes.bytes(part.start..end))));
    }
    Some(out)
}

fn alter(lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Option<Vec<Lowered>> {
    if !lexemes.is(1, "table") {
        return None;
    }
    if lexemes.skip(2, "all in tablespace").is_some() {
        let to = lexemes.find(5..lexemes.len(), "set tablespace").and_then(|at| lexemes.identifier(at.end, dialect));
        let operation = Operation::Other { kind: "move_all_tables", table: None, name: to, class: Class::Schema };
        return Some(vec![Lowered::new(operation)]);
    }
    // The parser takes it for a column called SYSTEM.
    if dialect.is_some_and(Dialect::is_mysql_like) && lexemes.find(2..lexemes.len(), "add system versioning").is_some() {
        return rest::alter_table(lexemes, dialect);
    }
    let (table, tokens) = lexemes.altered_table(dialect)?;
    let (table_at, end) = (Some(lexemes.bytes(tokens.clone())), tokens.end);
    let operation = if let Some(behind) = lexemes.skip(end, "attach partition") {
        let (partition, end) = lexemes.name(behind, dialect)?;
        Operation::AttachPartition { table, partition, bound: bound(lexemes, end) }
    } else if let Some(behind) = lexemes.skip(end, "detach partition") {
        let (partition, behind) = lexemes.name(behind, dialect)?;
        Operation::DetachPartition { table, partition, concurrently: lexemes.is(behind, "concurrently") }
    } else if lexemes.skip(end, "set schema").is_some() {
        let to = Name::with_schema(lexemes.identifier(end + 2, dialect), table.name.clone());
        Operation::RenameTable { table, to }
    } else {
        return None;
    };
    Some(vec![Lowered::new(operation).mark(Mark::Table, table_at)])
}

/// MariaDB's CREATE OR REPLACE INDEX: what has the name goes first.
fn replacing(made: Vec<Lowered>) -> Vec<Lowered> {
    let old = made.first().and_then(|made| match &made.operation {
        Operation::CreateIndex(index) => Some(Operation::DropIndex {
            index: Name::new(index.name.clone()?),
            table: Some(index.table.clone()),
            concurrently: false,
            if_exists: true,
            cascade: false,
        }),
        _ => None,
    });
    old.map(Lowered::new).into_iter().chain(made).collect()
}

/// `FOR VALUES …` or `DEFAULT`, at `at`.
pub(super) fn bound(lexemes: &Lexemes<'_>, at: usize) -> Option<Bound> {
    if lexemes.is(at, "default") {
        return Some(Bound { is_default: true, text: String::new() });
    }
    let from = lexemes.skip(at, "for values")?;
    Some(Bound { is_default: false, text: lexemes.sql[lexemes.bytes(from..lexemes.len())].to_owned() })
}

/// What is left when the parser gave up: known heads without details.
pub(super) fn read_rest(lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Option<Vec<Lowered>> {
    let words = |index: usize| lexemes.text(index).to_ascii_lowercase();
    let (first, second) = (words(0), words(1));
    let known = |kind: &'static str, class: Class, at: usize| {
        let name = lexemes.name(at, dialect).map(|(name, _)| name.to_string());
        Some(vec![Lowered::new(Operation::Other { kind, table: None, name, class })])
    };
    match (first.as_str(), second.as_str()) {
        ("comment", "on") => known("comment", Class::Schema, 3),
        ("grant" | "revoke", _) => known("grant", Class::Neither, lexemes.len()),
        ("create", _) => {
            let at = if second == "or" { 3 } else { 1 };
            match words(at).as_str() {
                "table" | "temp" | "temporary" | "unlogged" | "virtual" | "global" | "local" if words(at + 1) != "trigger" => {
                    rest::create_table(lexemes, at, dialect)
                }
                "index" | "unique" | "fulltext" | "spatial" => {
                    let made = rest::create_index(lexemes, at, dialect)?;
                    Some(if second == "or" { replacing(made) } else { made })
                }
                "function" | "aggregate" => known("create_function", Class::Schema, at + 1),
                "procedure" => known("create_procedure", Class::Schema, at + 1),
                "trigger" => create_trigger(lexemes, at + 1, dialect),
                "constraint" if words(at + 1) == "trigger" => create_trigger(lexemes, at + 2, dialect),
                "temp" | "temporary" if words(at + 1) == "trigger" => create_trigger(lexemes, at + 2, dialect),
                "event" if words(at + 1) == "trigger" => known("create_event_trigger", Class::Schema, at + 2),
                "rule" => known("create_rule", Class::Schema, at + 1),
                "statistics" => known("create_statistics", Class::Schema, at + 1),
                "publication" => known("create_publication", Class::Schema, at + 1),
                "subscription" => known("create_subscription", Class::Schema, at + 1),
                "type" => known("create_type", Class::Schema, at + 1),
                "domain" => known("create_domain", Class::Schema, at + 1),
                "cast" => known("create_cast", Class::Schema, lexemes.len()),
                "operator" => known("create_operator", Class::Schema, lexemes.len()),
                "collation" => known("create_collation", Class::Schema, at + 1),
                "server" => known("create_server", Class::Schema, at + 1),
                "foreign" => known("create_foreign_object", Class::Schema, lexemes.len()),
                "tablespace" => known("create_tablespace", Class::Schema, at + 1),
                "database" => known("create_database", Class::Schema, at + 1),
                "extension" => known("create_extension", Class::Schema, at + 1),
                "role" | "user" => known("create_role", Class::Neither, at + 1),
                "policy" => known("create_policy", Class::Schema, at + 1),
                "sequence" => known("create_sequence", Class::Schema, at + 1),
                _ => None,
            }
        }
        ("drop", "function" | "aggregate") => known("drop_function", Class::Schema, 2),
        ("drop", "procedure") => known("drop_procedure", Class::Schema, 2),
        ("drop", "trigger") => drop_trigger(lexemes, dialect),
        ("drop", "policy") => known("drop_policy", Class::Schema, 2),
        (
            "drop",
            "rule" | "statistics" | "publication" | "subscription" | "cast" | "operator" | "server" | "event" | "foreign"
            | "owned",
        ) => known("drop", Class::Schema, lexemes.len()),
        ("drop", "domain") => known("drop_domain", Class::Schema, 2),
        ("alter", "sequence") => known("alter_sequence", Class::Schema, 2),
        ("alter", "index") => known("alter_index", Class::Schema, 2),
        ("alter", "type" | "domain") => known("alter_type", Class::Schema, 2),
        ("alter", "view" | "materialized") => known("alter_view", Class::Schema, lexemes.len()),
        ("alter", "function" | "procedure" | "aggregate" | "routine") => known("alter_function", Class::Schema, 2),
        ("alter", "default") => known("alter_default_privileges", Class::Neither, lexemes.len()),
        ("alter", "role" | "user" | "group") => known("alter_role", Class::Neither, 2),
        (
            "alter",
            "schema" | "extension" | "publication" | "subscription" | "server" | "foreign" | "trigger" | "rule" | "event"
            | "collation" | "language" | "policy" | "operator",
        ) => known("alter", Class::Schema, lexemes.len()),
        ("alter", "database" | "system") => known("alter_database", Class::Neither, 2),
        ("alter", "table") => rest::alter_table(lexemes, dialect),
        ("analyze" | "analyse", _) => Some(vec![Lowered::new(Operation::Analyze { table: None })]),
        ("set", _) => Some(vec![Lowered::new(Operation::Set {
            name: words(if matches!(second.as_str(), "local" | "session") { 2 } else { 1 }),
            value: Some(lexemes.sql[lexemes.bytes(3.min(lexemes.len())..lexemes.len())].to_owned()).filter(|_| lexemes.len() > 3),
            local: second == "local",
        })]),
        // PRAGMA [schema.]name [= value], or (value)
        ("pragma", _) => {
            let name_at = if lexemes.text(2) == "." { 3 } else { 1 };
            let value =
                (lexemes.len() > name_at + 2).then(|| lexemes.text(name_at + 2).trim_matches(['\'', '"']).to_ascii_lowercase());
            Some(vec![Lowered::new(Operation::Pragma { name: lexemes.text(name_at).to_ascii_lowercase(), value })])
        }
        ("deallocate", _) => known("deallocate", Class::Neither, 1),
        ("flush" | "check" | "kill" | "delimiter", _) => known("session_command", Class::Neither, lexemes.len()),
        ("optimize" | "repair", "table") => known("optimize_table", Class::Schema, 2),
        ("drop", "group" | "user" | "role") => known("drop_role", Class::Neither, 2),
        ("reset" | "show", _) => known("reset", Class::Neither, lexemes.len()),
        ("lock", _) => known("lock_table", Class::Neither, lexemes.len()),
        ("security", "label") => known("security_label", Class::Schema, lexemes.len()),
        ("import", "foreign") => known("import_foreign_schema", Class::Schema, lexemes.len()),
        ("insert" | "replace", _) => {
            let into = (0..4).find(|&index| lexemes.is(index, "into")).map_or(1, |index| index + 1);
            let table = lexemes.name(into, dialect).map_or_else(Name::unknown, |(name, _)| name);
            Some(vec![Lowered::new(Operation::insert(table))])
        }
        ("update", _) => data_change(lexemes, 1, dialect, Operation::update),
        ("delete", "from") => data_change(lexemes, 2, dialect, Operation::delete),
        ("table", _) => {
            let name = lexemes.name(1, dialect).map_or_else(Name::unknown, |(name, _)| name);
            let relations = vec![Relation { called: name.name.clone(), name }];
            Some(vec![Lowered::new(Operation::Select(Box::new(Query { relations, wildcards: vec![None], ..Query::default() })))])
        }
        ("select" | "values" | "with", _) => Some(vec![Lowered::new(Operation::Select(Box::default()))]),
        _ => None,
    }
}

fn data_change(
    lexemes: &Lexemes<'_>,
    at: usize,
    dialect: Option<Dialect>,
    make: fn(Name, bool) -> Operation,
) -> Option<Vec<Lowered>> {
    let at = if lexemes.is(at, "only") { at + 1 } else { at };
    let (table, end) = lexemes.name(at, dialect)?;
    let narrowed = |word| lexemes.find(end..lexemes.len(), word).is_some();
    Some(vec![Lowered::new(make(table, narrowed("where") || narrowed("from") || narrowed("using")))])
}

fn create_trigger(lexemes: &Lexemes<'_>, at: usize, dialect: Option<Dialect>) -> Option<Vec<Lowered>> {
    let at = lexemes.skip(at, "if not exists").unwrap_or(at);
    let (name, end) = lexemes.name(at, dialect)?;
    let on = (end..lexemes.len()).find(|&index| lexemes.is(index, "on"))?;
    let table = lexemes.name(on + 1, dialect).map(|(table, _)| table);
    let operation = Operation::Other { kind: "create_trigger", table, name: Some(name.to_string()), class: Class::Schema };
    Some(vec![Lowered::new(operation)])
}

fn drop_trigger(lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Option<Vec<Lowered>> {
    let at = lexemes.skip(2, "if exists").unwrap_or(2);
    let (name, end) = lexemes.name(at, dialect)?;
    let table = lexemes.is(end, "on").then(|| lexemes.name(end + 1, dialect)).flatten().map(|(table, _)| table);
    Some(vec![Lowered::new(Operation::Other { kind: "drop_trigger", table, name: Some(name.to_string()), class: Class::Schema })])
}

/// A statement too long to parse: rows of data, told by the beginning of its text.
pub(super) fn of_long_statement(head: &str, dialect: Option<Dialect>) -> Operation {
    let words: Vec<&str> = head.split(|c: char| c.is_whitespace() || c == '(').filter(|word| !word.is_empty()).take(3).collect();
    match words.as_slice() {
        [first, second, table, ..] if first.eq_ignore_ascii_case("insert") && second.eq_ignore_ascii_case("into") => {
            let table = table.trim_matches(['"', '`']).rsplit('.').next().unwrap_or_default().trim_matches(['"', '`']);
            Operation::insert(Name::new(super::names::fold(table, dialect)))
        }
        _ => Operation::opaque("the statement is longer than 256 KiB and was not parsed"),
    }
}
