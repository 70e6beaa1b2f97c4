//! String literals with a place for every character of their value.

use std::ops::Range;

use crate::source::Span;
use crate::text::Text;

/// A part of a possibly concatenated, possibly formatted string literal.
#[derive(Debug, PartialEq)]
pub enum Piece {
    Text(Text),
    /// `{…}` of an f-string; the range is that of the braces.
    Hole(Range<usize>),
}

/// Reads the literals in `range` of a Python file: all prefixes, quotes, escapes and implicit
/// concatenation. None where a place cannot be told for every character (`\N{…}`).
pub fn pieces(text: &str, range: Range<usize>) -> Option<Vec<Piece>> {
    let mut scanner = Scanner { text, at: range.start, end: range.end, pieces: Vec::new(), current: Text::default() };
    while scanner.at < range.end {
        let rest = &text[scanner.at..range.end];
        let byte = rest.as_bytes()[0];
        match byte {
            b'#' => scanner.at += rest.find('\n').unwrap_or(rest.len()),
            b'\\' => scanner.at += 1,
            _ if byte.is_ascii_whitespace() || byte == b'(' || byte == b')' => scanner.at += 1,
            _ => scanner.literal()?,
        }
    }
    scanner.flush();
    Some(scanner.pieces)
}

/// The value of a plain string constant with its places; the whole range stands for it where they cannot be told.
pub fn constant(text: &str, range: Range<usize>, value: &str) -> Text {
    let whole = Span::new(range.start, range.end);
    match pieces(text, range).as_deref() {
        Some([Piece::Text(found)]) if found.as_str() == value => found.clone(),
        _ => Text::new(value, whole),
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    end: usize,
    pieces: Vec<Piece>,
    current: Text,
}

impl Scanner<'_> {
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.current);
        if !text.as_str().is_empty() {
            self.pieces.push(Piece::Text(text));
        }
    }

    fn literal(&mut self) -> Option<()> {
        let rest = &self.text[self.at..self.end];
        let prefix: String = rest.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
        if prefix.contains('b') {
            return None;
        }
        let (raw, formatted) = (prefix.contains('r'), prefix.contains('f'));
        self.at += prefix.len();
        let quote = *self.text.as_bytes().get(self.at).filter(|byte| matches!(byte, b'\'' | b'"'))?;
        let triple = self.text.as_bytes()[self.at..].starts_with(&[quote; 3]);
        let closing = if triple { vec![quote; 3] } else { vec![quote] };
        self.at += closing.len();
        loop {
            let rest = self.text.get(self.at..self.end)?;
            let bytes = rest.as_bytes();
            if bytes.starts_with(&closing) {
                self.at += closing.len();
                return Some(());
            }
            match *bytes.first()? {
                b'\\' if !raw => self.escape()?,
                b'{' if formatted && bytes.get(1) != Some(&b'{') => self.hole()?,
                b'{' | b'}' if formatted => {
                    let brace = &rest[..1];
                    self.current.push(brace, Span::new(self.at, self.at + 2));
                    self.at += 2;
                }
                b'\r' if bytes.get(1) == Some(&b'\n') => {
                    self.current.push("\n", Span::new(self.at, self.at + 2));
                    self.at += 2;
                }
                _ => {
                    let stop =
                        |byte: &u8| *byte == quote || matches!(byte, b'\\' | b'\r') || (formatted && matches!(byte, b'{' | b'}'));
                    let length = bytes.iter().skip(1).position(stop).map_or(bytes.len(), |at| at + 1);
                    self.current.push_exact(&rest[..length], self.at);
                    self.at += length;
                }
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let rest = &self.text[self.at..self.end];
        let mut characters = rest.chars().skip(1);
        let code = characters.next()?;
        let hexadecimal = |length: usize| {
            let digits = rest.get(2..2 + length)?;
            Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, 2 + length))
        };
        let (value, length) = match code {
            '\n' => {
                self.at += 2;
                return Some(());
            }
            '\r' => {
                self.at += if rest.as_bytes().get(2) == Some(&b'\n') { 3 } else { 2 };
                return Some(());
            }
            'n' => ('\n', 2),
            't' => ('\t', 2),
            'r' => ('\r', 2),
            'a' => ('\u{7}', 2),
            'b' => ('\u{8}', 2),
            'f' => ('\u{c}', 2),
            'v' => ('\u{b}', 2),
            '\\' | '\'' | '"' => (code, 2),
            'x' => hexadecimal(2)?,
            'u' => hexadecimal(4)?,
            'U' => hexadecimal(8)?,
            'N' => return None,
            '0'..='7' => {
                let digits: String = rest[1..].chars().take(3).take_while(|c| ('0'..='7').contains(c)).collect();
                (char::from_u32(u32::from_str_radix(&digits, 8).ok()?)?, 1 + digits.len())
            }
            // An escape that Python does not know stands for itself, backslash and all.
            other => {
                let length = 1 + other.len_utf8();
                self.current.push_exact(&rest[..length], self.at);
                self.at += length;
                return Some(());
            }
        };
        self.current.push(value.encode_utf8(&mut [0; 4]), Span::new(self.at, self.at + length));
        self.at += length;
        Some(())
    }

    /// Skips `{expression!r:format}`, minding brackets and strings inside.
    fn hole(&mut self) -> Option<()> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let (mut depth, mut quote) = (0usize, None);
        while self.at < self.end {
            let byte = bytes[self.at];
            match (quote, byte) {
                (Some(open), _) if byte == open => quote = None,
                (Some(_), _) => {}
                (None, b'\'' | b'"') => quote = Some(byte),
                (None, b'{' | b'(' | b'[') => depth += 1,
                (None, b'}' | b')' | b']') => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        self.at += 1;
                        self.flush();
                        self.pieces.push(Piece::Hole(start..self.at));
                        return Some(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_escapes_and_concatenation() {
        let python = "(\"ALTER \\\n  TABLE\"  # why\n  ' t\\u00e9' r'\\d')";
        let text = constant(python, 0..python.len(), "ALTER   TABLE té\\d");
        let at = text.as_str().find("té").unwrap();
        assert_eq!(&python[text.locate(at..at + 1).range()], "t");
        assert_eq!(&python[text.locate(at + 1..at + 3).range()], "\\u00e9");
        assert_eq!(&python[text.locate(0..5).range()], "ALTER");
    }

    #[test]
    fn formatted_strings_have_holes() {
        let python = "f'a {{x}} {name[\"}\"]!r:>{width}} b'";
        let found = pieces(python, 0..python.len()).unwrap();
        assert_eq!(found.len(), 3);
        assert!(matches!(&found[0], Piece::Text(text) if text.as_str() == "a {x} "));
        assert!(matches!(&found[1], Piece::Hole(range) if &python[range.clone()] == "{name[\"}\"]!r:>{width}}"));
    }
}
