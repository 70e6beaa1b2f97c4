//! DO blocks: DDL in their bodies is conditional DDL.

use std::ops::Range;

use super::lexeme::Lexemes;
use super::{Lowered, split, statement_operations};
use crate::migration::Wording;
use crate::operation::{Class, Dialect, Operation};

/// Reads the body of `DO $$ … $$`. Statements are found by cutting the body at its semicolons and taking
/// the control words off their fronts; what control flow decides is conditional.
pub(super) fn anonymous_block(lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Vec<Lowered> {
    let unread = || vec![Lowered::new(Operation::opaque("the body of a DO block in another language is not read"))];
    let language = |index| lexemes.text(index).trim_matches('\'').to_ascii_lowercase();
    if (0..lexemes.len()).any(|index| lexemes.is(index, "language") && !matches!(language(index + 1).as_str(), "plpgsql" | "sql"))
    {
        return unread();
    }
    let Some(body) = (0..lexemes.len()).map(|index| lexemes.range(index)).find_map(|range| body_of(lexemes.sql, range)) else {
        return unread();
    };
    let text = &lexemes.sql[body.clone()];
    let mut block = Block { depth: 0, in_body: false };
    let mut out = Vec::new();
    for part in split::split(text, Some(Dialect::PostgreSql)).statements {
        let Some((skip, conditional)) = block.enter(&text[part.clone()]) else { continue };
        let start = body.start + part.start + skip;
        let statement = &lexemes.sql[start..body.start + part.end];
        for lowered in block_statement(statement, dialect) {
            let shift = |range: Range<usize>| range.start + start..range.end + start;
            out.push(Lowered {
                operation: lowered.operation,
                range: Some(lowered.range.map_or(start..start + statement.len(), shift)),
                marks: lowered.marks.into_iter().map(|(mark, range)| (mark, shift(range))).collect(),
                conditional,
                wording: Wording { in_block: !conditional, ..lowered.wording },
            });
        }
    }
    if out.is_empty() {
        out.push(Lowered::new(Operation::other("do", Class::Neither)));
    }
    out
}

fn body_of(sql: &str, range: Range<usize>) -> Option<Range<usize>> {
    let text = &sql[range.clone()];
    literal_in(text).map(|inner| range.start + inner.start..range.start + inner.end)
}

/// What stands between the quotes of `'…'` or `$tag$…$tag$`, when that is all there is, letter by letter as it is run.
fn literal_in(text: &str) -> Option<Range<usize>> {
    if let Some(inner) = text.strip_prefix('$') {
        let tag = inner.find('$')? + 2;
        let ends = text.len() >= 2 * tag && text.ends_with(&text[..tag]);
        return ends.then_some(tag..text.len() - tag);
    }
    // A doubled quote or an escape inside would shift every span.
    let quote = if text.starts_with(['E', 'e']) && !text.contains('\\') { 2 } else { 1 };
    let inner = text.get(quote..text.len().checked_sub(1)?)?;
    (text[quote - 1..].starts_with('\'') && text.ends_with('\'') && !inner.contains('\'')).then_some(quote..text.len() - 1)
}

struct Block {
    /// IF, LOOP, CASE and EXCEPTION that are open.
    depth: usize,
    in_body: bool,
}

impl Block {
    /// Takes control words off the front of a part. Returns how many bytes they took and whether the rest
    /// is conditional; None when nothing is left to run.
    fn enter(&mut self, part: &str) -> Option<(usize, bool)> {
        let mut at = 0;
        loop {
            at += part[at..].len() - part[at..].trim_start().len();
            let rest = &part[at..];
            if rest.starts_with("<<") {
                at += rest.find(">>").map_or(rest.len(), |end| end + 2);
                continue;
            }
            if rest.starts_with("--") {
                at += rest.find('\n').map_or(rest.len(), |line| line + 1);
                continue;
            }
            if rest.starts_with("/*") {
                at += rest.find("*/").map_or(rest.len(), |end| end + 2);
                continue;
            }
            let word: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>().to_ascii_lowercase();
            match word.as_str() {
                "begin" => {
                    self.in_body = true;
                    at += word.len();
                }
                "declare" => return None,
                "end" => {
                    let what = rest[3..].trim_start().to_ascii_lowercase();
                    if what.starts_with("if") || what.starts_with("loop") || what.starts_with("case") {
                        self.depth = self.depth.saturating_sub(1);
                    }
                    return None;
                }
                "exception" => {
                    self.depth += 1;
                    at += word.len();
                }
                "if" | "elsif" | "elseif" | "when" => {
                    if word == "if" {
                        self.depth += 1;
                    }
                    at += keyword(rest, "then")?;
                }
                "else" => at += word.len(),
                "case" => {
                    self.depth += 1;
                    at += keyword(rest, "then")?;
                }
                "for" | "foreach" | "while" => {
                    self.depth += 1;
                    at += keyword(rest, "loop")?;
                }
                "loop" => {
                    self.depth += 1;
                    at += word.len();
                }
                "" if rest.is_empty() => return None,
                _ if !self.in_body => return None,
                _ => return Some((at, self.depth > 0)),
            }
        }
    }
}

/// The offset behind the first whole word `word` outside of quotes and parentheses' strings.
fn keyword(text: &str, word: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let bytes = lower.as_bytes();
    let (mut at, mut quoted) = (0, false);
    while at < bytes.len() {
        if bytes[at] == b'\'' {
            quoted = !quoted;
        } else if !quoted && lower[at..].starts_with(word) {
            let before = at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
            let after = bytes.get(at + word.len()).is_none_or(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
            if before && after {
                return Some(at + word.len());
            }
        }
        at += 1;
        while !lower.is_char_boundary(at) {
            at += 1;
        }
    }
    None
}

/// A statement of PL/pgSQL: SQL as it stands, `EXECUTE 'literal'`, or a command of the language.
fn block_statement(statement: &str, dialect: Option<Dialect>) -> Vec<Lowered> {
    let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
    let first: String = statement.chars().take_while(is_word).collect::<String>().to_ascii_lowercase();
    match first.as_str() {
        "raise" | "return" | "perform" | "null" | "exit" | "continue" | "get" | "assert" | "open" | "close" | "fetch" => {
            Vec::new()
        }
        "execute" => {
            let argument = statement[first.len()..].trim();
            let at = statement.len() - statement[first.len()..].trim_start().len();
            // What USING hands over stands for values.
            let literal = argument.to_ascii_lowercase().rfind(" using ").map_or(argument, |using| argument[..using].trim_end());
            match literal_in(literal) {
                Some(inner) => {
                    let text = &literal[inner.clone()];
                    let mut out = Vec::new();
                    for part in split::split(text, dialect).statements {
                        let start = at + inner.start + part.start;
                        for mut lowered in statement_operations(&text[part], dialect) {
                            let shift = |range: &mut Range<usize>| *range = range.start + start..range.end + start;
                            lowered.range.iter_mut().for_each(shift);
                            lowered.marks.iter_mut().for_each(|(_, range)| shift(range));
                            out.push(lowered);
                        }
                    }
                    out
                }
                None => vec![Lowered::new(Operation::opaque("EXECUTE runs a text that is put together at run time"))],
            }
        }
        // An assignment (`x := 1`) or a SELECT … INTO variable changes no table.
        "select" => Vec::new(),
        _ if statement.contains(":=")
            && !matches!(first.as_str(), "insert" | "update" | "delete" | "alter" | "create" | "drop") =>
        {
            Vec::new()
        }
        _ => statement_operations(statement, dialect),
    }
}
