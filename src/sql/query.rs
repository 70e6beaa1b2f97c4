//! What queries and changes of rows read and write.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AssignmentTarget, BinaryOperator, Delete, Expr, FromTable, Insert, Merge, ObjectName, Query as TreeQuery, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableFactor, TableObject, TableWithJoins, Update, Visit, Visitor,
};

use super::{names, types};
use crate::operation::{Dialect, HOLE, Name, Operation, Query, Relation, Rows, Selected};

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
        Some(Expr::InList { expr, negated: false, .. }) => column_of(expr, dialect).into_iter().collect(),
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
    let (certain, several, constant) = match insert.source.as_deref().map(|source| &*source.body) {
        _ if insert.on.is_some() => (false, false, Vec::new()),
        Some(SetExpr::Values(values)) => {
            let rows: Vec<&Vec<Expr>> = values.rows.iter().map(|row| &row.content).collect();
            let alike = |at: &usize| {
                rows.iter().all(|row| row.get(*at).is_some_and(|value| is_literal(value) && rows[0].get(*at) == Some(value)))
            };
            let columns = rows.first().map_or(0, |row| row.len());
            let constant = if rows.len() > 1 { (0..columns).filter(alike).collect() } else { Vec::new() };
            (!rows.is_empty(), rows.len() > 1, constant)
        }
        Some(SetExpr::Select(select)) if select.selection.is_none() && select.from.iter().all(is_series) => {
            let several = select.from.iter().any(has_several);
            let literal = |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(value) if is_literal(value));
            let places = select.projection.iter().enumerate().filter(|(_, item)| literal(item)).map(|(at, _)| at);
            (true, several, if several { places.collect() } else { Vec::new() })
        }
        _ => (false, false, Vec::new()),
    };
    let nulls = match insert.source.as_deref().map(|source| &*source.body) {
        Some(SetExpr::Values(values)) if certain => {
            let rows = || values.rows.iter().map(|row| &row.content);
            let columns = rows().next().map_or(0, Vec::len);
            (0..columns).filter(|at| rows().any(|row| row.get(*at).is_some_and(is_null))).collect()
        }
        _ => Vec::new(),
    };
    let rows = Rows {
        columns: insert.columns.iter().map(|column| last_part(column, dialect)).collect(),
        narrowed_by: Vec::new(),
        condition_known: true,
        reads: insert.source.as_ref().map(|source| reads(source, &Name::unknown(), dialect)).unwrap_or_default(),
        certain,
        several,
        constant,
        nulls,
        values: match insert.source.as_deref().map(|source| &*source.body) {
            Some(SetExpr::Values(values)) if values.rows.len() == 1 => {
                values.rows[0].content.iter().map(ToString::to_string).collect()
            }
            _ => Vec::new(),
        },
    };
    Operation::Insert { table, rows: Box::new(rows) }
}

fn is_null(value: &Expr) -> bool {
    matches!(value, Expr::Value(value) if value.value == sqlparser::ast::Value::Null)
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

/// A value that is the same in each row, and not NULL.
fn is_literal(value: &Expr) -> bool {
    match value {
        Expr::Value(value) => !matches!(value.value, sqlparser::ast::Value::Null),
        Expr::TypedString(_) => true,
        Expr::Cast { expr, .. } | Expr::Nested(expr) => is_literal(expr),
        _ => false,
    }
}

/// `generate_series(1, 500)`, whose ends are numbers apart from each other.
fn has_several(from: &TableWithJoins) -> bool {
    let text = from.relation.to_string();
    let arguments = text.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(inner, _)| inner).unwrap_or_default();
    let numbers: Vec<i64> = arguments.split(',').filter_map(|part| part.trim().parse().ok()).collect();
    matches!(numbers.as_slice(), [first, last, ..] if last > first)
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
    let is_single = |assignment: &&sqlparser::ast::Assignment| matches!(assignment.target, AssignmentTarget::ColumnName(_));
    let nulls = match update.assignments.iter().all(|assignment| is_single(&assignment)) {
        true => (0..update.assignments.len()).filter(|&at| is_null(&update.assignments[at].value)).collect(),
        false => Vec::new(),
    };
    let rows = Rows {
        columns,
        narrowed_by: narrowed_by(update.selection.as_ref(), dialect),
        condition_known: true,
        reads: reads(update, &table, dialect),
        nulls,
        ..Rows::default()
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
