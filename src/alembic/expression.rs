//! Expressions of Python, evaluated abstractly.

use std::cell::RefCell;
use std::rc::Rc;

use num_traits::ToPrimitive;
use rustpython_parser::ast::{self, CmpOp, Constant, Expr, Operator};

use super::enumeration;
use super::eval::Evaluator;
use super::literal::{self, Piece};
use super::python::span;
use super::statement::Truth;
use super::value::{Argument, Arguments, Body, Call, Class, Function, Object, Scope, Value};
use crate::operation::{Dialect, Dialects};
use crate::source::Span;
use crate::text::Text;

impl<'a> Evaluator<'a> {
    pub fn value(&mut self, expression: &'a Expr, scope: &Scope<'a>) -> Value<'a> {
        self.deeper(Value::Unknown, |this| this.shallow_value(expression, scope))
    }

    fn shallow_value(&mut self, expression: &'a Expr, scope: &Scope<'a>) -> Value<'a> {
        match expression {
            Expr::Constant(node) => self.constant(&node.value, span(expression)),
            Expr::JoinedStr(node) => self.formatted(node, scope),
            Expr::Name(name) => scope.get(&name.id).unwrap_or_else(|| super::builtin::name(&name.id)),
            Expr::Attribute(node) => {
                let value = self.value(&node.value, scope);
                self.attribute(value, &node.attr)
            }
            Expr::Call(node) => self.call(node, scope),
            Expr::List(ast::ExprList { elts, .. })
            | Expr::Tuple(ast::ExprTuple { elts, .. })
            | Expr::Set(ast::ExprSet { elts, .. }) => self.sequence(elts, scope),
            Expr::Dict(node) => self.dict(node, scope),
            Expr::BinOp(node) => {
                let left = self.value(&node.left, scope);
                let right = self.value(&node.right, scope);
                self.binary(left, node.op, right, span(expression))
            }
            Expr::UnaryOp(node) => {
                let value = self.value(&node.operand, scope);
                match (node.op, &value) {
                    (ast::UnaryOp::Not, _) => match self.truth(&value) {
                        Truth::Known(known) => Value::Bool(!known),
                        Truth::OnDialect(set) => Value::OnDialect(set.complement()),
                        Truth::PerhapsOn(set) => Value::AtLeastOn(set.complement()),
                        Truth::AtLeastOn(set) => Value::PerhapsOn(set.complement()),
                        Truth::Unsure => Value::Unknown,
                    },
                    (ast::UnaryOp::USub, Value::Int(number)) => number.checked_neg().map_or(Value::Unknown, Value::Int),
                    _ => Value::Unknown,
                }
            }
            Expr::BoolOp(node) => self.logic(node, scope),
            Expr::Compare(node) => self.compare(node, scope),
            Expr::IfExp(node) => {
                let test = self.value(&node.test, scope);
                let around = self.around;
                let (yes, no, unsure) = self.truth(&test).split(around.on);
                let on = |this: &mut Self, on: Dialects, side: &'a Expr| {
                    this.around.on = on;
                    this.around.conditional = around.conditional || unsure;
                    let value = (!on.is_empty()).then(|| this.value(side, scope));
                    this.around = around;
                    value
                };
                let (first, second) = (on(self, yes, &node.body), on(self, no, &node.orelse));
                match (first, second) {
                    (Some(one), None) | (None, Some(one)) => one,
                    _ => Value::Unknown,
                }
            }
            Expr::Subscript(node) => self.subscript(node, scope),
            Expr::ListComp(ast::ExprListComp { elt, generators, .. })
            | Expr::SetComp(ast::ExprSetComp { elt, generators, .. })
            | Expr::GeneratorExp(ast::ExprGeneratorExp { elt, generators, .. }) => {
                let mut items = Vec::new();
                let inner = scope.inner();
                let complete = self.comprehend(generators, &inner, &mut |this| {
                    let item = this.value(elt, &inner);
                    items.push(item);
                });
                if complete { Value::list(items) } else { Value::Unknown }
            }
            Expr::DictComp(node) => {
                let mut pairs = Vec::new();
                let inner = scope.inner();
                let complete = self.comprehend(&node.generators, &inner, &mut |this| {
                    let pair = (this.value(&node.key, &inner), this.value(&node.value, &inner));
                    pairs.push(pair);
                });
                if complete { Value::Dict(Rc::new(RefCell::new(pairs))) } else { Value::Unknown }
            }
            Expr::Lambda(node) => Value::Function(Rc::new(Function {
                name: "lambda",
                parameters: &node.args,
                body: Body::Expression(&node.body),
                scope: scope.clone(),
                file: self.file,
                manages_context: false,
            })),
            Expr::NamedExpr(node) => {
                let value = self.value(&node.value, scope);
                self.assign(&node.target, value.clone(), scope);
                value
            }
            Expr::Await(node) => self.value(&node.value, scope),
            Expr::Starred(node) => self.value(&node.value, scope),
            Expr::Yield(node) => {
                let value = node.value.as_ref().map_or(Value::None, |value| self.value(value, scope));
                self.suspend(value);
                Value::None
            }
            Expr::YieldFrom(_) | Expr::Slice(_) | Expr::FormattedValue(_) => Value::Unknown,
        }
    }

    fn constant(&self, constant: &Constant, span: Span) -> Value<'a> {
        match constant {
            Constant::None => Value::None,
            Constant::Bool(value) => Value::Bool(*value),
            Constant::Int(number) => number.to_i64().map_or(Value::Unknown, Value::Int),
            Constant::Str(value) if self.file.imported => Value::text(value.as_str(), Span::default()),
            Constant::Str(value) => Value::Text(Rc::new(literal::constant(self.file.source.text(), span.range(), value))),
            Constant::Tuple(items) => Value::list(items.iter().map(|item| self.constant(item, span)).collect()),
            _ => Value::Unknown,
        }
    }

    /// An f-string; parts that are not known are holes.
    fn formatted(&mut self, node: &'a ast::ExprJoinedStr, scope: &Scope<'a>) -> Value<'a> {
        let range = Span::new(node.range.start().into(), node.range.end().into());
        let mut values = Vec::new();
        for part in &node.values {
            if let Expr::FormattedValue(formatted) = part {
                let value = self.value(&formatted.value, scope);
                let plain = formatted.format_spec.is_none()
                    && matches!(formatted.conversion, ast::ConversionFlag::None | ast::ConversionFlag::Str);
                values.push(if plain { value } else { Value::Unknown });
            }
        }
        let pieces = literal::pieces(self.file.source.text(), range.range()).unwrap_or_default();
        let holes = pieces.iter().filter(|piece| matches!(piece, Piece::Hole(_))).count();
        if holes != values.len() {
            return Value::Text(Rc::new(Text::hole(range)));
        }
        let imported = self.file.imported;
        let mut values = values.into_iter();
        let mut text = Text::default();
        for piece in &pieces {
            match piece {
                Piece::Text(part) if imported => text.push(part.as_str(), Span::default()),
                Piece::Text(part) => text.append(part),
                Piece::Hole(hole) => {
                    let span = if imported { Span::default() } else { Span::new(hole.start, hole.end) };
                    let value = values.next().unwrap_or(Value::Unknown);
                    // The words of the value stand elsewhere; in this text they stand at the hole.
                    let known = as_text(&value, span);
                    text.append(&Text::new(known.as_str(), span));
                }
            }
        }
        super::builtin::bounded_text(text, range)
    }

    fn attribute(&mut self, value: Value<'a>, name: &str) -> Value<'a> {
        match value {
            Value::Unknown => Value::Unknown,
            Value::Class(class) => match class.get(name) {
                Some(value) => value,
                None if name == "__name__" => Value::Unknown,
                None => Value::Attribute(Rc::new((Value::Class(class), name.to_owned()))),
            },
            Value::Object(object) => match object.fields.own(name).or_else(|| object.class.get(name)) {
                Some(Value::Function(function)) => Value::Method(Rc::new((Value::Object(object), function))),
                Some(value) => value,
                None => Value::Unknown,
            },
            Value::Super(parent) => match parent.1.iter().find_map(|base| base.get(name)) {
                Some(Value::Function(function)) => Value::Method(Rc::new((Value::Object(parent.0.clone()), function))),
                other => other.unwrap_or(Value::Unknown),
            },
            Value::Path(path) => {
                let known = match super::connection::is_library(&path) {
                    true => None,
                    false => self.module(&path).and_then(|scope| scope.get(name)),
                };
                known.unwrap_or_else(|| Value::path(format!("{path}.{name}")))
            }
            other => Value::Attribute(Rc::new((other, name.to_owned()))),
        }
    }

    fn sequence(&mut self, items: &'a [Expr], scope: &Scope<'a>) -> Value<'a> {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Expr::Starred(starred) => match self.value(&starred.value, scope).items() {
                    Some(more) => out.extend(more),
                    None => return Value::Unknown,
                },
                _ => out.push(self.value(item, scope)),
            }
        }
        Value::list(out)
    }

    fn dict(&mut self, node: &'a ast::ExprDict, scope: &Scope<'a>) -> Value<'a> {
        let mut pairs = Vec::with_capacity(node.keys.len());
        for (key, value) in node.keys.iter().zip(&node.values) {
            let value = self.value(value, scope);
            match (key, &value) {
                (Some(key), _) => pairs.push((self.value(key, scope), value)),
                (None, Value::Dict(more)) => pairs.extend(more.borrow().iter().cloned()),
                (None, _) => return Value::Unknown,
            }
        }
        Value::Dict(Rc::new(RefCell::new(pairs)))
    }

    pub fn binary(&mut self, left: Value<'a>, operator: Operator, right: Value<'a>, span: Span) -> Value<'a> {
        match (operator, &left, &right) {
            (Operator::Add, Value::Text(_), _) | (Operator::Add, _, Value::Text(_)) => {
                let mut text = as_text(&left, span);
                text.append(&as_text(&right, span));
                super::builtin::bounded_text(text, span)
            }
            (Operator::Add, Value::List(a), Value::List(b)) => {
                super::builtin::bounded_list(a.borrow().iter().chain(b.borrow().iter()).cloned().collect())
            }
            (Operator::Mod, Value::Text(template), _) => Value::Text(Rc::new(super::builtin::percent(template, &right, span))),
            (Operator::BitOr, Value::Dict(a), Value::Dict(b)) => {
                let pairs = a.borrow().iter().chain(b.borrow().iter()).cloned().collect();
                Value::Dict(Rc::new(RefCell::new(pairs)))
            }
            (_, Value::Int(a), Value::Int(b)) => match operator {
                Operator::Add => a.checked_add(*b),
                Operator::Sub => a.checked_sub(*b),
                Operator::Mult => a.checked_mul(*b),
                _ => None,
            }
            .map_or(Value::Unknown, Value::Int),
            _ => Value::Unknown,
        }
    }

    fn logic(&mut self, node: &'a ast::ExprBoolOp, scope: &Scope<'a>) -> Value<'a> {
        let is_and = node.op == ast::BoolOp::And;
        let mut set = if is_and { Dialects::ANY } else { Dialects::NONE };
        let (mut on_dialect, mut unsure) = (false, false);
        let mut last = Value::Unknown;
        let around = self.around;
        for operand in &node.values {
            last = self.value(operand, scope);
            let truth = self.truth(&last);
            // The next operand is only reached where this one did not decide.
            let (yes, no, in_doubt) = truth.split(self.around.on);
            self.around.on = if is_and { yes } else { no };
            self.around.conditional |= in_doubt;
            match truth {
                Truth::Known(known) if known != is_and => {
                    self.around = around;
                    return last;
                }
                Truth::Known(_) => {}
                Truth::OnDialect(more) => {
                    on_dialect = true;
                    set = if is_and { set.intersection(more) } else { set.union(more) };
                }
                Truth::PerhapsOn(more) if is_and => {
                    (on_dialect, unsure) = (true, true);
                    set = set.intersection(more);
                }
                Truth::AtLeastOn(more) if !is_and => {
                    (on_dialect, unsure) = (true, true);
                    set = set.union(more);
                }
                Truth::PerhapsOn(_) | Truth::AtLeastOn(_) => unsure = true,
                Truth::Unsure => unsure = true,
            }
            if self.around.on.is_empty() {
                break;
            }
        }
        self.around = around;
        match (on_dialect, unsure) {
            (true, false) => Value::OnDialect(set),
            (true, true) if is_and => Value::PerhapsOn(set),
            (true, true) => Value::AtLeastOn(set),
            (false, false) => last,
            _ => Value::Unknown,
        }
    }

    fn compare(&mut self, node: &'a ast::ExprCompare, scope: &Scope<'a>) -> Value<'a> {
        let left = self.value(&node.left, scope);
        let ([operator], [right]) = (node.ops.as_slice(), node.comparators.as_slice()) else { return Value::Unknown };
        let right = self.value(right, scope);
        let names = |value: &Value<'a>| match value {
            Value::List(items) => items
                .borrow()
                .iter()
                .map(|item| item.as_str().map(Dialects::named))
                .try_fold(Dialects::NONE, |set, one| Some(set.union(one?))),
            other => other.as_str().map(Dialects::named),
        };
        if left.is_dialect_name() || right.is_dialect_name() {
            let other = if left.is_dialect_name() { &right } else { &left };
            return match (operator, names(other)) {
                (CmpOp::Eq | CmpOp::In | CmpOp::Is, Some(set)) => Value::OnDialect(set),
                (CmpOp::NotEq | CmpOp::NotIn | CmpOp::IsNot, Some(set)) => Value::OnDialect(set.complement()),
                _ => Value::Unknown,
            };
        }
        let known = match (operator, &left, &right) {
            (CmpOp::Is | CmpOp::Eq, Value::None, Value::None) => Some(true),
            (CmpOp::IsNot | CmpOp::NotEq, Value::None, Value::None) => Some(false),
            (CmpOp::Is, Value::None, known) | (CmpOp::Is, known, Value::None) => (!is_unsure(known)).then_some(false),
            (CmpOp::IsNot, Value::None, known) | (CmpOp::IsNot, known, Value::None) => (!is_unsure(known)).then_some(true),
            (CmpOp::Eq, Value::Int(a), Value::Int(b)) => Some(a == b),
            (CmpOp::NotEq, Value::Int(a), Value::Int(b)) => Some(a != b),
            (CmpOp::Lt, Value::Int(a), Value::Int(b)) => Some(a < b),
            (CmpOp::LtE, Value::Int(a), Value::Int(b)) => Some(a <= b),
            (CmpOp::Gt, Value::Int(a), Value::Int(b)) => Some(a > b),
            (CmpOp::GtE, Value::Int(a), Value::Int(b)) => Some(a >= b),
            (CmpOp::Eq, _, _) => left.as_str().zip(right.as_str()).map(|(a, b)| a == b),
            (CmpOp::NotEq, _, _) => left.as_str().zip(right.as_str()).map(|(a, b)| a != b),
            (CmpOp::In | CmpOp::NotIn, _, Value::List(items)) => {
                let items = items.borrow();
                let all: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                left.as_str().zip(all).map(|(one, all)| all.contains(&one) == (*operator == CmpOp::In))
            }
            _ => None,
        };
        known.map_or(Value::Unknown, Value::Bool)
    }

    fn subscript(&mut self, node: &'a ast::ExprSubscript, scope: &Scope<'a>) -> Value<'a> {
        let value = self.value(&node.value, scope);
        let key = self.value(&node.slice, scope);
        match (&value, &key) {
            (Value::List(items), Value::Int(index)) => {
                let items = items.borrow();
                let at = if *index < 0 { items.len() as i64 + index } else { *index };
                usize::try_from(at).ok().and_then(|at| items.get(at).cloned()).unwrap_or(Value::Unknown)
            }
            (Value::Class(class), _) if class.is_enumeration => enumeration::member_with(class, "name", &key),
            (Value::Dict(_), _) => super::builtin::lookup(&value, &key).unwrap_or(Value::Unknown),
            _ => Value::Unknown,
        }
    }

    /// Runs `each` for every combination; false when an iterable or a filter is not known.
    fn comprehend(&mut self, generators: &'a [ast::Comprehension], scope: &Scope<'a>, each: &mut dyn FnMut(&mut Self)) -> bool {
        let Some((first, rest)) = generators.split_first() else {
            each(self);
            return true;
        };
        let iterable = self.value(&first.iter, scope);
        let items = match &iterable {
            Value::Dict(pairs) => Some(pairs.borrow().iter().map(|(key, _)| key.clone()).collect()),
            other => other.items(),
        };
        let Some(items) = items else { return false };
        for item in items {
            if !self.spend(span(&first.iter)) {
                return false;
            }
            self.assign(&first.target, item, scope);
            let mut kept = true;
            for filter in &first.ifs {
                let value = self.value(filter, scope);
                match self.truth(&value) {
                    Truth::Known(known) => kept &= known,
                    _ => return false,
                }
            }
            if kept && !self.comprehend(rest, scope, each) {
                return false;
            }
        }
        true
    }

    fn call(&mut self, node: &'a ast::ExprCall, scope: &Scope<'a>) -> Value<'a> {
        let whole = self.here(Span::new(node.range.start().into(), node.range.end().into()));
        if !self.spend(whole) {
            return Value::Unknown;
        }
        // The receiver first, as Python does: `conn.execute(…).fetchall()` executes before it fetches.
        let receiver = match &*node.func {
            Expr::Attribute(attribute) => Some((self.value(&attribute.value, scope), attribute.attr.as_str())),
            _ => None,
        };
        let callee = match &receiver {
            Some((value, name)) => self.attribute(value.clone(), name),
            None => self.value(&node.func, scope),
        };
        let arguments = self.arguments(node, scope);
        if matches!(&callee, Value::Path(path) if &**path == "builtins.super") {
            return scope.parent_of_self().unwrap_or(Value::Unknown);
        }
        self.call_value(callee, receiver.as_ref(), arguments, whole)
    }

    pub(super) fn call_value(
        &mut self,
        callee: Value<'a>,
        receiver: Option<&(Value<'a>, &str)>,
        arguments: Arguments<'a>,
        whole: Span,
    ) -> Value<'a> {
        if let Some(value) = self.directive(&callee, receiver, &arguments, whole) {
            return value;
        }
        if let Some((value, "with_variant")) = receiver {
            return self.variant(value.clone(), &arguments);
        }
        if let Some(result) = receiver.and_then(|(value, name)| super::builtin::method(value, name, &arguments, whole)) {
            return result;
        }
        match &callee {
            Value::Function(function) => self.enter(function, arguments, whole),
            Value::Method(bound) => self.enter_method(&bound.0, &bound.1, arguments, whole),
            Value::Class(class) => self.instance(class, arguments, whole),
            Value::Call(call) if call.callee.as_path().as_deref() == Some("functools.partial") => {
                match super::builtin::partial(call, &arguments) {
                    Some((function, arguments)) => self.call_value(function, None, arguments, whole),
                    None => Value::Unknown,
                }
            }
            Value::Path(path) if &**path == "builtins.getattr" => match arguments.positional.as_slice() {
                [object, name] if name.value.as_str().is_some() => {
                    let name = name.value.as_str().unwrap_or_default().to_owned();
                    self.attribute(object.value.clone(), &name)
                }
                _ => Value::Unknown,
            },
            Value::Path(path) if &**path == "builtins.map" && arguments.positional.len() == 2 => {
                let function = arguments.positional[0].value.clone();
                let Some(items) = arguments.positional[1].value.items() else { return Value::Unknown };
                let mut results = Vec::with_capacity(items.len());
                for value in items {
                    let one = Arguments { positional: vec![Argument { value, span: whole }], ..Arguments::default() };
                    results.push(self.call_value(function.clone(), None, one, whole));
                }
                super::builtin::bounded_list(results)
            }
            Value::Path(path) => {
                if let Some(value) = super::builtin::function(path, &arguments, whole) {
                    return value;
                }
                let mut arguments = arguments;
                self.enum_arguments(path, &mut arguments, whole);
                self.note_unfollowed(path, &arguments, whole);
                Value::Call(Rc::new(Call { callee, arguments, span: whole }))
            }
            Value::Attribute(_) | Value::Call(_) => {
                let handed = arguments.all().any(|argument| argument.value.is_connection());
                let name = receiver.map_or("a function", |(_, name)| name);
                // It only looks.
                if handed && self.discarded == Some(whole) && name != "reflect" {
                    let reason = format!("`{name}` is handed the connection and is not followed");
                    self.emit(crate::operation::Operation::opaque(reason), whole);
                }
                Value::Call(Rc::new(Call { callee, arguments, span: whole }))
            }
            Value::Unknown if receiver.is_none() && self.discarded == Some(whole) => {
                self.emit(crate::operation::Operation::opaque("what is called here is not known"), whole);
                Value::Unknown
            }
            _ => Value::Unknown,
        }
    }

    /// A type as the dialect of this place has it: `sa.Text().with_variant(JSONB(), "postgresql")`.
    fn variant(&self, plain: Value<'a>, arguments: &Arguments<'a>) -> Value<'a> {
        let [variant, dialects @ ..] = arguments.positional.as_slice() else { return plain };
        let here = self.sql_dialect();
        let named = |argument: &Argument<'a>| argument.value.as_str().and_then(Dialect::from_name);
        if here.is_some() && dialects.iter().any(|argument| named(argument) == here) { variant.value.clone() } else { plain }
    }

    /// A place in the script; of an imported module, none.
    fn here(&self, span: Span) -> Span {
        if self.file.imported { Span::default() } else { span }
    }

    fn enter_method(
        &mut self,
        receiver: &Value<'a>,
        function: &Rc<Function<'a>>,
        mut arguments: Arguments<'a>,
        whole: Span,
    ) -> Value<'a> {
        arguments.positional.insert(0, Argument { value: receiver.clone(), span: whole });
        self.enter(function, arguments, whole)
    }

    fn instance(&mut self, class: &Rc<Class<'a>>, arguments: Arguments<'a>, whole: Span) -> Value<'a> {
        if class.is_enumeration {
            let wanted = arguments.positional.first();
            return wanted.map_or(Value::Unknown, |wanted| enumeration::member_with(class, "value", &wanted.value));
        }
        let object = Value::Object(Rc::new(Object { class: class.clone(), fields: self.scopes.outermost() }));
        if let Some(Value::Function(init)) = class.get("__init__") {
            self.enter_method(&object, &init, arguments, whole);
        }
        object
    }

    fn arguments(&mut self, node: &'a ast::ExprCall, scope: &Scope<'a>) -> Arguments<'a> {
        let mut out = Arguments::default();
        for argument in &node.args {
            let place = self.here(span(argument));
            match argument {
                Expr::Starred(starred) => match self.value(&starred.value, scope).items() {
                    Some(items) => out.positional.extend(items.into_iter().map(|value| Argument { value, span: place })),
                    None => out.open = true,
                },
                _ => {
                    let value = self.value(argument, scope);
                    out.positional.push(Argument { value, span: place });
                }
            }
        }
        for keyword in &node.keywords {
            let value = self.value(&keyword.value, scope);
            let place = self.here(Span::new(keyword.range.start().into(), keyword.range.end().into()));
            match (&keyword.arg, value) {
                (Some(name), value) => out.keywords.push((name.to_string(), Argument { value, span: place })),
                (None, Value::Dict(pairs)) => {
                    for (key, value) in pairs.borrow().iter() {
                        match key.as_str() {
                            Some(name) => out.keywords.push((name.to_owned(), Argument { value: value.clone(), span: place })),
                            None => out.open = true,
                        }
                    }
                }
                (None, _) => out.open = true,
            }
        }
        out
    }
}

fn is_unsure(value: &Value<'_>) -> bool {
    matches!(value, Value::Unknown | Value::Attribute(_) | Value::Call(_) | Value::Path(_))
}

/// What `str()` makes of a value; a hole where that is not known.
pub(super) fn as_text(value: &Value<'_>, span: Span) -> Text {
    match value {
        Value::Text(text) => (**text).clone(),
        Value::Int(number) => Text::new(number.to_string(), span),
        Value::Bool(value) => Text::new(if *value { "True" } else { "False" }, span),
        Value::None => Text::new("None", span),
        Value::Call(_) if super::sqlalchemy::is_whole_name(value) => Text::new(super::sqlalchemy::text_or_hole(value), span),
        Value::Call(_) => super::sqlalchemy::sql_text(value).unwrap_or_else(|| Text::hole(span)),
        _ => Text::hole(span),
    }
}
