//! The tokens of one statement as byte ranges of its text.
//!
//! The parser's tree says what a statement means; where its words stand is read from here.

use std::ops::Range;

use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::names;
use crate::operation::{Dialect, Name};

/// All tokens of a statement but white space and comments.
pub(crate) struct Lexemes<'a> {
    pub sql: &'a str,
    ranges: Vec<Range<usize>>,
}

impl<'a> Lexemes<'a> {
    pub fn new(sql: &'a str, tokens: &[TokenWithSpan]) -> Self {
        let mut offsets = Offsets::new(sql);
        let ranges = tokens
            .iter()
            .filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF))
            .map(|token| offsets.of(token.span.start)..offsets.of(token.span.end))
            .collect();
        Lexemes { sql, ranges }
    }

    /// Words, quoted runs and single signs of a text that no tokenizer takes, such as a template.
    pub fn roughly(sql: &'a str) -> Self {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut quote = None;
        for (at, c) in sql.char_indices() {
            let end = at + c.len_utf8();
            let grows = quote.is_some() || c.is_alphanumeric() || c == '_';
            match ranges.last_mut().filter(|last| {
                last.end == at
                    && grows
                    && sql[last.start..].starts_with(|first: char| quote.is_some() || first.is_alphanumeric() || first == '_')
            }) {
                Some(last) => last.end = end,
                None if c.is_whitespace() => {}
                None => ranges.push(at..end),
            }
            quote = match quote {
                None if matches!(c, '\'' | '"' | '`') => Some(c),
                Some(open) if open == c => None,
                same => same,
            };
        }
        Lexemes { sql, ranges }
    }

    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    pub fn range(&self, index: usize) -> Range<usize> {
        self.ranges.get(index).cloned().unwrap_or(self.sql.len()..self.sql.len())
    }

    pub fn text(&self, index: usize) -> &'a str {
        self.sql.get(self.range(index)).unwrap_or_default()
    }

    pub fn is(&self, index: usize, word: &str) -> bool {
        self.text(index).eq_ignore_ascii_case(word)
    }

    /// The index behind `words` when they stand at `index`.
    pub fn skip(&self, index: usize, words: &str) -> Option<usize> {
        // Asked of every token for many words: nearly always the first letter says no.
        let begins = |text: &str| text.as_bytes().first().map(u8::to_ascii_lowercase);
        if begins(self.text(index)) != begins(words) {
            return None;
        }
        let mut at = index;
        for word in words.split(' ') {
            if !self.is(at, word) {
                return None;
            }
            at += 1;
        }
        Some(at)
    }

    /// The range of the first run of `words` within `within`, outside of parentheses.
    pub fn find(&self, within: Range<usize>, words: &str) -> Option<Range<usize>> {
        let mut depth = 0i32;
        for index in within.clone() {
            match self.text(index) {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ if depth == 0 => {
                    if let Some(end) = self.skip(index, words).filter(|&end| end <= within.end) {
                        return Some(self.range(index).start..self.range(end - 1).end);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Token indices of the parts between commas that stand outside of parentheses, from `from` on.
    pub fn comma_separated(&self, from: usize) -> Vec<Range<usize>> {
        self.comma_separated_within(from..self.len())
    }

    /// The same within a range of tokens.
    pub fn comma_separated_within(&self, within: Range<usize>) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let (mut depth, mut start) = (0i32, within.start);
        for index in within.clone() {
            match self.text(index) {
                "(" | "[" => depth += 1,
                ")" | "]" => depth -= 1,
                "," if depth == 0 => {
                    parts.push(start..index);
                    start = index + 1;
                }
                _ => {}
            }
        }
        parts.push(start..within.end);
        parts
    }

    /// The bytes from the first to the last token in `tokens`.
    pub fn bytes(&self, tokens: Range<usize>) -> Range<usize> {
        let end = tokens.end.max(tokens.start + 1) - 1;
        self.range(tokens.start).start..self.range(end).end
    }

    /// The parenthesis that closes the one at `index`, or the end.
    pub fn closing(&self, index: usize) -> usize {
        let mut depth = 0i32;
        for at in index..self.len() {
            match self.text(at) {
                "(" => depth += 1,
                ")" => {
                    depth -= 1;
                    if depth == 0 {
                        return at;
                    }
                }
                _ => {}
            }
        }
        self.len()
    }

    /// Reads a possibly qualified name; returns it with the index behind it.
    pub fn name(&self, index: usize, dialect: Option<Dialect>) -> Option<(Name, usize)> {
        let mut parts = vec![self.identifier(index, dialect)?];
        let mut at = index + 1;
        while self.text(at) == "." {
            parts.push(self.identifier(at + 1, dialect)?);
            at += 2;
        }
        let name = parts.pop()?;
        Some((Name::with_schema(parts.pop(), name), at))
    }

    /// The table that ALTER TABLE names, with the tokens of its name.
    pub fn altered_table(&self, dialect: Option<Dialect>) -> Option<(Name, Range<usize>)> {
        let at = ["if exists", "only"].iter().fold(2, |at, words| self.skip(at, words).unwrap_or(at));
        let (table, end) = self.name(at, dialect)?;
        Some((table, at..end))
    }

    /// Reads one identifier, quoted or not.
    pub fn identifier(&self, index: usize, dialect: Option<Dialect>) -> Option<String> {
        let text = self.text(index);
        let first = text.chars().next()?;
        match first {
            '"' | '`' => {
                let inner = text.strip_prefix(first)?.strip_suffix(first)?;
                Some(inner.replace(&format!("{first}{first}"), &first.to_string()))
            }
            '[' => Some(text.strip_prefix('[')?.strip_suffix(']')?.to_owned()),
            _ if first.is_alphanumeric() || first == '_' || !first.is_ascii() => Some(names::fold(text, dialect)),
            _ => None,
        }
    }
}

/// Translates the tokenizer's lines and columns, which count characters, into byte offsets.
/// Tokens come in order, so it only ever walks forward.
struct Offsets<'a> {
    rest: std::str::Chars<'a>,
    total: usize,
    line: u64,
    column: u64,
}

impl<'a> Offsets<'a> {
    fn new(sql: &'a str) -> Self {
        Offsets { rest: sql.chars(), total: sql.len(), line: 1, column: 1 }
    }

    fn of(&mut self, location: Location) -> usize {
        while (self.line, self.column) < (location.line, location.column) {
            match self.rest.next() {
                Some('\n') => {
                    self.line += 1;
                    self.column = 1;
                }
                Some(_) => self.column += 1,
                None => break,
            }
        }
        self.total - self.rest.as_str().len()
    }
}
