//! Tables and indexes in statements that `sqlparser` cannot read as a whole.
//!
//! Knowing that a table is made here matters more than its columns: what follows is then judged rightly.

use std::ops::Range;

use super::element::{self, Elements};
use super::heads::bound;
use super::lexeme::Lexemes;
use super::types::data_type;
use super::{Lowered, lower, parsed_operations, statement_operations};
use crate::migration::Mark;
use crate::operation::{Class, Constraint, ConstraintKind, CreateIndex, CreateTable, Dialect, Expression, Like, Name, Operation};

/// `CREATE … TABLE name`, with the elements that can be read.
pub(super) fn create_table(lexemes: &Lexemes<'_>, at: usize, dialect: Option<Dialect>) -> Option<Vec<Lowered>> {
    let table = (at..at + 3).find(|&index| lexemes.is(index, "table"))?;
    let temporary = (at..table).any(|index| lexemes.is(index, "temp") || lexemes.is(index, "temporary"));
    let behind = lexemes.skip(table + 1, "if not exists");
    let start = behind.unwrap_or(table + 1);
    let (name, end) = lexemes.name(start, dialect)?;
    let partition = (end..lexemes.len()).find_map(|at| lexemes.skip(at, "partition of"));
    let parent = partition.and_then(|at| lexemes.name(at, dialect));
    let likes = likes(lexemes, dialect);
    let elements = Some(end).filter(|&end| lexemes.text(end) == "(");
    let elements = elements.map(|open| element::elements(lexemes, open, dialect));
    let columns_unknown = elements.as_ref().is_none_or(|elements| elements.incomplete || elements.columns.is_empty());
    let Elements { columns, constraints, indexes, .. } = elements.unwrap_or_default();
    let indexes: Vec<CreateIndex> = indexes.into_iter().map(|index| CreateIndex { table: name.clone(), ..index }).collect();
    let table = CreateTable {
        columns,
        constraints,
        columns_unknown,
        if_not_exists: behind.is_some(),
        temporary,
        unlogged: lexemes.is(at, "unlogged"),
        partition_key: (end..lexemes.len())
            .find_map(|at| lexemes.skip(at, "partition by"))
            .map(|at| lower::partition_key(lexemes, at, dialect))
            .unwrap_or_default(),
        reads: likes.iter().map(|like| like.table.clone()).collect(),
        likes,
        charset: charset(lexemes, end..lexemes.len()).filter(|_| dialect.is_some_and(Dialect::is_mysql_like)),
        of_type: of_type(lexemes, dialect),
        bound: parent.as_ref().and_then(|(_, end)| (*end..lexemes.len()).find_map(|at| bound(lexemes, at))),
        parents: parent.into_iter().map(|(parent, _)| parent).collect(),
        ..CreateTable::of_unknown_columns(name)
    };
    let operation = Operation::CreateTable(Box::new(table));
    let mut out = vec![Lowered::new(operation).mark(Mark::Table, Some(lexemes.bytes(start..end)))];
    out.extend(indexes.into_iter().map(|index| Lowered::new(Operation::CreateIndex(Box::new(index)))));
    Some(out)
}

/// `(LIKE other INCLUDING …, LIKE another)`; MySQL's LIKE, which may stand without parentheses, copies everything.
pub(super) fn likes(lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Vec<Like> {
    let on_mysql = dialect.is_some_and(Dialect::is_mysql_like);
    let begins = |at: &usize| lexemes.is(*at, "like") && (on_mysql || matches!(lexemes.text(at - 1), "(" | ","));
    let like = |at: usize| {
        let (table, mut at) = lexemes.name(at + 1, dialect)?;
        let all = on_mysql;
        let mut like =
            Like { table, defaults: all, generated: all, identity: all, checks: all, indexes: all, keeps_names: on_mysql };
        while lexemes.is(at, "including") || lexemes.is(at, "excluding") {
            let including = lexemes.is(at, "including");
            match lexemes.text(at + 1).to_lowercase().as_str() {
                "all" => {
                    let every =
                        [&mut like.defaults, &mut like.generated, &mut like.identity, &mut like.checks, &mut like.indexes];
                    every.into_iter().for_each(|part| *part = including);
                }
                "defaults" => like.defaults = including,
                "generated" => like.generated = including,
                "identity" => like.identity = including,
                "constraints" => like.checks = including,
                "indexes" => like.indexes = including,
                // COMMENTS, COMPRESSION, STATISTICS and STORAGE are not replayed.
                _ => {}
            }
            at += 2;
        }
        Some(like)
    };
    (2..lexemes.len()).filter(begins).filter_map(like).collect()
}

/// The character set that stands outside of parentheses: `DEFAULT CHARSET = utf8mb4`, or that of `COLLATE utf8mb4_bin`.
pub(super) fn charset(lexemes: &Lexemes<'_>, within: Range<usize>) -> Option<String> {
    let mut depth = 0;
    let mut collation = None;
    for at in within {
        match lexemes.text(at) {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ if depth > 0 => continue,
            _ => {}
        }
        let value = |words: &str| {
            let at = lexemes.skip(at, words)?;
            let at = lexemes.skip(at, "=").unwrap_or(at);
            Some(lexemes.text(at).trim_matches('\'').to_ascii_lowercase())
        };
        if let Some(charset) = value("charset").or_else(|| value("character set")) {
            return Some(charset);
        }
        collation = collation.or_else(|| value("collate"));
    }
    collation.and_then(|collation| collation.split('_').next().map(str::to_owned))
}

/// `CREATE TABLE … OF type`.
pub(super) fn of_type(lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Option<Name> {
    let at = lexemes.skip(0, "create table")?;
    let (_, end) = lexemes.name(lexemes.skip(at, "if not exists").unwrap_or(at), dialect)?;
    lexemes.skip(end, "of").and_then(|at| lexemes.name(at, dialect)).map(|(name, _)| name)
}

/// `CREATE [UNIQUE] INDEX [CONCURRENTLY] [IF NOT EXISTS] [name] ON [ONLY] table (…)`.
pub(super) fn create_index(lexemes: &Lexemes<'_>, at: usize, dialect: Option<Dialect>) -> Option<Vec<Lowered>> {
    let unique = lexemes.is(at, "unique");
    let index = (at..at + 4).find(|&index| lexemes.is(index, "index"))?;
    let concurrently = lexemes.is(index + 1, "concurrently");
    let mut start = index + 1 + usize::from(concurrently);
    let behind = lexemes.skip(start, "if not exists");
    start = behind.unwrap_or(start);
    let on = (start..lexemes.len()).find(|&index| lexemes.is(index, "on"))?;
    let name = if on > start { lexemes.name(start, dialect) } else { None };
    let table_at = if lexemes.is(on + 1, "only") { on + 2 } else { on + 1 };
    let (table, table_end) = lexemes.name(table_at, dialect)?;
    let open = (table_end..lexemes.len()).find(|&index| lexemes.text(index) == "(")?;
    // Two statements that a missing semicolon ran together are not one index.
    if (table_end..lexemes.len()).any(|index| lexemes.is(index, "create")) {
        return None;
    }
    let close = lexemes.closing(open);
    let columns = lexemes.comma_separated_within(open + 1..close).into_iter().map(|part| match part.len() {
        1 => lexemes.identifier(part.start, dialect).unwrap_or_default(),
        _ => lexemes.sql[lexemes.bytes(part)].to_owned(),
    });
    let name_at = name.as_ref().map(|(_, end)| lexemes.bytes(start..*end));
    let operation = Operation::CreateIndex(Box::new(CreateIndex {
        unique,
        concurrently,
        if_not_exists: behind.is_some(),
        only: lexemes.is(on + 1, "only"),
        // MySQL says it in front.
        method: ["fulltext", "spatial"].into_iter().find(|method| lexemes.is(at, method)).map(str::to_owned),
        ..CreateIndex::new(name.map(|(name, _)| name.name), table, columns.collect())
    }));
    Some(vec![Lowered::new(operation).mark(Mark::Name, name_at).mark(Mark::Table, Some(lexemes.bytes(table_at..table_end)))])
}

/// A COLLATE that is not the usual one of its character set.
fn states_collation(lexemes: &Lexemes<'_>, part: Range<usize>) -> bool {
    let stated = part.clone().find_map(|at| lexemes.skip(at, "collate"));
    let usual = |at: usize| {
        let collation = lexemes.text(lexemes.skip(at, "=").unwrap_or(at)).trim_matches('\'').to_ascii_lowercase();
        ["_general_ci", "_0900_ai_ci", "_uca1400_ai_ci", "_swedish_ci"].iter().any(|ending| collation.ends_with(ending))
    };
    stated.is_some_and(|at| !usual(at))
}

/// ALTER TABLE, action by action: what cannot be read is opaque alone.
pub(super) fn alter_table(lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Option<Vec<Lowered>> {
    let (_, named) = lexemes.altered_table(dialect)?;
    let end = named.end;
    let parts: Vec<(Range<usize>, bool)> =
        lexemes.comma_separated(end).into_iter().flat_map(|part| columns_in_parentheses(lexemes, part)).collect();
    let several = parts.len() > 1;
    let mut out = Vec::new();
    for (part, in_parentheses) in parts.into_iter().filter(|(part, _)| !part.is_empty()) {
        let range = lexemes.bytes(part.clone());
        let read = match in_parentheses {
            true => Some(alone(lexemes, end, "ADD COLUMN", &range, dialect)),
            false => known_action(lexemes, named.clone(), &part, dialect)
                .or_else(|| simplified(lexemes, end, &part, dialect))
                .or_else(|| several.then(|| alone(lexemes, end, "", &range, dialect))),
        };
        match read {
            Some(lowered) => {
                out.extend(lowered.into_iter().map(|lowered| Lowered { range: lowered.range.or(Some(range.clone())), ..lowered }))
            }
            None => return None,
        }
    }
    // MySQL and MariaDB take it and do nothing.
    if out.is_empty() && !dialect.is_some_and(Dialect::is_mysql_like) {
        out.push(Lowered::new(Operation::opaque("this ALTER TABLE has no action: its end may be missing")));
    }
    Some(out)
}

/// The definitions of MySQL's `ADD [COLUMN] (a int, b int)`, each with true; any other action as it is.
fn columns_in_parentheses(lexemes: &Lexemes<'_>, action: Range<usize>) -> Vec<(Range<usize>, bool)> {
    let open = lexemes.skip(action.start, "add column").or_else(|| lexemes.skip(action.start, "add"));
    match open.filter(|&open| lexemes.text(open) == "(") {
        Some(open) => {
            let definitions = lexemes.comma_separated_within(open + 1..lexemes.closing(open));
            definitions.into_iter().map(|definition| (definition, true)).collect()
        }
        None => vec![(action, false)],
    }
}

/// An action without the clauses that the parser does not take and the replay does not need, where it has any.
fn simplified(lexemes: &Lexemes<'_>, end: usize, part: &Range<usize>, dialect: Option<Dialect>) -> Option<Vec<Lowered>> {
    let action = element::simplified(lexemes, part.clone())?;
    let head = &lexemes.sql[..lexemes.range(end - 1).end];
    let lowered = parsed_operations(&format!("{head} {action}"), dialect)?;
    let understood = lowered.iter().all(|lowered| lowered.operation.is_understood());
    // Its marks are those of another text.
    understood.then(|| lowered.into_iter().map(|lowered| Lowered { marks: Vec::new(), ..lowered }).collect())
}

/// Reads one action as if it were the only one, behind the words that it leaves out.
fn alone(lexemes: &Lexemes<'_>, end: usize, words: &str, action: &Range<usize>, dialect: Option<Dialect>) -> Vec<Lowered> {
    let head = format!("{} {words}", &lexemes.sql[..lexemes.range(end - 1).end]);
    let sql = format!("{head} {}", &lexemes.sql[action.clone()]);
    let place = |range: Range<usize>| match range.start > head.len() {
        true => range.start - head.len() - 1 + action.start..range.end - head.len() - 1 + action.start,
        false => range,
    };
    let lower = |lowered: Lowered| Lowered {
        range: Some(action.clone()),
        marks: lowered.marks.into_iter().map(|(mark, range)| (mark, place(range))).collect(),
        ..lowered
    };
    statement_operations(&sql, dialect).into_iter().map(lower).collect()
}

fn known_action(
    lexemes: &Lexemes<'_>,
    table_at: Range<usize>,
    part: &Range<usize>,
    dialect: Option<Dialect>,
) -> Option<Vec<Lowered>> {
    let (table, _) = lexemes.name(table_at.start, dialect)?;
    let is = |words: &str| lexemes.skip(part.start, words).is_some();
    let mark = |lowered: Lowered| vec![lowered.mark(Mark::Table, Some(lexemes.bytes(table_at.clone())))];
    let column_at = lexemes.skip(part.start, "alter column").or_else(|| lexemes.skip(part.start, "alter"));
    let column_is = |words: &str| column_at.is_some_and(|at| lexemes.skip(at + 1, words).is_some());
    if let Some(at) = column_at {
        let type_at = lexemes.skip(at + 1, "set data type").or_else(|| lexemes.skip(at + 1, "type"));
        if let Some(from) = type_at {
            let using = (from..part.end).find(|&index| lexemes.is(index, "using"));
            let collate = (from..using.unwrap_or(part.end)).find(|&index| lexemes.is(index, "collate"));
            let to = data_type(&lexemes.sql[lexemes.bytes(from..collate.or(using).unwrap_or(part.end))]);
            let collation = collate.map(|at| lexemes.text(at + 1).to_owned());
            let using = using.map(|using| Expression(lexemes.sql[lexemes.bytes(using + 1..part.end)].to_owned()));
            let column = lexemes.identifier(at, dialect)?;
            let operation = Operation::AlterColumnType { table, column, to: Some(to), from: None, using, collation };
            return Some(mark(Lowered::new(operation).mark(Mark::Name, Some(lexemes.range(at)))));
        }
    }
    if let Some(at) = lexemes.skip(part.start, "add") {
        let named = lexemes.skip(at, "constraint").map(|at| (lexemes.identifier(at, dialect), at + 1));
        let (name, at) = named.unwrap_or((None, at));
        if let Some(at) = lexemes.skip(at, "not null") {
            let column = lexemes.identifier(at, dialect)?;
            let not_valid = lexemes.skip(at + 1, "not valid").is_some();
            let constraint = Constraint { not_valid, ..Constraint::new(name, ConstraintKind::NotNull { column }) };
            return Some(mark(Lowered::new(Operation::AddConstraint { table, constraint: Box::new(constraint) })));
        }
    }
    let inherits = lexemes.skip(part.start, "inherit");
    if let Some(at) = inherits.or_else(|| lexemes.skip(part.start, "no inherit")) {
        let (parent, _) = lexemes.name(at, dialect)?;
        return Some(mark(Lowered::new(Operation::Inherit { table, parent, stops: inherits.is_none() })));
    }
    let renamed = lexemes.skip(part.start, "rename index").or_else(|| lexemes.skip(part.start, "rename key"));
    if let Some(at) = renamed.filter(|at| lexemes.is(at + 1, "to")) {
        let index = Name::new(lexemes.identifier(at, dialect)?);
        let to = lexemes.identifier(at + 2, dialect)?;
        let operation = Operation::RenameIndex { index, table: Some(table), to };
        return Some(mark(Lowered::new(operation).mark(Mark::Name, Some(lexemes.range(at)))));
    }
    if dialect.is_some_and(Dialect::is_mysql_like)
        && let Some(lowered) = mysql_action(lexemes, &table, part, dialect)
    {
        return Some(mark(lowered));
    }
    if dialect.is_some_and(Dialect::is_mysql_like)
        && let Some(lowered) = if_exists(lexemes, table_at.end, part, dialect)
    {
        return Some(lowered);
    }
    let name = column_at.and_then(|at| lexemes.identifier(at, dialect));
    let action = ACTIONS.iter().find(|(words, _)| is(words));
    let kind = action.map(|(_, kind)| *kind);
    // What the action is about: a trigger, a constraint, an index, an owner …
    let behind = |words: &str| {
        let at = lexemes.skip(part.start, words)?;
        lexemes.identifier(at, dialect)
    };
    let name = match action {
        Some((_, "default_charset" | "convert_charset")) => charset(lexemes, part.clone()),
        Some(("engine", _)) => {
            let at = part.start + 1;
            lexemes.identifier(lexemes.skip(at, "=").unwrap_or(at), dialect)
        }
        Some((words, _)) => behind(words).or(name),
        None => name,
    };
    let kind = match kind {
        Some("convert_charset") if states_collation(lexemes, part.clone()) => Some("convert_collation"),
        other => other,
    };
    let kind = kind.or_else(|| COLUMN_ACTIONS.iter().find(|(words, _)| column_is(words)).map(|(_, kind)| *kind))?;
    Some(mark(Lowered::new(Operation::Other { kind, table: Some(table), name, class: Class::Schema })))
}

/// MariaDB's `IF [NOT] EXISTS` of an action that the parser does not take it in: the action without.
fn if_exists(lexemes: &Lexemes<'_>, end: usize, part: &Range<usize>, dialect: Option<Dialect>) -> Option<Vec<Lowered>> {
    let behind = |at: usize| lexemes.skip(at, "if exists").or_else(|| lexemes.skip(at, "if not exists"));
    let (at, behind) = (part.start + 1..part.end).take(6).find_map(|at| Some((at, behind(at)?)))?;
    let text = |range: Range<usize>| &lexemes.sql[lexemes.bytes(range)];
    let head = &lexemes.sql[..lexemes.range(end - 1).end];
    let sql = format!("{head} {} {}", text(part.start..at), text(behind..part.end));
    let mut lowered = statement_operations(&sql, dialect);
    for one in &mut lowered {
        one.marks.clear();
        match &mut one.operation {
            Operation::CreateIndex(index) => index.if_not_exists = true,
            Operation::AddColumn { if_not_exists, .. } => *if_not_exists = true,
            Operation::DropColumn { if_exists, .. } => *if_exists = true,
            Operation::DropConstraint { if_exists, .. } | Operation::DropIndex { if_exists, .. } => *if_exists = true,
            _ => one.conditional = true,
        }
    }
    lowered.iter().all(|one| one.operation.is_understood()).then_some(lowered)
}

/// `DROP {INDEX | KEY} [IF EXISTS] i`, `DROP CHECK c` and `RENAME [AS] other`.
fn mysql_action(lexemes: &Lexemes<'_>, table: &Name, part: &Range<usize>, dialect: Option<Dialect>) -> Option<Lowered> {
    let dropped = lexemes.skip(part.start, "drop index").or_else(|| lexemes.skip(part.start, "drop key"));
    if let Some(at) = dropped {
        let behind = lexemes.skip(at, "if exists");
        let at = behind.unwrap_or(at);
        let operation = Operation::DropIndex {
            index: Name::new(lexemes.identifier(at, dialect)?),
            table: Some(table.clone()),
            concurrently: false,
            if_exists: behind.is_some(),
            cascade: false,
        };
        return Some(Lowered::new(operation).mark(Mark::Name, Some(lexemes.range(at))));
    }
    if let Some(at) = lexemes.skip(part.start, "drop check") {
        let constraint = Some(lexemes.identifier(at, dialect)?);
        let operation = Operation::DropConstraint { table: table.clone(), constraint, if_exists: false, cascade: false };
        return Some(Lowered::new(operation).mark(Mark::Name, Some(lexemes.range(at))));
    }
    let at = lexemes.skip(part.start, "rename")?;
    let at = ["to", "as", "="].iter().find_map(|word| lexemes.skip(at, word)).unwrap_or(at);
    if lexemes.is(at, "column") {
        return None;
    }
    let (to, _) = lexemes.name(at, dialect).filter(|(_, end)| *end == part.end)?;
    Some(Lowered::new(Operation::RenameTable { table: table.clone(), to }))
}

/// Actions that neither bring nor take a column, a constraint or an index.
const ACTIONS: &[(&str, &str)] = &[
    ("force", "force"),
    ("owner to", "owner"),
    ("set (", "set_storage_parameters"),
    ("reset (", "set_storage_parameters"),
    ("set tablespace", "set_tablespace"),
    ("set without oids", "set_without_oids"),
    ("set access method", "set_access_method"),
    ("cluster on", "cluster_on"),
    ("set without cluster", "set_without_cluster"),
    ("set with oids", "set_with_oids"),
    ("of", "of_type"),
    ("not of", "not_of_type"),
    ("replica identity", "replica_identity"),
    ("enable trigger", "enable_trigger"),
    ("enable always trigger", "enable_trigger"),
    ("enable replica trigger", "enable_trigger"),
    ("disable trigger", "disable_trigger"),
    ("enable rule", "alter_rule"),
    ("disable rule", "alter_rule"),
    ("enable always rule", "alter_rule"),
    ("enable replica rule", "alter_rule"),
    ("alter constraint", "alter_constraint"),
    ("alter check", "alter_constraint"),
    // MySQL
    ("convert to", "convert_charset"),
    ("default character set", "default_charset"),
    ("default charset", "default_charset"),
    ("character set", "default_charset"),
    ("charset", "default_charset"),
    ("default collate", "default_charset"),
    ("collate", "default_charset"),
    ("key_block_size", "key_block_size"),
    ("stats_persistent", "table_option"),
    ("stats_auto_recalc", "table_option"),
    ("stats_sample_pages", "table_option"),
    ("max_rows", "table_option"),
    ("min_rows", "table_option"),
    ("avg_row_length", "table_option"),
    ("checksum", "table_option"),
    ("pack_keys", "table_option"),
    ("page_compressed", "table_option"),
    ("encrypted", "table_option"),
    ("transactional", "table_option"),
    ("delay_key_write", "table_option"),
    ("tablespace", "table_option"),
    ("add period for", "table_option"),
    ("order by", "order_rows"),
    ("add partition", "add_partition"),
    ("drop partition", "drop_partition"),
    ("truncate partition", "truncate_partition"),
    ("coalesce partition", "reorganize_partition"),
    ("reorganize partition", "reorganize_partition"),
    ("exchange partition", "exchange_partition"),
    ("rebuild partition", "reorganize_partition"),
    ("analyze partition", "partition_upkeep"),
    ("check partition", "partition_upkeep"),
    ("optimize partition", "reorganize_partition"),
    ("repair partition", "partition_upkeep"),
    ("partition by", "repartition"),
    ("remove partitioning", "remove_partitioning"),
    ("add system versioning", "add_system_versioning"),
    ("drop system versioning", "drop_system_versioning"),
    ("alter index", "index_visibility"),
    ("alter key", "index_visibility"),
    ("wait", "alter_table_option"),
    ("nowait", "alter_table_option"),
    ("engine", "engine"),
    ("row_format", "row_format"),
    ("comment", "comment"),
    ("disable keys", "disable_keys"),
    ("enable keys", "enable_keys"),
];

const COLUMN_ACTIONS: &[(&str, &str)] = &[
    ("set storage", "set_storage"),
    ("set compression", "set_compression"),
    ("set statistics", "set_statistics"),
    ("set (", "set_column_options"),
    ("reset (", "set_column_options"),
    ("set generated", "alter_identity"),
    ("restart", "alter_identity"),
    ("drop identity", "drop_identity"),
    ("set increment", "alter_identity"),
    ("set visible", "set_visible"),
    ("set invisible", "set_visible"),
    ("drop expression", "drop_expression"),
    ("set expression", "set_expression"),
];
