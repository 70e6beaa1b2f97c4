//! Operations as statements, in words that PostgreSQL reads.

use crate::operation::{Column, Constraint, ConstraintKind, CreateTable, DataType, Default, Name, Operation};

/// A name as SQL has to write it: PostgreSQL's `quote_ident`.
pub(super) fn name(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && !is_reserved(text);
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// Whether PostgreSQL takes the word for one of its own where the name of a table or column is expected.
fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search(&word).is_ok()
}

/// `SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T') ORDER BY word COLLATE "C"`, on PostgreSQL 10 and 18.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
];

/// A type, by a name in quotes where that has capitals; the names of built-in types may have spaces.
pub(super) fn type_name(kind: &DataType) -> String {
    let part = |part: &'_ str| if part.contains(char::is_uppercase) { name(part) } else { part.to_owned() };
    let name = kind.name.split('.').map(part).collect::<Vec<_>>().join(".");
    DataType { name, ..kind.clone() }.to_string()
}

fn qualified(of: &Name) -> String {
    match &of.schema {
        Some(schema) => format!("{}.{}", name(schema), name(&of.name)),
        None => name(&of.name),
    }
}

fn list(columns: &[String]) -> String {
    columns.iter().map(|column| name(column)).collect::<Vec<_>>().join(", ")
}

pub(super) fn statement(operation: &Operation) -> Option<String> {
    let alter = |table: &Name, action: String| format!("ALTER TABLE {} {action};", qualified(table));
    Some(match operation {
        Operation::CreateTable(create) => create_table(create)?,
        Operation::DropTable { table, .. } => format!("DROP TABLE {};", qualified(table)),
        Operation::RenameTable { table, to } => alter(table, format!("RENAME TO {}", name(&to.name))),
        Operation::AddColumn { table, column, .. } => alter(table, format!("ADD COLUMN {}", column_definition(column)?)),
        Operation::DropColumn { table, column, .. } => alter(table, format!("DROP COLUMN {}", name(column))),
        Operation::RenameColumn { table, column, to } => alter(table, format!("RENAME COLUMN {} TO {}", name(column), name(to))),
        Operation::AlterColumnType { table, column, to, .. } => {
            alter(table, format!("ALTER COLUMN {} TYPE {}", name(column), type_name(to.as_ref()?)))
        }
        Operation::SetNotNull { table, column } => alter(table, format!("ALTER COLUMN {} SET NOT NULL", name(column))),
        Operation::DropNotNull { table, column } => alter(table, format!("ALTER COLUMN {} DROP NOT NULL", name(column))),
        Operation::SetDefault { table, column, default: Default::Expression(value) } => {
            alter(table, format!("ALTER COLUMN {} SET DEFAULT {}", name(column), value.0))
        }
        Operation::DropDefault { table, column } => alter(table, format!("ALTER COLUMN {} DROP DEFAULT", name(column))),
        Operation::AddConstraint { table, constraint } => {
            let not_valid = if constraint.not_valid { " NOT VALID" } else { "" };
            alter(table, format!("ADD {}{not_valid}", constraint_definition(constraint)?))
        }
        Operation::DropConstraint { table, constraint: Some(constraint), .. } => {
            alter(table, format!("DROP CONSTRAINT {}", name(constraint)))
        }
        Operation::CreateIndex(index) => {
            let unique = if index.unique { "UNIQUE " } else { "" };
            let concurrently = if index.concurrently { "CONCURRENTLY " } else { "" };
            let method = index.method.as_ref().map_or_else(String::new, |method| format!(" USING {method}"));
            let only = index.predicate.as_ref().map_or_else(String::new, |predicate| format!(" WHERE {}", predicate.0));
            let descends = if index.descending && index.columns.len() == 1 { " DESC" } else { "" };
            let keys: Vec<String> = index.columns.iter().map(|key| format!("{}{descends}", key_text(key))).collect();
            format!(
                "CREATE {unique}INDEX {concurrently}{} ON {}{method} ({}){only};",
                name(index.name.as_ref()?),
                qualified(&index.table),
                keys.join(", ")
            )
        }
        Operation::DropIndex { index, .. } => format!("DROP INDEX {};", qualified(index)),
        Operation::RenameIndex { index, table: Some(table), to } => {
            alter(table, format!("RENAME INDEX {} TO {}", name(&index.name), name(to)))
        }
        Operation::RenameIndex { index, table: None, to } => format!("ALTER INDEX {} RENAME TO {};", qualified(index), name(to)),
        Operation::RenameConstraint { table, constraint, to } => {
            alter(table, format!("RENAME CONSTRAINT {} TO {}", name(constraint), name(to)))
        }
        Operation::CreateEnum { name: of, labels } => {
            let labels: Vec<String> = labels.iter().map(|label| format!("'{}'", label.replace('\'', "''"))).collect();
            format!("CREATE TYPE {} AS ENUM ({});", qualified(of), labels.join(", "))
        }
        Operation::DropType { name: of, is_domain: false, .. } => format!("DROP TYPE {};", qualified(of)),
        Operation::RenameType { name: of, to } => format!("ALTER TYPE {} RENAME TO {};", qualified(of), name(to)),
        Operation::DropView { name: of, materialized, .. } => {
            format!("DROP {}VIEW {};", if *materialized { "MATERIALIZED " } else { "" }, qualified(of))
        }
        Operation::DropSequence { name: of, .. } => format!("DROP SEQUENCE {};", qualified(of)),
        _ => return None,
    })
}

/// A column by its name; an expression in parentheses, unless it is a call.
pub(super) fn key_text(key: &str) -> String {
    let is_name = key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '"' || c == '$');
    match is_name {
        true => name(key),
        false if key.ends_with(')') && !key.starts_with('(') => key.to_owned(),
        false => format!("({key})"),
    }
}

pub(super) fn column_definition(column: &Column) -> Option<String> {
    let mut out = format!("{} {}", name(&column.name), type_name(column.data_type.as_ref()?));
    match &column.default {
        Some(Default::Expression(value)) => out.push_str(&format!(" DEFAULT {}", value.0)),
        Some(Default::Identity) => out.push_str(" GENERATED BY DEFAULT AS IDENTITY"),
        Some(Default::Generated { expression, .. }) => out.push_str(&format!(" GENERATED ALWAYS AS ({}) STORED", expression.0)),
        Some(Default::Sequence) => out = format!("{} {}", name(&column.name), serial(&column.data_type.as_ref()?.name)?),
        None => {}
    }
    if column.nullable == Some(false) {
        out.push_str(" NOT NULL");
    }
    Some(out)
}

fn serial(integer: &str) -> Option<&'static str> {
    match integer {
        "smallint" => Some("smallserial"),
        "integer" => Some("serial"),
        "bigint" => Some("bigserial"),
        _ => None,
    }
}

fn constraint_definition(constraint: &Constraint) -> Option<String> {
    let named = constraint.name.as_ref().map_or_else(String::new, |of| format!("CONSTRAINT {} ", name(of)));
    let what = match &constraint.kind {
        ConstraintKind::PrimaryKey { columns, .. } => format!("PRIMARY KEY ({})", list(columns)),
        ConstraintKind::Unique { columns, .. } => format!("UNIQUE ({})", list(columns)),
        ConstraintKind::Check { expression } => format!("CHECK ({})", expression.0),
        ConstraintKind::ForeignKey { columns, reference } => {
            let to = if reference.columns.is_empty() { String::new() } else { format!(" ({})", list(&reference.columns)) };
            let action = reference.on_delete.as_ref().map_or_else(String::new, |action| format!(" ON DELETE {action}"));
            format!("FOREIGN KEY ({}) REFERENCES {}{to}{action}", list(columns), qualified(&reference.table))
        }
        ConstraintKind::Exclusion { .. } | ConstraintKind::NotNull { .. } => return None,
    };
    Some(format!("{named}{what}"))
}

fn create_table(create: &CreateTable) -> Option<String> {
    if create.columns_unknown {
        return None;
    }
    let mut lines: Vec<String> = create.columns.iter().map(column_definition).collect::<Option<_>>()?;
    let constraints: Vec<String> = create.constraints.iter().map(constraint_definition).collect::<Option<_>>()?;
    lines.extend(constraints);
    Some(format!("CREATE TABLE {} (\n    {}\n);", qualified(&create.table), lines.join(",\n    ")))
}
