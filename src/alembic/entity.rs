//! Directives that other libraries add to Alembic: `alembic_utils`' entities and `alembic_postgresql_enum`'s enums.
//!
//! Each is read as the SQL that the library sends for it.

use super::eval::Evaluator;
use super::value::{Arguments, Call, Value};
use crate::operation::{Dialect, Dialects, Operation};
use crate::source::Span;
use crate::text::Text;

impl<'a> Evaluator<'a> {
    /// Tries a directive of one of these libraries; false when it is none.
    pub(super) fn library_directive(&mut self, name: &str, arguments: &Arguments<'a>, whole: Span) -> bool {
        let statements = match name {
            "create_entity" | "replace_entity" | "drop_entity" | "revert_entity" => {
                let Some(Value::Call(call)) = arguments.get(0, &["target"]).map(|argument| &argument.value) else { return false };
                entity(name, call, whole)
            }
            "sync_enum_values" => sync_enum_values(arguments, whole),
            _ => return false,
        };
        match statements {
            Some(statements) => {
                let everywhere = self.around.on;
                // Elsewhere alembic_postgresql_enum does nothing.
                if name == "sync_enum_values" {
                    self.around.on = everywhere.intersection(Dialects::one(Dialect::PostgreSql));
                }
                let first = self.steps.len();
                statements.iter().for_each(|text| self.sql(text, whole));
                self.steps[first..].iter_mut().for_each(|step| step.manner.implied |= self.around.on != everywhere);
                self.around.on = everywhere;
            }
            None => {
                self.emit(Operation::opaque(format!("what `op.{name}` makes is not known")), whole);
            }
        }
        true
    }
}

/// A text of parts that stand for the whole call, and parts with places of their own.
fn joined(whole: Span, parts: &[Part<'_>]) -> Text {
    let mut out = Text::default();
    for part in parts {
        match part {
            Part::Words(words) => out.push(words, whole),
            Part::Value(text) => out.append(text),
        }
    }
    out
}

enum Part<'t> {
    Words(&'t str),
    Value(&'t Text),
}

/// What stands in front of a name in a schema; nothing for the schema that everybody looks into.
fn qualifier(schema: &str) -> String {
    if schema == "public" { String::new() } else { format!("\"{schema}\".") }
}

/// The SQL of an entity of `alembic_utils`; None for one that is not known, or whose text is not.
fn entity(directive: &str, call: &Call<'_>, whole: Span) -> Option<Vec<Text>> {
    use Part::{Value as Given, Words};
    let path = call.callee.as_path()?;
    let kind = path.rsplit('.').next()?;
    let text = |position: usize, name: &str| call.arguments.get(position, &[name])?.value.as_text();
    let schema = text(0, "schema").map_or_else(|| "public".to_owned(), |schema| schema.as_str().to_owned());
    let signature = text(1, "signature")?;
    let qualifier = qualifier(&schema);
    let definition = || text(2, "definition");
    let on = || Some(call.arguments.keyword("on_entity")?.value.as_str()?.to_owned());
    // `to_upper(x text)`
    let name = signature.as_str().split('(').next()?.trim().to_owned();
    let (object, replaceable) = match kind {
        "PGFunction" => ("FUNCTION", true),
        "PGProcedure" => ("PROCEDURE", true),
        "PGView" => ("VIEW", true),
        "PGMaterializedView" => ("MATERIALIZED VIEW", false),
        "PGTrigger" => ("TRIGGER", false),
        "PGExtension" => ("EXTENSION", false),
        "PGPolicy" => ("POLICY", false),
        _ => return None,
    };
    let on_table = |found: Option<String>| found.map_or_else(String::new, |table| format!(" ON {table}"));
    let drop = match kind {
        "PGTrigger" | "PGPolicy" => format!("DROP {object} \"{name}\"{}", on_table(on())),
        "PGExtension" => format!("DROP EXTENSION \"{name}\""),
        _ => format!("DROP {object} {qualifier}\"{name}\""),
    };
    let create = |replaces: bool| {
        let head = format!("CREATE {}{object} ", if replaces { "OR REPLACE " } else { "" });
        Some(match kind {
            "PGFunction" | "PGProcedure" => {
                joined(whole, &[Words(&head), Words(&qualifier), Given(signature), Words(" "), Given(definition()?)])
            }
            "PGView" | "PGMaterializedView" => {
                let data = if matches!(call.arguments.keyword("with_data").map(|one| &one.value), Some(Value::Bool(false))) {
                    " WITH NO DATA"
                } else {
                    ""
                };
                let name =
                    [Words(&head), Words(&qualifier), Words("\""), Given(signature), Words("\" AS "), Given(definition()?)];
                joined(whole, &name.into_iter().chain([Words(data)]).collect::<Vec<_>>())
            }
            "PGTrigger" => joined(whole, &[Words(&head), Words("\""), Given(signature), Words("\" "), Given(definition()?)]),
            "PGPolicy" => {
                let on = on_table(on());
                joined(
                    whole,
                    &[Words(&head), Words("\""), Given(signature), Words("\""), Words(&on), Words(" "), Given(definition()?)],
                )
            }
            _ => joined(whole, &[Words(&head), Words("\""), Given(signature), Words("\"")]),
        })
    };
    let dropped = || Text::new(drop.clone(), whole);
    match directive {
        "create_entity" => Some(vec![create(false)?]),
        "drop_entity" => Some(vec![dropped()]),
        _ if replaceable => Some(vec![create(true)?]),
        _ => Some(vec![dropped(), create(false)?]),
    }
}

/// The old type goes aside, the columns are converted to a new one, the old one goes: each table is written anew.
fn sync_enum_values(arguments: &Arguments<'_>, whole: Span) -> Option<Vec<Text>> {
    let value = |position: usize, names: &[&str]| arguments.get(position, names).map(|argument| &argument.value);
    let schema = value(0, &["enum_schema"]).and_then(Value::as_str).unwrap_or("public");
    let name = value(1, &["enum_name"])?.as_str()?;
    let labels: Vec<String> =
        value(2, &["new_values"])?.items()?.iter().map(|label| Some(label.as_str()?.to_owned())).collect::<Option<_>>()?;
    let labels: Vec<String> = labels.iter().map(|label| format!("'{}'", label.replace('\'', "''"))).collect();
    let qualifier_of_type = qualifier(schema);
    let (qualified, old) = (format!("{qualifier_of_type}\"{name}\""), format!("{qualifier_of_type}\"{name}_old\""));
    let mut out = vec![
        format!("ALTER TYPE {qualified} RENAME TO \"{name}_old\""),
        format!("CREATE TYPE {qualified} AS ENUM ({})", labels.join(", ")),
    ];
    for column in value(3, &["affected_columns"])?.items()? {
        let Value::Call(reference) = &column else { return None };
        let text = |position: usize, name: &str| Some(reference.arguments.get(position, &[name])?.value.as_str()?.to_owned());
        let (table, column) = (text(0, "table_name")?, text(1, "column_name")?);
        let of = reference.arguments.keyword("table_schema").and_then(|one| one.value.as_str()).unwrap_or("public");
        let table = format!("{}\"{table}\"", qualifier(of));
        out.push(format!("ALTER TABLE {table} ALTER COLUMN \"{column}\" TYPE {qualified} USING \"{column}\"::text::{qualified}"));
    }
    out.push(format!("DROP TYPE {old}"));
    Some(out.into_iter().map(|sql| Text::new(sql, whole)).collect())
}
