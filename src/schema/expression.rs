//! Which columns an expression mentions, and what it proves about them.

/// The words of an expression that can be names: unquoted and lower-cased, or quoted as they stand, each
/// with the sign that follows it. Strings and numbers are left out.
fn words(expression: &str) -> impl Iterator<Item = (std::borrow::Cow<'_, str>, Option<char>)> {
    let mut rest = expression;
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            match first {
                '\'' => rest = after_quote(&rest[1..], '\''),
                '"' => {
                    let inner = &rest[1..];
                    let end = inner.find('"').unwrap_or(inner.len());
                    rest = inner.get(end + 1..).unwrap_or_default();
                    return Some((inner[..end].into(), rest.trim_start().chars().next()));
                }
                _ if first.is_alphabetic() || first == '_' => {
                    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
                    let word = &rest[..end];
                    rest = &rest[end..];
                    let folded = if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
                        word.to_ascii_lowercase().into()
                    } else {
                        word.into()
                    };
                    return Some((folded, rest.trim_start().chars().next()));
                }
                _ if first.is_ascii_digit() => {
                    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '.')).unwrap_or(rest.len());
                    rest = &rest[end..];
                }
                other => rest = &rest[other.len_utf8()..],
            }
        }
    })
}

fn after_quote(text: &str, quote: char) -> &str {
    text.find(quote).map_or("", |end| &text[end + quote.len_utf8()..])
}

/// Whether an expression uses the column.
pub fn mentions(expression: &str, column: &str) -> bool {
    words(expression).any(|(word, next)| word == column && next != Some('('))
}

/// The names that an expression calls.
pub fn calls(expression: &str) -> Vec<String> {
    words(expression).filter(|(_, next)| *next == Some('(')).map(|(word, _)| word.into_owned()).collect()
}

/// The words of an expression, for what is written without parentheses, such as CURRENT_DATE.
pub fn has_word(expression: &str, wanted: &str) -> bool {
    words(expression).any(|(word, _)| word == wanted)
}

/// Whether a condition that always holds proves that the column is never null: `c IS NOT NULL` as one of the
/// parts that AND joins. PostgreSQL reads a stronger condition, such as `c > 0`, as no proof.
pub fn proves_not_null(condition: &str, column: &str) -> bool {
    let condition = unwrapped(condition);
    let parts = split_outside(condition, "and");
    if parts.len() > 1 {
        return parts.iter().any(|part| proves_not_null(part, column));
    }
    let lower = condition.to_lowercase();
    let is_column = |text: &str| is_column(text, column);
    if let Some(end) = lower.strip_suffix("is not null") {
        return is_column(&condition[..end.len()]);
    }
    let negated = lower.strip_prefix("not").filter(|rest| rest.starts_with([' ', '(']));
    if let Some(rest) = negated {
        let inner = unwrapped(&condition[condition.len() - rest.len()..]);
        return inner.to_lowercase().strip_suffix("is null").is_some_and(|head| is_column(&inner[..head.len()]));
    }
    false
}

fn is_column(text: &str, column: &str) -> bool {
    let text = unwrapped(text);
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text) == column || text.eq_ignore_ascii_case(column)
}

/// Numbers, strings, true and false: the same in every row.
pub fn is_constant(expression: &str) -> bool {
    !unwrapped(expression).is_empty()
        && words(expression).all(|(word, next)| matches!(&*word, "true" | "false") && next != Some('('))
}

/// Whether a condition that always holds leaves the column one value, apart from NULL: `lock = 'X'`, or the boolean
/// column itself, as one of the parts that AND joins.
pub fn leaves_one_value(condition: &str, column: &str) -> bool {
    split_outside(unwrapped(condition), "and").into_iter().map(unwrapped).any(|part| match part.split_once('=') {
        Some((one, other)) => {
            [(one, other), (other, one)].iter().any(|(name, value)| is_column(name, column) && is_constant(value))
        }
        None => is_column(part, column),
    })
}

/// Without the white space and the parentheses around it.
pub fn unwrapped(text: &str) -> &str {
    let text = text.trim();
    match text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) if closes_last(text) => unwrapped(inner),
        _ => text,
    }
}

/// Whether the first parenthesis is closed by the last character.
fn closes_last(text: &str) -> bool {
    let mut depth = 0;
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return at + 1 == text.len();
                }
            }
            _ => {}
        }
    }
    false
}

/// Cuts at a word that stands outside of parentheses and strings.
pub fn split_outside<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let (mut depth, mut quoted, mut start) = (0, false, 0);
    let bytes = text.as_bytes();
    let boundary = |at: usize| bytes.get(at).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0
                && at >= start
                && text.get(at..at + word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word))
                && (at == 0 || boundary(at - 1))
                && boundary(at + word.len()) =>
            {
                parts.push(&text[start..at]);
                start = at + word.len();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The expression with one name in place of another.
pub fn renamed(expression: &str, from: &str, to: &str) -> String {
    if !mentions(expression, from) {
        return expression.to_owned();
    }
    let mut out = String::with_capacity(expression.len());
    let mut rest = expression;
    while let Some(at) = rest.find(from) {
        let before = rest[..at].chars().next_back();
        let after = rest[at + from.len()..].chars().next();
        let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        out.push_str(&rest[..at]);
        out.push_str(if inside(before) || inside(after) { from } else { to });
        rest = &rest[at + from.len()..];
    }
    out + rest
}

/// An expression without what two ways of writing it differ in: casts, the usual schema, quotes, parentheses.
pub fn plain(text: &str) -> String {
    let text = text.to_ascii_lowercase().replace("public.", "");
    let mut parts = text.split("::");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"'));
        let words = [" precision", " varying", " without time zone", " with time zone"];
        out.push_str(words.iter().find_map(|words| rest.strip_prefix(words)).unwrap_or(rest));
    }
    out.retain(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '"' | '`'));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_words_outside_of_strings_and_calls() {
        assert!(mentions("lower(st) || 'x'", "st"));
        assert!(mentions("\"St\" > 0", "St"));
        assert!(!mentions("lower(st) || 'vc'", "vc"));
        assert!(!mentions("st(1)", "st"));
        assert_eq!(calls("coalesce(a, now())"), ["coalesce", "now"]);
    }

    #[test]
    fn only_is_not_null_proves() {
        assert!(proves_not_null("(qty IS NOT NULL)", "qty"));
        assert!(proves_not_null("qty IS NOT NULL AND qty > 0", "qty"));
        assert!(proves_not_null("NOT (qty IS NULL)", "qty"));
        assert!(!proves_not_null("qty > 0", "qty"));
        assert!(!proves_not_null("qty IS NOT NULL OR cust2 IS NULL", "qty"));
        assert!(!proves_not_null("other IS NOT NULL", "qty"));
    }

    #[test]
    fn a_condition_can_leave_one_value() {
        for condition in ["lock = 'X'", "('X' = Lock)", "lock", "lock = true AND other > 0"] {
            assert!(leaves_one_value(condition, "lock"), "{condition}");
        }
        for condition in ["lock >= 'X'", "lock = other", "lock = 'X' OR other", "lock <> 1", "lock = f()", "lock IN (1, 2)"] {
            assert!(!leaves_one_value(condition, "lock"), "{condition}");
        }
        assert!(is_constant("(TRUE)") && is_constant("1") && !is_constant("'a' || b || 'c'") && !is_constant(""));
    }

    #[test]
    fn renaming_touches_whole_words() {
        assert_eq!(renamed("lower(st) || st2", "st", "x"), "lower(x) || st2");
    }
}
