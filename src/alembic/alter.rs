//! `alter_column`: what it asks for, and what comes along.

use super::directive::Given;
use super::eval::Evaluator;
use super::sqlalchemy::{self, text_or_hole};
use super::types;
use super::value::Value;
use crate::migration::Mark;
use crate::operation::{Class, Dialect, Dialects, Expression, Name, Operation};

impl<'a> Evaluator<'a> {
    pub(super) fn alter_column(&mut self, given: &Given<'_, 'a>) {
        let table = given.table("table_name");
        let column = given.text("column_name");
        let marks = [(Mark::Table, given.table_span("table_name")), (Mark::Name, given.span("column_name"))];
        let mut changes = Vec::new();
        if let Some(argument) = given.argument("type_").filter(|argument| !matches!(argument.value, Value::None)) {
            let to = types::data_type(&argument.value);
            let using = given.value("postgresql_using").map(|using| Expression(text_or_hole(using)));
            let from = given.value("existing_type").and_then(types::data_type);
            let (table, column) = (table.clone(), column.clone());
            changes.push((Operation::AlterColumnType { table, column, to, from, using, collation: None }, argument.span));
        }
        match given.argument("nullable").map(|argument| (&argument.value, argument.span)) {
            Some((Value::Bool(true), span)) => {
                changes.push((Operation::DropNotNull { table: table.clone(), column: column.clone() }, span));
            }
            Some((Value::Bool(false), span)) => {
                changes.push((Operation::SetNotNull { table: table.clone(), column: column.clone() }, span));
            }
            Some((Value::None, _)) | None => {}
            Some((_, span)) => changes.push((Operation::opaque("whether the column may be NULL is not known"), span)),
        }
        if let Some(argument) = given.argument("server_default") {
            let operation = match sqlalchemy::server_default(&argument.value) {
                // server_default=False, the default, means: leave it as it is.
                _ if matches!(argument.value, Value::Bool(false)) => None,
                None => Some(Operation::DropDefault { table: table.clone(), column: column.clone() }),
                Some(default) => Some(Operation::SetDefault { table: table.clone(), column: column.clone(), default }),
            };
            changes.extend(operation.map(|operation| (operation, argument.span)));
        }
        if given.value("comment").is_some_and(|value| !matches!(value, Value::Bool(false))) {
            let name = Some(column.clone());
            let operation = Operation::Other { kind: "comment", table: Some(table.clone()), name, class: Class::Schema };
            changes.push((operation, given.span("comment")));
        }
        if let Some(argument) = given.argument("new_column_name").filter(|argument| !matches!(argument.value, Value::None)) {
            let to = text_or_hole(&argument.value);
            if to != column {
                changes.push((Operation::RenameColumn { table: table.clone(), column: column.clone(), to }, argument.span));
            }
        }
        if changes.is_empty() {
            let operation = match given.arguments.open {
                true => Operation::opaque("the arguments of `alter_column` are not known"),
                false => Operation::Other { kind: "alter_column", table: Some(table), name: Some(column), class: Class::Neither },
            };
            self.emit_marked(operation, "alter_column", given.whole, &marks);
            return;
        }
        let is_retyped = given.value("type_").is_some();
        let check = |name: &str| match given.value(name) {
            Some(Value::Call(kind)) if is_retyped => types::type_check(kind, &column),
            _ => None,
        };
        let (gone, come) = (check("existing_type"), check("type_"));
        // The copy that a batch makes on SQLite has the new type from the start.
        let copied = if given.batch.is_some() { Dialects::one(Dialect::Sqlite) } else { Dialects::NONE };
        if let Some(check) = gone.filter(|gone| gone.constraint.name.is_some()) {
            let on = check.native_on.union(copied).complement();
            let constraint = self.type_constraint(&table, check).name;
            let operation = Operation::DropConstraint { table: table.clone(), constraint, if_exists: false, cascade: false };
            self.emit_implied(operation, on, "alter_column", given.whole, &marks);
        }
        for (operation, span) in changes {
            let mark = if matches!(operation, Operation::SetNotNull { .. }) { Mark::Nullable } else { Mark::Default };
            let marked = self.places_are_here();
            let step = self.emit_marked(operation, "alter_column", given.whole, &marks);
            if marked {
                step.marks.set(mark, span);
                step.span = span;
            }
        }
        if let Some(check) = come {
            let on = check.native_on.union(copied).complement();
            let constraint = Box::new(self.type_constraint(&table, check));
            let operation = Operation::AddConstraint { table: table.clone(), constraint };
            self.emit_implied(operation, on, "alter_column", given.whole, &marks);
        }
        for operation in redefined_on_mysql(given, &table, given.text("column_name")) {
            self.emit_implied(operation, Dialects::named("mysql"), "alter_column", given.whole, &marks);
        }
    }
}

/// What MODIFY and CHANGE say of a column on MySQL beside what is asked for. They write the whole column, so what the call
/// does not repeat as `existing_nullable` and `existing_server_default` is gone (`MySQLImpl.alter_column` of Alembic).
fn redefined_on_mysql(given: &Given<'_, '_>, table: &Name, column: String) -> Vec<Operation> {
    let is_given = |name: &str| given.value(name).is_some_and(|value| !matches!(value, Value::None));
    let is_comment = given.value("comment").is_some_and(|value| !matches!(value, Value::Bool(false)));
    let writes_all = is_comment || ["nullable", "type_", "new_column_name", "autoincrement"].into_iter().any(is_given);
    if !writes_all || given.arguments.open {
        return Vec::new();
    }
    let (table, mut out) = (table.clone(), Vec::new());
    let column = given.value("new_column_name").filter(|_| is_given("new_column_name")).map_or(column, text_or_hole);
    if !is_given("nullable") {
        match given.value("existing_nullable") {
            Some(Value::Bool(false)) => out.push(Operation::SetNotNull { table: table.clone(), column: column.clone() }),
            Some(Value::Bool(true) | Value::None) | None => {
                out.push(Operation::DropNotNull { table: table.clone(), column: column.clone() });
            }
            Some(_) => {}
        }
    }
    if given.value("server_default").is_none_or(|value| matches!(value, Value::Bool(false))) {
        match given.value("existing_server_default") {
            Some(Value::None | Value::Bool(false)) | None => out.push(Operation::DropDefault { table, column }),
            Some(value) => {
                let default = sqlalchemy::server_default(value);
                out.extend(default.map(|default| Operation::SetDefault { table, column, default }));
            }
        }
    }
    out
}
