//! Operations as calls of Alembic's `op`.

use super::sql;
use crate::operation::{Column, Constraint, ConstraintKind, CreateIndex, CreateTable, DataType, Default, Name, Operation};
use crate::schema::Schema;

fn text(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

fn list(values: &[String]) -> String {
    format!("[{}]", values.iter().map(|value| text(value)).collect::<Vec<_>>().join(", "))
}

fn schema(of: &Name) -> String {
    of.schema.as_ref().map_or_else(String::new, |schema| format!(", schema={}", text(schema)))
}

/// A call; on SQLite, inside of a batch block where it needs one.
pub(super) fn call(operation: &Operation, batch: bool, schema_before: Option<&Schema>) -> Option<String> {
    let table = operation.table().map(|table| text(&table.name));
    let in_batch = batch && needs_batch(operation);
    // The table's argument, which a batch block already has.
    let on = |before: &str, after: &str| {
        let separator = |part: &str| if part.is_empty() { "" } else { ", " };
        let qualifier = operation.table().map(schema).unwrap_or_default();
        match in_batch {
            true => format!("({before}{}{after})", if before.is_empty() { "" } else { separator(after) }),
            false => format!(
                "({before}{}{}{}{after}{qualifier})",
                separator(before),
                table.clone().unwrap_or_default(),
                separator(after)
            ),
        }
    };
    let call = match operation {
        Operation::CreateTable(create) => create_table(create)?,
        Operation::DropTable { .. } => format!("drop_table{}", on("", "")),
        Operation::RenameTable { to, .. } => format!("rename_table{}", on("", &text(&to.name))),
        Operation::AddColumn { column, .. } => format!("add_column{}", on("", &column_term(column, true)?)),
        Operation::DropColumn { column, .. } => format!("drop_column{}", on("", &text(column))),
        Operation::RenameColumn { column, to, .. } => {
            let existing = existing(operation, to, schema_before, [true, true]);
            format!("alter_column{}", on("", &format!("{}, new_column_name={}{existing}", text(column), text(to))))
        }
        Operation::AlterColumnType { column, to, from, using, .. } => {
            let from = from.as_ref().and_then(type_term).map_or_else(String::new, |from| format!(", existing_type={from}"));
            let existing = format!("{from}{}", existing(operation, column, schema_before, [false, true]));
            let using = using.as_ref().map_or_else(String::new, |using| format!(", postgresql_using={}", text(&using.0)));
            format!("alter_column{}", on("", &format!("{}, type_={}{existing}{using}", text(column), type_term(to.as_ref()?)?)))
        }
        Operation::SetNotNull { column, .. } | Operation::DropNotNull { column, .. } => {
            let nullable = if matches!(operation, Operation::SetNotNull { .. }) { "False" } else { "True" };
            let existing = existing(operation, column, schema_before, [true, false]);
            format!("alter_column{}", on("", &format!("{}, nullable={nullable}{existing}", text(column))))
        }
        Operation::SetDefault { column, default: Default::Expression(value), .. } => {
            format!("alter_column{}", on("", &format!("{}, server_default={}", text(column), default_term(&value.0))))
        }
        Operation::DropDefault { column, .. } => {
            format!("alter_column{}", on("", &format!("{}, server_default=None", text(column))))
        }
        Operation::AddConstraint { constraint, .. } => add_constraint(constraint, &on)?,
        Operation::DropConstraint { constraint: Some(constraint), .. } => format!("drop_constraint{}", on(&text(constraint), "")),
        Operation::CreateIndex(index) => create_index(index, &on)?,
        Operation::DropIndex { index, table, .. } => {
            let table =
                table.as_ref().map_or_else(String::new, |table| format!(", table_name={}{}", text(&table.name), schema(table)));
            format!("drop_index({}{table})", text(&index.name))
        }
        Operation::DropType { name, is_domain: false, .. } => {
            return Some(format!("sa.Enum(name={}).drop(op.get_bind(), checkfirst=True)", text(&name.name)));
        }
        Operation::CreateEnum { name, labels } => {
            let labels: Vec<String> = labels.iter().map(|label| text(label)).collect();
            return Some(format!(
                "sa.Enum({}, name={}).create(op.get_bind(), checkfirst=True)",
                labels.join(", "),
                text(&name.name)
            ));
        }
        // What `op` has no directive for.
        other => return Some(format!("op.execute({})", text(sql::statement(other)?.trim_end_matches(';')))),
    };
    Some(match (in_batch, table) {
        (true, Some(table)) => format!("with op.batch_alter_table({table}) as batch_op:\n    batch_op.{call}"),
        _ => format!("op.{call}"),
    })
}

/// What SQLite's ALTER TABLE cannot do.
fn needs_batch(operation: &Operation) -> bool {
    operation.alters_column() || matches!(operation, Operation::AddConstraint { .. } | Operation::DropConstraint { .. })
}

fn add_constraint(constraint: &Constraint, on: &dyn Fn(&str, &str) -> String) -> Option<String> {
    let name = constraint.name.as_ref().map_or_else(|| "None".to_owned(), |name| text(name));
    Some(match &constraint.kind {
        ConstraintKind::PrimaryKey { columns, .. } => format!("create_primary_key{}", on(&name, &list(columns))),
        ConstraintKind::Unique { columns, .. } => format!("create_unique_constraint{}", on(&name, &list(columns))),
        ConstraintKind::Check { expression } => format!("create_check_constraint{}", on(&name, &text(&expression.0))),
        ConstraintKind::ForeignKey { columns, reference } => {
            let action = reference.on_delete.as_ref().map_or_else(String::new, |action| format!(", ondelete={}", text(action)));
            let rest = format!("{}, {}, {}{action}", text(&reference.table.name), list(columns), list(&reference.columns));
            format!("create_foreign_key{}", on(&name, &rest))
        }
        ConstraintKind::Exclusion { .. } | ConstraintKind::NotNull { .. } => return None,
    })
}

fn create_index(index: &CreateIndex, on: &dyn Fn(&str, &str) -> String) -> Option<String> {
    let is_name = |key: &String| key.chars().all(|c| c.is_alphanumeric() || c == '_');
    let keys: Vec<String> =
        index.keys().iter().map(|key| if is_name(key) { text(key) } else { format!("sa.text({})", text(key)) }).collect();
    let unique = if index.unique { ", unique=True" } else { "" };
    let method = index.method.as_ref().map_or_else(String::new, |method| format!(", postgresql_using={}", text(method)));
    let only = index
        .predicate
        .as_ref()
        .map_or_else(String::new, |predicate| format!(", postgresql_where=sa.text({})", text(&predicate.0)));
    let concurrently = if index.concurrently { ", postgresql_concurrently=True" } else { "" };
    let rest = format!("[{}]{unique}{method}{only}{concurrently}", keys.join(", "));
    Some(format!("create_index{}", on(&text(index.name.as_ref()?), &rest)))
}

fn create_table(create: &CreateTable) -> Option<String> {
    if create.columns_unknown {
        return None;
    }
    let mut lines = vec![text(&create.table.name)];
    for column in &create.columns {
        lines.push(column_term(column, false)?);
    }
    for constraint in &create.constraints {
        let name = constraint.name.as_ref().map_or_else(String::new, |name| format!(", name={}", text(name)));
        let quoted = |columns: &[String]| columns.iter().map(|column| text(column)).collect::<Vec<_>>().join(", ");
        lines.push(match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } => format!("sa.PrimaryKeyConstraint({}{name})", quoted(columns)),
            ConstraintKind::Unique { columns, .. } => format!("sa.UniqueConstraint({}{name})", quoted(columns)),
            ConstraintKind::Check { expression } => format!("sa.CheckConstraint({}{name})", text(&expression.0)),
            ConstraintKind::ForeignKey { columns, reference } => {
                let targets: Vec<String> =
                    reference.columns.iter().map(|column| format!("{}.{column}", reference.table)).collect();
                let action =
                    reference.on_delete.as_ref().map_or_else(String::new, |action| format!(", ondelete={}", text(action)));
                format!("sa.ForeignKeyConstraint({}, {}{name}{action})", list(columns), list(&targets))
            }
            ConstraintKind::Exclusion { .. } | ConstraintKind::NotNull { .. } => return None,
        });
    }
    let qualifier = create.table.schema.as_ref().map_or_else(String::new, |schema| format!("    schema={},\n", text(schema)));
    Some(format!("create_table(\n    {},\n{qualifier})", lines.join(",\n    ")))
}

/// `sa.Column(…)`. Outside of CREATE TABLE, its own key, UNIQUE and foreign key are operations of their own.
fn column_term(column: &Column, alone: bool) -> Option<String> {
    let mut parts = vec![text(&column.name), type_term(column.data_type.as_ref()?)?];
    match &column.default {
        Some(Default::Generated { expression, .. }) => parts.push(format!("sa.Computed({})", text(&expression.0))),
        Some(Default::Identity) => parts.push("sa.Identity()".to_owned()),
        Some(Default::Expression(value)) => parts.push(format!("server_default={}", default_term(&value.0))),
        Some(Default::Sequence) if alone => return None,
        Some(Default::Sequence) => parts.push("autoincrement=True".to_owned()),
        None => {}
    }
    if column.nullable == Some(false) {
        parts.push("nullable=False".to_owned());
    }
    Some(format!("sa.Column({})", parts.join(", ")))
}

/// A quoted literal as a plain string, anything else as SQL.
/// What MySQL has to be told again of a column, by the name that it ends with: its type, and whether it takes NULL, where
/// `wanted`, and its default.
fn existing(operation: &Operation, column: &str, schema: Option<&Schema>, wanted: [bool; 2]) -> String {
    let known = || schema?.column(operation.table()?, column);
    let Some(known) = known() else { return String::new() };
    let kind = known.data_type.as_ref().filter(|_| wanted[0]).and_then(type_term);
    let mut out = kind.map_or_else(String::new, |kind| format!(", existing_type={kind}"));
    if let Some(nullable) = known.nullable.filter(|_| wanted[1]) {
        out.push_str(if nullable { ", existing_nullable=True" } else { ", existing_nullable=False" });
    }
    if let Some(Default::Expression(value)) = &known.default {
        out.push_str(&format!(", existing_server_default={}", default_term(&value.0)));
    }
    out
}

fn default_term(value: &str) -> String {
    // What each database has its own words for.
    match value.to_ascii_lowercase().as_str() {
        "now()" | "current_timestamp" => return "sa.func.now()".to_owned(),
        "true" => return "sa.true()".to_owned(),
        "false" => return "sa.false()".to_owned(),
        _ => {}
    }
    let inner = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    match inner.filter(|inner| !inner.replace("''", "").contains('\'')) {
        Some(inner) => text(&inner.replace("''", "'")),
        None => format!("sa.text({})", text(value)),
    }
}

/// A type in SQLAlchemy's generic words; None for one that has none.
fn type_term(kind: &DataType) -> Option<String> {
    let with = |name: &str| format!("sa.{name}({})", kind.modifiers.join(", "));
    let plain = match kind.name.as_str() {
        "varchar" => with("String"),
        "char" => with("CHAR"),
        "text" => "sa.Text()".to_owned(),
        "integer" => "sa.Integer()".to_owned(),
        "bigint" => "sa.BigInteger()".to_owned(),
        "smallint" => "sa.SmallInteger()".to_owned(),
        "boolean" => "sa.Boolean()".to_owned(),
        "timestamp" => "sa.DateTime()".to_owned(),
        "timestamp with time zone" => "sa.DateTime(timezone=True)".to_owned(),
        "time" => "sa.Time()".to_owned(),
        "date" => "sa.Date()".to_owned(),
        "interval" => "sa.Interval()".to_owned(),
        "double precision" => "sa.Float()".to_owned(),
        "real" => "sa.REAL()".to_owned(),
        "numeric" => with("Numeric"),
        "bytea" => "sa.LargeBinary()".to_owned(),
        "json" => "sa.JSON()".to_owned(),
        "uuid" => "sa.Uuid()".to_owned(),
        name if !kind.labels.is_empty() => {
            let labels: Vec<String> = kind.labels.iter().map(|label| text(label)).collect();
            format!("sa.Enum({}, name={})", labels.join(", "), text(name))
        }
        _ => return None,
    };
    Some(if kind.array { format!("sa.ARRAY({plain})") } else { plain })
}
