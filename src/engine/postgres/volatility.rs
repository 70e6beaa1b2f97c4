//! Whether an expression gives one answer for a whole statement, or another for each row.

use crate::operation::Volatility;
use crate::schema::{Schema, expression};

/// PostgreSQL's own volatile functions that a default may call, and those of the usual extensions. All others of
/// its own are stable or immutable.
const VOLATILE: &[&str] = &[
    "clock_timestamp",
    "currval",
    "gen_random_bytes",
    "gen_random_uuid",
    "gen_salt",
    "lastval",
    "nextval",
    "pg_sleep",
    "random",
    "random_normal",
    "setseed",
    "setval",
    "timeofday",
    "uuid_generate_v1",
    "uuid_generate_v1mc",
    "uuid_generate_v4",
    "uuid_generate_v7",
    "uuidv4",
    "uuidv7",
];

/// How deep functions written in SQL are followed into each other.
const DEEPEST: usize = 8;

/// The first call of an expression that makes it volatile.
pub(super) fn volatile_call(text: &str, schema: &Schema, major: u32) -> Option<String> {
    volatile_at(text, schema, major, 0)
}

fn volatile_at(text: &str, schema: &Schema, major: u32, depth: usize) -> Option<String> {
    expression::calls(text).into_iter().find(|name| match schema.function(name) {
        // From 12 on a function in SQL is replaced by its body before the question is asked.
        Some(function) if major >= 12 && depth < DEEPEST => match &function.body {
            Some(body) => volatile_at(body, schema, major, depth + 1).is_some(),
            None => function.volatility == Volatility::Volatile,
        },
        Some(function) => function.volatility == Volatility::Volatile,
        None => VOLATILE.contains(&name.as_str()),
    })
}

/// PostgreSQL's own stable functions that people put into indexes and computed columns; each form of them is stable.
const STABLE: &[&str] = &[
    "age",
    "array_to_string",
    "concat",
    "concat_ws",
    "current_setting",
    "format",
    "json_build_object",
    "jsonb_build_object",
    "now",
    "row_to_json",
    "statement_timestamp",
    "to_char",
    "to_date",
    "to_json",
    "to_jsonb",
    "transaction_timestamp",
    "unaccent",
];

/// What SQL writes without parentheses.
const STABLE_WORDS: &[&str] =
    &["current_date", "current_time", "current_timestamp", "current_user", "localtime", "localtimestamp", "session_user"];

/// The first part of an expression that an index or a computed column may not have, as its maker declared it.
/// Casts and operators are not looked at: what they are depends on types.
pub(super) fn mutable_call(text: &str, schema: &Schema) -> Option<String> {
    mutable_at(text, schema, 0)
}

fn mutable_at(text: &str, schema: &Schema, depth: usize) -> Option<String> {
    let call = expression::calls(text).into_iter().find(|name| match schema.function(name) {
        Some(function) if function.volatility == Volatility::Immutable => false,
        // It is replaced by its body before the question is asked.
        Some(function) => match function.body.as_ref().filter(|_| depth < DEEPEST) {
            Some(body) => mutable_at(body, schema, depth + 1).is_some(),
            None => true,
        },
        // With the configuration as its first argument it is immutable.
        None if name == "to_tsvector" => has_one_argument(text),
        None => STABLE.contains(&name.as_str()) || VOLATILE.contains(&name.as_str()),
    });
    if let Some(call) = call {
        return Some(format!("{call}()"));
    }
    STABLE_WORDS.iter().find(|word| expression::has_word(text, word)).map(|word| word.to_uppercase())
}

/// Whether the first call of `to_tsvector` names no configuration.
fn has_one_argument(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("to_tsvector") else { return false };
    let mut depth = 0;
    for c in rest.chars() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return true,
            ')' => depth -= 1,
            ',' if depth == 1 => return false,
            _ => {}
        }
    }
    false
}
