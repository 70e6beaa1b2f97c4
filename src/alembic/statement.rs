//! Statements of Python, executed abstractly.

use std::cell::RefCell;
use std::rc::Rc;

use rustpython_parser::ast::{self, Expr, ExprContext, Stmt};

use super::enumeration;
use super::eval::{EarlierReturn, Evaluator, Flow};
use super::python::span;
use super::value::{Body, Class, Function, Scope, Value};
use crate::migration::Step;
use crate::operation::Dialects;

/// How often a `while` loop is followed.
const MOST_TURNS: usize = 1_000;

/// What is known of a condition.
pub(super) enum Truth {
    Known(bool),
    OnDialect(Dialects),
    /// It may hold on these dialects only.
    PerhapsOn(Dialects),
    /// It holds on these dialects, and may hold on others.
    AtLeastOn(Dialects),
    Unsure,
}

impl Truth {
    /// The dialects, of those that come here, on which it may hold, those on which it may not, and whether either is in
    /// doubt.
    pub(super) fn split(&self, on: Dialects) -> (Dialects, Dialects, bool) {
        match self {
            Truth::Known(true) => (on, Dialects::NONE, false),
            Truth::Known(false) => (Dialects::NONE, on, false),
            Truth::OnDialect(set) => (on.intersection(*set), on.intersection(set.complement()), false),
            Truth::PerhapsOn(set) => (on.intersection(*set), on, true),
            Truth::AtLeastOn(set) => (on, on.intersection(set.complement()), true),
            Truth::Unsure => (on, on, true),
        }
    }
}

impl<'a> Evaluator<'a> {
    pub fn run(&mut self, body: &'a [Stmt], scope: &Scope<'a>) -> Flow<'a> {
        for statement in body {
            if !self.spend(span(statement)) {
                return Flow::Return(Value::Unknown);
            }
            match self.deeper(Flow::Next, |this| this.statement(statement, scope)) {
                Flow::Next => {}
                exit => return exit,
            }
        }
        Flow::Next
    }

    fn statement(&mut self, statement: &'a Stmt, scope: &Scope<'a>) -> Flow<'a> {
        match statement {
            Stmt::Expr(node) => {
                self.discarded = Some(span(&*node.value));
                self.raised = false;
                self.value(&node.value, scope);
                self.discarded = None;
                if std::mem::take(&mut self.raised) {
                    return Flow::Raise(span(statement));
                }
            }
            Stmt::Assign(node) => {
                let value = self.value(&node.value, scope);
                for target in &node.targets {
                    self.assign(target, value.clone(), scope);
                }
            }
            Stmt::AnnAssign(node) => {
                if let Some(value) = &node.value {
                    let value = self.value(value, scope);
                    self.assign(&node.target, value, scope);
                }
            }
            Stmt::AugAssign(node) => {
                let (left, right) = (self.value(&node.target, scope), self.value(&node.value, scope));
                let value = match (&left, right.items()) {
                    (Value::List(items), Some(more)) if node.op == ast::Operator::Add => {
                        let fits = items.borrow().len() + more.len() <= super::builtin::LONGEST_LIST;
                        if fits {
                            items.borrow_mut().extend(more);
                        }
                        if fits { left } else { Value::Unknown }
                    }
                    _ => self.binary(left, node.op, right, span(statement)),
                };
                self.assign(&node.target, value, scope);
            }
            Stmt::FunctionDef(node) => self.define(&node.name, &node.args, &node.body, &node.decorator_list, scope),
            Stmt::AsyncFunctionDef(node) => self.define(&node.name, &node.args, &node.body, &node.decorator_list, scope),
            Stmt::ClassDef(node) => {
                let attributes = scope.inner();
                self.run(&node.body, &attributes);
                let inherited: Vec<Value> = node.bases.iter().map(|base| self.value(base, scope)).collect();
                let is_enumeration = inherited.iter().any(enumeration::is_enumeration);
                let base = |base| match base {
                    Value::Class(class) => Some(class),
                    _ => None,
                };
                let bases = inherited.into_iter().filter_map(base).collect();
                let class = Rc::new(Class { name: &node.name, attributes, bases, is_enumeration, members: RefCell::default() });
                if is_enumeration {
                    self.enumerate_members(&node.body, &class);
                }
                for decorator in &node.decorator_list {
                    let decorator = self.value(decorator, scope);
                    self.register(&decorator, &class);
                }
                scope.set(&node.name, Value::Class(class));
            }
            Stmt::Import(node) => {
                for alias in &node.names {
                    match &alias.asname {
                        Some(name) => scope.set(name, Value::path(alias.name.as_str())),
                        None => {
                            let top = alias.name.split('.').next().unwrap_or_default();
                            scope.set(top, Value::path(top));
                        }
                    }
                }
            }
            Stmt::ImportFrom(node) => {
                let level = node.level.as_ref().map_or(0, |level| level.to_usize());
                let module = format!("{}{}", ".".repeat(level), node.module.as_deref().unwrap_or_default());
                for alias in &node.names {
                    if alias.name.as_str() == "*" {
                        self.import_all(&module, scope);
                        continue;
                    }
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    let value = self.imported(&module, &alias.name);
                    scope.set(name, value);
                }
            }
            Stmt::Return(node) => {
                let value = node.value.as_ref().map_or(Value::None, |value| self.value(value, scope));
                return Flow::Return(value);
            }
            Stmt::Raise(_) => return Flow::Raise(span(statement)),
            Stmt::Break(_) => return Flow::Leave { breaks: true },
            Stmt::Continue(_) => return Flow::Leave { breaks: false },
            Stmt::If(node) => return self.branch(&node.test, &node.body, &node.orelse, scope),
            Stmt::For(node) => return self.repeat(&node.target, &node.iter, &node.body, &node.orelse, scope),
            Stmt::AsyncFor(node) => return self.repeat(&node.target, &node.iter, &node.body, &node.orelse, scope),
            Stmt::While(node) => return self.while_loop(&node.test, &node.body, scope),
            Stmt::With(node) => return self.with(&node.items, &node.body, scope),
            Stmt::AsyncWith(node) => return self.with(&node.items, &node.body, scope),
            Stmt::Try(node) => return self.attempt(&node.body, &node.handlers, &node.orelse, &node.finalbody, scope),
            Stmt::TryStar(node) => return self.attempt(&node.body, &node.handlers, &node.orelse, &node.finalbody, scope),
            Stmt::Match(node) => {
                let subject = self.value(&node.subject, scope);
                match subject.is_dialect_name() {
                    true => self.match_dialect(&node.cases, scope),
                    false => {
                        for case in &node.cases {
                            self.perhaps(&case.body, scope);
                        }
                    }
                }
            }
            Stmt::Assert(node) => {
                self.value(&node.test, scope);
            }
            Stmt::Delete(_) | Stmt::Pass(_) | Stmt::Global(_) | Stmt::Nonlocal(_) | Stmt::TypeAlias(_) => {}
        }
        Flow::Next
    }

    /// A loop whose condition is known each time; any other may run once, as far as anybody can tell.
    fn while_loop(&mut self, test: &'a Expr, body: &'a [Stmt], scope: &Scope<'a>) -> Flow<'a> {
        let always = matches!(test, Expr::Constant(_));
        for turn in 0..MOST_TURNS {
            let value = self.value(test, scope);
            match self.truth(&value) {
                Truth::Known(false) => return Flow::Next,
                Truth::Known(true) if !always && turn + 1 < MOST_TURNS => match self.run(body, scope) {
                    Flow::Next | Flow::Leave { breaks: false } => {}
                    Flow::Leave { breaks: true } => return Flow::Next,
                    other => return other,
                },
                _ => break,
            }
        }
        self.perhaps(body, scope);
        Flow::Next
    }

    /// `match ….dialect.name:` with names as cases.
    fn match_dialect(&mut self, cases: &'a [ast::MatchCase], scope: &Scope<'a>) {
        let around = self.around;
        let mut rest = around.on;
        for case in cases {
            let named = names_in(&case.pattern);
            let on = named.map_or(rest, |named| named.intersection(rest));
            rest = rest.intersection(on.complement());
            self.around.on = on;
            if !on.is_empty() {
                self.run(&case.body, scope);
            }
        }
        self.around = around;
    }

    /// `from module import *`
    fn import_all(&mut self, module: &str, scope: &Scope<'a>) {
        match self.module(module) {
            Some(known) => known.save().into_iter().for_each(|(name, value)| scope.set(&name, value)),
            None => super::directive::names().for_each(|name| scope.set(name, Value::path(format!("{module}.{name}")))),
        }
    }

    /// What `from module import name` binds: a value of a module of the project, or a dotted name.
    fn imported(&mut self, module: &str, name: &str) -> Value<'a> {
        let known = match super::connection::is_library(module) {
            true => None,
            false => self.module(module).and_then(|scope| scope.get(name)),
        };
        known.unwrap_or_else(|| Value::path(format!("{module}{}{name}", if module.ends_with('.') { "" } else { "." })))
    }

    fn define(
        &mut self,
        name: &'a str,
        parameters: &'a ast::Arguments,
        body: &'a [Stmt],
        decorators: &'a [Expr],
        scope: &Scope<'a>,
    ) {
        let decorators: Vec<Value<'a>> = decorators.iter().map(|decorator| self.value(decorator, scope)).collect();
        let manages = |decorator: &Value<'a>| decorator.as_path().is_some_and(|path| path.ends_with("contextmanager"));
        let manages_context = decorators.iter().any(manages);
        let body = Body::Statements(body);
        let function = Rc::new(Function { name, parameters, body, scope: scope.clone(), file: self.file, manages_context });
        decorators.iter().for_each(|decorator| self.implement(decorator, &function));
        scope.set(name, Value::Function(function));
    }

    pub fn assign(&mut self, target: &'a Expr, value: Value<'a>, scope: &Scope<'a>) {
        match target {
            Expr::Name(name) => scope.set(&name.id, value),
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                let items = value.items().filter(|items| items.len() == elts.len());
                for (index, target) in elts.iter().enumerate() {
                    let item = items.as_ref().map_or(Value::Unknown, |items| items[index].clone());
                    self.assign(target, item, scope);
                }
            }
            Expr::Attribute(attribute) => {
                if let Value::Object(object) = self.value(&attribute.value, scope) {
                    object.fields.set(&attribute.attr, value);
                }
            }
            Expr::Starred(starred) => self.assign(&starred.value, Value::Unknown, scope),
            Expr::Subscript(subscript) if matches!(subscript.ctx, ExprContext::Store) => {
                let key = self.value(&subscript.slice, scope);
                match self.value(&subscript.value, scope) {
                    Value::Dict(pairs) => {
                        let same = |known: &Value<'a>| matches!((known.as_str(), key.as_str()), (Some(a), Some(b)) if a == b);
                        let mut pairs = pairs.borrow_mut();
                        pairs.retain(|(known, _)| !same(known));
                        pairs.push((key, value));
                    }
                    Value::List(items) => items.borrow_mut().iter_mut().for_each(|item| *item = Value::Unknown),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    pub fn truth(&self, value: &Value<'a>) -> Truth {
        match value {
            Value::Bool(known) => Truth::Known(*known),
            Value::None => Truth::Known(false),
            Value::Int(number) => Truth::Known(*number != 0),
            Value::Text(text) if !text.has_holes() => Truth::Known(!text.as_str().is_empty()),
            Value::List(items) => Truth::Known(!items.borrow().is_empty()),
            Value::Dict(pairs) => Truth::Known(!pairs.borrow().is_empty()),
            Value::Function(_) | Value::Batch(_) | Value::Class(_) => Truth::Known(true),
            // There is a connection: offline, nothing of the database is known, and scripts ask for that.
            value if value.is_connection_itself() => Truth::Known(true),
            Value::OnDialect(set) => Truth::OnDialect(*set),
            Value::PerhapsOn(set) => Truth::PerhapsOn(*set),
            Value::AtLeastOn(set) => Truth::AtLeastOn(*set),
            _ => Truth::Unsure,
        }
    }

    fn branch(&mut self, test: &'a Expr, body: &'a [Stmt], orelse: &'a [Stmt], scope: &Scope<'a>) -> Flow<'a> {
        let value = self.value(test, scope);
        let around = self.around;
        let (yes, no, unsure) = match self.truth(&value) {
            Truth::Known(true) => return self.run(body, scope),
            Truth::Known(false) => return self.run(orelse, scope),
            truth => truth.split(around.on),
        };
        self.around.conditional |= unsure;

        let before = scope.save();
        let start = self.steps.len();
        self.around.on = yes;
        let first = if yes.is_empty() { Flow::Next } else { self.run(body, scope) };
        let after_first = scope.save();
        let middle = self.steps.len();
        scope.restore(before);
        self.around.on = no;
        let second = if no.is_empty() { Flow::Next } else { self.run(orelse, scope) };

        self.around = around;
        if unsure {
            self.made_by_either(start, middle);
        }
        match (&first, &second) {
            (Flow::Next, Flow::Next) => scope.merge(&after_first),
            (_, Flow::Next) => {
                self.remember(&first, yes, unsure);
                // What follows is reached only where the first branch was not taken. A branch that
                // raises takes nothing away: then the migration has failed.
                self.around.on = no;
                self.around.conditional |= unsure && !matches!(first, Flow::Raise(_));
            }
            (Flow::Next, _) => {
                self.remember(&second, no, unsure);
                scope.restore(after_first);
                self.around.on = yes;
                self.around.conditional |= unsure && !matches!(second, Flow::Raise(_));
            }
            _ if no.is_empty() => return first,
            _ => {
                self.remember(&first, yes, unsure);
                return second;
            }
        }
        if self.around.on.is_empty() {
            return Flow::Return(Value::Unknown);
        }
        Flow::Next
    }

    /// What both branches of a condition do, of which one is taken, is done once.
    fn made_by_either(&mut self, first: usize, second: usize) {
        let same = |a: &Step, b: &Step| a.operation == b.operation && a.only == b.only;
        let (one, other) = (&self.steps[first..second], &self.steps[second..]);
        if one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(a, b)) {
            self.steps.truncate(second);
        }
    }

    /// Keeps the value of a `return` that does not end the function everywhere.
    fn remember(&mut self, flow: &Flow<'a>, on: Dialects, unsure: bool) {
        if let Flow::Return(value) = flow {
            self.returns.push(EarlierReturn { on, unsure, value: value.clone() });
        }
    }

    /// Runs a body that may or may not be reached; how it ends, where it is.
    fn perhaps(&mut self, body: &'a [Stmt], scope: &Scope<'a>) -> Flow<'a> {
        let around = self.around;
        self.around.conditional = true;
        let before = scope.save();
        let flow = self.run(body, scope);
        self.remember(&flow, around.on, true);
        scope.merge(&before);
        self.around = around;
        flow
    }

    fn repeat(
        &mut self,
        target: &'a Expr,
        iterable: &'a Expr,
        body: &'a [Stmt],
        orelse: &'a [Stmt],
        scope: &Scope<'a>,
    ) -> Flow<'a> {
        let value = self.value(iterable, scope);
        let items = match &value {
            Value::Dict(pairs) => Some(pairs.borrow().iter().map(|(key, _)| key.clone()).collect()),
            other => other.items(),
        };
        let Some(items) = items else {
            self.assign(target, Value::Unknown, scope);
            self.perhaps(body, scope);
            return Flow::Next;
        };
        let around = self.around;
        for item in items {
            if !self.spend(span(iterable)) {
                break;
            }
            self.assign(target, item, scope);
            let flow = self.run(body, scope);
            self.around = around;
            match flow {
                Flow::Next | Flow::Leave { breaks: false } => {}
                Flow::Leave { breaks: true } => return Flow::Next,
                exit => return exit,
            }
        }
        self.run(orelse, scope)
    }

    fn attempt(
        &mut self,
        body: &'a [Stmt],
        handlers: &'a [ast::ExceptHandler],
        orelse: &'a [Stmt],
        finally: &'a [Stmt],
        scope: &Scope<'a>,
    ) -> Flow<'a> {
        let begins = self.steps.len();
        let mut flow = self.run(body, scope);
        let ends = self.steps.len();
        if !handlers.is_empty() {
            // What follows is reached when something in the body failed before its return.
            self.around.conditional |= matches!(flow, Flow::Return(_));
            self.remember(&flow, self.around.on, true);
            flow = Flow::Next;
        }
        for ast::ExceptHandler::ExceptHandler(handler) in handlers {
            let first = self.steps.len();
            // What is done before the error is raised again is not what the migration does.
            match self.perhaps(&handler.body, scope) {
                Flow::Raise(_) => self.steps.truncate(first),
                _ => self.steps[begins..ends].iter_mut().for_each(|step| step.manner.tried = true),
            }
        }
        if matches!(flow, Flow::Next) {
            flow = self.run(orelse, scope);
        }
        match self.run(finally, scope) {
            Flow::Next => flow,
            exit => exit,
        }
    }
}

/// The dialects that a pattern of names selects; None for one that takes any.
fn names_in(pattern: &ast::Pattern) -> Option<Dialects> {
    match pattern {
        ast::Pattern::MatchValue(value) => match &*value.value {
            Expr::Constant(constant) => constant.value.as_str().map(|name| Dialects::named(name)),
            _ => Some(Dialects::NONE),
        },
        ast::Pattern::MatchOr(either) => {
            let named: Vec<Option<Dialects>> = either.patterns.iter().map(names_in).collect();
            named.into_iter().try_fold(Dialects::NONE, |all, one| Some(all.union(one?)))
        }
        _ => None,
    }
}
