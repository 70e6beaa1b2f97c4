//! What queries and changes of rows read and write.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Assignment, AssignmentTarget, BinaryOperator, Delete, Expr, FromTable, GroupByExpr, Insert, Merge, ObjectName, OnConflict,
    OnConflictAction, OnInsert, Parens, Query as TreeQuery, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr,
    TableFactor, TableObject, TableWithJoins, Update, Visit, Visitor,
};

use super::{names, types};
use crate::operation::{Dialect, HOLE, MOST_WRITTEN, Name, Operation, Query, Relation, Rows, Selected, Series, Written};

/// What a query reads, from all of its parts.
pub(super) fn query(tree: &TreeQuery, dialect: Option<Dialect>) -> Query {
    let mut reader = Reader::new(dialect);
    let _ = tree.visit(&mut reader);
    let mut query = reader.finish();
    if let SetExpr::Select(select) = &*tree.body {
        query.narrowed_by = narrowed_by(select.selection.as_ref(), dialect);
        query.output = output(select, dialect);
    }
    query
}

/// Collects relations and columns wherever they stand.
struct Reader {
    dialect: Option<Dialect>,
    query: Query,
    /// Names that WITH gives.
    common: Vec<String>,
}

impl Reader {
    fn new(dialect: Option<Dialect>) -> Self {
        Reader { dialect, query: Query::default(), common: Vec::new() }
    }

    fn finish(mut self) -> Query {
        let common = std::mem::take(&mut self.common);
        self.query.relations.retain(|relation| relation.name.schema.is_some() || !common.contains(&relation.name.name));
        self.query
    }
}

impl Visitor for Reader {
    type Break = ();

    fn pre_visit_query(&mut self, query: &TreeQuery) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.common.push(names::ident(&table.alias.name, self.dialect));
        }
        self.query.locks_rows |= !query.locks.is_empty();
        let of = query.locks.iter().filter_map(|lock| lock.of.as_ref());
        self.query.locked.extend(of.map(|name| names::object(name, self.dialect).name));
        if let SetExpr::Table(table) = &*query.body {
            let name = Name::with_schema(table.schema_name.clone(), table.table_name.clone().unwrap_or_default());
            self.query.relations.push(Relation { called: name.name.clone(), name });
            self.query.wildcards.push(None);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for item in &select.projection {
            match item {
                SelectItem::Wildcard(_) => self.query.wildcards.push(None),
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    self.query.wildcards.push(Some(names::object(name, self.dialect).name));
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, alias, args: None, .. } = factor {
            let name = names::object(name, self.dialect);
            let called = alias.as_ref().map_or_else(|| name.name.clone(), |alias| names::ident(&alias.name, self.dialect));
            self.query.relations.push(Relation { name, called });
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        match expression {
            Expr::Identifier(name) => self.query.columns.push((None, names::ident(name, self.dialect))),
            Expr::Function(function) => {
                let name = function.name.to_string();
                self.query.calls |= !is_harmless(&name);
                let takes_numbers = ["nextval", "setval"].iter().any(|known| name.eq_ignore_ascii_case(known));
                if takes_numbers && let Some(sequence) = function.to_string().split('\'').nth(1) {
                    self.query.sequences.push(Name::new(sequence));
                }
            }
            Expr::CompoundIdentifier(parts) => {
                let mut parts = names::idents(parts, self.dialect);
                let column = parts.pop().unwrap_or_default();
                self.query.columns.push((parts.pop(), column));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn output(select: &Select, dialect: Option<Dialect>) -> Option<Vec<String>> {
    let name = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(names::ident(alias, dialect)),
        SelectItem::UnnamedExpr(expression) => column_of(expression, dialect),
        _ => None,
    };
    select.projection.iter().map(name).collect()
}

/// The columns that CREATE TABLE … AS gets from a query, where each is plain to see.
pub(super) fn selected(tree: &TreeQuery, dialect: Option<Dialect>) -> Option<Vec<Selected>> {
    let SetExpr::Select(select) = &*tree.body else { return None };
    if tree.with.is_some() {
        return None;
    }
    let mut relations: Vec<Relation> = Vec::new();
    for from in &select.from {
        for factor in std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)) {
            let TableFactor::Table { name, alias, args: None, .. } = factor else { return None };
            let name = names::object(name, dialect);
            let called = alias.as_ref().map_or_else(|| name.name.clone(), |alias| names::ident(&alias.name, dialect));
            relations.push(Relation { name, called });
        }
    }
    let of = |called: Option<&str>| -> Vec<Name> {
        let meant = relations.iter().filter(|relation| called.is_none_or(|called| relation.called == called));
        meant.map(|relation| relation.name.clone()).collect()
    };
    let column = |expression: &Expr, alias: Option<String>| match expression {
        Expr::Identifier(name) => {
            let column = names::ident(name, dialect);
            Some(Selected::Column { of: of(None), called: alias.unwrap_or_else(|| column.clone()), column })
        }
        Expr::CompoundIdentifier(parts) => {
            let mut parts = names::idents(parts, dialect);
            let column = parts.pop()?;
            Some(Selected::Column {
                of: of(parts.last().map(String::as_str)),
                called: alias.unwrap_or_else(|| column.clone()),
                column,
            })
        }
        Expr::Cast { data_type, expr, .. } => {
            let called = alias.or_else(|| column_of(expr, dialect))?;
            Some(Selected::Value { called, data_type: Some(types::data_type(&data_type.to_string())) })
        }
        Expr::Function(function) if dialect == Some(Dialect::PostgreSql) => {
            let called = alias.unwrap_or_else(|| names::object(&function.name, dialect).name);
            Some(Selected::Value { called, data_type: None })
        }
        _ => Some(Selected::Value { called: alias?, data_type: None }),
    };
    let item = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { alias, expr } => column(expr, Some(names::ident(alias, dialect))),
        SelectItem::UnnamedExpr(expression) => column(expression, None),
        SelectItem::Wildcard(options) if options.to_string().is_empty() => Some(Selected::All(of(None))),
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
            Some(Selected::All(of(Some(names::object(name, dialect).name.as_str()))))
        }
        _ => None,
    };
    select.projection.iter().map(item).collect()
}

fn column_of(expression: &Expr, dialect: Option<Dialect>) -> Option<String> {
    match expression {
        Expr::Identifier(name) => Some(names::ident(name, dialect)),
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| names::ident(name, dialect)),
        Expr::Nested(inner) => column_of(inner, dialect),
        _ => None,
    }
}

/// Columns that a condition compares with `=`, joined by AND: an index on one of them narrows the search.
fn narrowed_by(condition: Option<&Expr>, dialect: Option<Dialect>) -> Vec<String> {
    match condition {
        Some(Expr::BinaryOp { left, op: BinaryOperator::And, right }) => {
            let mut out = narrowed_by(Some(left), dialect);
            out.extend(narrowed_by(Some(right), dialect));
            out
        }
        Some(Expr::BinaryOp { left, op: BinaryOperator::Eq, right }) => match (&**left, &**right) {
            (column, Expr::Value(_) | Expr::TypedString(_) | Expr::Cast { .. } | Expr::UnaryOp { .. })
            | (Expr::Value(_), column)
            | (column, Expr::Subquery(_)) => column_of(column, dialect).into_iter().collect(),
            // A value that an f-string or `%` puts in.
            (column, Expr::Identifier(hole)) if hole.value.contains(HOLE) => column_of(column, dialect).into_iter().collect(),
            _ => Vec::new(),
        },
        // A batch: a range of keys, or the keys that a query with LIMIT gives.
        Some(Expr::Between { expr, negated: false, .. } | Expr::InSubquery { expr, negated: false, .. }) => {
            column_of(expr, dialect).into_iter().collect()
        }
        // `= ANY (:ids)` is how a list of values is handed over.
        Some(Expr::InList { expr, negated: false, .. } | Expr::AnyOp { left: expr, compare_op: BinaryOperator::Eq, .. }) => {
            column_of(expr, dialect).into_iter().collect()
        }
        Some(Expr::Nested(inner)) => narrowed_by(Some(inner), dialect),
        _ => Vec::new(),
    }
}

/// The table that a FROM or UPDATE clause names first.
fn relation(table: &TableWithJoins, dialect: Option<Dialect>) -> Name {
    match &table.relation {
        TableFactor::Table { name, .. } => names::object(name, dialect),
        _ => Name::unknown(),
    }
}

/// The relations that a part of a statement reads, but for its target.
fn reads(part: &impl Visit, target: &Name, dialect: Option<Dialect>) -> Vec<Name> {
    let mut reader = Reader::new(dialect);
    let _ = part.visit(&mut reader);
    let mut out: Vec<Name> = reader.finish().relations.into_iter().map(|relation| relation.name).collect();
    // The target stands among them once by being the target.
    if let Some(at) = out.iter().position(|name| name == target) {
        out.remove(at);
    }
    out
}

pub(super) fn insert(insert: &Insert, dialect: Option<Dialect>) -> Operation {
    let TableObject::TableName(name) = &insert.table else { return Operation::insert(Name::unknown()) };
    let table = names::object(name, dialect);
    let gives_way = insert.or.is_some()
        || insert.ignore
        || insert.replace_into
        || !matches!(&insert.on, None | Some(OnInsert::OnConflict(OnConflict { action: OnConflictAction::DoNothing, .. })));
    let written = insert.source.as_deref().filter(|_| insert.on.is_none() && !gives_way).and_then(written);
    let rows = Rows {
        columns: insert.columns.iter().map(|column| last_part(column, dialect)).collect(),
        narrowed_by: Vec::new(),
        condition_known: true,
        reads: insert.source.as_ref().map(|source| reads(source, &Name::unknown(), dialect)).unwrap_or_default(),
        written,
        gives_way,
    };
    Operation::Insert { table, rows: Box::new(rows) }
}

/// The longest literal that is kept, in bytes: what decides whether a constraint holds is short.
const LONGEST_LITERAL: usize = 200;

/// An expression as text; nothing of a long literal.
fn in_short(value: &Expr) -> String {
    match value {
        Expr::Value(literal) if matches!(&literal.value, sqlparser::ast::Value::SingleQuotedString(text) if text.len() > LONGEST_LITERAL) => {
            String::new()
        }
        value => value.to_string(),
    }
}

/// Functions of one row: whatever else a SELECT calls may make rows, or none.
const OF_ONE_ROW: &[&str] = &[
    "abs",
    "coalesce",
    "concat",
    "current_date",
    "current_timestamp",
    "date_trunc",
    "floor",
    "gen_random_uuid",
    "int4range",
    "left",
    "length",
    "lower",
    "lpad",
    "md5",
    "now",
    "random",
    "repeat",
    "replace",
    "right",
    "round",
    "substr",
    "substring",
    "to_char",
    "to_timestamp",
    "trim",
    "upper",
    "uuid_generate_v4",
];

/// Others that change no row: aggregates, and the engine's own that people call in migrations.
const HARMLESS: &[&str] = &[
    "array_agg",
    "avg",
    "count",
    "exists",
    "max",
    "min",
    "nextval",
    "pg_get_serial_sequence",
    "set_config",
    "setval",
    "string_agg",
    "sum",
];

fn is_among(list: &[&str], name: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn is_harmless(name: &str) -> bool {
    is_among(OF_ONE_ROW, name) || is_among(HARMLESS, name)
}

/// The rows that a query has whatever the tables hold.
fn written(source: &TreeQuery) -> Option<Written> {
    if source.with.is_some() || source.limit_clause.is_some() || source.fetch.is_some() || calls_others(source) {
        return None;
    }
    match &*source.body {
        SetExpr::Values(values) if !values.rows.is_empty() => {
            let row = |row: &Parens<Vec<Expr>>| row.content.iter().map(in_short).collect();
            let rows = values.rows.iter().take(MOST_WRITTEN).map(row).collect();
            Some(Written { rows, series: None, count: values.rows.len() })
        }
        SetExpr::Select(select) if is_plain(select) => {
            let formula = |item: &SelectItem| match item {
                SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. } => Some(in_short(value)),
                _ => None,
            };
            let rows = vec![select.projection.iter().map(formula).collect::<Option<_>>()?];
            let series = match select.from.first() {
                Some(from) => Some(series(from)?),
                None => None,
            };
            let count =
                series.as_ref().map_or(1, |series| series.last.saturating_sub(series.first).saturating_add(1).max(0) as usize);
            (count > 0).then_some(Written { rows, series, count })
        }
        _ => None,
    }
}

/// `SELECT …` with at most one series in its FROM, and nothing that makes fewer rows of it.
fn is_plain(select: &Select) -> bool {
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(list, _) if list.is_empty());
    select.selection.is_none()
        && select.having.is_none()
        && select.distinct.is_none()
        && select.top.is_none()
        && select.qualify.is_none()
        && !grouped
        && select.from.len() <= 1
        && select.from.iter().all(is_series)
}

/// A function in the list of columns that may be an aggregate or make rows of its own.
fn calls_others(source: &TreeQuery) -> bool {
    struct Calls(bool);
    impl Visitor for Calls {
        type Break = ();

        fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
            if let Expr::Function(function) = expression {
                self.0 |= !is_among(OF_ONE_ROW, &function.name.to_string());
            }
            self.0 |= matches!(expression, Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. });
            ControlFlow::Continue(())
        }
    }
    let mut calls = Calls(false);
    match &*source.body {
        SetExpr::Select(select) => {
            let _ = select.projection.visit(&mut calls);
        }
        body => {
            let _ = body.visit(&mut calls);
        }
    }
    calls.0
}

fn last_part(name: &ObjectName, dialect: Option<Dialect>) -> String {
    names::object(name, dialect).name
}

/// `generate_series(1, 500)`, which has rows whatever the tables hold.
fn is_series(from: &TableWithJoins) -> bool {
    let series = |name: &ObjectName| name.to_string().eq_ignore_ascii_case("generate_series");
    from.joins.is_empty()
        && match &from.relation {
            TableFactor::Table { name, args: Some(_), .. } => series(name),
            TableFactor::Function { name, .. } => series(name),
            _ => false,
        }
}

/// `generate_series(1, 500) g`, whose ends are numbers.
fn series(from: &TableWithJoins) -> Option<Series> {
    let text = from.relation.to_string();
    let (name, rest) = text.split_once('(')?;
    let (arguments, alias) = rest.split_once(')')?;
    let numbers: Vec<i64> = arguments.split(',').map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
    let [first, last] = numbers.as_slice() else { return None };
    // `AS g(i)`: the column has the name in parentheses.
    let alias = alias.trim().trim_start_matches("AS ").trim();
    let variable = match alias.split_once('(') {
        Some((_, column)) => column.trim_end_matches(')').trim(),
        None if alias.is_empty() => name.trim(),
        None => alias,
    };
    Some(Series { variable: variable.trim_matches('"').to_lowercase(), first: *first, last: *last })
}

pub(super) fn update(update: &Update, dialect: Option<Dialect>) -> Operation {
    let table = relation(&update.table, dialect);
    let columns = update
        .assignments
        .iter()
        .flat_map(|assignment| match &assignment.target {
            AssignmentTarget::ColumnName(name) => vec![last_part(name, dialect)],
            AssignmentTarget::Tuple(list) => list.iter().map(|name| last_part(name, dialect)).collect(),
        })
        .collect();
    let is_single = |assignment: &Assignment| matches!(assignment.target, AssignmentTarget::ColumnName(_));
    let values = || update.assignments.iter().map(|assignment| in_short(&assignment.value)).collect();
    let written = (update.from.is_none() && update.assignments.iter().all(is_single)).then(|| Written {
        rows: vec![values()],
        series: None,
        count: 1,
    });
    let rows = Rows {
        columns,
        narrowed_by: narrowed_by(update.selection.as_ref(), dialect),
        condition_known: true,
        reads: reads(update, &table, dialect),
        written,
        gives_way: update.or.is_some(),
    };
    Operation::Update { table, has_where: update.selection.is_some() || update.from.is_some(), rows: Box::new(rows) }
}

/// MERGE, as the change of its target's rows that it is.
pub(super) fn merge(merge: &Merge, dialect: Option<Dialect>) -> Operation {
    let table = match &merge.table {
        TableFactor::Table { name, .. } => names::object(name, dialect),
        _ => Name::unknown(),
    };
    let rows = Rows { condition_known: true, reads: reads(merge, &table, dialect), ..Rows::default() };
    Operation::Update { table, has_where: true, rows: Box::new(rows) }
}

pub(super) fn delete(delete: &Delete, dialect: Option<Dialect>) -> Operation {
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
    let table = from.first().map_or_else(Name::unknown, |first| relation(first, dialect));
    let has_where = delete.selection.is_some() || delete.using.is_some() || delete.limit.is_some();
    let rows = Rows {
        columns: Vec::new(),
        narrowed_by: narrowed_by(delete.selection.as_ref(), dialect),
        condition_known: true,
        reads: reads(delete, &table, dialect),
        ..Rows::default()
    };
    Operation::Delete { table, has_where, rows: Box::new(rows) }
}
