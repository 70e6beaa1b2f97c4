//! SQLAlchemy's constructs as the model knows them: types, columns, constraints, expressions.

use super::types::{TypeCheck, data_type, type_check};
use super::value::{Arguments, Call, Value};
use crate::operation::{Column, Constraint, ConstraintKind, Default, Expression, HOLE, Name, Operation, Reference};
use crate::source::Span;
use crate::text::Text;

/// The last part of the dotted name of what a term calls: `Column` of `sa.Column(…)`.
pub(super) fn construct_name(call: &Call<'_>) -> Option<String> {
    Some(call.callee.as_path()?.rsplit('.').next()?.to_owned())
}

/// The SQL text inside `text("…")`, `DDL("…")` or a plain string, also behind `.bindparams(…)` and the like.
pub(super) fn sql_text(value: &Value<'_>) -> Option<Text> {
    match value {
        Value::Text(text) => Some((**text).clone()),
        Value::Call(call) => match construct_name(call).as_deref() {
            Some("text" | "DDL" | "literal_column" | "inline_literal" | "TextClause") => {
                sql_text(&call.arguments.get(0, &["text", "statement"])?.value)
            }
            _ => match &call.callee {
                Value::Attribute(term) => match &term.0 {
                    inner @ Value::Call(_) => sql_text(inner).filter(|_| is_text_method(&term.1)),
                    _ => None,
                },
                _ => None,
            },
        },
        _ => None,
    }
}

fn is_text_method(name: &str) -> bool {
    matches!(name, "bindparams" | "columns" | "execution_options" | "params" | "execute_if")
}

pub(super) fn text_or_hole(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => text.as_str().to_owned(),
        Value::Call(call) => match construct_name(call).as_deref() {
            // op.f("name") and quoted_name("name", quote=True)
            Some("f" | "quoted_name" | "conv") => {
                call.arguments.positional.first().map_or(HOLE.to_string(), |first| text_or_hole(&first.value))
            }
            _ => HOLE.to_string(),
        },
        _ => HOLE.to_string(),
    }
}

/// `op.f("name")` and `conv("name")`: no convention is put around it.
pub(super) fn is_whole_name(value: &Value<'_>) -> bool {
    matches!(value, Value::Call(call) if matches!(construct_name(call).as_deref(), Some("f" | "conv")))
}

/// Whether a constraint's `name=` is whole.
pub(super) fn is_named_whole(constraint: &Value<'_>) -> bool {
    let Value::Call(call) = constraint else { return false };
    call.arguments.all().any(|argument| is_whole_name(&argument.value))
}

/// The constraint that `type_="check"` of `drop_constraint` stands for.
pub(super) fn kind_of_type(name: &str) -> Option<ConstraintKind> {
    Some(match name {
        "check" => ConstraintKind::Check { expression: Expression(HOLE.to_string()) },
        "unique" => ConstraintKind::Unique { columns: Vec::new(), using_index: None },
        "primary" => ConstraintKind::PrimaryKey { columns: Vec::new(), using_index: None },
        "foreignkey" => {
            let reference = Reference { table: Name::unknown(), columns: Vec::new(), on_delete: None, name: None };
            ConstraintKind::ForeignKey { columns: Vec::new(), reference }
        }
        _ => return None,
    })
}

/// A name that may be None, as of an unnamed constraint.
pub(super) fn optional_name(value: Option<&Value<'_>>) -> Option<String> {
    match value {
        None | Some(Value::None) => None,
        Some(value) => Some(text_or_hole(value)),
    }
}

/// The names in a list of columns; a single string counts as one; None where the list is not known.
pub(super) fn column_list(value: &Value<'_>) -> Vec<String> {
    match value {
        Value::List(items) => items.borrow().iter().map(column_in_index).collect(),
        Value::Text(text) => vec![text.as_str().to_owned()],
        _ => vec![HOLE.to_string()],
    }
}

/// A column by name, or the text of an expression.
pub(super) fn column_in_index(value: &Value<'_>) -> String {
    match sql_text(value) {
        Some(text) => text.as_str().to_owned(),
        None => match value {
            // sa.column("x").desc(), sa.desc("x")
            Value::Call(call) => {
                call.arguments.positional.first().map_or(HOLE.to_string(), |first| column_in_index(&first.value))
            }
            _ => HOLE.to_string(),
        },
    }
}

/// A server default: a plain string is a quoted literal, `text("…")` and functions are SQL.
pub(super) fn server_default(value: &Value<'_>) -> Option<Default> {
    let expression = |sql: String| Some(Default::Expression(Expression(sql)));
    match value {
        Value::None | Value::Bool(false) => None,
        Value::Text(text) => expression(format!("'{}'", text.as_str().replace('\'', "''"))),
        Value::Call(call) => {
            if let Some(text) = sql_text(value) {
                return expression(text.as_str().to_owned());
            }
            let path = call.callee.as_path()?;
            let name = path.rsplit('.').next().unwrap_or_default();
            match name {
                "Identity" => Some(Default::Identity),
                "Computed" => computed(&call.arguments),
                "false" => expression("false".to_owned()),
                "true" => expression("true".to_owned()),
                "null" => expression("NULL".to_owned()),
                "FetchedValue" => None,
                "Sequence" | "next_value" => Some(Default::Sequence),
                "now" | "current_timestamp" | "CURRENT_TIMESTAMP" => expression("now()".to_owned()),
                _ if path.contains(".func.") => {
                    let inner: Vec<String> =
                        call.arguments.positional.iter().map(|argument| text_or_hole(&argument.value)).collect();
                    expression(format!("{name}({})", inner.join(", ")))
                }
                _ => expression(HOLE.to_string()),
            }
        }
        _ => expression(HOLE.to_string()),
    }
}

fn computed(arguments: &Arguments<'_>) -> Option<Default> {
    let text = arguments.get(0, &["sqltext"]).and_then(|argument| sql_text(&argument.value));
    let stored = match arguments.get(1, &["persisted"]).map(|argument| &argument.value) {
        Some(Value::Bool(stored)) => Some(*stored),
        _ => None,
    };
    let expression = Expression(text.map_or(HOLE.to_string(), |text| text.as_str().to_owned()));
    Some(Default::Generated { expression, stored })
}

/// A column with the places of its parts.
pub(super) struct LoweredColumn {
    pub column: Column,
    pub name_at: Span,
    pub nullable_at: Option<Span>,
    /// `default=…`, which only the application applies.
    pub default_at: Option<Span>,
    /// `index=True`: an index, unique where the column says `unique=True` as well, which then makes no constraint.
    pub index: Option<bool>,
    /// `autoincrement=False`.
    pub unnumbered: bool,
    /// The CHECK that the column's type brings along.
    pub type_check: Option<TypeCheck>,
}

/// `sa.Column(…)`; None when the term is something else.
pub(super) fn column(value: &Value<'_>) -> Option<LoweredColumn> {
    let Value::Call(call) = value else { return None };
    if construct_name(call)? != "Column" {
        return None;
    }
    let arguments = &call.arguments;
    let keyword = |name: &str| arguments.keyword(name).map(|argument| &argument.value);
    let name_argument = arguments.get(0, &["name"]);
    let name = name_argument.map_or(HOLE.to_string(), |argument| text_or_hole(&argument.value));
    let mut column = Column { constraints_apart: true, ..Column::new(name, None) };
    let mut check = None;
    for argument in arguments.positional.iter().skip(1).chain(arguments.keyword("type_")) {
        match &argument.value {
            Value::Call(inner) => match construct_name(inner).as_deref() {
                Some("ForeignKey") => column.references = foreign_key(&inner.arguments),
                Some("CheckConstraint") => {
                    let text = inner.arguments.get(0, &["sqltext"]).and_then(|argument| sql_text(&argument.value));
                    column.checks.push(Expression(text.map_or(HOLE.to_string(), |text| text.as_str().to_owned())));
                }
                Some("Computed") => column.default = computed(&inner.arguments),
                Some("Identity") => column.default = Some(Default::Identity),
                // The application asks for the next number; the column has no default.
                Some("Sequence") => column.client_default = true,
                Some("FetchedValue") => {}
                _ => {
                    check = check.or_else(|| type_check(inner, &column.name));
                    column.data_type = column.data_type.or_else(|| data_type(&argument.value));
                }
            },
            other => column.data_type = column.data_type.or_else(|| data_type(other)),
        }
    }
    column.primary_key = matches!(keyword("primary_key"), Some(Value::Bool(true)));
    column.unique = matches!(keyword("unique"), Some(Value::Bool(true)));
    column.nullable = match keyword("nullable") {
        Some(Value::Bool(nullable)) => Some(*nullable),
        Some(_) => None,
        None if arguments.open => None,
        None => Some(!column.primary_key),
    };
    if let Some(default) = keyword("server_default") {
        column.default = server_default(default).or(column.default);
    }
    let numbered = keyword("autoincrement");
    if column.default.is_none() && column.primary_key && matches!(numbered, Some(Value::Bool(true))) {
        column.default = Some(Default::Sequence);
    }
    column.client_default = keyword("default").is_some_and(|value| !matches!(value, Value::None));
    if arguments.open && column.default.is_none() {
        column.default = Some(Default::Expression(Expression(HOLE.to_string())));
    }
    let index = matches!(keyword("index"), Some(Value::Bool(true))).then_some(column.unique);
    column.unique &= index.is_none();
    Some(LoweredColumn {
        column,
        name_at: name_argument.map_or(call.span, |argument| argument.span),
        nullable_at: arguments.keyword("nullable").map(|argument| argument.span),
        default_at: arguments.keyword("default").map(|argument| argument.span),
        index,
        unnumbered: matches!(numbered, Some(Value::Bool(false))),
        type_check: check,
    })
}

/// What a table's primary key means for its columns: NOT NULL, and, where it is one integer column, that SQLAlchemy lets
/// the database number the rows (SERIAL, AUTO_INCREMENT, SQLite's rowid), unless told `autoincrement=False`.
pub(super) fn apply_key(columns: &mut [Column], constraints: &[Constraint], numbered: bool) {
    let mut key: Vec<String> = columns.iter().filter(|column| column.primary_key).map(|column| column.name.clone()).collect();
    for constraint in constraints {
        if let ConstraintKind::PrimaryKey { columns, .. } = &constraint.kind {
            key.extend(columns.iter().cloned());
        }
    }
    key.dedup();
    for column in columns.iter_mut().filter(|column| key.contains(&column.name)) {
        column.nullable = Some(false);
    }
    let [key] = key.as_slice() else { return };
    if !numbered {
        return;
    }
    let references = constraints
        .iter()
        .any(|constraint| matches!(&constraint.kind, ConstraintKind::ForeignKey { columns, .. } if columns.contains(key)));
    let Some(column) = columns.iter_mut().find(|column| column.name == *key) else { return };
    let is_integer = column
        .data_type
        .as_ref()
        .is_some_and(|kind| matches!(kind.name.as_str(), "integer" | "bigint" | "smallint") && !kind.array);
    if is_integer && column.default.is_none() && column.references.is_none() && !references && !column.client_default {
        column.default = Some(Default::Sequence);
    }
}

/// `ForeignKey("schema.table.column", ondelete="CASCADE")`.
fn foreign_key(arguments: &Arguments<'_>) -> Option<Reference> {
    let target = text_or_hole(&arguments.get(0, &["column"])?.value);
    let mut parts: Vec<&str> = target.split('.').collect();
    let column = if parts.len() > 1 { parts.pop() } else { None };
    let table = parts.pop().unwrap_or_default().to_owned();
    let schema = parts.pop().map(str::to_owned);
    Some(Reference {
        table: Name::with_schema(schema, table),
        columns: column.map(str::to_owned).into_iter().collect(),
        on_delete: action(arguments),
        name: optional_name(arguments.keyword("name").map(|argument| &argument.value)),
    })
}

/// A foreign key with `use_alter=True`, alone or in a column: create_table leaves it out where a later ALTER TABLE can add
/// it, which is everywhere but on SQLite.
pub(super) fn is_left_to_alter(value: &Value<'_>) -> bool {
    let Value::Call(call) = value else { return false };
    match construct_name(call).as_deref() {
        Some("ForeignKeyConstraint" | "ForeignKey") => {
            call.arguments.keyword("use_alter").is_some_and(|argument| matches!(argument.value, Value::Bool(true)))
        }
        Some("Column") => call.arguments.positional.iter().any(|argument| is_left_to_alter(&argument.value)),
        _ => false,
    }
}

pub(super) fn action(arguments: &Arguments<'_>) -> Option<String> {
    arguments.keyword("ondelete").and_then(|argument| argument.value.as_str()).map(str::to_uppercase)
}

/// A table constraint in `create_table(…)`: `sa.PrimaryKeyConstraint("id", name="…")` and its kin.
pub(super) fn constraint(value: &Value<'_>) -> Option<Constraint> {
    let Value::Call(call) = value else { return None };
    let arguments = &call.arguments;
    let columns = || arguments.positional.iter().map(|argument| text_or_hole(&argument.value)).collect::<Vec<_>>();
    let mut name = optional_name(arguments.keyword("name").map(|argument| &argument.value));
    let kind = match construct_name(call)?.as_str() {
        "PrimaryKeyConstraint" => ConstraintKind::PrimaryKey { columns: columns(), using_index: None },
        "UniqueConstraint" => ConstraintKind::Unique { columns: columns(), using_index: None },
        "CheckConstraint" => {
            let text = arguments.get(0, &["sqltext"]).and_then(|argument| sql_text(&argument.value));
            ConstraintKind::Check { expression: Expression(text.map_or(HOLE.to_string(), |text| text.as_str().to_owned())) }
        }
        "ExcludeConstraint" => ConstraintKind::Exclusion { columns: Vec::new() },
        "ForeignKeyConstraint" => {
            let columns = column_list(&arguments.get(0, &["columns"])?.value);
            let targets = column_list(&arguments.get(1, &["refcolumns"])?.value);
            name = name.or_else(|| optional_name(arguments.positional.get(2).map(|argument| &argument.value)));
            let split = |target: &String| {
                let (table, column) = target.rsplit_once('.').unwrap_or((target, ""));
                (table.to_owned(), column.to_owned())
            };
            let table = targets.first().map(|target| split(target).0).unwrap_or_default();
            let table = match table.rsplit_once('.') {
                Some((schema, table)) => Name::with_schema(Some(schema.to_owned()), table),
                None => Name::new(table),
            };
            let referenced = targets.iter().map(|target| split(target).1).collect();
            let reference = Reference { table, columns: referenced, on_delete: action(arguments), name: None };
            ConstraintKind::ForeignKey { columns, reference }
        }
        _ => return None,
    };
    Some(Constraint::new(name, kind))
}

/// A data change written with SQLAlchemy's expressions: `t.update().where(…).values(…)`, `sa.delete(t)`, `select(…)`.
/// None when the term is no statement.
pub(super) fn statement(value: &Value<'_>) -> Option<Operation> {
    let mut has_where = false;
    let mut term = value;
    loop {
        let Value::Call(call) = term else { return None };
        if let Some(path) = call.callee.as_path() {
            let table = || call.arguments.positional.first().map_or_else(Name::unknown, |first| table_name(&first.value));
            return Some(match path.rsplit('.').next()? {
                "insert" => Operation::insert(table()),
                "update" => Operation::update(table(), has_where),
                "delete" => Operation::delete(table(), has_where),
                "select" | "exists" => Operation::Select(Box::default()),
                _ => return None,
            });
        }
        let Value::Attribute(method) = &call.callee else { return None };
        match method.1.as_str() {
            "update" => {
                has_where |= call.arguments.get(0, &["whereclause"]).is_some();
                return Some(Operation::update(table_name(&method.0), has_where));
            }
            "insert" => return Some(Operation::insert(table_name(&method.0))),
            "delete" => {
                has_where |= call.arguments.get(0, &["whereclause"]).is_some();
                return Some(Operation::delete(table_name(&method.0), has_where));
            }
            "select" => return Some(Operation::Select(Box::default())),
            "where" | "filter" | "filter_by" | "limit" => has_where = true,
            _ => {}
        }
        term = &method.0;
    }
}

/// `sa.table("t", …)`, `sa.Table("t", meta, …)`; unknown for anything else.
pub(super) fn table_name(value: &Value<'_>) -> Name {
    match value {
        Value::Call(call)
            if matches!(construct_name(call).as_deref(), Some("table" | "Table" | "TableClause" | "create_table")) =>
        {
            let schema = optional_name(call.arguments.keyword("schema").map(|argument| &argument.value));
            let name = call.arguments.get(0, &["table_name", "name"]);
            Name::with_schema(schema, name.map_or(HOLE.to_string(), |first| text_or_hole(&first.value)))
        }
        // table.alias(), table.c.x …
        Value::Call(call) => match &call.callee {
            Value::Attribute(term) => table_name(&term.0),
            _ => Name::unknown(),
        },
        // An ORM class, or its table.
        Value::Attribute(term) if term.1 == "__table__" => table_name(&term.0),
        Value::Class(class) => class.get("__tablename__").map_or_else(Name::unknown, |name| Name::new(text_or_hole(&name))),
        Value::Text(text) => Name::new(text.as_str()),
        _ => Name::unknown(),
    }
}
