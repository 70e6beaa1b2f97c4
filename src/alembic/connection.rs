//! Calls that reach the database past `op`: connections, sessions, types and tables, and what is not followed.

use std::rc::Rc;

use super::directive::Given;
use super::eval::Evaluator;
use super::sqlalchemy::{self, sql_text, text_or_hole};
use super::types;
use super::value::{Arguments, Call, Value};
use crate::migration::{Mark, Origin};
use crate::operation::{Class, Name, Operation};
use crate::source::Span;

impl<'a> Evaluator<'a> {
    /// What `op.execute(…)` and `connection.execute(…)` run.
    pub fn execute(&mut self, value: &Value<'a>, whole: Span) {
        if let Some(text) = sql_text(value) {
            self.sql(&text, whole);
        } else if let Some(operation) = sqlalchemy::statement(value) {
            self.emit(operation, whole);
        } else if let Some(items) = value.items() {
            for item in items {
                self.deeper((), |this| this.execute(&item, whole));
            }
        } else if let Value::Call(call) = value {
            self.ddl_element(call, whole);
        } else {
            self.opaque_sql(whole);
        }
    }

    /// `op.execute(sa.schema.CreateSequence(…))` and the like.
    fn ddl_element(&mut self, call: &Rc<Call<'a>>, whole: Span) {
        let name = call.callee.as_path().and_then(|path| path.rsplit('.').next().map(str::to_owned)).unwrap_or_default();
        let object = || {
            let first = call.arguments.positional.first()?;
            match &first.value {
                Value::Call(inner) => inner.arguments.positional.first().map(|name| text_or_hole(&name.value)),
                Value::Text(text) => Some(text.as_str().to_owned()),
                _ => None,
            }
        };
        let other = |kind: &'static str| Operation::Other { kind, table: None, name: object(), class: Class::Schema };
        let operation = match name.as_str() {
            "CreateSequence" => other("create_sequence"),
            "DropSequence" => other("drop_sequence"),
            "CreateSchema" => other("create_schema"),
            "DropSchema" => other("drop_schema"),
            _ => {
                self.opaque_sql(whole);
                return;
            }
        };
        self.emit(operation, whole);
    }

    pub fn opaque_sql(&mut self, whole: Span) {
        self.emit(Operation::opaque("the SQL is only known when the script runs"), whole);
    }

    /// Methods of connections, sessions, types and tables. None when the receiver is none of these.
    pub fn connection_method(
        &mut self,
        receiver: &Value<'a>,
        method: &str,
        arguments: &Arguments<'a>,
        whole: Span,
    ) -> Option<Value<'a>> {
        let first = arguments.get(0, &["statement", "sqltext", "clause", "sql"]).map(|argument| &argument.value);
        // What a migration context and its implementation execute goes the same way as `op.execute`.
        if method == "execute" && receiver.is_migration_context() {
            match first {
                Some(value) => self.execute(value, whole),
                None => self.opaque_sql(whole),
            }
            return Some(Value::None);
        }
        let connected = receiver.is_connection();
        let given = || Given { arguments, names: vec!["bind"], batch: None, whole };
        match method {
            // `.scalar()` without a statement fetches from a result.
            "scalar" | "scalars" if first.is_none() => return None,
            "execute" | "exec_driver_sql" | "scalar" | "scalars" | "executemany"
                if connected || (method == "execute" && is_unfollowed(receiver)) =>
            {
                let before = self.steps.len();
                match first {
                    Some(value) => self.execute(value, whole),
                    None => self.opaque_sql(whole),
                }
                // The driver's own cursor takes strings.
                if connected && !receiver.is_cursor() && method != "exec_driver_sql" && matches!(first, Some(Value::Text(_))) {
                    self.steps[before..].iter_mut().for_each(|step| step.manner.plain_string = true);
                }
            }
            "create" | "drop" => {
                if let Some((name, labels)) = types::enum_type(receiver) {
                    let operation = match method {
                        "create" => Operation::CreateEnum { name, labels },
                        _ => {
                            Operation::DropType { name, is_domain: false, if_exists: given().flag("checkfirst"), cascade: false }
                        }
                    };
                    self.emit(operation, whole);
                } else if let Value::Call(call) = receiver {
                    let table = sqlalchemy::table_name(receiver);
                    if !table.is_known() {
                        return None;
                    }
                    let is_create = method == "create";
                    if is_create {
                        let elements = call.arguments.positional.get(2..).unwrap_or_default().to_vec();
                        self.table_definition(table, &elements, &given(), &[(Mark::Table, call.span)]);
                    } else {
                        self.emit(Operation::DropTable { table, if_exists: given().flag("checkfirst"), cascade: false }, whole);
                    }
                } else {
                    return None;
                }
            }
            _ if !connected => return None,
            "add" | "add_all" | "bulk_save_objects" | "bulk_insert_mappings" | "merge" => {
                self.emit(Operation::insert(Name::unknown()), whole);
            }
            "bulk_update_mappings" => {
                self.emit(Operation::update(Name::unknown(), true), whole);
            }
            "commit" if receiver.is_session() => {
                let operation = Operation::Other { kind: "session_commit", table: None, name: None, class: Class::Neither };
                self.emit(operation, whole);
            }
            "commit" => {
                // No statement of SQL: what it commits is for the session to say. The connection's own ends the migration's
                // transaction.
                let of = if receiver.is_bind() { "bind.commit" } else { "commit" };
                self.emit_from(Operation::Commit, whole, Origin::Directive(of));
            }
            "rollback" => {
                self.emit(Operation::Rollback, whole);
            }
            "delete" | "update" => {
                let narrowed = narrows(receiver);
                let operation = match method {
                    "delete" => Operation::delete(Name::unknown(), narrowed || first.is_some()),
                    _ => Operation::update(Name::unknown(), narrowed),
                };
                self.emit(operation, whole);
            }
            _ => return None,
        }
        let callee = Value::Attribute(Rc::new((receiver.clone(), method.to_owned())));
        Some(Value::Call(Rc::new(Call { callee, arguments: arguments.clone(), span: whole })))
    }

    /// A call of an imported function that is not entered: it matters when it can reach the database.
    pub fn note_unfollowed(&mut self, path: &str, arguments: &Arguments<'a>, whole: Span) {
        let handed = arguments
            .all()
            .any(|argument| argument.value.is_connection() || argument.value.as_path().is_some_and(|path| path == "alembic.op"));
        let (from, name) = path.rsplit_once('.').unwrap_or(("", path));
        // A value that is used is a type, a question, a context; a call for its own sake does something.
        let for_its_own_sake = self.discarded == Some(whole);
        let harmless = is_library(path) || LOGGING.contains(&name);
        if for_its_own_sake && (handed || !harmless) && !READERS.iter().any(|reader| path.ends_with(reader)) {
            self.emit(Operation::opaque(format!("`{name}` from `{from}` is not followed")), whole);
        }
    }
}

/// Methods of loggers, however the logger came to be.
const LOGGING: &[&str] = &["debug", "info", "warning", "warn", "error", "exception", "critical", "log"];

/// Whether a dotted name belongs to Python or to a library that reaches no database by itself.
pub(super) fn is_library(path: &str) -> bool {
    let root = path.split('.').next().unwrap_or_default();
    LIBRARIES.contains(&root)
}

/// Top-level modules whose functions reach no database unless they are handed a connection.
const LIBRARIES: &[&str] = &[
    "alembic",
    "sqlalchemy",
    "sqlmodel",
    "sqlalchemy_utils",
    "geoalchemy2",
    "pgvector",
    "abc",
    "argparse",
    "ast",
    "base64",
    "collections",
    "contextlib",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "glob",
    "hashlib",
    "importlib",
    "inspect",
    "io",
    "itertools",
    "json",
    "logging",
    "math",
    "operator",
    "os",
    "pathlib",
    "pickle",
    "pkgutil",
    "random",
    "re",
    "secrets",
    "string",
    "struct",
    "sys",
    "tempfile",
    "textwrap",
    "time",
    "timeit",
    "traceback",
    "types",
    "typing",
    "typing_extensions",
    "uuid",
    "warnings",
    "zlib",
    "zoneinfo",
    "pytz",
    "dateutil",
    "structlog",
    "loguru",
    "tqdm",
    "click",
    "rich",
    "packaging",
    "six",
    "oslo_log",
    "oslo_utils",
    "pendulum",
    "ulid",
    "simplejson",
    "yaml",
    "builtins",
];

/// Constructs that take a connection and only read from it, or only wrap it.
const READERS: &[&str] = &[
    "inspect",
    "Session",
    "sessionmaker",
    "scoped_session",
    "Inspector.from_engine",
    "Operations",
    "MetaData",
    "Table",
    "configure",
    "AsyncSession",
];

/// A receiver of which nothing is known: a parameter, a fixture, an attribute of one.
fn is_unfollowed(receiver: &Value<'_>) -> bool {
    match receiver.root() {
        Value::Unknown => true,
        Value::Call(call) => {
            call.callee.as_path().is_some_and(|path| !path.starts_with("alembic.op.")) || matches!(call.callee, Value::Unknown)
        }
        _ => false,
    }
}

/// Whether a query was narrowed before `.update()` or `.delete()`.
fn narrows(value: &Value<'_>) -> bool {
    match value {
        Value::Call(call) => match &call.callee {
            Value::Attribute(term) => matches!(term.1.as_str(), "filter" | "filter_by" | "where" | "limit") || narrows(&term.0),
            _ => false,
        },
        Value::Attribute(term) => narrows(&term.0),
        _ => false,
    }
}
