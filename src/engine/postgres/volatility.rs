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
