//! What an expression of a migration script can be without running it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::{Rc, Weak};

use rustpython_parser::ast;

use crate::operation::Dialects;
use crate::source::{Source, Span};
use crate::text::Text;

/// An abstract value. What is not followed is kept as the term that was written ([`Value::Call`],
/// [`Value::Attribute`]) or is [`Value::Unknown`].
#[derive(Clone)]
pub(super) enum Value<'a> {
    Unknown,
    None,
    Bool(bool),
    Int(i64),
    Text(Rc<Text>),
    /// A list, tuple or set.
    List(Rc<RefCell<Vec<Value<'a>>>>),
    Dict(Rc<RefCell<Vec<(Value<'a>, Value<'a>)>>>),
    /// Something imported, by its dotted name: `sqlalchemy.Column`, `alembic.op`.
    Path(Rc<str>),
    Attribute(Rc<(Value<'a>, String)>),
    Call(Rc<Call<'a>>),
    Function(Rc<Function<'a>>),
    /// A class of the file, with its attributes and methods.
    Class(Rc<Class<'a>>),
    /// An instance of one.
    Object(Rc<Object<'a>>),
    /// A method of an instance.
    Method(Rc<(Value<'a>, Rc<Function<'a>>)>),
    /// `super()`: the instance, and the classes in which its methods are looked up.
    Super(Rc<(Rc<Object<'a>>, Vec<Rc<Class<'a>>>)>),
    /// The object that `with op.batch_alter_table(…) as …` binds.
    Batch(Rc<Batch>),
    /// A condition that holds exactly on these dialects.
    OnDialect(Dialects),
    /// A condition that may hold on these dialects, and on no other.
    PerhapsOn(Dialects),
    /// A condition that holds on these dialects, and may hold on others.
    AtLeastOn(Dialects),
}

/// A call that was not followed.
pub(super) struct Call<'a> {
    pub callee: Value<'a>,
    pub arguments: Arguments<'a>,
    pub span: Span,
}

#[derive(Clone)]
pub(super) struct Argument<'a> {
    pub value: Value<'a>,
    pub span: Span,
}

/// The arguments of a call, evaluated, with the places of each.
#[derive(Clone, Default)]
pub(super) struct Arguments<'a> {
    pub positional: Vec<Argument<'a>>,
    /// The span covers `name=value`.
    pub keywords: Vec<(String, Argument<'a>)>,
    /// A `*` or `**` argument that is not known brought more.
    pub open: bool,
}

impl<'a> Arguments<'a> {
    pub fn keyword(&self, name: &str) -> Option<&Argument<'a>> {
        self.keywords.iter().find(|(known, _)| known == name).map(|(_, argument)| argument)
    }

    /// The argument at `position`, or the one with one of `names`.
    pub fn get(&self, position: usize, names: &[&str]) -> Option<&Argument<'a>> {
        self.positional.get(position).or_else(|| names.iter().find_map(|name| self.keyword(name)))
    }

    pub fn all(&self) -> impl Iterator<Item = &Argument<'a>> {
        self.positional.iter().chain(self.keywords.iter().map(|(_, argument)| argument))
    }
}

/// A function defined in the file, with the variables around it.
pub(super) struct Function<'a> {
    pub name: &'a str,
    pub parameters: &'a ast::Arguments,
    pub body: Body<'a>,
    pub scope: Scope<'a>,
    /// The file it is written in.
    pub file: File<'a>,
    /// `contextlib.contextmanager` decorates it: its `yield` is the body of a `with` block.
    pub manages_context: bool,
}

/// A class defined in the file.
pub(super) struct Class<'a> {
    pub name: &'a str,
    pub attributes: Scope<'a>,
    /// Classes of the project that it inherits from.
    pub bases: Vec<Rc<Class<'a>>>,
    pub is_enumeration: bool,
    /// The attributes that are an enumeration's members, in their order.
    pub members: RefCell<Vec<&'a str>>,
}

impl<'a> Class<'a> {
    /// The class in the line of inheritance whose body is `scope`.
    fn with_body(self: &Rc<Self>, scope: &Scope<'a>) -> Option<Rc<Class<'a>>> {
        match Rc::ptr_eq(&self.attributes.0, &scope.0) {
            true => Some(self.clone()),
            false => self.bases.iter().find_map(|base| base.with_body(scope)),
        }
    }

    /// The members of an enumeration.
    pub fn enumerated(&self) -> Vec<Value<'a>> {
        self.members.borrow().iter().filter_map(|name| self.attributes.own(name)).collect()
    }

    /// An attribute of the class or of one it inherits from.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.attributes.own(name).or_else(|| self.bases.iter().find_map(|base| base.get(name)))
    }
}

/// An instance of a class of the file.
pub(super) struct Object<'a> {
    pub class: Rc<Class<'a>>,
    pub fields: Scope<'a>,
}

/// A file whose code is being executed.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub source: &'a Source,
    pub folder: &'a Path,
    /// Not the script itself but a module it imports; places in it are no places in the script.
    pub imported: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    Statements(&'a [ast::Stmt]),
    Expression(&'a ast::Expr),
}

/// The table of a `batch_alter_table` block.
pub(super) struct Batch {
    pub table: crate::operation::Name,
    pub table_span: Span,
    pub manner: crate::migration::Batch,
}

/// Variables, and those of the function or module around.
#[derive(Clone)]
pub(super) struct Scope<'a>(Rc<ScopeInner<'a>>);

struct ScopeInner<'a> {
    variables: RefCell<Variables<'a>>,
    around: Option<Scope<'a>>,
    all: Rc<AllScopes<'a>>,
}

/// Values by their names.
pub(super) type Variables<'a> = HashMap<String, Value<'a>, foldhash::fast::RandomState>;

type AllScopes<'a> = RefCell<Vec<Weak<ScopeInner<'a>>>>;

/// The scopes of one script. A function is a variable of the scope that it remembers, a circle that nobody would free:
/// when this goes, all of them forget what they hold.
#[derive(Default)]
pub(super) struct Scopes<'a>(Rc<AllScopes<'a>>);

impl<'a> Scopes<'a> {
    /// A scope without another around it: a module's, or an object's attributes.
    pub fn outermost(&self) -> Scope<'a> {
        Scope::within(None, self.0.clone())
    }
}

impl Drop for Scopes<'_> {
    fn drop(&mut self) {
        for scope in self.0.take() {
            let variables = scope.upgrade().map(|scope| scope.variables.take());
            drop(variables);
        }
    }
}

impl<'a> Scope<'a> {
    fn within(around: Option<Scope<'a>>, all: Rc<AllScopes<'a>>) -> Self {
        let scope = Rc::new(ScopeInner { variables: RefCell::default(), around, all });
        scope.all.borrow_mut().push(Rc::downgrade(&scope));
        Scope(scope)
    }

    /// A scope of its own inside of this one.
    pub fn inner(&self) -> Self {
        Scope::within(Some(self.clone()), self.0.all.clone())
    }

    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        let own = self.0.variables.borrow().get(name).cloned();
        own.or_else(|| self.0.around.as_ref().and_then(|around| around.get(name)))
    }

    /// A variable of this very scope.
    pub fn own(&self, name: &str) -> Option<Value<'a>> {
        self.0.variables.borrow().get(name).cloned()
    }

    pub fn set(&self, name: &str, value: Value<'a>) {
        self.0.variables.borrow_mut().insert(name.to_owned(), value);
    }

    /// What `super()` means in a method whose variables these are.
    pub fn parent_of_self(&self) -> Option<Value<'a>> {
        let body = self.0.around.as_ref()?;
        let objects = self.0.variables.borrow();
        let own = objects.values().find_map(|value| match value {
            Value::Object(object) => object.class.with_body(body).map(|class| (object.clone(), class.bases.clone())),
            _ => None,
        });
        own.map(|found| Value::Super(Rc::new(found)))
    }

    /// A copy of this scope's own variables, to come back to.
    pub fn save(&self) -> Variables<'a> {
        self.0.variables.borrow().clone()
    }

    pub fn restore(&self, variables: Variables<'a>) {
        *self.0.variables.borrow_mut() = variables;
    }

    /// Forgets what differs from `other`: after a condition that could go either way.
    pub fn merge(&self, other: &Variables<'a>) {
        let mut variables = self.0.variables.borrow_mut();
        for (name, value) in other {
            variables.entry(name.clone()).or_insert_with(|| value.clone());
        }
        for (name, value) in variables.iter_mut() {
            if other.get(name).is_some_and(|before| !before.same(value)) {
                *value = Value::Unknown;
            }
        }
    }
}

/// What an ORM session is made with.
const SESSIONS: [&str; 4] = ["Session", "sessionmaker", "scoped_session", "AsyncSession"];

impl<'a> Value<'a> {
    pub fn text(value: impl Into<String>, span: Span) -> Self {
        Value::Text(Rc::new(Text::new(value, span)))
    }

    pub fn list(items: Vec<Value<'a>>) -> Self {
        Value::List(Rc::new(RefCell::new(items)))
    }

    pub fn path(path: impl AsRef<str>) -> Self {
        Value::Path(path.as_ref().into())
    }

    pub fn as_text(&self) -> Option<&Text> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A string that is known in full.
    pub fn as_str(&self) -> Option<&str> {
        self.as_text().filter(|text| !text.has_holes()).map(Text::as_str)
    }

    pub fn items(&self) -> Option<Vec<Value<'a>>> {
        match self {
            Value::List(items) => Some(items.borrow().clone()),
            Value::Class(class) if class.is_enumeration => Some(class.enumerated()),
            _ => None,
        }
    }

    /// The dotted name of an import, or of an attribute of one.
    pub fn as_path(&self) -> Option<String> {
        match self {
            Value::Path(path) => Some(path.to_string()),
            Value::Attribute(term) => Some(format!("{}.{}", term.0.as_path()?, term.1)),
            _ => None,
        }
    }

    /// What a chain of attributes and calls starts from.
    pub fn root(&self) -> &Value<'a> {
        match self {
            Value::Attribute(term) => term.0.root(),
            Value::Call(call) => match &call.callee {
                Value::Attribute(term) => term.0.root(),
                Value::Path(_) => self,
                callee => callee.root(),
            },
            other => other,
        }
    }

    /// Whether the value is a database connection, session or something made from one.
    pub fn is_connection(&self) -> bool {
        match self {
            Value::Call(call) => match call.callee.as_path() {
                Some(path) => {
                    let last = path.rsplit('.').next().unwrap_or_default();
                    matches!(last, "get_bind" | "Connection")
                        || SESSIONS.contains(&last)
                        || call.arguments.positional.first().is_some_and(|first| last == "Session" && first.value.is_connection())
                }
                None => match &call.callee {
                    Value::Attribute(term) => term.0.is_connection(),
                    callee => callee.is_connection(),
                },
            },
            Value::Attribute(term) => {
                matches!(term.1.as_str(), "bind" | "connection" | "engine" | "session") && term.0.is_context()
                    || term.0.is_connection()
            }
            _ => false,
        }
    }

    /// A connection or session itself, and not what it answers.
    pub fn is_connection_itself(&self) -> bool {
        match self {
            Value::Call(call) => call.callee.as_path().is_some() && self.is_connection(),
            Value::Attribute(term) => term.0.is_context() && self.is_connection(),
            _ => false,
        }
    }

    /// An ORM session. One that is given the migration's connection joins its transaction and does not commit it (measured
    /// with SQLAlchemy 2.1, PostgreSQL 17).
    pub fn is_session(&self) -> bool {
        let Value::Call(call) = self else { return false };
        match call.callee.as_path() {
            Some(path) => SESSIONS.contains(&path.rsplit('.').next().unwrap_or_default()),
            // sessionmaker(bind=…)()
            None => call.callee.is_session(),
        }
    }

    /// `op.get_bind()` itself.
    pub fn is_bind(&self) -> bool {
        matches!(self, Value::Call(call) if call.callee.as_path().is_some_and(|path| path.ends_with("get_bind")))
    }

    /// `connection.cursor()`, the driver's own.
    pub fn is_cursor(&self) -> bool {
        match self {
            Value::Call(call) => match &call.callee {
                Value::Attribute(term) => term.1 == "cursor" || term.0.is_cursor(),
                _ => false,
            },
            Value::Attribute(term) => term.0.is_cursor(),
            _ => false,
        }
    }

    /// `op.get_context()`, its `impl`, or the module `alembic.context`.
    pub fn is_migration_context(&self) -> bool {
        match self {
            Value::Attribute(term) => term.1 == "impl" && term.0.is_migration_context(),
            Value::Path(path) => &**path == "alembic.context" || &**path == "alembic.op.impl",
            other => matches!(other, Value::Call(_)) && other.is_context(),
        }
    }

    fn is_context(&self) -> bool {
        match self {
            Value::Call(call) => call.callee.as_path().is_some_and(|path| path.ends_with("get_context")),
            _ => self.as_path().is_some_and(|path| path.starts_with("alembic")),
        }
    }

    /// `….dialect.name`, however the dialect was reached.
    pub fn is_dialect_name(&self) -> bool {
        match self {
            Value::Attribute(term) if term.1 == "name" => match &term.0 {
                Value::Attribute(inner) => inner.1 == "dialect" || (inner.1 == "engine" && inner.0.is_connection()),
                _ => false,
            },
            Value::Attribute(term) => matches!(term.1.as_str(), "dialect_name" | "dialect_description"),
            Value::Call(call) => call.callee.as_path().is_some_and(|path| path.ends_with("get_dialect_name")),
            _ => false,
        }
    }

    /// Equality that does not look deep; unknown differs from everything but the same object.
    pub fn same(&self, other: &Value<'a>) -> bool {
        match (self, other) {
            (Value::None, Value::None) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a.as_str() == b.as_str(),
            (Value::Path(a), Value::Path(b)) => a == b,
            (Value::List(a), Value::List(b)) => Rc::ptr_eq(a, b),
            (Value::Dict(a), Value::Dict(b)) => Rc::ptr_eq(a, b),
            (Value::Call(a), Value::Call(b)) => Rc::ptr_eq(a, b),
            (Value::Attribute(a), Value::Attribute(b)) => Rc::ptr_eq(a, b),
            (Value::Function(a), Value::Function(b)) => Rc::ptr_eq(a, b),
            (Value::Batch(a), Value::Batch(b)) => Rc::ptr_eq(a, b),
            (Value::Class(a), Value::Class(b)) => Rc::ptr_eq(a, b),
            (Value::Object(a), Value::Object(b)) => Rc::ptr_eq(a, b),
            (Value::OnDialect(a), Value::OnDialect(b)) => a == b,
            _ => false,
        }
    }
}
