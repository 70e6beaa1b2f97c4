//! Operations of the project's own: `@Operations.register_operation("create_sp")` gives `op` a method, and
//! `@Operations.implementation_for(CreateSp)` says what it runs.

use std::rc::Rc;

use super::eval::Evaluator;
use super::value::{Argument, Arguments, Class, Function, Value};
use crate::source::Span;

/// What the decorators of the scripts and modules that are read have registered.
#[derive(Default)]
pub(super) struct CustomOperations<'a> {
    /// The name on `op`, the class, and the name of its method.
    operations: Vec<(String, Rc<Class<'a>>, String)>,
    implementations: Vec<(Rc<Class<'a>>, Rc<Function<'a>>)>,
}

/// Alembic's own operations as objects, and the directives with the same arguments.
const OBJECTS: &[(&str, &str)] = &[
    ("AddColumnOp", "add_column"),
    ("DropColumnOp", "drop_column"),
    ("CreateIndexOp", "create_index"),
    ("DropIndexOp", "drop_index"),
    ("DropTableOp", "drop_table"),
    ("RenameTableOp", "rename_table"),
    ("ExecuteSQLOp", "execute"),
];

impl<'a> Evaluator<'a> {
    /// A decorator above a class.
    pub(super) fn register(&mut self, decorator: &Value<'a>, class: &Rc<Class<'a>>) {
        let Some((path, arguments)) = called(decorator) else { return };
        let Some(name) = arguments.positional.first().and_then(|first| first.value.as_str()) else { return };
        if path.ends_with("register_operation") {
            let method = arguments.get(1, &["sourcename"]).and_then(|source| source.value.as_str()).unwrap_or(name);
            self.custom.operations.push((name.to_owned(), class.clone(), method.to_owned()));
        }
    }

    /// A decorator above a function.
    pub(super) fn implement(&mut self, decorator: &Value<'a>, function: &Rc<Function<'a>>) {
        let Some((path, arguments)) = called(decorator) else { return };
        if let Some(Value::Class(class)) = arguments.positional.first().map(|first| &first.value)
            && path.ends_with("implementation_for")
        {
            self.custom.implementations.push((class.clone(), function.clone()));
        }
    }

    /// `op.create_sp(…)`; None where no such operation is registered.
    pub(super) fn custom_operation(&mut self, name: &str, arguments: &Arguments<'a>, whole: Span) -> Option<Value<'a>> {
        let known = self.custom.operations.iter().find(|(known, ..)| known == name);
        let (_, class, method) = known?;
        let Some(Value::Function(function)) = class.get(method) else { return None };
        let mut handed = arguments.clone();
        let first = [Value::Class(class.clone()), Value::path("alembic.op")];
        handed.positional.splice(0..0, first.map(|value| Argument { value, span: whole }));
        Some(self.enter(&function, handed, whole))
    }

    /// `op.invoke(operation)`; None where it is not known what that runs.
    pub(super) fn invoke(&mut self, arguments: &Arguments<'a>, whole: Span) -> Option<Value<'a>> {
        let operation = &arguments.positional.first()?.value;
        match operation {
            Value::Object(object) => {
                let implementations = &self.custom.implementations;
                let found = implementations.iter().find(|(class, _)| Rc::ptr_eq(class, &object.class));
                let function = found?.1.clone();
                let handed = [Value::path("alembic.op"), operation.clone()].map(|value| Argument { value, span: whole });
                let arguments = Arguments { positional: handed.into(), ..Arguments::default() };
                Some(self.enter(&function, arguments, whole))
            }
            Value::Call(call) => {
                let path = call.callee.as_path()?;
                let name = path.rsplit('.').next()?;
                let (_, directive) = OBJECTS.iter().find(|(known, _)| *known == name)?;
                self.op(directive, &call.arguments, None, whole)
            }
            _ => None,
        }
    }
}

fn called<'v, 'a>(decorator: &'v Value<'a>) -> Option<(String, &'v Arguments<'a>)> {
    let Value::Call(call) = decorator else { return None };
    Some((call.callee.as_path()?.to_string(), &call.arguments))
}
