//! What is certain about rows: that there are some, and the values that the history itself has written.

use std::sync::Arc;

use super::relation::{Batch, Cells, TableColumn};
use super::value::{Value, as_stored, evaluate, names, parsed};
use super::{RelationId, Schema, Table, TableIndex, Trigger, fold};
use crate::operation::{ConstraintKind, DataType, Default, Name, Operation, Rows};

/// So many statements that write rows are remembered of a table.
const MOST_BATCHES: usize = 16;

/// So many rows of a table are looked at for one question.
const MOST_ROWS: usize = 4096;

impl Schema {
    pub(super) fn insert_rows(&mut self, name: &Name, rows: &Rows) {
        let Some(known) = self.table(name).map(|table| (table.is_view(), self.is_guarded(table))) else {
            // Nothing is known of its triggers; rows it has.
            if rows.written.is_some()
                && !rows.gives_way
                && let Some(table) = self.known_or_new(name).and_then(|id| self.relations.get_mut(&id))
            {
                table.has_rows = true;
            }
            return;
        };
        let (is_view, is_guarded) = known;
        if is_view || is_guarded || rows.gives_way {
            return self.forget_reached(name);
        }
        let Some(written) = &rows.written else { return };
        let folds = self.folds;
        let Some(table) = self.known_or_new(name).and_then(|id| self.relations.get_mut(&id)) else { return };
        table.has_rows = true;
        let computed = |column: &&TableColumn| matches!(column.default, Some(Default::Generated { .. }));
        let is_positional = rows.columns.is_empty() && table.columns().iter().any(computed);
        if table.batches.len() == MOST_BATCHES || is_positional || table.lenient || table.created_in.is_none() {
            return;
        }
        let in_order: Vec<String> = match rows.columns.as_slice() {
            [] => table.columns().iter().map(|column| fold(&column.name, folds)).collect(),
            named => named.iter().map(|column| fold(column, folds)).collect(),
        };
        let known = table.batches.len();
        table.each_column(|key, column| {
            let values = in_order
                .iter()
                .position(|name| name == key)
                .map(|at| written.rows.iter().map(move |row| row.get(at).map_or("DEFAULT", String::as_str)).collect::<Vec<_>>());
            let cells = match values {
                Some(values) if values.iter().any(|value| value.eq_ignore_ascii_case("default")) => Cells::Unknown,
                Some(values) if written.series.is_some() || written.count == 1 => {
                    values.first().map_or(Cells::Unknown, |one| all(one))
                }
                Some(values) => Cells::Each(values.into_iter().map(str::to_owned).collect()),
                None => left_out(column.default.as_ref(), column.data_type.as_ref()),
            };
            column.written.resize(known, Cells::Unknown);
            column.written.push(cells);
        });
        let count = if written.series.is_some() { written.count } else { written.rows.len() };
        table.batches.push(Batch { count, series: written.series.clone().map(Arc::new) });
        let id = table.id;
        self.with_rows.insert_mut(id, ());
    }

    /// An UPDATE fills what it sets; of a table that is not known it changes nothing here.
    pub(super) fn update_rows(&mut self, name: &Name, rows: &Rows, has_where: bool) {
        let alone = self.is_changed_alone(name);
        let Some(table) = self.table(name) else { return };
        let id = table.id;
        if table.filled && table.batches.is_empty() {
            return;
        }
        let folds = self.folds;
        let Some(table) = self.relations.get_mut(&id) else { return };
        table.filled = true;
        let set: Vec<String> = match rows.columns.as_slice() {
            [] => table.columns.keys().cloned().collect(),
            named => named.iter().map(|column| fold(column, folds)).collect(),
        };
        let values =
            rows.written.as_ref().filter(|_| !has_where && alone && !rows.gives_way).and_then(|written| written.rows.first());
        for (at, key) in set.iter().enumerate() {
            let value = values.and_then(|values| values.get(at)).filter(|value| is_literal(value));
            if let Some(column) = table.columns.get_mut(key) {
                column.written.fill(value.map_or(Cells::Unknown, |value| all(value)));
            }
        }
    }

    /// No row is certain any longer, nor those that go with them.
    pub(super) fn empty(&mut self, name: &Name) {
        self.is_changed_alone(name);
        let Some(id) = self.table(name).map(|table| table.id) else { return };
        self.forget_rows(id);
    }

    /// A statement under a condition, or one that is perhaps taken back: what it would write is not certain, and what it
    /// would change is no longer.
    pub fn doubt_rows(&mut self, operation: &Operation) {
        match operation {
            Operation::Insert { table, .. } if self.table(table).is_some_and(|table| !self.is_guarded(table)) => {}
            Operation::Update { table, .. } => {
                let id = self.table(table).map(|table| table.id);
                if let Some(table) = id.and_then(|id| self.relations.get_mut(&id)) {
                    table.filled = true;
                }
                self.forget_all_values();
            }
            Operation::Delete { table, .. } | Operation::Truncate { table, .. } => self.empty(table),
            _ => self.forget_all_values(),
        }
    }

    /// Triggers, rules or policies of the table or of its family may do anything with a new row.
    pub fn is_guarded(&self, table: &Table) -> bool {
        self.has_guards(table, |trigger| trigger.on_insert)
    }

    fn has_guards(&self, table: &Table, fires: impl Fn(&Trigger) -> bool) -> bool {
        let has_own = |table: &Table| table.guarded || table.ties().triggers.iter().any(&fires);
        has_own(table) || self.parents(table).any(has_own) || self.descendants(table).into_iter().any(has_own)
    }

    /// Forgets what a change of rows may reach beside its table: those that point to it, its family, and everything where
    /// triggers or views are in between. Whether nothing stands between the statement and the rows.
    fn is_changed_alone(&mut self, name: &Name) -> bool {
        let Some(table) = self.table(name).filter(|table| !table.is_view() && !self.has_guards(table, |_| true)) else {
            self.forget_reached(name);
            return false;
        };
        if self.with_rows.is_empty() {
            return true;
        }
        let own = table.id;
        let points_to_itself = table.ties().referenced_by.iter().any(|(id, _)| *id == own);
        let mut reached = vec![own];
        let mut next = 0;
        while let Some(table) = reached.get(next).and_then(|id| self.relations.get(id)) {
            let pointing = table.ties().referenced_by.iter().map(|(id, _)| *id);
            let family = self.descendants(table).into_iter().chain(self.parents(table)).map(|other| other.id);
            let new: Vec<RelationId> = pointing.chain(family).filter(|id| !reached.contains(id)).collect();
            reached.extend(new);
            next += 1;
        }
        reached.into_iter().skip(1).for_each(|id| self.forget_rows(id));
        if points_to_itself {
            self.forget_values(own);
        }
        !points_to_itself
    }

    fn forget_rows(&mut self, id: RelationId) {
        let Some(table) = self.relations.get_mut(&id) else { return };
        table.has_rows = false;
        self.forget_values(id);
    }

    pub(super) fn forget_values(&mut self, id: RelationId) {
        let Some(table) = self.relations.get_mut(&id) else { return };
        table.batches.clear();
        table.each_column(|_, column| column.written.clear());
        self.with_rows.remove_mut(&id);
    }

    /// Forgets what the triggers of a table may change: of those whose body is known, the tables that it names, if none of
    /// these has triggers in turn; of others everything.
    fn forget_reached(&mut self, name: &Name) {
        let Some(table) = self.table(name).filter(|table| !table.guarded && !table.is_view()) else {
            return self.forget_all_values();
        };
        let family = self.descendants(table).len() + self.parents(table).count();
        let texts: Option<Vec<&str>> = table.ties().triggers.iter().map(|trigger| trigger.text.as_deref()).collect();
        let Some(texts) = texts.filter(|_| family == 0) else { return self.forget_all_values() };
        let is_named = |other: &Table| texts.iter().any(|text| super::expression::mentions(text, &other.name.name));
        let named: Vec<&Table> = self.relations.values().filter(|other| other.id != table.id && is_named(other)).collect();
        let ends_there = |other: &&Table| {
            other.ties().triggers.is_empty() && other.ties().referenced_by.is_empty() && !other.guarded && !other.is_view()
        };
        if !named.iter().all(ends_there) || !table.ties().referenced_by.is_empty() {
            return self.forget_all_values();
        }
        let reached: Vec<RelationId> = named.into_iter().map(|other| other.id).chain([table.id]).collect();
        reached.into_iter().for_each(|id| self.forget_values(id));
    }

    /// Something ran that may have changed any row.
    pub(super) fn forget_all_values(&mut self) {
        let all: Vec<RelationId> = self.with_rows.keys().copied().collect();
        all.into_iter().for_each(|id| self.forget_values(id));
    }

    /// What was written is taken back.
    pub(super) fn forget_all_rows(&mut self) {
        let all: Vec<RelationId> = self.relations.values().filter(|table| table.has_rows).map(|table| table.id).collect();
        all.into_iter().for_each(|id| self.forget_rows(id));
    }
}

/// Questions over the rows that are certain to be there.
impl Table {
    /// Changes every column; `change` is given its key too.
    pub(super) fn each_column(&mut self, mut change: impl FnMut(&str, &mut TableColumn)) {
        let keys: Vec<String> = self.columns.keys().cloned().collect();
        for key in keys {
            if let Some(column) = self.columns.get_mut(&key) {
                change(&key, column);
            }
        }
    }

    pub fn has_several_rows(&self) -> bool {
        self.batches.iter().map(|batch| batch.count).sum::<usize>() > 1
    }

    /// Whether some row has NULL in a column.
    pub fn has_null_in(&self, column: &str) -> bool {
        self.has_value(column, |value| *value == Value::Null)
    }

    /// Whether some row has a value like this in a column.
    pub fn has_value(&self, column: &str, wanted: impl Fn(&Value) -> bool) -> bool {
        self.any_row(&[column], |values| wanted(&values[0]))
    }

    /// Whether two rows have the same values in all of these columns, none of them NULL, among those that fit a condition.
    pub fn repeats(&self, columns: &[String], predicate: Option<&str>) -> bool {
        if columns.is_empty() || self.batches.is_empty() || columns.iter().any(|column| self.column(column).is_none()) {
            return false;
        }
        let is_constant = |at: usize| {
            let constant =
                |column: &String| matches!(self.cells(column, at), Cells::All(text) if super::expression::is_constant(text));
            columns.iter().all(constant)
        };
        // One statement has written the same into several rows: alike by whatever type.
        if predicate.is_none() && self.batches.iter().enumerate().any(|(at, batch)| batch.count > 1 && is_constant(at)) {
            return true;
        }
        let Some((fits, mut wanted)) = predicate.map_or(Some((None, Vec::new())), |text| {
            let (tree, names) = self.read(text)?;
            Some((Some(tree), names))
        }) else {
            return false;
        };
        let own = wanted.len();
        wanted.extend(columns.iter().map(String::as_str));
        let mut seen = std::collections::HashSet::new();
        self.any_row(&wanted, |values| {
            if fits.as_ref().is_some_and(|tree| evaluate(tree, &|name| value_of(name, &wanted, values)) != Value::Bool(true)) {
                return false;
            }
            let key: Option<Vec<String>> = values[own..].iter().map(Value::key).collect();
            key.is_some_and(|key| !seen.insert(key))
        })
    }

    /// The key that a single new row shares with one that is there: its columns.
    pub fn taken_key(&self, rows: &Rows) -> Option<Vec<String>> {
        if rows.gives_way || self.lenient {
            return None;
        }
        let is_taken = |columns: &&Vec<String>| {
            let wanted: Option<Vec<&str>> = columns.iter().map(|column| self.given(rows, column)).collect();
            wanted.is_some_and(|wanted| self.has_row(columns, &wanted))
        };
        self.keys().find(is_taken).cloned()
    }

    /// What a single new row has in a column, as written; None where it leaves that out, or where there are several.
    pub fn given<'r>(&self, rows: &'r Rows, column: &str) -> Option<&'r str> {
        let values = rows.single()?;
        let at = match rows.columns.as_slice() {
            [] => self.columns().iter().position(|own| own.name == column)?,
            named => named.iter().position(|name| name == column)?,
        };
        values.get(at).map(String::as_str)
    }

    /// The columns of each key and each unique index: no two rows are the same in them.
    pub fn keys(&self) -> impl Iterator<Item = &Vec<String>> {
        let keys =
            self.constraints.values().filter(|constraint| !constraint.deferrable).filter_map(|constraint| {
                match &constraint.kind {
                    ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => Some(columns),
                    _ => None,
                }
            });
        let lenient = |index: &TableIndex| self.constraint(&index.name).is_some_and(|constraint| constraint.deferrable);
        let plain =
            move |index: &&TableIndex| index.unique && index.predicate.is_none() && !index.has_expressions() && !lenient(index);
        keys.chain(self.indexes.values().filter(plain).map(|index| &index.columns))
    }

    /// Whether a row with these values, as written, is there.
    fn has_row(&self, columns: &[String], values: &[&str]) -> bool {
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let wanted: Option<Vec<String>> = columns
            .iter()
            .zip(values)
            .map(|(column, text)| self.as_kept(evaluate(&parsed(text)?, &|_| Value::Unknown), column).key())
            .collect();
        let Some(wanted) = wanted else { return false };
        self.any_row(&names, |row| row.iter().zip(&wanted).all(|(value, wanted)| value.key().as_ref() == Some(wanted)))
    }

    /// Whether some row makes a condition false. NULL breaks none.
    pub fn breaks(&self, check: &str) -> bool {
        if self.batches.is_empty() {
            return false;
        }
        let Some((tree, names)) = self.read(check) else { return false };
        self.any_row(&names, |values| evaluate(&tree, &|name| value_of(name, &names, values)) == Value::Bool(false))
    }

    /// The first name in an expression that is no column here and nothing else that `is_other` knows, told whether it is
    /// quoted.
    pub fn stranger_in(&self, text: &str, is_other: impl Fn(&str, bool) -> bool) -> Option<String> {
        let is_known =
            |name: &str, quoted: bool| self.column(name).is_some() || !Name::new(name).is_known() || is_other(name, quoted);
        names(text).into_iter().find(|(name, quoted)| !is_known(name, *quoted)).map(|(name, _)| name)
    }

    /// An expression, and the columns that it uses.
    fn read(&self, text: &str) -> Option<(sqlparser::ast::Expr, Vec<&str>)> {
        let tree = parsed(text)?;
        let used = self.columns.keys().filter(|key| super::expression::mentions(text, key));
        Some((tree, used.map(String::as_str).collect()))
    }

    /// Goes through the rows until one is as wanted.
    fn any_row(&self, columns: &[&str], mut wanted: impl FnMut(&[Value]) -> bool) -> bool {
        let mut left = MOST_ROWS;
        for (at, batch) in self.batches.iter().enumerate() {
            let cells: Vec<&Cells> = columns.iter().map(|column| self.cells(column, at)).collect();
            let formulas: Vec<Option<sqlparser::ast::Expr>> = cells
                .iter()
                .map(|cells| match cells {
                    Cells::All(text) => parsed(text),
                    _ => None,
                })
                .collect();
            for row in 0..batch.count.min(left) {
                let in_series = |name: &str| match &batch.series {
                    Some(series) if series.variable == name => Value::Integer(series.first + row as i64),
                    _ => Value::Unknown,
                };
                let value = |(cells, formula): (&&Cells, &Option<sqlparser::ast::Expr>)| match (cells, formula) {
                    (Cells::Each(values), _) => values
                        .get(row)
                        .and_then(|text| parsed(text))
                        .map_or(Value::Unknown, |tree| evaluate(&tree, &|_| Value::Unknown)),
                    (_, Some(tree)) => evaluate(tree, &in_series),
                    _ => Value::Unknown,
                };
                let values = cells.iter().zip(&formulas).map(value).zip(columns);
                let values: Vec<Value> = values.map(|(value, column)| self.as_kept(value, column)).collect();
                if wanted(&values) {
                    return true;
                }
            }
            left = left.saturating_sub(batch.count);
        }
        false
    }

    /// The value in its column. A collation of its own may make others alike, and a key may take NULL as "the next".
    fn as_kept(&self, value: Value, column: &str) -> Value {
        let Some(known) = self.columns.get(column).filter(|known| known.collation.is_none()) else { return Value::Unknown };
        let in_key = || self.primary_key().is_some_and(|key| key.mentions(column));
        if value == Value::Null && in_key() { Value::Unknown } else { as_stored(value, known.data_type.as_ref()) }
    }

    fn cells(&self, column: &str, batch: usize) -> &Cells {
        const UNKNOWN: &Cells = &Cells::Unknown;
        self.columns.get(column).and_then(|column| column.written.get(batch)).unwrap_or(UNKNOWN)
    }
}

/// The value of a column among those of a row.
fn value_of(name: &str, names: &[&str], values: &[Value]) -> Value {
    names.iter().position(|own| *own == name).map_or(Value::Unknown, |at| values[at].clone())
}

fn all(text: &str) -> Cells {
    Cells::All(Arc::from(text))
}

/// What a row has in a column that its statement leaves out. A type that is not built in may have a default of its own.
pub(super) fn left_out(default: Option<&Default>, kind: Option<&DataType>) -> Cells {
    const BUILT_IN: &[&str] = &[
        "smallint",
        "integer",
        "bigint",
        "numeric",
        "real",
        "double precision",
        "text",
        "varchar",
        "char",
        "boolean",
        "date",
        "timestamp",
        "timestamp with time zone",
        "uuid",
        "json",
        "jsonb",
        "bytea",
        "blob",
        "tinyint",
    ];
    match default {
        None if kind.is_some_and(|kind| kind.array || BUILT_IN.contains(&kind.name.as_str())) => all("NULL"),
        Some(Default::Expression(value)) if is_literal(&value.0) => all(&value.0),
        _ => Cells::Unknown,
    }
}

/// The same in each row, whatever the rows are.
fn is_literal(text: &str) -> bool {
    let is_null = text.trim().eq_ignore_ascii_case("null");
    is_null
        || super::expression::is_constant(text)
        || text.trim().strip_prefix('-').is_some_and(|rest| rest.trim().parse::<f64>().is_ok())
}
