//! Python's enum classes that a script defines, and the enum types of SQLAlchemy that are made from them.

use std::rc::Rc;

use rustpython_parser::ast::{self, Expr, Stmt};

use super::eval::Evaluator;
use super::value::{Argument, Arguments, Class, Object, Value};
use crate::source::Span;

impl<'a> Evaluator<'a> {
    /// Makes the names that an enum class assigns its members: objects with `name` and `value`, in the order of the class.
    pub(super) fn enumerate_members(&self, body: &'a [Stmt], class: &Rc<Class<'a>>) {
        for name in body.iter().filter_map(assigned_name) {
            let Some(value) = class.attributes.own(name) else { continue };
            let member = match member_with(class, "value", &value) {
                Value::Unknown => {
                    let fields = self.scopes.outermost();
                    fields.set("name", Value::text(name, Span::default()));
                    fields.set("value", value);
                    class.members.borrow_mut().push(name);
                    Value::Object(Rc::new(Object { class: class.clone(), fields }))
                }
                // A second name for the same value is the first member.
                first => first,
            };
            class.attributes.set(name, member);
        }
    }

    /// The arguments of `sa.Enum(Colour)` as if its labels and its name had been written: the names of the members, or
    /// what `values_callable` makes of the class.
    pub(super) fn enum_arguments(&mut self, callee: &str, arguments: &mut Arguments<'a>, whole: Span) {
        if !matches!(callee.rsplit('.').next(), Some("Enum" | "ENUM")) {
            return;
        }
        let [Argument { value: Value::Class(class), span }] = arguments.positional.as_slice() else { return };
        let (class, span) = (class.clone(), *span);
        let made = arguments.keyword("values_callable").map(|callable| callable.value.clone());
        let labels = match made {
            Some(Value::None) | None => class.enumerated().iter().map(|member| field(member, "name")).collect(),
            Some(callable) => {
                let enumeration = Argument { value: Value::Class(class.clone()), span };
                let one = Arguments { positional: vec![enumeration], ..Arguments::default() };
                self.call_value(callable, None, one, whole).items()
            }
        };
        if arguments.keyword("name").is_none() {
            let name = Value::text(class.name.to_lowercase(), span);
            arguments.keywords.push(("name".to_owned(), Argument { value: name, span }));
        }
        // Labels that are not known are none that are known.
        let labels = labels.filter(|labels| !labels.is_empty()).unwrap_or_else(|| vec![Value::Unknown]);
        arguments.positional = labels.into_iter().map(|value| Argument { value, span }).collect();
    }
}

/// Whether a class that inherits from this is an enumeration: `enum.Enum`, `enum.StrEnum`, or one that the application has
/// derived and named after them.
pub(super) fn is_enumeration(base: &Value<'_>) -> bool {
    match base {
        Value::Class(class) => class.is_enumeration,
        other => other.as_path().is_some_and(|path| path.ends_with("Enum")),
    }
}

/// The member of an enumeration that has this name (`Colour["red"]`) or this value (`Colour("r")`).
pub(super) fn member_with<'a>(class: &Class<'a>, what: &str, wanted: &Value<'a>) -> Value<'a> {
    let is_it = |member: &Value<'a>| field(member, what).is_some_and(|known| known.same(wanted));
    class.enumerated().into_iter().find(is_it).unwrap_or(Value::Unknown)
}

fn field<'a>(member: &Value<'a>, name: &str) -> Option<Value<'a>> {
    match member {
        Value::Object(object) => object.fields.own(name),
        _ => None,
    }
}

/// The one name that a statement of a class body assigns; `_ignore_` and its like make no member.
fn assigned_name(statement: &Stmt) -> Option<&str> {
    let target = match statement {
        Stmt::Assign(ast::StmtAssign { targets, .. }) => match targets.as_slice() {
            [target] => target,
            _ => return None,
        },
        Stmt::AnnAssign(ast::StmtAnnAssign { target, value: Some(_), .. }) => target,
        _ => return None,
    };
    match target {
        Expr::Name(name) if !name.id.starts_with('_') => Some(name.id.as_str()),
        _ => None,
    }
}
