//! What an expression comes to, as far as it is made of literals, arithmetic and comparisons: enough to know of rows that
//! the history itself has written whether they break a new constraint. Anything else is unknown, and breaks nothing.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value as Literal, Visit,
    Visitor,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use crate::operation::{Column, DataType, HOLE};

/// Only what every engine computes alike: whole numbers, texts by their letters, and what is true.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Unknown,
    Null,
    Bool(bool),
    Integer(i64),
    Text(String),
}

impl Value {
    /// None for what is NULL or unknown, and so equal to nothing.
    pub fn key(&self) -> Option<String> {
        match self {
            Value::Unknown | Value::Null | Value::Bool(_) => None,
            Value::Integer(value) => Some(value.to_string()),
            Value::Text(value) => Some(value.clone()),
        }
    }
}

/// Longer expressions are not computed, in bytes: they could be nested as deeply as they are long.
const LONGEST: usize = 4096;

/// The tree of an expression; None for what the parser does not take.
pub fn parsed(text: &str) -> Option<Expr> {
    if text.len() > LONGEST {
        return None;
    }
    let mut parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(text).ok()?;
    let tree = parser.parse_expr().ok()?;
    (parser.peek_token().token == Token::EOF).then_some(tree)
}

/// The names that an expression takes from a row, folded to lower case unless quoted, and whether they are; none where it
/// is not read.
pub fn names(text: &str) -> Vec<(String, bool)> {
    struct Names(Vec<(String, bool)>);
    impl Visitor for Names {
        type Break = ();

        fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
            match expression {
                Expr::Identifier(name) if name.quote_style.is_some() => self.0.push((name.value.clone(), true)),
                Expr::Identifier(name) => self.0.push((name.value.to_ascii_lowercase(), false)),
                // Its names are those of other tables.
                Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } | Expr::Lambda(_) => {
                    self.0.clear();
                    return ControlFlow::Break(());
                }
                _ => {}
            }
            ControlFlow::Continue(())
        }
    }
    let mut found = Names(Vec::new());
    // Calls have words of their own: `normalize(s, NFC)`, `make_interval(days => 1)`.
    let calls = !super::expression::calls(text).is_empty();
    if let Some(tree) = parsed(text).filter(|_| !calls && !text.contains('&')) {
        let _ = tree.visit(&mut found);
    }
    found.0
}

/// Whether a condition is false once the column has this value.
pub fn is_false(check: &str, column: &Column, value: &str) -> bool {
    let (Some(check), Some(value)) = (parsed(check), parsed(value)) else { return false };
    let value = as_stored(evaluate(&value, &|_| Value::Unknown), column.data_type.as_ref());
    let named = |name: &str| if name.eq_ignore_ascii_case(&column.name) { value.clone() } else { Value::Unknown };
    evaluate(&check, &named) == Value::Bool(false)
}

/// The value as a column of the type keeps it: `'1'` in an integer is a number. Types that keep a value otherwise than it
/// is written, or compare it otherwise than by its letters, are not known here.
pub fn as_stored(value: Value, kind: Option<&DataType>) -> Value {
    if value == Value::Null {
        return value;
    }
    let Some(kind) = kind.filter(|kind| !kind.array && kind.labels.is_empty()) else { return Value::Unknown };
    let length = kind.modifiers.first().and_then(|length| length.parse::<usize>().ok());
    match (value, kind.name.as_str()) {
        (Value::Integer(number), "smallint" | "integer" | "bigint") => Value::Integer(number),
        (Value::Text(text), "smallint" | "integer" | "bigint") => text.parse().map_or(Value::Unknown, Value::Integer),
        (Value::Text(text), "varchar" | "text") if length.is_none_or(|length| text.chars().count() <= length) => {
            Value::Text(text)
        }
        (Value::Integer(number), "varchar" | "text") => Value::Text(number.to_string()),
        _ => Value::Unknown,
    }
}

/// The value of an expression, where `named` gives those of its names, folded to lower case unless quoted.
pub fn evaluate(expression: &Expr, named: &dyn Fn(&str) -> Value) -> Value {
    let of = |inner: &Expr| evaluate(inner, named);
    let truth = |known: Option<bool>| known.map_or(Value::Unknown, Value::Bool);
    match expression {
        Expr::Value(value) => literal(&value.value),
        Expr::Nested(inner) => of(inner),
        Expr::Identifier(name) => match name.quote_style {
            Some(_) => named(&name.value),
            None => named(&name.value.to_ascii_lowercase()),
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match of(expr) {
            Value::Integer(value) => value.checked_neg().map_or(Value::Unknown, Value::Integer),
            Value::Null => Value::Null,
            _ => Value::Unknown,
        },
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => match of(expr) {
            Value::Bool(value) => Value::Bool(!value),
            Value::Null => Value::Null,
            _ => Value::Unknown,
        },
        Expr::IsNull(inner) => truth(is_null(&of(inner))),
        Expr::IsNotNull(inner) => truth(is_null(&of(inner)).map(|null| !null)),
        Expr::Between { expr, negated, low, high } => {
            let value = of(expr);
            let within = and(compare(&value, &BinaryOperator::GtEq, &of(low)), compare(&value, &BinaryOperator::LtEq, &of(high)));
            if *negated { not(within) } else { within }
        }
        Expr::InList { expr, list, negated } => {
            let value = of(expr);
            let equal = |other: &Expr| compare(&value, &BinaryOperator::Eq, &of(other));
            let found = list.iter().map(equal).fold(Value::Bool(false), or);
            if *negated { not(found) } else { found }
        }
        Expr::BinaryOp { left, op, right } => binary(&of(left), op, &of(right)),
        Expr::Function(function) => call(function, named),
        _ => Value::Unknown,
    }
}

fn literal(value: &Literal) -> Value {
    match value {
        Literal::Null => Value::Null,
        Literal::Boolean(value) => Value::Bool(*value),
        Literal::Number(digits, _) => digits.parse().map_or(Value::Unknown, Value::Integer),
        // What a script puts in is not known here.
        Literal::SingleQuotedString(text) if !text.contains([HOLE, '\\']) => Value::Text(text.clone()),
        _ => Value::Unknown,
    }
}

fn is_null(value: &Value) -> Option<bool> {
    match value {
        Value::Unknown => None,
        value => Some(*value == Value::Null),
    }
}

fn not(value: Value) -> Value {
    match value {
        Value::Bool(value) => Value::Bool(!value),
        other => other,
    }
}

fn and(a: Value, b: Value) -> Value {
    match (a, b) {
        (Value::Bool(false), _) | (_, Value::Bool(false)) => Value::Bool(false),
        (Value::Bool(true), Value::Bool(true)) => Value::Bool(true),
        (Value::Unknown, _) | (_, Value::Unknown) => Value::Unknown,
        _ => Value::Null,
    }
}

fn or(a: Value, b: Value) -> Value {
    not(and(not(a), not(b)))
}

fn binary(left: &Value, operator: &BinaryOperator, right: &Value) -> Value {
    match operator {
        BinaryOperator::And => and(left.clone(), right.clone()),
        BinaryOperator::Or => or(left.clone(), right.clone()),
        // Of two numbers SQLite makes something else than the others.
        BinaryOperator::StringConcat => match (left, right) {
            (Value::Text(_), Value::Text(_) | Value::Integer(_)) | (Value::Integer(_), Value::Text(_)) => {
                let texts = left.key().zip(right.key());
                texts.map_or(Value::Unknown, |(left, right)| Value::Text(left + &right))
            }
            _ => Value::Unknown,
        },
        BinaryOperator::Plus
        | BinaryOperator::Minus
        | BinaryOperator::Multiply
        | BinaryOperator::Divide
        | BinaryOperator::Modulo => arithmetic(left, operator, right),
        _ => compare(left, operator, right),
    }
}

fn arithmetic(left: &Value, operator: &BinaryOperator, right: &Value) -> Value {
    if let (Value::Integer(a), Value::Integer(b)) = (left, right) {
        let result = match operator {
            BinaryOperator::Plus => a.checked_add(*b),
            BinaryOperator::Minus => a.checked_sub(*b),
            BinaryOperator::Multiply => a.checked_mul(*b),
            BinaryOperator::Divide => a.checked_div(*b),
            _ => a.checked_rem(*b),
        };
        return result.map_or(Value::Unknown, Value::Integer);
    }
    match left {
        Value::Null if *right == Value::Null || matches!(right, Value::Integer(_)) => Value::Null,
        Value::Integer(_) if *right == Value::Null => Value::Null,
        _ => Value::Unknown,
    }
}

/// A comparison; the order of texts is that of a collation, which is not known.
fn compare(left: &Value, operator: &BinaryOperator, right: &Value) -> Value {
    if *left == Value::Null || *right == Value::Null {
        return if *left == Value::Unknown || *right == Value::Unknown { Value::Unknown } else { Value::Null };
    }
    let (equal, less) = match (left, right) {
        (Value::Text(a), Value::Text(b)) => (Some(a == b), None),
        (Value::Bool(a), Value::Bool(b)) => (Some(a == b), Some(!a & b)),
        (Value::Integer(a), Value::Integer(b)) => (Some(a == b), Some(a < b)),
        _ => (None, None),
    };
    let known = match operator {
        BinaryOperator::Eq => equal,
        BinaryOperator::NotEq => equal.map(|equal| !equal),
        BinaryOperator::Lt => less,
        BinaryOperator::GtEq => less.map(|less| !less),
        BinaryOperator::LtEq => less.zip(equal).map(|(less, equal)| less || equal),
        BinaryOperator::Gt => less.zip(equal).map(|(less, equal)| !less && !equal),
        _ => None,
    };
    known.map_or(Value::Unknown, Value::Bool)
}

/// Functions of one text that every engine has.
fn call(function: &Function, named: &dyn Fn(&str) -> Value) -> Value {
    let FunctionArguments::List(list) = &function.args else { return Value::Unknown };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] = list.args.as_slice() else { return Value::Unknown };
    let value = evaluate(argument, named);
    if value == Value::Null {
        return Value::Null;
    }
    // Letters beyond ASCII change with the locale.
    let Value::Text(text) = value else { return Value::Unknown };
    if !text.is_ascii() {
        return Value::Unknown;
    }
    match function.name.to_string().to_lowercase().as_str() {
        "length" | "char_length" | "character_length" => Value::Integer(text.chars().count() as i64),
        "lower" => Value::Text(text.to_lowercase()),
        "upper" => Value::Text(text.to_uppercase()),
        _ => Value::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        let column = |name: &str| match name {
            "x" => Value::Integer(7),
            "n" => Value::Null,
            "t" => Value::Text("abc".to_owned()),
            _ => Value::Unknown,
        };
        evaluate(&parsed(text).expect("an expression"), &column)
    }

    #[test]
    fn comparisons_are_three_valued() {
        assert_eq!(value("x >= 1 AND x < 5"), Value::Bool(false));
        assert_eq!(value("x IN (1, 2) OR t = 'abc'"), Value::Bool(true));
        assert_eq!(value("n > 0"), Value::Null);
        assert_eq!(value("other > 0 AND x = 0"), Value::Bool(false));
        assert_eq!(value("other > 0"), Value::Unknown);
        assert_eq!(value("n IS NULL"), Value::Bool(true));
        assert_eq!(value("x BETWEEN 1 AND 7"), Value::Bool(true));
        assert_eq!(value("length(t) > 3"), Value::Bool(false));
        assert_eq!(value("t < 'b'"), Value::Unknown);
        assert_eq!(value(&format!("'{HOLE}' = '{HOLE}'")), Value::Unknown);
    }

    #[test]
    fn a_series_is_computed() {
        assert_eq!(value("'c' || (1 + x % 5)"), Value::Text("c3".to_owned()));
        assert_eq!(value("-x"), Value::Integer(-7));
    }
}
