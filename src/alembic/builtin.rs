//! The few functions and methods of Python that migration scripts build their SQL with.

use std::cell::RefCell;
use std::rc::Rc;

use super::expression::as_text;
use super::value::{Argument, Arguments, Call, Value};
use crate::source::Span;
use crate::text::Text;

/// Sequences longer than this are not unrolled.
const LONGEST_RANGE: i64 = 1_000;

/// Longer lists and texts are values that are not known: no migration has them, and they would fill the memory.
pub(super) const LONGEST_LIST: usize = 20_000;
const LONGEST_TEXT: usize = 4 << 20;

pub(super) fn bounded_text<'a>(text: Text, span: Span) -> Value<'a> {
    Value::Text(Rc::new(if text.as_str().len() > LONGEST_TEXT { Text::hole(span) } else { text }))
}

pub(super) fn bounded_list<'a>(items: Vec<Value<'a>>) -> Value<'a> {
    if items.len() > LONGEST_LIST { Value::Unknown } else { Value::list(items) }
}

/// A name that no scope knows: a builtin, or unknown.
pub(super) fn name<'a>(name: &str) -> Value<'a> {
    match name {
        "range" | "enumerate" | "zip" | "list" | "tuple" | "set" | "sorted" | "reversed" | "dict" | "str" | "len" | "print"
        | "isinstance" | "getattr" | "int" | "bool" | "globals" | "repr" | "any" | "all" | "hasattr" | "next" | "iter"
        | "map" | "filter" | "min" | "max" | "sum" | "open" | "super" | "type" | "vars" | "frozenset" => {
            Value::path(format!("builtins.{name}"))
        }
        _ => Value::Unknown,
    }
}

/// A function by its dotted name; None when it is not one of these.
pub(super) fn function<'a>(path: &str, arguments: &Arguments<'a>, span: Span) -> Option<Value<'a>> {
    let first = arguments.positional.first().map(|argument| &argument.value);
    let items = || match first {
        Some(Value::Dict(pairs)) => Some(pairs.borrow().iter().map(|(key, _)| key.clone()).collect()),
        Some(value) => value.items(),
        None => Some(Vec::new()),
    };
    if arguments.open {
        return path.starts_with("builtins.").then_some(Value::Unknown);
    }
    Some(match path {
        "textwrap.dedent" | "inspect.cleandoc" => match first.and_then(Value::as_text) {
            Some(text) => Value::Text(Rc::new(text.dedent())),
            None => Value::Unknown,
        },
        "builtins.range" => {
            let numbers: Option<Vec<i64>> = arguments
                .positional
                .iter()
                .map(|argument| if let Value::Int(number) = argument.value { Some(number) } else { None })
                .collect();
            let (from, to, step) = match numbers.as_deref() {
                Some([to]) => (0, *to, 1),
                Some([from, to]) => (*from, *to, 1),
                Some([from, to, step]) if *step > 0 => (*from, *to, *step),
                _ => return Some(Value::Unknown),
            };
            if to.saturating_sub(from) / step > LONGEST_RANGE {
                return Some(Value::Unknown);
            }
            Value::list((from..to).step_by(step as usize).map(Value::Int).collect())
        }
        "builtins.enumerate" => items().map_or(Value::Unknown, |items| {
            let start = match arguments.get(1, &["start"]).map(|argument| &argument.value) {
                None => 0,
                Some(Value::Int(start)) => *start,
                Some(_) => return Value::Unknown,
            };
            let pair = |(index, item)| Value::list(vec![Value::Int(start + index as i64), item]);
            Value::list(items.into_iter().enumerate().map(pair).collect())
        }),
        "builtins.zip" => {
            let columns: Option<Vec<_>> = arguments.positional.iter().map(|argument| argument.value.items()).collect();
            let Some(columns) = columns else { return Some(Value::Unknown) };
            let length = columns.iter().map(Vec::len).min().unwrap_or(0);
            let row = |index: usize| Value::list(columns.iter().map(|column| column[index].clone()).collect());
            Value::list((0..length).map(row).collect())
        }
        "builtins.list" | "builtins.tuple" | "builtins.iter" => items().map_or(Value::Unknown, Value::list),
        "builtins.set" | "builtins.frozenset" | "builtins.sorted" => items().map_or(Value::Unknown, |mut items| {
            if path == "builtins.sorted" {
                items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            }
            Value::list(items)
        }),
        "builtins.reversed" => items().map_or(Value::Unknown, |items| Value::list(items.into_iter().rev().collect())),
        "builtins.dict" => match first {
            Some(Value::Dict(pairs)) => Value::Dict(Rc::new(RefCell::new(pairs.borrow().clone()))),
            None => {
                let pair = |(name, argument): &(String, Argument<'a>)| (Value::text(name.clone(), span), argument.value.clone());
                Value::Dict(Rc::new(RefCell::new(arguments.keywords.iter().map(pair).collect())))
            }
            Some(_) => Value::Unknown,
        },
        "builtins.str" => first.map_or(Value::Unknown, |value| Value::Text(Rc::new(as_text(value, span)))),
        "builtins.len" => first.and_then(Value::items).map_or(Value::Unknown, |items| Value::Int(items.len() as i64)),
        "builtins.bool" => match first {
            Some(Value::Bool(known)) => Value::Bool(*known),
            Some(Value::None) => Value::Bool(false),
            Some(condition @ (Value::OnDialect(_) | Value::PerhapsOn(_) | Value::AtLeastOn(_))) => condition.clone(),
            _ => Value::Unknown,
        },
        // partial(f, …) is f with arguments; kept as a call so that its callee can be followed.
        "alembic.context.is_offline_mode" => Value::Bool(false),
        "sqlalchemy.sql.expression.quoted_name" | "sqlalchemy.quoted_name" | "sqlalchemy.sql.quoted_name" => {
            first.cloned().unwrap_or(Value::Unknown)
        }
        "copy.copy" | "copy.deepcopy" => first.cloned().unwrap_or(Value::Unknown),
        _ if path.starts_with("builtins.") => Value::Unknown,
        _ => return None,
    })
}

/// A method of a string, list or dict.
pub(super) fn method<'a>(receiver: &Value<'a>, name: &str, arguments: &Arguments<'a>, span: Span) -> Option<Value<'a>> {
    let first = arguments.positional.first().map(|argument| &argument.value);
    match receiver {
        Value::Text(text) => Some(text_method(text, name, arguments, span)),
        Value::List(items) => {
            let position = |wanted: &Value<'a>| items.borrow().iter().position(|item| item.same(wanted));
            match (name, first) {
                _ if items.borrow().len() > LONGEST_LIST => return Some(Value::Unknown),
                ("append" | "add", Some(value)) => items.borrow_mut().push(value.clone()),
                ("extend" | "update", Some(value)) => match value.items() {
                    Some(more) if more.len() <= LONGEST_LIST => items.borrow_mut().extend(more),
                    _ => items.borrow_mut().push(Value::Unknown),
                },
                ("pop", None) => return Some(items.borrow_mut().pop().unwrap_or(Value::Unknown)),
                ("remove" | "discard", Some(value)) => match position(value) {
                    Some(at) => {
                        items.borrow_mut().remove(at);
                    }
                    None => return Some(Value::Unknown),
                },
                ("clear", _) => items.borrow_mut().clear(),
                ("reverse", _) => items.borrow_mut().reverse(),
                ("sort", _) => items.borrow_mut().sort_by(|a, b| a.as_str().cmp(&b.as_str())),
                ("insert", Some(Value::Int(0))) => {
                    items.borrow_mut().insert(0, arguments.positional.get(1).map_or(Value::Unknown, |value| value.value.clone()));
                }
                ("copy", _) => return Some(Value::list(items.borrow().clone())),
                // What else a list is asked is not answered here.
                _ => return Some(Value::Unknown),
            }
            Some(Value::None)
        }
        Value::Dict(pairs) => Some(match name {
            "items" => {
                Value::list(pairs.borrow().iter().map(|(key, value)| Value::list(vec![key.clone(), value.clone()])).collect())
            }
            "keys" => Value::list(pairs.borrow().iter().map(|(key, _)| key.clone()).collect()),
            "values" => Value::list(pairs.borrow().iter().map(|(_, value)| value.clone()).collect()),
            "get" => {
                let default = || arguments.positional.get(1).map_or(Value::None, |value| value.value.clone());
                first.and_then(|key| lookup(receiver, key)).unwrap_or_else(default)
            }
            "copy" => Value::Dict(Rc::new(RefCell::new(pairs.borrow().clone()))),
            "setdefault" => match first.and_then(|key| lookup(receiver, key)) {
                Some(known) => known,
                None => {
                    let value = arguments.positional.get(1).map_or(Value::None, |value| value.value.clone());
                    pairs.borrow_mut().extend(first.map(|key| (key.clone(), value.clone())));
                    value
                }
            },
            "update" => {
                if let Some(Value::Dict(more)) = first {
                    let more = more.borrow().clone();
                    pairs.borrow_mut().extend(more);
                }
                Value::None
            }
            _ => Value::Unknown,
        }),
        _ => None,
    }
}

/// The value under a key; None when the key or some other key is not known well enough.
pub(super) fn lookup<'a>(dict: &Value<'a>, key: &Value<'a>) -> Option<Value<'a>> {
    let Value::Dict(pairs) = dict else { return None };
    let pairs = pairs.borrow();
    let found = pairs.iter().rev().find(|(known, _)| match (known, key) {
        (Value::Int(a), Value::Int(b)) => a == b,
        _ => known.as_str().is_some() && known.as_str() == key.as_str(),
    });
    found.map(|(_, value)| value.clone())
}

fn text_method<'a>(text: &Rc<Text>, name: &str, arguments: &Arguments<'a>, span: Span) -> Value<'a> {
    let argument = |index: usize| arguments.positional.get(index).and_then(|argument| argument.value.as_str());
    let made = |text: Text| bounded_text(text, span);
    match name {
        "format" => made(format(text, arguments, span)),
        "format_map" => Value::Unknown,
        "strip" | "lstrip" | "rstrip" if arguments.positional.is_empty() => made(text.strip()),
        "upper" => made(Text::new(text.as_str().to_uppercase(), text.locate(0..text.as_str().len()))),
        "lower" => made(Text::new(text.as_str().to_lowercase(), text.locate(0..text.as_str().len()))),
        "replace" => match (argument(0), argument(1)) {
            (Some(from), Some(to)) if !from.is_empty() => {
                made(Text::new(text.as_str().replace(from, to), text.locate(0..text.as_str().len())))
            }
            _ => Value::Text(Rc::new(Text::hole(span))),
        },
        "join" => match arguments.positional.first().and_then(|argument| argument.value.items()) {
            Some(items) => {
                let mut out = Text::default();
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.append(text);
                    }
                    out.append(&as_text(item, span));
                }
                made(out)
            }
            None => made(Text::hole(span)),
        },
        "split" | "splitlines" if !text.has_holes() => {
            let value = text.as_str();
            let parts: Vec<&str> = match (name, argument(0)) {
                ("splitlines", _) => value.lines().collect(),
                (_, Some(separator)) if !separator.is_empty() => value.split(separator).collect(),
                _ => value.split_whitespace().collect(),
            };
            let part = |part: &str| {
                let start = part.as_ptr() as usize - value.as_ptr() as usize;
                Value::Text(Rc::new(text.slice(start..start + part.len())))
            };
            Value::list(parts.into_iter().map(part).collect())
        }
        "startswith" => argument(0)
            .filter(|_| !text.has_holes())
            .map_or(Value::Unknown, |prefix| Value::Bool(text.as_str().starts_with(prefix))),
        "endswith" => argument(0)
            .filter(|_| !text.has_holes())
            .map_or(Value::Unknown, |suffix| Value::Bool(text.as_str().ends_with(suffix))),
        // SQLAlchemy's constructs on a string do not exist; anything else is a string of unknown content.
        _ => Value::Unknown,
    }
}

/// `"…{}…{name}…".format(…)`.
fn format(template: &Text, arguments: &Arguments<'_>, span: Span) -> Text {
    let value = template.as_str();
    let mut out = Text::default();
    let (mut at, mut next) = (0, 0);
    while at < value.len() {
        let rest = &value[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            out.append(&template.slice(at..at + 1));
            at += 2;
            continue;
        }
        let Some(end) = rest.strip_prefix('{').and_then(|inner| inner.find('}')) else {
            let first = rest.chars().next().map_or(1, char::len_utf8);
            let length = rest[first..].find(['{', '}']).map_or(rest.len(), |offset| first + offset);
            out.append(&template.slice(at..at + length));
            at += length;
            continue;
        };
        let field = &rest[1..=end];
        let name = field.split([':', '!']).next().unwrap_or_default();
        let argument = match name {
            "" => {
                next += 1;
                arguments.positional.get(next - 1)
            }
            _ => match name.parse::<usize>() {
                Ok(index) => arguments.positional.get(index),
                Err(_) => arguments.keyword(name),
            },
        };
        // A width or a conversion makes another text of it.
        let plain = !field.contains([':', '!']);
        // The words of the value stand elsewhere; in this text they stand at the field.
        let place = template.locate(at..at + end + 2);
        let text = argument.filter(|_| plain).map_or_else(|| Text::hole(place), |argument| as_text(&argument.value, span));
        out.push(text.as_str(), place);
        at += end + 2;
    }
    out
}

/// `"…%s…%(name)s…" % value`.
pub(super) fn percent(template: &Text, right: &Value<'_>, span: Span) -> Text {
    let value = template.as_str();
    let positional = right.items().unwrap_or_else(|| vec![right.clone()]);
    let mut out = Text::default();
    let (mut at, mut next) = (0, 0);
    while let Some(offset) = value[at..].find('%') {
        let start = at + offset;
        out.append(&template.slice(at..start));
        let rest = &value[start + 1..];
        if rest.starts_with('%') {
            out.append(&template.slice(start..start + 1));
            at = start + 2;
            continue;
        }
        let (argument, skip) = match rest.strip_prefix('(').and_then(|inner| inner.find(')')) {
            Some(close) => (lookup(right, &Value::text(&rest[1..=close], span)), close + 2),
            None => {
                next += 1;
                (positional.get(next - 1).cloned(), 0)
            }
        };
        let Some(directive) = rest[skip..].find(|c: char| c.is_ascii_alphabetic()) else {
            // A percent sign that formats nothing.
            out.append(&template.slice(start..start + 1));
            at = start + 1;
            continue;
        };
        let plain = directive == 0 && rest[skip..].starts_with(['s', 'd']);
        let place = template.locate(start..(start + 2 + skip).min(value.len()));
        let text = argument.filter(|_| plain).map_or_else(|| Text::hole(place), |value| as_text(&value, span));
        out.push(text.as_str(), place);
        at = (start + 1 + skip + directive + 1).min(value.len());
    }
    out.append(&template.slice(at..value.len()));
    out
}

/// What `functools.partial(f, …)` calls, with its arguments in front of the new ones.
pub(super) fn partial<'a>(call: &Call<'a>, more: &Arguments<'a>) -> Option<(Value<'a>, Arguments<'a>)> {
    if call.callee.as_path().as_deref() != Some("functools.partial") {
        return None;
    }
    let (function, bound) = call.arguments.positional.split_first()?;
    let mut arguments = Arguments { positional: bound.to_vec(), ..call.arguments.clone() };
    arguments.positional.extend(more.positional.iter().cloned());
    arguments.keywords.extend(more.keywords.iter().cloned());
    arguments.open |= more.open;
    Some((function.value.clone(), arguments))
}
