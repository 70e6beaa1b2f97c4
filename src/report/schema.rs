//! The replayed schema: SQL for people, the frozen JSON shape for programs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Serialize, Serializer};

use crate::engine::mysql;
use crate::operation::{ConstraintKind, Default, Dialect, Name, show_holes};
use crate::render::{self, sql_key, sql_type};
use crate::schema::{Schema, Table, TableColumn, TableConstraint};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SchemaFormat {
    /// Statements that would make it
    Sql,
    /// The frozen shape, for programs
    Json,
}

/// One environment's schema after some revisions.
pub struct SchemaView<'v> {
    pub root: &'v str,
    pub dialect: Option<Dialect>,
    pub at: Vec<&'v str>,
    pub schema: Schema,
}

#[derive(Serialize)]
struct Report<'v> {
    version: u32,
    environments: Vec<JsonEnvironment<'v>>,
}

#[derive(Serialize)]
struct JsonEnvironment<'v> {
    root: &'v str,
    dialect: Option<String>,
    at: &'v [&'v str],
    tables: BTreeMap<String, JsonTable>,
    enums: BTreeMap<&'v str, &'v [String]>,
    views: Vec<String>,
}

#[derive(Serialize)]
struct JsonTable {
    columns: InOrder<JsonColumn>,
    primary_key: Vec<String>,
    indexes: BTreeMap<String, JsonIndex>,
    unique_constraints: BTreeMap<String, Vec<String>>,
    foreign_keys: BTreeMap<String, JsonForeignKey>,
    checks: BTreeMap<String, String>,
    /// Whether all columns are known.
    complete: bool,
}

#[derive(Serialize)]
struct JsonColumn {
    /// Null where it cannot be known.
    r#type: Option<String>,
    nullable: Option<bool>,
    default: Option<String>,
}

#[derive(Serialize)]
struct JsonIndex {
    columns: Vec<String>,
    unique: bool,
}

#[derive(Serialize)]
struct JsonForeignKey {
    columns: Vec<String>,
    table: String,
    referenced: Vec<String>,
}

/// A JSON object whose keys keep their order.
struct InOrder<T>(Vec<(String, T)>);

impl<T: Serialize> Serialize for InOrder<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// Writes the schemas in the format that was asked for.
///
/// # Errors
/// What the writer says.
pub fn write(format: SchemaFormat, views: &[SchemaView<'_>], out: &mut dyn Write) -> io::Result<()> {
    match format {
        SchemaFormat::Json => {
            let report = Report { version: 1, environments: views.iter().map(environment).collect() };
            serde_json::to_writer(&mut *out, &report)?;
            writeln!(out)
        }
        SchemaFormat::Sql => views.iter().try_for_each(|view| write_sql(view, out)),
    }
}

/// What this history makes, by name; what is only known from what was done to it comes along, marked incomplete.
fn tables(schema: &Schema) -> Vec<&Table> {
    let shown =
        |table: &&Table| !table.is_view() && !table.temporary && (table.created_in.is_some() || !table.columns().is_empty());
    let mut tables: Vec<&Table> = schema.relations().filter(shown).collect();
    tables.sort_by_key(|table| table.name.to_string());
    tables
}

fn environment<'v>(view: &'v SchemaView<'v>) -> JsonEnvironment<'v> {
    let mut views: Vec<String> =
        view.schema.relations().filter(|table| table.is_view()).map(|table| table.name.to_string()).collect();
    views.sort();
    JsonEnvironment {
        root: view.root,
        dialect: view.dialect.map(|dialect| dialect.to_string()),
        at: &view.at,
        tables: tables(&view.schema).into_iter().map(|table| (table.name.to_string(), json_table(view, table))).collect(),
        enums: enums(view).into_iter().collect(),
        views,
    }
}

/// Only PostgreSQL has enum types of their own.
fn enums<'v>(view: &'v SchemaView<'_>) -> Vec<(&'v str, &'v [String])> {
    if view.dialect.is_some_and(|dialect| dialect != Dialect::PostgreSql) {
        return Vec::new();
    }
    let mut enums: Vec<_> = view.schema.enums().map(|(name, known)| (name, known.labels.as_slice())).collect();
    enums.sort_unstable();
    enums
}

fn json_table(view: &SchemaView<'_>, table: &Table) -> JsonTable {
    let column = |column: &TableColumn| {
        let json = JsonColumn {
            r#type: column_type(column, view.dialect),
            nullable: column.nullable,
            default: default_text(column, view.dialect),
        };
        (show_holes(&column.name), json)
    };
    let mut out = JsonTable {
        columns: InOrder(table.columns().into_iter().map(column).collect()),
        primary_key: Vec::new(),
        indexes: BTreeMap::new(),
        unique_constraints: BTreeMap::new(),
        foreign_keys: BTreeMap::new(),
        checks: BTreeMap::new(),
        complete: table.complete,
    };
    for constraint in table.constraints() {
        let name = show_holes(&constraint.name);
        match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } => out.primary_key.clone_from(columns),
            ConstraintKind::Unique { columns, .. } => {
                out.unique_constraints.insert(name, columns.clone());
            }
            ConstraintKind::ForeignKey { columns, .. } => {
                let (to, referenced) = referenced(view, constraint);
                out.foreign_keys.insert(name, JsonForeignKey { columns: columns.clone(), table: to, referenced });
            }
            ConstraintKind::Check { expression } => {
                out.checks.insert(name, show_holes(&expression.0));
            }
            ConstraintKind::Exclusion { .. } | ConstraintKind::NotNull { .. } => {}
        }
    }
    let is_key = |name: &str| table.primary_key().is_some_and(|key| key.name == name);
    for index in table.indexes().into_iter().filter(|index| !is_key(&index.name)) {
        out.indexes.insert(show_holes(&index.name), JsonIndex { columns: index.columns.clone(), unique: index.unique });
    }
    out
}

/// The other end of a foreign key under its present names; the primary key where the statement names no columns.
fn referenced(view: &SchemaView<'_>, constraint: &TableConstraint) -> (String, Vec<String>) {
    let ConstraintKind::ForeignKey { reference, .. } = &constraint.kind else { return (String::new(), Vec::new()) };
    let named = |columns: &[String]| columns.to_vec();
    match &constraint.references {
        Some((id, columns)) => {
            let table = view.schema.relation(*id);
            let key = || match table.and_then(Table::primary_key).map(|key| &key.kind) {
                Some(ConstraintKind::PrimaryKey { columns, .. }) => columns.clone(),
                _ => Vec::new(),
            };
            let columns = if columns.is_empty() { key() } else { named(columns) };
            (table.map_or_else(|| reference.table.to_string(), |table| table.name.to_string()), columns)
        }
        None => (reference.table.to_string(), named(&reference.columns)),
    }
}

/// A column's type as the database has it: what SQLAlchemy writes for SQLite has other words.
pub fn column_type(column: &TableColumn, dialect: Option<Dialect>) -> Option<String> {
    let kind = column.data_type.as_ref()?;
    if let Some(dialect) = dialect.filter(|dialect| dialect.is_mysql_like()) {
        let stored = mysql::types::stored(kind, dialect, column.by_sqlalchemy);
        let labels: Vec<String> = stored.labels.iter().map(|label| format!("'{}'", label.replace('\'', "''"))).collect();
        return Some(if labels.is_empty() { stored.to_string() } else { format!("enum({})", show_holes(&labels.join(","))) });
    }
    if dialect != Some(Dialect::Sqlite) || !column.by_sqlalchemy {
        return Some(kind.to_string());
    }
    Some(match kind.name.as_str() {
        "timestamp" | "timestamp with time zone" | "timestamp without time zone" => "datetime".to_owned(),
        "time with time zone" => "time".to_owned(),
        "uuid" => "char(32)".to_owned(),
        "jsonb" => "json".to_owned(),
        "double precision" => "float".to_owned(),
        "bytea" => "blob".to_owned(),
        _ if !kind.labels.is_empty() => {
            format!("varchar({})", kind.labels.iter().map(|label| label.chars().count()).max().unwrap_or_default())
        }
        _ => kind.to_string(),
    })
}

fn default_text(column: &TableColumn, dialect: Option<Dialect>) -> Option<String> {
    match column.default.as_ref()? {
        Default::Expression(value) if value.is_null() => None,
        // SQLAlchemy writes it in each database's own words.
        Default::Expression(value) if dialect == Some(Dialect::Sqlite) && column.by_sqlalchemy => Some(match value.0.as_str() {
            "now()" => "CURRENT_TIMESTAMP".to_owned(),
            "true" => "1".to_owned(),
            "false" => "0".to_owned(),
            other => show_holes(other),
        }),
        Default::Expression(value) => Some(show_holes(&value.0)),
        Default::Generated { expression, .. } => Some(show_holes(&expression.0)),
        // Rows of SQLite and MySQL are numbered by the table itself.
        Default::Sequence if dialect.is_some_and(|dialect| dialect != Dialect::PostgreSql) => None,
        Default::Sequence => column.sequence.as_ref().map(|sequence| format!("nextval('{sequence}')")),
        Default::Identity => None,
    }
}

fn write_sql(view: &SchemaView<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "-- {} at {}", show_holes(view.root), show_holes(&view.at.join(", ")))?;
    for (name, labels) in enums(view) {
        let labels: Vec<String> = labels.iter().map(|label| format!("'{}'", show_holes(label).replace('\'', "''"))).collect();
        writeln!(out, "\nCREATE TYPE {} AS ENUM ({});", sql_name(name), labels.join(", "))?;
    }
    for table in tables(&view.schema) {
        write_table(view, table, out)?;
    }
    let mut views: Vec<String> =
        view.schema.relations().filter(|table| table.is_view()).map(|table| table.name.to_string()).collect();
    views.sort();
    for name in views {
        writeln!(out, "\n-- view {name}")?;
    }
    Ok(())
}

fn write_table(view: &SchemaView<'_>, table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let mut lines: Vec<String> = table.columns().into_iter().map(|column| column_line(column, view.dialect)).collect();
    lines.extend(table.constraints().into_iter().filter_map(|constraint| constraint_line(view, constraint)));
    if !table.complete {
        lines.push("-- and columns that this history does not show".to_owned());
    }
    writeln!(out, "\nCREATE TABLE {} (", qualified(&table.name))?;
    let last = lines.iter().rposition(|line| !line.starts_with("--")).unwrap_or(0);
    for (at, line) in lines.iter().enumerate() {
        writeln!(out, "    {line}{}", if at < last { "," } else { "" })?;
    }
    writeln!(out, ");")?;
    for index in table.indexes().into_iter().filter(|index| table.constraint(&index.name).is_none()) {
        let unique = if index.unique { "UNIQUE " } else { "" };
        let keys: Vec<String> = index.columns.iter().map(|key| sql_key(&show_holes(key))).collect();
        let only = index.predicate.as_ref().map_or_else(String::new, |predicate| format!(" WHERE {predicate}"));
        writeln!(
            out,
            "CREATE {unique}INDEX {} ON {} ({}){only};",
            sql_name(&index.name),
            qualified(&table.name),
            keys.join(", ")
        )?;
    }
    Ok(())
}

fn column_line(column: &TableColumn, dialect: Option<Dialect>) -> String {
    let kind = match dialect {
        Some(Dialect::PostgreSql) => column.data_type.as_ref().map(sql_type),
        _ => column_type(column, dialect),
    };
    let mut line = format!("{} {}", sql_name(&column.name), kind.unwrap_or_else(|| "/* unknown */".to_owned()));
    match &column.default {
        Some(Default::Identity) => line.push_str(" GENERATED BY DEFAULT AS IDENTITY"),
        Some(Default::Generated { expression, .. }) => line.push_str(&format!(" GENERATED ALWAYS AS ({expression})")),
        _ => {
            if let Some(default) = default_text(column, dialect) {
                line.push_str(&format!(" DEFAULT {default}"));
            }
        }
    }
    if column.nullable == Some(false) {
        line.push_str(" NOT NULL");
    }
    line
}

fn constraint_line(view: &SchemaView<'_>, constraint: &TableConstraint) -> Option<String> {
    let list = |columns: &[String]| columns.iter().map(|column| sql_name(column)).collect::<Vec<_>>().join(", ");
    let what = match &constraint.kind {
        ConstraintKind::PrimaryKey { columns, .. } => format!("PRIMARY KEY ({})", list(columns)),
        ConstraintKind::Unique { columns, .. } => format!("UNIQUE ({})", list(columns)),
        ConstraintKind::ForeignKey { columns, .. } => {
            let (table, referenced) = referenced(view, constraint);
            let target = constraint.references.as_ref().and_then(|(id, _)| view.schema.relation(*id));
            let table = target.map_or(table, |target| qualified(&target.name));
            format!("FOREIGN KEY ({}) REFERENCES {table} ({})", list(columns), list(&referenced))
        }
        ConstraintKind::Check { expression } => format!("CHECK ({expression})"),
        ConstraintKind::Exclusion { columns } => format!("EXCLUDE ({})", list(columns)),
        ConstraintKind::NotNull { .. } => return None,
    };
    let valid = if constraint.validated { "" } else { " NOT VALID" };
    Some(format!("CONSTRAINT {} {what}{valid}", sql_name(&constraint.name)))
}

/// Quoted where it has to be.
fn sql_name(name: &str) -> String {
    render::sql_name(&show_holes(name))
}

fn qualified(name: &Name) -> String {
    match &name.schema {
        Some(schema) if schema != "public" => format!("{}.{}", sql_name(schema), sql_name(&name.name)),
        _ => sql_name(&name.name),
    }
}
