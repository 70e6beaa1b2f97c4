//! Calls that reach the database: `op.*`, batch blocks, connections, sessions, types.

use std::rc::Rc;
use std::sync::LazyLock;

use super::eval::Evaluator;
use super::naming::Convention;
use super::sqlalchemy::{self, column_list, optional_name, sql_text, text_or_hole};
use super::types::TypeCheck;
use super::value::{Argument, Arguments, Batch, Call, Value};
use crate::migration::{CopyFrom, Mark, Origin, Recreate, Step, TableArgs};
use crate::operation::{
    Class, Constraint, ConstraintKind, CreateIndex, CreateTable, Dialect, Dialects, Expression, HOLE, Name, Operation, Reference,
};
use crate::source::Span;

/// The directives of Alembic's reference with the names of their positional arguments. In a batch the
/// table's argument is left out.
const DIRECTIVES: &[(&str, &[&str])] = &[
    ("add_column", &["table_name", "column"]),
    ("alter_column", &["table_name", "column_name"]),
    ("bulk_insert", &["table", "rows"]),
    ("create_check_constraint", &["constraint_name", "table_name", "condition"]),
    ("create_exclude_constraint", &["constraint_name", "table_name"]),
    ("create_foreign_key", &["constraint_name", "source_table", "referent_table", "local_cols", "remote_cols"]),
    ("create_index", &["index_name", "table_name", "columns"]),
    ("create_primary_key", &["constraint_name", "table_name", "columns"]),
    ("create_table", &["table_name"]),
    ("create_table_comment", &["table_name", "comment"]),
    ("create_unique_constraint", &["constraint_name", "table_name", "columns"]),
    ("drop_column", &["table_name", "column_name"]),
    ("drop_constraint", &["constraint_name", "table_name", "type_"]),
    ("drop_index", &["index_name", "table_name"]),
    ("drop_table", &["table_name"]),
    ("drop_table_comment", &["table_name"]),
    ("execute", &["sqltext"]),
    ("rename_table", &["old_table_name", "new_table_name"]),
    ("batch_alter_table", &["table_name", "schema", "recreate"]),
];

/// The names that `from alembic.op import *` brings.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    DIRECTIVES.iter().map(|(name, _)| *name).chain(["get_bind", "get_context", "f"])
}

/// Keyword names of Alembic before 1.0, still accepted here.
const OLD_NAMES: &[(&str, &str)] = &[
    ("constraint_name", "name"),
    ("index_name", "name"),
    ("table_name", "tablename"),
    ("source_table", "source"),
    ("referent_table", "referent"),
    ("columns", "cols"),
];

/// The arguments of one directive by their documented names.
pub(super) struct Given<'v, 'a> {
    pub arguments: &'v Arguments<'a>,
    pub names: Vec<&'static str>,
    pub batch: Option<&'v Rc<Batch>>,
    pub whole: Span,
}

impl<'v, 'a> Given<'v, 'a> {
    pub(super) fn argument(&self, name: &str) -> Option<&'v Argument<'a>> {
        let position = self.names.iter().position(|known| *known == name);
        let old = OLD_NAMES.iter().find(|(new, _)| *new == name).map(|(_, old)| *old);
        position
            .and_then(|at| self.arguments.positional.get(at))
            .or_else(|| self.arguments.keyword(name))
            .or_else(|| self.arguments.keyword(old?))
    }

    pub(super) fn value(&self, name: &str) -> Option<&'v Value<'a>> {
        self.argument(name).map(|argument| &argument.value)
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.value(name).map_or(HOLE.to_string(), text_or_hole)
    }

    pub fn flag(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Bool(true)))
    }

    /// The table of the batch, or the argument.
    pub(super) fn table(&self, name: &str) -> Name {
        self.batch.map_or_else(|| self.qualified(name, "schema"), |batch| batch.table.clone())
    }

    fn qualified(&self, name: &str, schema: &str) -> Name {
        Name::with_schema(optional_name(self.value(schema)), self.text(name))
    }

    fn columns(&self, name: &str) -> Vec<String> {
        self.value(name).map_or_else(|| vec![HOLE.to_string()], column_list)
    }

    pub(super) fn span(&self, name: &str) -> Span {
        self.argument(name).map_or(self.whole, |argument| argument.span)
    }

    pub(super) fn table_span(&self, name: &str) -> Span {
        self.batch.map_or_else(|| self.span(name), |batch| batch.table_span)
    }
}

impl<'a> Evaluator<'a> {
    /// Tries a call as one that reaches the database; None when it is not.
    pub fn directive(
        &mut self,
        callee: &Value<'a>,
        receiver: Option<&(Value<'a>, &str)>,
        arguments: &Arguments<'a>,
        whole: Span,
    ) -> Option<Value<'a>> {
        if let Value::Path(path) = callee {
            if &**path == "alembic.context.execute" {
                return self.op("execute", arguments, None, whole);
            }
            let name = path.strip_prefix("alembic.op.").or_else(|| path.strip_prefix("alembic.operations.Operations."))?;
            return self.op(name, arguments, None, whole);
        }
        let (value, method) = receiver?;
        match value {
            Value::Batch(batch) => {
                let batch = batch.clone();
                let mut result = None;
                self.in_batch(&batch.clone(), |this| result = this.op(method, arguments, Some(&batch), whole));
                result
            }
            Value::Call(call)
                if call
                    .callee
                    .as_path()
                    .is_some_and(|path| path.ends_with(".Operations") || path.ends_with(".Operations.context")) =>
            {
                self.op(method, arguments, None, whole)
            }
            _ => self.connection_method(value, method, arguments, whole),
        }
    }

    pub(super) fn op(
        &mut self,
        name: &str,
        arguments: &Arguments<'a>,
        batch: Option<&Rc<Batch>>,
        whole: Span,
    ) -> Option<Value<'a>> {
        match name {
            // A name that no convention is to change.
            "f" => {
                let callee = Value::path("alembic.op.f");
                return Some(Value::Call(Rc::new(Call { callee, arguments: arguments.clone(), span: whole })));
            }
            "invoke" => {
                if let Some(value) = self.invoke(arguments, whole) {
                    return Some(value);
                }
            }
            // Values to ask questions of; kept as terms.
            "get_bind" | "get_context" | "inline_literal" | "batch_op" | "implementation_for" | "register_operation" | "impl"
            | "migration_context" => return None,
            "run_async" => {
                self.emit(Operation::opaque("what runs inside `op.run_async` is not followed"), whole);
                return Some(Value::Unknown);
            }
            _ => {}
        }
        let Some(&(name, names)) = DIRECTIVES.iter().find(|(known, _)| *known == name) else {
            if let Some(value) = self.custom_operation(name, arguments, whole) {
                return Some(value);
            }
            if !self.library_directive(name, arguments, whole) {
                self.emit(Operation::opaque(format!("`op.{name}` is no directive of Alembic's own")), whole);
            }
            return Some(Value::Unknown);
        };
        let dropped = ["table_name", "source_table"];
        let names = names.iter().copied().filter(|name| batch.is_none() || !dropped.contains(name)).collect();
        let given = Given { arguments, names, batch, whole };
        if name == "batch_alter_table" {
            return Some(self.open_batch(&given));
        }
        if name == "execute" {
            match given.value("sqltext") {
                Some(value) => self.execute(value, whole),
                None => self.opaque_sql(whole),
            }
            return Some(Value::None);
        }
        self.lower(name, &given);
        // The table that it gives back.
        if name == "create_table" {
            let callee = Value::path("alembic.op.create_table");
            return Some(Value::Call(Rc::new(Call { callee, arguments: arguments.clone(), span: whole })));
        }
        Some(Value::Unknown)
    }

    /// Emits the operations of one directive.
    fn lower(&mut self, name: &'static str, given: &Given<'_, 'a>) {
        let whole = given.whole;
        let table_at = given.table_span("table_name");
        match name {
            "create_table" => self.create_table(given),
            "add_column" => self.add_column(given),
            "alter_column" => self.alter_column(given),
            "drop_table" => {
                let (table, if_exists) = (given.table("table_name"), given.flag("if_exists"));
                self.emit_marked(
                    Operation::DropTable { table, if_exists, cascade: false },
                    name,
                    whole,
                    &[(Mark::Table, table_at)],
                );
            }
            "rename_table" => {
                let table = given.qualified("old_table_name", "schema");
                let to = given.qualified("new_table_name", "schema");
                let marks = [(Mark::Table, given.span("old_table_name"))];
                self.emit_marked(Operation::RenameTable { table, to }, name, whole, &marks);
            }
            "drop_column" => {
                let column = given.text("column_name");
                let operation = Operation::DropColumn {
                    table: given.table("table_name"),
                    column,
                    if_exists: given.flag("if_exists"),
                    cascade: false,
                };
                let marks = [(Mark::Table, table_at), (Mark::Name, given.span("column_name"))];
                self.emit_marked(operation, name, whole, &marks);
            }
            "create_index" => {
                let (table, columns) = (given.table("table_name"), given.columns("columns"));
                let named = optional_name(given.value("index_name"));
                let named = named.unwrap_or_else(|| self.convention.index(&table, &columns));
                let condition =
                    ["postgresql_where", "sqlite_where"].iter().find_map(|name| sqlalchemy::sql_text(given.value(name)?));
                let index = CreateIndex {
                    unique: given.flag("unique"),
                    concurrently: given.flag("postgresql_concurrently"),
                    if_not_exists: given.flag("if_not_exists"),
                    method: given.value("postgresql_using").and_then(|method| Some(method.as_str()?.to_lowercase())),
                    predicate: condition.map(|text| Expression(text.as_str().to_owned())),
                    include: given.value("postgresql_include").map(column_list).unwrap_or_default(),
                    ..CreateIndex::new(Some(named), table, columns).with_orders()
                };
                let marks = [(Mark::Table, table_at), (Mark::Name, given.span("index_name"))];
                self.emit_marked(Operation::CreateIndex(Box::new(index)), name, whole, &marks);
            }
            "drop_index" => {
                let table = match (given.batch, given.value("table_name")) {
                    (None, None | Some(Value::None)) => None,
                    _ => Some(given.table("table_name")),
                };
                let schema = table.as_ref().map_or_else(|| optional_name(given.value("schema")), |table| table.schema.clone());
                let operation = Operation::DropIndex {
                    index: Name::with_schema(schema, given.text("index_name")),
                    table,
                    concurrently: given.flag("postgresql_concurrently"),
                    if_exists: given.flag("if_exists"),
                    cascade: false,
                };
                let marks = [(Mark::Table, table_at), (Mark::Name, given.span("index_name"))];
                self.emit_marked(operation, name, whole, &marks);
            }
            "create_foreign_key"
            | "create_check_constraint"
            | "create_unique_constraint"
            | "create_primary_key"
            | "create_exclude_constraint" => self.create_constraint(name, given),
            "drop_constraint" => {
                let on_mysql = self.sql_dialect().is_some_and(Dialect::is_mysql_like);
                let constraint = match given.value("type_").and_then(Value::as_str) {
                    // Alembic sends DROP PRIMARY KEY there, whatever the name.
                    Some("primary") if on_mysql => Some("PRIMARY".to_owned()),
                    kind => {
                        let kind = kind.and_then(sqlalchemy::kind_of_type);
                        let name = given.value("constraint_name");
                        match kind {
                            Some(kind) => self.constraint_name(&given.table("table_name"), &kind, name),
                            None => optional_name(name),
                        }
                    }
                };
                let operation = Operation::DropConstraint {
                    table: given.table("table_name"),
                    constraint,
                    if_exists: given.flag("if_exists"),
                    cascade: false,
                };
                let marks = [(Mark::Table, table_at), (Mark::Name, given.span("constraint_name"))];
                self.emit_marked(operation, name, whole, &marks);
            }
            "bulk_insert" => {
                let table = given.value("table").map_or_else(Name::unknown, sqlalchemy::table_name);
                self.emit_marked(Operation::insert(table), name, whole, &[(Mark::Table, given.span("table"))]);
            }
            _ => {
                let table = Some(given.table("table_name"));
                let operation = Operation::Other { kind: "comment", table, name: None, class: Class::Schema };
                self.emit_marked(operation, name, whole, &[(Mark::Table, table_at)]);
            }
        }
    }

    pub(super) fn emit_marked(
        &mut self,
        operation: Operation,
        name: &'static str,
        whole: Span,
        marks: &[(Mark, Span)],
    ) -> &mut Step {
        let marked = self.places_are_here();
        let step = self.emit_from(operation, whole, Origin::Directive(name));
        for &(mark, span) in marks.iter().filter(|(_, span)| marked && *span != Span::default()) {
            step.marks.set(mark, span);
        }
        step
    }

    fn create_table(&mut self, given: &Given<'_, 'a>) {
        let table = given.table("table_name");
        let marks = [(Mark::Table, given.span("table_name"))];
        self.table_definition(table, &given.arguments.positional[given.arguments.positional.len().min(1)..], given, &marks);
    }

    /// `create_table` and `Table(…).create()`: columns and constraints among the arguments.
    pub fn table_definition(&mut self, table: Name, elements: &[Argument<'a>], given: &Given<'_, 'a>, marks: &[(Mark, Span)]) {
        let Definition { create, by_column, own } = self.defined(table, elements, given);
        let table = create.table.clone();
        self.emit_marked(Operation::CreateTable(Box::new(create)), "create_table", given.whole, marks);
        for (column, unique, span) in by_column {
            self.column_index(&table, &column, unique, span, given.whole);
        }
        for (index, span) in own {
            self.emit_marked(Operation::CreateIndex(Box::new(index)), "create_index", given.whole, &[(Mark::Name, span)]);
        }
    }

    /// What the arguments of a table say of it.
    fn defined(&self, table: Name, elements: &[Argument<'a>], given: &Given<'_, 'a>) -> Definition {
        let mut definition = CreateTable {
            columns_unknown: given.arguments.open,
            if_not_exists: given.flag("if_not_exists"),
            temporary: given
                .value("prefixes")
                .is_some_and(|prefixes| column_list(prefixes).iter().any(|one| one.eq_ignore_ascii_case("temporary"))),
            partition_key: given.value("postgresql_partition_by").map(|_| vec![HOLE.to_string()]).unwrap_or_default(),
            ..CreateTable::of_unknown_columns(table.clone())
        };
        let (mut by_column, mut own) = (Vec::new(), Vec::new());
        let mut numbered = true;
        let on_sqlite_alone = *self.dialects == [Dialect::Sqlite];
        for element in elements {
            let left_to_alter = !on_sqlite_alone && sqlalchemy::is_left_to_alter(&element.value);
            if let Some(mut lowered) = sqlalchemy::column(&element.value) {
                lowered.column.references.take_if(|_| left_to_alter);
                if let Some(unique) = lowered.index {
                    by_column.push((lowered.column.name.clone(), unique, element.span));
                }
                numbered &= !lowered.unnumbered;
                let lacks = |check: &TypeCheck| self.sql_dialect().is_some_and(|dialect| !check.native_on.contains(dialect));
                let check = lowered.type_check.filter(lacks).map(|check| self.type_constraint(&table, check));
                definition.constraints.extend(check);
                definition.columns.push(lowered.column);
            } else if let Some(mut constraint) = sqlalchemy::constraint(&element.value) {
                let whole = sqlalchemy::is_named_whole(&element.value);
                constraint.name = self.conventional(&table, &constraint.kind, constraint.name, whole);
                definition.constraints.extend(Some(constraint).filter(|_| !left_to_alter));
            } else if let Some(index) = index_in(&element.value, &table) {
                own.push((index, element.span));
            } else if !matches!(element.value, Value::None) {
                // Columns from `*mixin_columns()` and the like.
                definition.columns_unknown = true;
            }
        }
        sqlalchemy::apply_key(&mut definition.columns, &definition.constraints, numbered);
        Definition { create: definition, by_column, own }
    }

    fn open_batch(&mut self, given: &Given<'_, 'a>) -> Value<'a> {
        let recreate = match given.value("recreate").and_then(Value::as_str) {
            Some("always") => Recreate::Always,
            Some("never") => Recreate::Never,
            _ => Recreate::Auto,
        };
        let table = given.qualified("table_name", "schema");
        let copy_from = match given.value("copy_from") {
            None | Some(Value::None) => CopyFrom::None,
            Some(picture) => self.pictured(&table, picture),
        };
        let manner = crate::migration::Batch {
            recreate,
            block: given.whole,
            copy_from,
            table_args: table_args(given.value("table_args")),
            has_naming_convention: given.value("naming_convention").is_some(),
        };
        Value::Batch(Rc::new(Batch { table, table_span: given.span("table_name"), manner }))
    }

    /// `sa.Table("name", sa.MetaData(), …)` of the table itself.
    fn pictured(&mut self, table: &Name, picture: &Value<'a>) -> CopyFrom {
        let Value::Call(call) = picture else { return CopyFrom::Unknown };
        let [_, metadata, elements @ ..] = call.arguments.positional.as_slice() else { return CopyFrom::Unknown };
        // Its names would be the convention's.
        let plain = matches!(&metadata.value, Value::Call(made) if made.arguments.keyword("naming_convention").is_none());
        if sqlalchemy::table_name(picture) != *table || !plain {
            return CopyFrom::Unknown;
        }
        static PLAIN: LazyLock<Convention> = LazyLock::new(Convention::default);
        let convention = std::mem::replace(&mut self.convention, &PLAIN);
        let given = Given { arguments: &call.arguments, names: Vec::new(), batch: None, whole: call.span };
        let Definition { create, own, .. } = self.defined(table.clone(), elements, &given);
        self.convention = convention;
        if create.columns_unknown {
            return CopyFrom::Unknown;
        }
        let indexes = own.into_iter().map(|(index, _)| Operation::CreateIndex(Box::new(index)));
        CopyFrom::Known(std::iter::once(Operation::CreateTable(Box::new(create))).chain(indexes).collect())
    }

    /// The CHECK of a column's type, on a database that has no such type.
    pub(super) fn type_constraint(&self, table: &Name, check: TypeCheck) -> Constraint {
        let Constraint { name, kind, .. } = check.constraint;
        Constraint::new(self.conventional(table, &kind, name, false), kind)
    }

    /// Emits what happens on some of the dialects only that are reached here, and nobody asked for.
    pub(super) fn emit_implied(
        &mut self,
        operation: Operation,
        on: Dialects,
        name: &'static str,
        whole: Span,
        marks: &[(Mark, Span)],
    ) {
        let everywhere = self.around.on;
        self.around.on = everywhere.intersection(on);
        if self.dialects.iter().any(|dialect| self.around.on.contains(*dialect)) {
            self.emit_marked(operation, name, whole, marks).manner.implied = true;
        }
        self.around.on = everywhere;
    }

    fn constraint_name(&self, table: &Name, kind: &ConstraintKind, written: Option<&Value<'a>>) -> Option<String> {
        self.conventional(table, kind, optional_name(written), written.is_some_and(sqlalchemy::is_whole_name))
    }

    /// The name of a constraint that is given one, as the metadata makes it; a whole one stays.
    fn conventional(&self, table: &Name, kind: &ConstraintKind, name: Option<String>, whole: bool) -> Option<String> {
        name.map(|name| if whole { name } else { self.convention.given(table, kind, name) })
    }

    /// The index that `index=True` makes, under the name SQLAlchemy gives it.
    fn column_index(&mut self, table: &Name, column: &str, unique: bool, span: Span, whole: Span) {
        let named = Some(self.convention.index(table, &[column.to_owned()]));
        let index = CreateIndex { unique, ..CreateIndex::new(named, table.clone(), vec![column.to_owned()]) };
        let marked = self.places_are_here();
        let step = self.emit_marked(Operation::CreateIndex(Box::new(index)), "create_index", whole, &[(Mark::Name, span)]);
        if marked {
            step.span = span;
        }
    }

    fn add_column(&mut self, given: &Given<'_, 'a>) {
        let table = given.table("table_name");
        let argument = given.argument("column");
        let Some(lowered) = argument.and_then(|argument| sqlalchemy::column(&argument.value)) else {
            self.emit(Operation::opaque(format!("the column added to `{table}` is not known")), given.whole);
            return;
        };
        let mut marks = vec![(Mark::Table, given.table_span("table_name")), (Mark::Name, lowered.name_at)];
        marks.extend(lowered.nullable_at.map(|span| (Mark::Nullable, span)));
        marks.extend(lowered.default_at.map(|span| (Mark::Default, span)));
        let name = lowered.column.name.clone();
        // Alembic sends ADD COLUMN without them, and each as a statement behind it.
        let mut column = lowered.column;
        // Alembic leaves PRIMARY KEY out of ADD COLUMN, and lets the database number the rows.
        if column.primary_key {
            sqlalchemy::apply_key(std::slice::from_mut(&mut column), &[], !lowered.unnumbered);
            column.primary_key = false;
        }
        let (unique, references) = (std::mem::take(&mut column.unique), column.references.take());
        let if_not_exists = given.flag("if_not_exists");
        let operation = Operation::AddColumn { table: table.clone(), column: Box::new(column), if_not_exists };
        self.emit_marked(operation, "add_column", given.whole, &marks);
        let own = || vec![name.clone()];
        let unique = unique.then(|| (None, ConstraintKind::Unique { columns: own(), using_index: None }));
        let key = references.map(|reference| (reference.name.clone(), ConstraintKind::ForeignKey { columns: own(), reference }));
        for (named, kind) in unique.into_iter().chain(key) {
            let constraint = Box::new(Constraint::new(named, kind));
            self.emit_marked(Operation::AddConstraint { table: table.clone(), constraint }, "add_column", given.whole, &marks);
        }
        if let Some(check) = lowered.type_check {
            // On SQLite, Alembic leaves it out with a warning.
            let on = check.native_on.union(Dialects::one(Dialect::Sqlite)).complement();
            let constraint = Box::new(self.type_constraint(&table, check));
            let operation = Operation::AddConstraint { table: table.clone(), constraint };
            self.emit_implied(operation, on, "add_column", given.whole, &marks);
        }
        if let Some(unique) = lowered.index {
            self.column_index(&table, &name, unique, lowered.name_at, given.whole);
        }
    }

    fn create_constraint(&mut self, name: &'static str, given: &Given<'_, 'a>) {
        let (table, table_at) = match name {
            "create_foreign_key" => match given.batch {
                Some(batch) => (batch.table.clone(), batch.table_span),
                None => (given.qualified("source_table", "source_schema"), given.span("source_table")),
            },
            _ => (given.table("table_name"), given.table_span("table_name")),
        };
        let kind = match name {
            "create_foreign_key" => ConstraintKind::ForeignKey {
                columns: given.columns("local_cols"),
                reference: Reference {
                    table: given.qualified("referent_table", "referent_schema"),
                    columns: given.columns("remote_cols"),
                    on_delete: sqlalchemy::action(given.arguments),
                    name: None,
                },
            },
            "create_check_constraint" => ConstraintKind::Check {
                expression: Expression(
                    given.value("condition").and_then(sql_text).map_or(HOLE.to_string(), |text| text.as_str().to_owned()),
                ),
            },
            "create_unique_constraint" => ConstraintKind::Unique { columns: given.columns("columns"), using_index: None },
            "create_primary_key" => ConstraintKind::PrimaryKey { columns: given.columns("columns"), using_index: None },
            _ => ConstraintKind::Exclusion { columns: Vec::new() },
        };
        let constraint = Constraint {
            not_valid: given.flag("postgresql_not_valid"),
            ..Constraint::new(self.constraint_name(&table, &kind, given.value("constraint_name")), kind)
        };
        let marks = [(Mark::Table, table_at), (Mark::Name, given.span("constraint_name"))];
        self.emit_marked(Operation::AddConstraint { table, constraint: Box::new(constraint) }, name, given.whole, &marks);
    }
}

/// What the arguments of a table say of it.
struct Definition {
    create: CreateTable,
    /// `index=True`: the column, and whether the index is unique.
    by_column: Vec<(String, bool, Span)>,
    /// `sa.Index(…)`.
    own: Vec<(CreateIndex, Span)>,
}

/// `sa.Index("name", "column", unique=True)` among the elements of a table.
fn index_in(value: &Value<'_>, table: &Name) -> Option<CreateIndex> {
    let Value::Call(call) = value else { return None };
    if !call.callee.as_path().is_some_and(|path| path.ends_with(".Index")) {
        return None;
    }
    let name = optional_name(call.arguments.positional.first().map(|first| &first.value));
    let columns = call.arguments.positional.iter().skip(1).map(|argument| sqlalchemy::column_in_index(&argument.value)).collect();
    let keyword = |name: &str| call.arguments.keyword(name).map(|argument| &argument.value);
    let condition = ["postgresql_where", "sqlite_where"].iter().find_map(|name| sqlalchemy::sql_text(keyword(name)?));
    let index = CreateIndex {
        unique: matches!(keyword("unique"), Some(Value::Bool(true))),
        method: keyword("postgresql_using").and_then(|method| Some(method.as_str()?.to_lowercase())),
        predicate: condition.map(|text| Expression(text.as_str().to_owned())),
        include: keyword("postgresql_include").map(column_list).unwrap_or_default(),
        ..CreateIndex::new(name, table.clone(), columns)
    };
    Some(index.with_orders())
}

/// The constraints of `table_args=`; unknown where one of them is.
fn table_args(value: Option<&Value<'_>>) -> TableArgs {
    let Some(value) = value.filter(|value| !matches!(value, Value::None)) else { return TableArgs::None };
    let items = value.items().unwrap_or_else(|| vec![value.clone()]);
    let constraints: Option<Vec<Constraint>> = items.iter().map(sqlalchemy::constraint).collect();
    constraints.map_or(TableArgs::Unknown, |all| TableArgs::Known(all.into()))
}
