//! From the parser's tree to operations.

use sqlparser::ast::{
    AlterIndexOperation, AlterTypeAddValuePosition, AlterTypeOperation, ContextModifier, CopySource, CreateTable as TreeTable,
    Expr, ObjectName, ObjectType, Query as TreeQuery, Set, SetExpr, Statement, UserDefinedTypeRepresentation,
};

use super::Lowered;
use super::lexeme::Lexemes;
use super::{heads, names, query, rest, table};
use crate::migration::Mark;
use crate::operation::{
    Class, CreateIndex, CreateTable, CreateTrigger, Dialect, EnumPlace, Expression, Name, Operation, Query, Volatility,
};

/// Lowers one parsed statement.
pub(crate) fn statement(statement: Statement, lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Vec<Lowered> {
    let object = |name: &ObjectName| names::object(name, dialect);
    let one = |operation: Operation| vec![Lowered::new(operation)];
    let named = |kind: &'static str, name: Option<String>, class: Class| {
        vec![Lowered::new(Operation::Other { kind, table: None, name, class })]
    };
    match statement {
        Statement::CreateTable(create) => create_table(&create, lexemes, dialect),
        Statement::AlterTable(alter) => table::alter(&alter, lexemes, dialect),
        Statement::RenameTable(renames) => renames
            .iter()
            .map(|rename| Lowered::new(Operation::RenameTable { table: object(&rename.old_name), to: object(&rename.new_name) }))
            .collect(),
        Statement::CreateIndex(create) => {
            let columns = create.columns.iter().map(|column| table::index_column(column, dialect)).collect();
            let mut table = object(&create.table_name);
            // SQLite writes the schema before the index, and means the table.
            if dialect == Some(Dialect::Sqlite) && table.schema.is_none() {
                table.schema = create.name.as_ref().and_then(|name| object(name).schema);
            }
            let index = CreateIndex {
                unique: create.unique,
                concurrently: create.concurrently,
                if_not_exists: create.if_not_exists,
                method: create.using.as_ref().map(|method| method.to_string().to_lowercase()),
                predicate: create.predicate.as_ref().map(|condition| Expression(condition.to_string())),
                include: names::idents(&create.include, dialect),
                descending: create
                    .columns
                    .iter()
                    .any(|column| column.column.options.sort == Some(sqlparser::ast::OrderBySort::Desc)),
                ..CreateIndex::new(create.name.as_ref().map(|name| object(name).name), table, columns)
            };
            let on = lexemes.find(0..lexemes.len(), "on");
            let name_at = create.name.as_ref().and(on.as_ref()).and_then(|on| word_before(lexemes, on.start));
            let table_at = on.and_then(|on| word_after(lexemes, on.end));
            vec![Lowered::new(Operation::CreateIndex(Box::new(index))).mark(Mark::Name, name_at).mark(Mark::Table, table_at)]
        }
        Statement::Drop { object_type, if_exists, names: dropped, cascade, table, .. } => {
            drop(object_type, if_exists, &dropped, cascade, table.as_ref(), lexemes, dialect)
        }
        Statement::AlterIndex { name, operation: AlterIndexOperation::RenameIndex { index_name } } => {
            one(Operation::RenameIndex { index: object(&name), table: None, to: object(&index_name).name })
        }
        Statement::CreateType { name, representation } => match representation {
            Some(UserDefinedTypeRepresentation::Enum { labels }) => one(Operation::CreateEnum {
                name: object(&name),
                labels: labels.iter().map(|label| label.value.clone()).collect(),
            }),
            _ => named("create_type", Some(object(&name).to_string()), Class::Schema),
        },
        Statement::AlterType(alter) => match alter.operation {
            AlterTypeOperation::AddValue(add) => one(Operation::AddEnumValue {
                name: object(&alter.name),
                value: add.value.value.clone(),
                if_not_exists: add.if_not_exists,
                place: match add.position {
                    None => EnumPlace::Last,
                    Some(AlterTypeAddValuePosition::Before(label)) => EnumPlace::Before(label.value),
                    Some(AlterTypeAddValuePosition::After(label)) => EnumPlace::After(label.value),
                },
            }),
            AlterTypeOperation::RenameValue(rename) => one(Operation::RenameEnumValue {
                name: object(&alter.name),
                value: rename.from.value.clone(),
                to: rename.to.value.clone(),
            }),
            AlterTypeOperation::Rename(rename) => {
                one(Operation::RenameType { name: object(&alter.name), to: names::ident(&rename.new_name, dialect) })
            }
        },
        Statement::CreateView(create) => one(Operation::CreateView {
            name: object(&create.name),
            materialized: create.materialized,
            replace: create.or_replace,
            if_not_exists: create.if_not_exists,
            with_data: lexemes.find(0..lexemes.len(), "with no data").is_none(),
            query: Some(Box::new(query::query(&create.query, dialect))),
        }),
        Statement::AlterView { name, .. } => named("alter_view", Some(object(&name).to_string()), Class::Schema),
        Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => {
            data_change(&statement, dialect).into_iter().map(Lowered::new).collect()
        }
        Statement::Truncate(truncate) => truncate
            .table_names
            .iter()
            .map(|target| {
                let cascade = matches!(truncate.cascade, Some(sqlparser::ast::CascadeOption::Cascade));
                let restart_identity = lexemes.find(0..lexemes.len(), "restart identity").is_some();
                Lowered::new(Operation::Truncate { table: object(&target.name), cascade, restart_identity })
            })
            .collect(),
        Statement::Query(query) => query_operations(&query, dialect),
        Statement::Copy { source: CopySource::Table { table_name, .. }, to, .. } => {
            let class = if to { Class::Neither } else { Class::Data };
            let kind = if to { "copy_to" } else { "copy" };
            one(Operation::Other { kind, table: Some(object(&table_name)), name: None, class })
        }
        Statement::Copy { .. } => named("copy_to", None, Class::Neither),
        Statement::Merge(merge) => one(query::merge(&merge, dialect)),
        Statement::LoadData { .. } => named("load_data", None, Class::Data),
        Statement::StartTransaction { .. } => one(Operation::Begin),
        Statement::Commit { .. } => one(Operation::Commit),
        Statement::Rollback { savepoint: None, .. } => one(Operation::Rollback),
        Statement::Rollback { .. } => named("rollback_to_savepoint", None, Class::Neither),
        Statement::Savepoint { .. } | Statement::ReleaseSavepoint { .. } => named("savepoint", None, Class::Neither),
        Statement::Set(set) => one(set_operation(&set, dialect)),
        Statement::Reset(_) => named("reset", None, Class::Neither),
        Statement::Use(_) => named("use", None, Class::Neither),
        Statement::Pragma { name, value, .. } => one(Operation::Pragma {
            name: object(&name).to_string().to_ascii_lowercase(),
            value: value.map(|value| value.to_string().trim_matches('\'').to_ascii_lowercase()),
        }),
        Statement::Lock(_) | Statement::LockTables { .. } | Statement::UnlockTables => named("lock_table", None, Class::Neither),
        Statement::Comment { object_name, .. } => named("comment", Some(object(&object_name).to_string()), Class::Schema),
        Statement::Grant(_) => named("grant", None, Class::Neither),
        Statement::Revoke(_) => named("revoke", None, Class::Neither),
        Statement::CreateRole(_) => named("create_role", None, Class::Neither),
        Statement::AlterRole { .. } => named("alter_role", None, Class::Neither),
        Statement::CreateUser(_) => named("create_user", None, Class::Neither),
        Statement::CreateSchema { schema_name, .. } => named("create_schema", Some(schema_name.to_string()), Class::Schema),
        Statement::CreateDatabase { db_name, .. } => named("create_database", Some(object(&db_name).to_string()), Class::Schema),
        Statement::CreateSequence { name, if_not_exists, .. } => {
            one(Operation::CreateSequence { name: object(&name), owned_by: None, if_not_exists })
        }
        Statement::CreateDomain(create) => named("create_domain", Some(object(&create.name).to_string()), Class::Schema),
        Statement::CreateExtension(create) => named("create_extension", Some(create.name.value.clone()), Class::Schema),
        Statement::DropExtension(_) => named("drop_extension", None, Class::Schema),
        Statement::CreateFunction(create) => one(Operation::CreateFunction {
            name: object(&create.name),
            volatility: Volatility::Volatile,
            body: None,
            returns_trigger: false,
            or_replace: create.or_replace,
        }),
        Statement::DropFunction(_) => named("drop_function", None, Class::Schema),
        Statement::CreateProcedure { name, .. } => named("create_procedure", Some(object(&name).to_string()), Class::Schema),
        Statement::DropProcedure { .. } => named("drop_procedure", None, Class::Schema),
        Statement::CreateTrigger(create) => one(Operation::CreateTrigger(Box::new(CreateTrigger {
            name: object(&create.name).name,
            table: object(&create.table_name),
            columns: Vec::new(),
            or_replace: create.or_replace,
            each_row: true,
            before: false,
            on_insert: lexemes.find(3..word_at(lexemes, "on").max(3), "insert").is_some(),
            function: None,
            text: Some(lexemes.sql.to_owned()),
        }))),
        Statement::DropTrigger(drop) => one(Operation::DropTrigger {
            table: drop.table_name.as_ref().map(object),
            trigger: object(&drop.trigger_name).name,
            if_exists: drop.if_exists,
            cascade: false,
        }),
        Statement::CreatePolicy(create) => one(Operation::Other {
            kind: "create_policy",
            table: Some(object(&create.table_name)),
            name: Some(create.name.value.clone()),
            class: Class::Schema,
        }),
        Statement::DropPolicy(_) => named("drop_policy", None, Class::Schema),
        Statement::DropDomain(_) => named("drop_domain", None, Class::Schema),
        Statement::CreateVirtualTable { name, .. } => {
            one(Operation::CreateTable(Box::new(CreateTable::of_unknown_columns(object(&name)))))
        }
        Statement::Analyze(_) => one(Operation::Analyze { table: None }),
        Statement::Explain { analyze: true, statement: inner, .. } => {
            // The statement runs, and what it does stays.
            self::statement(*inner, lexemes, dialect)
        }
        Statement::Explain { statement: inner, .. } | Statement::Prepare { statement: inner, .. } if is_query(&inner) => {
            planned(self::statement(*inner, lexemes, dialect))
        }
        Statement::Prepare { .. } => named("prepare", None, Class::Neither),
        Statement::Declare { stmts } if stmts.iter().any(|declared| declared.for_query.is_some()) => {
            let queries = stmts.into_iter().filter_map(|declared| declared.for_query);
            planned(queries.flat_map(|query| self::statement(Statement::Query(query), lexemes, dialect)).collect())
        }
        Statement::Explain { .. } | Statement::ExplainTable { .. } => named("explain", None, Class::Neither),
        Statement::Call(_) => vec![Lowered::new(Operation::opaque("what a called procedure does is not known"))],
        other => {
            let head: String = other.to_string().split_whitespace().take(3).collect::<Vec<_>>().join(" ");
            one(Operation::opaque(format!("`{head}` is not modelled")))
        }
    }
}

fn is_query(statement: &Statement) -> bool {
    matches!(statement, Statement::Query(_))
}

/// Queries that are planned and not run: each relation is locked, no row is read.
fn planned(mut lowered: Vec<Lowered>) -> Vec<Lowered> {
    for one in &mut lowered {
        if let Operation::Select(query) = &mut one.operation {
            query.planned = true;
        }
    }
    lowered
}

/// Where a word stands first; the end without it.
fn word_at(lexemes: &Lexemes<'_>, word: &str) -> usize {
    (0..lexemes.len()).find(|&at| lexemes.is(at, word)).unwrap_or(lexemes.len())
}

fn word_before(lexemes: &Lexemes<'_>, byte: usize) -> Option<std::ops::Range<usize>> {
    (0..lexemes.len()).map(|index| lexemes.range(index)).take_while(|range| range.end <= byte).last()
}

fn word_after(lexemes: &Lexemes<'_>, byte: usize) -> Option<std::ops::Range<usize>> {
    let index = (0..lexemes.len()).find(|&index| lexemes.range(index).start >= byte)?;
    let index = if lexemes.is(index, "only") { index + 1 } else { index };
    let (_, end) = lexemes.name(index, None)?;
    Some(lexemes.bytes(index..end))
}

fn create_table(create: &TreeTable, lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Vec<Lowered> {
    let table_name = names::object(&create.name, dialect);
    let mut constraints = Vec::new();
    let mut extra = Vec::new();
    for constraint in &create.constraints {
        match table::constraint(constraint, dialect) {
            Some(lowered) => constraints.push(lowered),
            None => extra.extend(table::inline_index(constraint, &table_name, dialect)),
        }
    }
    let parents = create.inherits.iter().flatten().chain(&create.partition_of);
    let words = |words: &str| (0..lexemes.len()).find_map(|at| lexemes.skip(at, words));
    let query = create.query.as_ref().map(|tree| query::query(tree, dialect));
    let likes = if query.is_none() { rest::likes(lexemes, dialect) } else { Vec::new() };
    let behind_parent = words("partition of").and_then(|at| lexemes.name(at, dialect)).map(|(_, end)| end);
    let definition = CreateTable {
        of_type: rest::of_type(lexemes, dialect),
        bound: behind_parent.and_then(|from| (from..lexemes.len()).find_map(|at| heads::bound(lexemes, at))),
        partition_key: words("partition by").map(|at| partition_key(lexemes, at, dialect)).unwrap_or_default(),
        unlogged: words("create unlogged").is_some(),
        strict: create.strict,
        lenient: words("on conflict").is_some() || words("deferrable").is_some(),
        copies_rows: query.is_some() && words("with no data").is_none(),
        reads: query.iter().flat_map(Query::names).chain(likes.iter().map(|like| &like.table)).cloned().collect(),
        selected: create.query.as_ref().filter(|_| create.columns.is_empty()).and_then(|tree| query::selected(tree, dialect)),
        likes,
        charset: rest::charset(lexemes, 0..lexemes.len()).filter(|_| dialect.is_some_and(Dialect::is_mysql_like)),
        columns: create.columns.iter().map(|column| table::column(column, dialect)).collect(),
        constraints,
        if_not_exists: create.if_not_exists,
        temporary: create.temporary,
        columns_unknown: create.query.is_some()
            || create.like.is_some()
            || create.partition_of.is_some()
            || create.inherits.is_some(),
        parents: parents.map(|parent| names::object(parent, dialect)).collect(),
        table: table_name,
    };
    let at = (0..lexemes.len()).find(|&index| lexemes.is(index, "table")).map(|index| {
        let index = lexemes.skip(index + 1, "if not exists").unwrap_or(index + 1);
        let end = lexemes.name(index, dialect).map_or(index + 1, |(_, end)| end);
        lexemes.bytes(index..end)
    });
    // MariaDB's OR REPLACE: what has the name goes first.
    let old =
        create.or_replace.then(|| Operation::DropTable { table: definition.table.clone(), if_exists: true, cascade: false });
    let made = Lowered::new(Operation::CreateTable(Box::new(definition))).mark(Mark::Table, at);
    let mut out: Vec<Lowered> = old.map(Lowered::new).into_iter().chain([made]).collect();
    out.extend(extra.into_iter().map(Lowered::new));
    out
}

/// `RANGE (ts)`: the columns between the parentheses.
pub(super) fn partition_key(lexemes: &Lexemes<'_>, at: usize, dialect: Option<Dialect>) -> Vec<String> {
    let open = at + 1;
    let parts = lexemes.comma_separated_within(open + 1..lexemes.closing(open));
    parts
        .into_iter()
        .map(|part| match lexemes.identifier(part.start, dialect) {
            Some(name) if part.len() <= 3 => name,
            _ => lexemes.sql[lexemes.bytes(part)].to_owned(),
        })
        .collect()
}

fn drop(
    object_type: ObjectType,
    if_exists: bool,
    dropped: &[ObjectName],
    cascade: bool,
    table: Option<&ObjectName>,
    lexemes: &Lexemes<'_>,
    dialect: Option<Dialect>,
) -> Vec<Lowered> {
    // The names stand at the end, separated by commas; each drop points at its own.
    let start = (0..lexemes.len()).find(|&index| lexemes.is(index, "exists")).map_or_else(
        || match object_type {
            ObjectType::MaterializedView => 3,
            _ => (1..lexemes.len()).find(|&index| !lexemes.is(index, "temporary") && index > 1).unwrap_or(2),
        },
        |index| index + 1,
    );
    let places = lexemes.comma_separated(start);
    let lower = |(index, name): (usize, &ObjectName)| {
        let name = names::object(name, dialect);
        let other = |kind| Operation::Other { kind, table: None, name: Some(name.to_string()), class: Class::Schema };
        let operation = match object_type {
            ObjectType::Table => Operation::DropTable { table: name.clone(), if_exists, cascade },
            ObjectType::View => Operation::DropView { name: name.clone(), materialized: false, if_exists, cascade },
            ObjectType::MaterializedView => Operation::DropView { name: name.clone(), materialized: true, if_exists, cascade },
            ObjectType::Index => Operation::DropIndex {
                index: name.clone(),
                table: table.map(|table| names::object(table, dialect)),
                concurrently: false,
                if_exists,
                cascade,
            },
            ObjectType::Type => Operation::DropType { name: name.clone(), is_domain: false, if_exists, cascade },
            ObjectType::Schema => Operation::DropSchema { name: name.name.clone(), if_exists, cascade },
            ObjectType::Database => other("drop_database"),
            ObjectType::Sequence => Operation::DropSequence { name: name.clone(), if_exists, cascade },
            ObjectType::Role | ObjectType::User => other("drop_role"),
            _ => other("drop"),
        };
        let at = places.get(index).and_then(|part| {
            let (_, end) = lexemes.name(part.start, dialect)?;
            Some(lexemes.bytes(part.start..end))
        });
        let mark = if object_type == ObjectType::Table { Mark::Table } else { Mark::Name };
        Lowered::new(operation).mark(mark, at)
    };
    dropped.iter().enumerate().map(lower).collect()
}

/// INSERT, UPDATE or DELETE, at the top or inside WITH.
fn data_change(statement: &Statement, dialect: Option<Dialect>) -> Option<Operation> {
    match statement {
        Statement::Insert(insert) => Some(query::insert(insert, dialect)),
        Statement::Update(update) => Some(query::update(update, dialect)),
        Statement::Delete(delete) => Some(query::delete(delete, dialect)),
        _ => None,
    }
}

/// A query reads, unless it holds an INSERT, UPDATE or DELETE in WITH, or SELECT … INTO makes a table.
fn query_operations(query: &TreeQuery, dialect: Option<Dialect>) -> Vec<Lowered> {
    let mut out = Vec::new();
    let bodies = query.with.iter().flat_map(|with| &with.cte_tables).map(|cte| &*cte.query.body).chain([&*query.body]);
    for body in bodies {
        match body {
            SetExpr::Insert(inner) | SetExpr::Update(inner) | SetExpr::Delete(inner) => {
                out.extend(data_change(inner, dialect).map(Lowered::new));
            }
            SetExpr::Select(select) => {
                if let Some(into) = &select.into {
                    let name = into.targets.first().map_or_else(Name::unknown, |target| target_name(target, dialect));
                    let reads = query::query(query, dialect).names().cloned().collect();
                    let table = CreateTable {
                        temporary: into.temporary,
                        reads,
                        copies_rows: true,
                        ..CreateTable::of_unknown_columns(name)
                    };
                    out.push(Lowered::new(Operation::CreateTable(Box::new(table))));
                }
            }
            _ => {}
        }
    }
    // What WITH names are no tables, and what it reads is read for the change of rows.
    let query_reads = query::query(query, dialect);
    let targets: Vec<Name> = out.iter().filter_map(|lowered| lowered.operation.table().cloned()).collect();
    let last = out.iter_mut().filter_map(|lowered| lowered.operation.rows_mut()).last();
    if let Some(rows) = last.filter(|_| query.with.is_some()) {
        rows.reads = query_reads.names().filter(|name| !targets.contains(name)).cloned().collect();
    }
    if out.is_empty() {
        out.push(Lowered::new(match sets_parameter(query) {
            Some((name, value, local)) => Operation::Set { name, value: Some(value), local },
            None => Operation::Select(Box::new(query_reads)),
        }));
    }
    out
}

/// The table that SELECT … INTO makes.
fn target_name(target: &Expr, dialect: Option<Dialect>) -> Name {
    match target {
        Expr::Identifier(name) => Name::new(names::ident(name, dialect)),
        Expr::CompoundIdentifier(parts) => {
            let mut parts = names::idents(parts, dialect);
            let last = parts.pop().unwrap_or_default();
            Name::with_schema(parts.pop(), last)
        }
        _ => Name::unknown(),
    }
}

/// `SELECT set_config('name', 'value', is_local)`, as pg_dump writes it.
fn sets_parameter(query: &TreeQuery) -> Option<(String, String, bool)> {
    let text = query.body.to_string();
    let arguments = text.strip_prefix("SELECT pg_catalog.set_config(").or_else(|| text.strip_prefix("SELECT set_config("))?;
    let mut quoted = arguments.split('\'');
    let (name, value) = (quoted.nth(1)?, quoted.nth(1)?);
    Some((name.to_owned(), value.to_owned(), arguments.trim_end().ends_with("true)")))
}

fn set_operation(set: &Set, dialect: Option<Dialect>) -> Operation {
    let local = |scope: &Option<ContextModifier>| matches!(scope, Some(ContextModifier::Local));
    let plain = |name: &str, local: bool| Operation::Set { name: name.to_owned(), value: None, local };
    match set {
        Set::SingleAssignment { scope, variable, values, .. } => {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            let name = names::object(variable, dialect).to_string().to_lowercase();
            Operation::Set { name, value: Some(values.join(", ")), local: local(scope) }
        }
        Set::SetRole { context_modifier, .. } => plain("role", local(context_modifier)),
        Set::SetTimeZone { local, value } => {
            Operation::Set { name: "timezone".to_owned(), value: Some(value.to_string()), local: *local }
        }
        Set::SetTransaction { .. } => plain("transaction", true),
        _ => plain("parameter", false),
    }
}
