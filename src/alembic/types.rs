//! SQLAlchemy's types as the database has them.

use super::sqlalchemy::{construct_name, optional_name, text_or_hole};
use super::value::{Arguments, Call, Class, Value};
use crate::operation::{Constraint, ConstraintKind, DataType, Dialect, Dialects, Expression, HOLE, Name};
use crate::sql::types::data_type as sql_type;

/// The packages whose JSON is the type `json`. An application that has a class of its own often means jsonb.
const TYPE_LIBRARIES: &[&str] = &["sqlalchemy", "sqlmodel", "sqlalchemy_utils"];

/// A type in a Column, `type_=` or `existing_type=`.
pub(super) fn data_type(value: &Value<'_>) -> Option<DataType> {
    let (name, arguments, path) = match value {
        // A TypeDecorator of the project's own is stored as its `impl`.
        Value::Object(object) => return implemented(&object.class),
        Value::Class(class) => return implemented(class),
        Value::Path(path) => (path.rsplit('.').next()?.to_owned(), None, path.to_string()),
        Value::Call(call) => match construct_name(call) {
            Some(name) => (name, Some(&call.arguments), call.callee.as_path()?),
            // sa.String().with_variant(…): the type without the variant
            None => match &call.callee {
                Value::Attribute(term) => return data_type(&term.0),
                _ => return None,
            },
        },
        _ => return None,
    };
    let root = path.split_once('.').map(|(root, _)| root);
    if name == "JSON" && root.is_some_and(|root| !TYPE_LIBRARIES.contains(&root)) {
        return None;
    }
    let argument = |position: usize, names: &[&str]| {
        arguments.and_then(|arguments| arguments.get(position, names)).map(|argument| &argument.value)
    };
    let number = |position: usize, names: &[&str]| match argument(position, names) {
        Some(Value::Int(number)) => vec![number.to_string()],
        Some(Value::None) | None => Vec::new(),
        Some(_) => vec![HOLE.to_string()],
    };
    // How many digits of a second: PostgreSQL's types call it precision, MySQL's fsp.
    let zoned = |plain: &str| match argument(0, &["timezone"]) {
        Some(Value::Bool(true)) => DataType::with_modifiers(format!("{plain} with time zone"), number(1, &["precision", "fsp"])),
        _ => DataType::with_modifiers(plain, number(1, &["precision", "fsp"])),
    };
    Some(match name.as_str() {
        "String" | "Unicode" | "VARCHAR" | "NVARCHAR" | "AutoString" => {
            DataType::with_modifiers("varchar", number(0, &["length"]))
        }
        "CHAR" | "NCHAR" => DataType::with_modifiers("char", number(0, &["length"])),
        "Text" | "UnicodeText" | "TEXT" | "CLOB" => DataType::new("text"),
        "Integer" | "INTEGER" | "INT" => DataType::new("integer"),
        "BigInteger" | "BIGINT" => DataType::new("bigint"),
        "SmallInteger" | "SMALLINT" => DataType::new("smallint"),
        "Boolean" | "BOOLEAN" | "BOOL" => DataType::new("boolean"),
        "DateTime" | "TIMESTAMP" | "DATETIME" => zoned("timestamp"),
        "Time" | "TIME" => zoned("time"),
        "Date" | "DATE" => DataType::new("date"),
        "Interval" | "INTERVAL" => DataType::new("interval"),
        // FLOAT(p) counts binary digits: up to 24 of them are a real.
        "Float" | "FLOAT"
            if number(0, &["precision"]).first().is_some_and(|digits| digits.parse::<u32>().is_ok_and(|digits| digits <= 24)) =>
        {
            DataType::new("real")
        }
        "Float" | "FLOAT" | "Double" | "DOUBLE" | "DOUBLE_PRECISION" => DataType::new("double precision"),
        "REAL" => DataType::new("real"),
        "Numeric" | "NUMERIC" | "DECIMAL" => {
            DataType::with_modifiers("numeric", [number(0, &["precision"]), number(1, &["scale"])].concat())
        }
        "LargeBinary" | "BYTEA" | "BLOB" | "BINARY" | "VARBINARY" | "PickleType" => DataType::new("bytea"),
        "JSON" => DataType::new("json"),
        "JSONB" => DataType::new("jsonb"),
        "Uuid" | "UUID" | "UUIDType" => DataType::new("uuid"),
        "Enum" | "ENUM" => {
            let keyword = |name: &str| arguments.and_then(|arguments| arguments.keyword(name)).map(|argument| &argument.value);
            // Written as a VARCHAR, with or without a CHECK.
            if matches!(keyword("native_enum"), Some(Value::Bool(false))) {
                let length = match number(usize::MAX, &["length"]) {
                    given if !given.is_empty() => given,
                    // As long as the longest label.
                    _ => {
                        let longest = enum_labels(arguments).iter().map(|label| label.chars().count()).max();
                        vec![longest.map_or_else(|| HOLE.to_string(), |longest| longest.to_string())]
                    }
                };
                return Some(DataType::with_modifiers("varchar", length));
            }
            // A type that is there already, by its name.
            let labels = match keyword("create_type") {
                Some(Value::Bool(false)) => Vec::new(),
                _ => enum_labels(arguments),
            };
            DataType { labels, ..DataType::new(enum_name(arguments)) }
        }
        "ARRAY" => {
            let inner = argument(0, &["item_type"]).and_then(data_type);
            DataType { array: true, ..inner.unwrap_or_else(|| DataType::new(HOLE.to_string())) }
        }
        "TINYINT" | "MEDIUMINT" => DataType::with_modifiers(name.to_lowercase(), number(0, &["display_width"])),
        _ if path.starts_with("sqlalchemy.") => sql_type(&name),
        _ => return None,
    })
}

/// The type that a TypeDecorator names; how long it is, its instance may say, which is not followed.
fn implemented(class: &Class<'_>) -> Option<DataType> {
    let kind = data_type(&class.get("impl")?)?;
    let open = kind.modifiers.is_empty() && matches!(kind.name.as_str(), "varchar" | "char" | "numeric");
    Some(if open { DataType::with_modifiers(kind.name, vec![HOLE.to_string()]) } else { kind })
}

/// The name that is given, or that of the Python class in lower case.
fn enum_name(arguments: Option<&Arguments<'_>>) -> String {
    let Some(arguments) = arguments else { return HOLE.to_string() };
    if let Some(name) = arguments.keyword("name") {
        return text_or_hole(&name.value);
    }
    let class = match arguments.positional.first().map(|first| &first.value) {
        Some(Value::Attribute(term)) => Some(term.1.to_string()),
        Some(other) => other.as_path().and_then(|path| path.rsplit('.').next().map(str::to_owned)),
        None => None,
    };
    class.map_or_else(|| HOLE.to_string(), |class| class.to_lowercase())
}

fn enum_labels(arguments: Option<&Arguments<'_>>) -> Vec<String> {
    let Some(arguments) = arguments else { return Vec::new() };
    let labels: Option<Vec<String>> =
        arguments.positional.iter().map(|argument| argument.value.as_str().map(str::to_owned)).collect();
    labels.unwrap_or_default()
}

/// The enum type that a term defines: `sa.Enum("a", name="mood")`.
pub(super) fn enum_type(value: &Value<'_>) -> Option<(Name, Vec<String>)> {
    let Value::Call(call) = value else { return None };
    if !matches!(construct_name(call)?.as_str(), "Enum" | "ENUM") {
        return None;
    }
    let name = enum_name(Some(&call.arguments));
    let schema = optional_name(call.arguments.keyword("schema").map(|argument| &argument.value));
    Some((Name::with_schema(schema, name), enum_labels(Some(&call.arguments))))
}

/// The CHECK that `create_constraint=True` makes of a type, unless the database has the type itself.
pub(super) struct TypeCheck {
    pub constraint: Constraint,
    /// Where it is not made.
    pub native_on: Dialects,
}

/// The CHECK of a `Boolean` or `Enum` with `create_constraint=True`, which is what SQLAlchemy before 1.4 did without a
/// word.
pub(super) fn type_check(kind: &Call<'_>, column: &str) -> Option<TypeCheck> {
    let keyword = |name: &str| kind.arguments.keyword(name).map(|argument| &argument.value);
    if !matches!(keyword("create_constraint"), Some(Value::Bool(true))) {
        return None;
    }
    let quoted = |label: &String| format!("'{}'", label.replace('\'', "''"));
    let (values, native_on) = match construct_name(kind)?.as_str() {
        "Boolean" => (vec!["0".to_owned(), "1".to_owned()], Dialects::one(Dialect::PostgreSql)),
        "Enum" => {
            let has_native = !matches!(keyword("native_enum"), Some(Value::Bool(false)));
            let with_enums = [Dialect::PostgreSql, Dialect::MySql, Dialect::MariaDb].map(Dialects::one);
            let native_on = with_enums.into_iter().filter(|_| has_native).fold(Dialects::NONE, Dialects::union);
            (enum_labels(Some(&kind.arguments)).iter().map(quoted).collect(), native_on)
        }
        _ => return None,
    };
    let values = if values.is_empty() { HOLE.to_string() } else { values.join(", ") };
    let expression = Expression(format!("{column} IN ({values})"));
    let constraint = Constraint::new(optional_name(keyword("name")), ConstraintKind::Check { expression });
    Some(TypeCheck { constraint, native_on })
}
