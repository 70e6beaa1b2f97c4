//! How a value of one type becomes one of another.

use crate::operation::DataType;
use crate::schema::Schema;

/// What an ALTER COLUMN TYPE without USING does to each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coercion {
    /// The bytes stay as they are.
    None,
    /// The bytes stay, but the order of values may be another: `integer` to `oid`.
    Relabel,
    /// Each value is computed anew.
    Convert,
    /// There is no cast that PostgreSQL would use by itself.
    Impossible,
    /// One of the types is not known.
    Unknown,
}

const STRINGS: &[&str] = &["text", "varchar", "char", "citext", "name"];
const NUMBERS: &[&str] = &["smallint", "integer", "bigint", "numeric", "real", "double precision"];
const TIMES: &[&str] = &["date", "timestamp", "timestamp with time zone"];
/// Types that all convert to strings and, but for these pairs, to nothing else by themselves.
const OTHERS: &[&str] = &[
    "boolean",
    "json",
    "jsonb",
    "uuid",
    "bytea",
    "xml",
    "inet",
    "cidr",
    "macaddr",
    "bit",
    "bit varying",
    "interval",
    "time",
    "time with time zone",
    "money",
    "oid",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "daterange",
    "tsvector",
    "tsquery",
    "point",
    "hstore",
];
/// Assignment casts between the others.
const PAIRS: &[(&str, &str)] = &[
    ("json", "jsonb"),
    ("jsonb", "json"),
    ("inet", "cidr"),
    ("bit", "bit varying"),
    ("bit varying", "bit"),
    ("time", "interval"),
    ("interval", "time"),
    ("time", "time with time zone"),
    ("time with time zone", "time"),
    ("timestamp", "time"),
    ("timestamp with time zone", "time"),
    ("timestamp with time zone", "time with time zone"),
    ("integer", "money"),
    ("bigint", "money"),
    ("numeric", "money"),
    ("money", "numeric"),
    ("smallint", "oid"),
    ("bigint", "oid"),
    ("oid", "bigint"),
];

fn is(list: &[&str], name: &str) -> bool {
    list.contains(&name)
}

/// The type below a domain, and whether values have to pass the domain's constraints.
pub(super) fn base<'t>(data_type: &'t DataType, schema: &'t Schema) -> (&'t DataType, bool) {
    match schema.domain_of(data_type) {
        Some(domain) => {
            let (inner, constrained) = base(&domain.base, schema);
            (inner, constrained || domain.is_constrained())
        }
        None => (data_type, false),
    }
}

/// From one base type to another, with their modifiers.
pub(super) fn coercion(from: &DataType, to: &DataType, schema: &Schema, major: u32) -> Coercion {
    if from.array != to.array {
        let is_string = !to.array && is(STRINGS, &to.name);
        return if is_string { Coercion::Convert } else { Coercion::Impossible };
    }
    if from.array && (from.name != to.name || from.modifiers != to.modifiers) {
        // Arrays are converted element by element, also where the elements would keep their bytes.
        return match element(from, to, schema, major) {
            Coercion::None if from.name == to.name => Coercion::Convert,
            Coercion::None | Coercion::Relabel | Coercion::Convert => Coercion::Convert,
            other => other,
        };
    }
    element(from, to, schema, major)
}

fn element(from: &DataType, to: &DataType, schema: &Schema, major: u32) -> Coercion {
    let (old, new) = (from.name.as_str(), to.name.as_str());
    if old == new {
        return if keeps_modifier(from, to) { Coercion::None } else { Coercion::Convert };
    }
    let known = |name: &str| is(STRINGS, name) || is(NUMBERS, name) || is(TIMES, name) || is(OTHERS, name);
    match (old, new) {
        // Length is checked by a cast of its own, unless it cannot have grown too short.
        ("text" | "citext" | "name", "varchar") if to.modifiers.is_empty() && old != "name" => Coercion::None,
        ("varchar", "text") => Coercion::None,
        ("varchar" | "text", "citext") => Coercion::Relabel,
        ("citext", "text") => Coercion::Relabel,
        ("cidr", "inet") => Coercion::None,
        ("bit", "bit varying") if to.modifiers.is_empty() => Coercion::Relabel,
        ("bit", "bit varying") => Coercion::Convert,
        ("integer", "oid") | ("oid", "integer") => Coercion::Relabel,
        // With TimeZone UTC, which is what servers run with unless told otherwise.
        ("timestamp", "timestamp with time zone") | ("timestamp with time zone", "timestamp") => {
            if major >= 12 && precision(to) >= 6 && !schema.session.is_elsewhere { Coercion::Relabel } else { Coercion::Convert }
        }
        _ if is(STRINGS, new) && (known(old) || schema.has_type(&crate::operation::Name::new(old))) => Coercion::Convert,
        _ if is(NUMBERS, old) && is(NUMBERS, new) => Coercion::Convert,
        _ if is(TIMES, old) && is(TIMES, new) => Coercion::Convert,
        _ if PAIRS.contains(&(old, new)) => Coercion::Convert,
        _ if known(old) && (known(new) || schema.has_type(&crate::operation::Name::new(new))) => Coercion::Impossible,
        _ => Coercion::Unknown,
    }
}

/// Whether the same type with another modifier needs no look at the values.
fn keeps_modifier(from: &DataType, to: &DataType) -> bool {
    if from.modifiers == to.modifiers {
        return true;
    }
    match from.name.as_str() {
        "varchar" | "bit varying" => match (length(from), length(to)) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(old), Some(new)) => new >= old,
        },
        "char" | "bit" => length(from).unwrap_or(1) == length(to).unwrap_or(1),
        "numeric" => match (digits(from), digits(to)) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some((old, old_scale)), Some((new, new_scale))) => new >= old && new_scale == old_scale,
        },
        "timestamp" | "timestamp with time zone" | "time" | "time with time zone" => precision(to) >= precision(from),
        "interval" => {
            to.modifiers.is_empty() || precision(to) >= 6 || (!from.modifiers.is_empty() && precision(to) >= precision(from))
        }
        _ => false,
    }
}

fn length(data_type: &DataType) -> Option<u64> {
    data_type.modifiers.first()?.parse().ok()
}

/// Fractional digits of seconds; six when not said.
fn precision(data_type: &DataType) -> u64 {
    data_type.modifiers.first().and_then(|digits| digits.parse().ok()).unwrap_or(6)
}

/// Precision and scale of a numeric that has them.
fn digits(data_type: &DataType) -> Option<(u64, i64)> {
    let precision = data_type.modifiers.first()?.parse().ok()?;
    let scale = data_type.modifiers.get(1).and_then(|scale| scale.parse().ok()).unwrap_or(0);
    Some((precision, scale))
}

/// Whether an index over the old type serves the new one: the same operator class compares both.
pub(super) fn same_order(from: &DataType, to: &DataType) -> bool {
    let class = |name: &'_ str| match name {
        "varchar" => "text".to_owned(),
        "cidr" => "inet".to_owned(),
        other => other.to_owned(),
    };
    from.array == to.array && class(&from.name) == class(&to.name)
}

/// Whether PostgreSQL has an operator that compares the two, as a foreign key needs.
pub(super) fn comparable(from: &DataType, to: &DataType) -> bool {
    let families: [&[&str]; 6] = [STRINGS, NUMBERS, TIMES, &["uuid"], &["boolean"], &["bytea"]];
    let family = |name: &str| families.iter().position(|list| is(list, name));
    match (family(&from.name), family(&to.name)) {
        (Some(a), Some(b)) => a == b && from.array == to.array,
        // Types that are not known may have any operator.
        _ => true,
    }
}
