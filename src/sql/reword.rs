//! Words that the parser does not take and that change nothing it has to know: they go before it reads.

use std::borrow::Cow;

use sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

use super::lexeme::Lexemes;
use crate::operation::Dialect;

/// MySQL 9.7 and MariaDB 12.3, of which both run what a comment says for their version and below.
const NEWEST: u32 = 120_399;

/// The statement's tokens as the parser takes them.
pub(super) fn for_parser(lexemes: &Lexemes<'_>, tokens: Vec<TokenWithSpan>, dialect: Option<Dialect>) -> Vec<TokenWithSpan> {
    let first = lexemes.text(0).to_ascii_lowercase();
    let mut gone: Vec<usize> = Vec::new();
    let on_mysql = dialect.is_some_and(Dialect::is_mysql_like);
    match first.as_str() {
        "create" => without_view_options(lexemes, &mut gone),
        "update" | "delete" | "insert" | "replace" if on_mysql => {
            let is_modifier = |at: &usize| {
                ["low_priority", "high_priority", "delayed", "quick", "ignore"].iter().any(|word| lexemes.is(*at, word))
            };
            gone.extend((1..lexemes.len().min(4)).take_while(is_modifier));
        }
        "alter" if on_mysql => {
            gone.extend(
                (1..lexemes.len().min(3))
                    .filter(|&at| (lexemes.is(at, "online") || lexemes.is(at, "ignore")) && lexemes.is(at + 1, "table")),
            );
            // How long the statement waits for its lock.
            let behind = lexemes.altered_table(dialect).map_or(0, |(_, named)| named.end);
            if behind > 0 && lexemes.is(behind, "nowait") {
                gone.push(behind);
            } else if behind > 0 && lexemes.is(behind, "wait") {
                gone.extend([behind, behind + 1]);
            }
        }
        _ => {}
    }
    if !on_mysql && matches!(first.as_str(), "update" | "delete" | "select" | "with" | "insert" | "create") {
        gone.extend((1..lexemes.len()).filter(|&at| is_only(lexemes, at)));
    }
    if !on_mysql && matches!(first.as_str(), "select" | "with" | "explain" | "prepare" | "declare") {
        gone.extend((1..lexemes.len()).filter(|&at| weakens_row_lock(lexemes, at)));
    }
    let persistent = |at: usize| on_mysql && lexemes.is(at, "persistent") && lexemes.text(at - 1) == ")";
    let is_persistent = matches!(first.as_str(), "alter" | "create") && (1..lexemes.len()).any(persistent);
    let tokens = if is_persistent { stored(tokens) } else { tokens };
    if gone.is_empty() {
        return tokens;
    }
    // Lexemes are the tokens but for white space and comments.
    let mut at = 0;
    let mut keeps = |token: &TokenWithSpan| match token.token {
        Token::Whitespace(_) | Token::EOF => true,
        _ => {
            at += 1;
            !gone.contains(&(at - 1))
        }
    };
    tokens.into_iter().filter(|token| keeps(token)).collect()
}

/// MariaDB's PERSISTENT is STORED.
fn stored(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    for token in &mut tokens {
        if matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("persistent"))
        {
            token.token = Token::make_keyword("STORED");
        }
    }
    tokens
}

/// `ONLY` before a table: whether children are meant says [`super::wording`].
fn is_only(lexemes: &Lexemes<'_>, at: usize) -> bool {
    lexemes.is(at, "only")
        && ["update", "from", "join", "using"].iter().any(|word| lexemes.is(at - 1, word))
        && at + 1 < lexemes.len()
}

/// `NO` and `KEY` of FOR NO KEY UPDATE and FOR KEY SHARE, which take the same lock on the table.
fn weakens_row_lock(lexemes: &Lexemes<'_>, at: usize) -> bool {
    let follows = |words: &str, from: usize| from < at && lexemes.skip(from, words).is_some();
    (lexemes.is(at, "no") && follows("for no key update", at - 1))
        || (lexemes.is(at, "key") && (follows("for key share", at - 1) || follows("for no key update", at.saturating_sub(2))))
}

/// `WITH (security_barrier)`, `WITH … CHECK OPTION`, `WITH [NO] DATA`, `USING heap`.
fn without_view_options(lexemes: &Lexemes<'_>, gone: &mut Vec<usize>) {
    let head = (1..lexemes.len().min(5)).find(|&at| lexemes.is(at, "view"));
    let Some(view) = head else { return };
    let end = lexemes.len();
    let query = (view..end).find(|&at| lexemes.is(at, "as")).unwrap_or(end);
    for at in view..query {
        if lexemes.is(at, "with") && lexemes.text(at + 1) == "(" {
            gone.extend(at..=lexemes.closing(at + 1));
        }
        if lexemes.is(at, "using") {
            gone.extend([at, at + 1]);
        }
    }
    let last = end.saturating_sub(1);
    let with = (end.saturating_sub(4)..end).find(|&at| lexemes.is(at, "with"));
    let closes = lexemes.is(last, "data") && lexemes.is(view - 1, "materialized")
        || lexemes.is(last, "option") && lexemes.is(last.saturating_sub(1), "check");
    if let Some(with) = with.filter(|&with| closes && with > query) {
        gone.extend(with..end);
    }
}

/// MySQL's `/*!40101 … */`, which the server runs, with spaces for the marks around it; MariaDB has `/*M!` of its own.
pub(super) fn executable_comments(sql: &str, dialect: Option<Dialect>) -> Cow<'_, str> {
    let is_maria = dialect == Some(Dialect::MariaDb);
    if !dialect.is_some_and(Dialect::is_mysql_like) || !(sql.contains("/*!") || sql.contains("/*M!")) {
        return Cow::Borrowed(sql);
    }
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(start) = rest.find("/*") {
        let (before, comment) = rest.split_at(start);
        out.push_str(before);
        let mark = if comment.starts_with("/*!") {
            3
        } else if is_maria && comment.starts_with("/*M!") {
            4
        } else {
            0
        };
        let end = comment.find("*/").map_or(comment.len(), |end| end + 2);
        let digits = comment[mark..end].bytes().take_while(u8::is_ascii_digit).count();
        let version: u32 = comment[mark..mark + digits].parse().unwrap_or(0);
        if mark == 0 || version > NEWEST || end < mark + digits + 2 {
            out.push_str(&comment[..end]);
        } else {
            out.push_str(&" ".repeat(mark + digits));
            out.push_str(&comment[mark + digits..end - 2]);
            out.push_str("  ");
        }
        rest = &comment[end..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// `x ISNULL` and `x NOTNULL` as `x IS NULL` and `x IS NOT NULL`, which is all that the parser knows; None without any.
pub(super) fn with_null_tests(tokens: &[TokenWithSpan]) -> Option<Vec<TokenWithSpan>> {
    let test = |token: &Token| match token {
        Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("isnull") => Some(&["IS", "NULL"][..]),
        Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("notnull") => {
            Some(&["IS", "NOT", "NULL"][..])
        }
        _ => None,
    };
    if !tokens.iter().any(|token| test(&token.token).is_some()) {
        return None;
    }
    let spelled = |token: &TokenWithSpan| match test(&token.token) {
        Some(words) => words
            .iter()
            .flat_map(|word| [Token::make_word(word, None), Token::Whitespace(Whitespace::Space)])
            .map(|one| TokenWithSpan { token: one, span: token.span })
            .collect(),
        None => vec![token.clone()],
    };
    Some(tokens.iter().flat_map(spelled).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_that_run_keep_their_places() {
        let of = |sql| executable_comments(sql, Some(Dialect::MySql)).into_owned();
        assert_eq!(of("/*!40000 ALTER TABLE t DISABLE KEYS */"), "         ALTER TABLE t DISABLE KEYS   ");
        assert_eq!(of("SELECT 1 /*!999999 + 1 */ /* plain */"), "SELECT 1 /*!999999 + 1 */ /* plain */");
    }
}
