//! Column types under one name each, whatever their spelling.

use crate::operation::DataType;

/// Reads a type as SQL writes it: `INT4`, `character varying(20)`, `timestamp(3) with time zone`, `text[]`.
///
/// ```
/// use whimbrel::sql::types::data_type;
/// assert_eq!(data_type("CHARACTER VARYING(20)").to_string(), "varchar(20)");
/// assert_eq!(data_type("TIMESTAMPTZ(3)").to_string(), "timestamp with time zone(3)");
/// assert_eq!(data_type("int4[]").to_string(), "integer[]");
/// assert_eq!(data_type("FLOAT(3)").to_string(), "real");
/// ```
pub fn data_type(written: &str) -> DataType {
    let mut text = written.trim().to_owned();
    let mut array = false;
    while text.ends_with(']') {
        array = true;
        text.truncate(text.rfind('[').unwrap_or(0));
        text.truncate(text.trim_end().len());
    }
    if let Some(start) = text.len().checked_sub(6).filter(|&at| text.is_char_boundary(at))
        && text[start..].eq_ignore_ascii_case(" array")
    {
        array = true;
        text.truncate(start);
    }
    let (head, modifiers, tail) = match (text.find('('), text.rfind(')')) {
        (Some(open), Some(close)) if open < close => {
            let inner = text[open + 1..close].split(',').map(|part| part.trim().to_owned()).collect();
            (text[..open].to_owned(), inner, text[close + 1..].to_owned())
        }
        _ => (text.clone(), Vec::new(), String::new()),
    };
    let words: Vec<&str> = head.split_whitespace().chain(tail.split_whitespace()).collect();
    let spelled = words.join(" ");
    let name = match spelled.contains('"') || spelled.contains('`') {
        true => spelled.replace(['"', '`'], ""),
        false => canonical(&spelled.to_ascii_lowercase()),
    };
    // FLOAT(p) counts binary digits: up to 24 of them are a real.
    let digits = modifiers.first().and_then(|digits| digits.parse::<u32>().ok());
    let (name, modifiers) = match digits.filter(|_| spelled.eq_ignore_ascii_case("float")) {
        Some(digits) => ((if digits <= 24 { "real" } else { "double precision" }).to_owned(), Vec::new()),
        None => (name, modifiers),
    };
    DataType { name, modifiers, array, labels: Vec::new() }
}

fn canonical(name: &str) -> String {
    // MySQL's numbers without a sign.
    if let Some(base) = name.strip_suffix(" unsigned") {
        return format!("{} unsigned", canonical(base));
    }
    let canonical = match name {
        "int" | "int4" | "signed" => "integer",
        "int8" => "bigint",
        "int2" => "smallint",
        "int1" => "tinyint",
        "int3" | "middleint" => "mediumint",
        "serial4" => "serial",
        "serial8" => "bigserial",
        "serial2" => "smallserial",
        "character varying" | "char varying" | "nvarchar" | "national varchar" => "varchar",
        "character" | "bpchar" | "nchar" | "national char" | "national character" => "char",
        "long varchar" => "mediumtext",
        "decimal" | "dec" | "fixed" => "numeric",
        "bool" => "boolean",
        "float8" | "double precision" | "double" | "float" => "double precision",
        "float4" => "real",
        "timestamptz" => "timestamp with time zone",
        "timestamp without time zone" => "timestamp",
        "timetz" => "time with time zone",
        "time without time zone" => "time",
        "varbit" => "bit varying",
        other => other,
    };
    canonical.to_owned()
}
