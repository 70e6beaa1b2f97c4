//! Files as they were read, and places in them.
//!
//! Everything downstream points into a [`Source`] with a [`Span`] of bytes, so that a finding inside
//! a SQL string inside a Python script still lands on the exact words.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

/// A half-open range of byte offsets into a [`Source`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Self {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { start: narrow(start), end: narrow(end.max(start)) }
    }

    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    pub fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// Line and column count from 1, the column in characters; `offset` counts bytes from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
    pub offset: usize,
}

/// One file's text under the path that users see.
#[derive(Default)]
pub struct Source {
    path: String,
    text: String,
    lines: OnceLock<Vec<u32>>,
    /// The text without control characters, where it has any.
    drawable: OnceLock<Option<String>>,
}

/// Larger files are refused: offsets are 32 bits wide, and no migration is that long.
pub const MAX_FILE_BYTES: u64 = u32::MAX as u64 / 2;

impl Source {
    /// `path` is relative to the working directory where it can be, with forward slashes.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Source { path: path.into(), text: text.into(), ..Source::default() }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// The file's name without its folders.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text under a span; empty where the span does not fit the text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// The text as it may be shown on a terminal: the same bytes at the same offsets, but `?` for what could
    /// move a cursor or reorder what a reviewer sees.
    pub fn drawable(&self) -> &str {
        let clean = || match printable_block(&self.text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        };
        self.drawable.get_or_init(clean).as_deref().unwrap_or(&self.text)
    }

    /// Byte offsets at which lines start.
    fn lines(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let breaks = memchr::memchr_iter(b'\n', self.text.as_bytes()).map(|at| at as u32 + 1);
            std::iter::once(0).chain(breaks).collect()
        })
    }

    /// The 1-based number of the line that holds `offset`.
    pub fn line_of(&self, offset: u32) -> usize {
        self.lines().partition_point(|&start| start <= offset)
    }

    pub fn line_count(&self) -> usize {
        self.lines().len()
    }

    /// The span of a 1-based line without its line break.
    pub fn line_span(&self, line: usize) -> Span {
        let lines = self.lines();
        let start = lines.get(line - 1).map_or(self.text.len(), |&at| at as usize);
        let end = lines.get(line).map_or(self.text.len(), |&at| at as usize - 1);
        let end = if self.text.as_bytes().get(end.wrapping_sub(1)) == Some(&b'\r') && end > start { end - 1 } else { end };
        Span::new(start, end)
    }

    pub fn position(&self, offset: u32) -> Position {
        let offset = (offset as usize).min(self.text.len());
        let line = self.line_of(offset as u32);
        let start = self.lines()[line - 1] as usize;
        let before = self.text.get(start..offset).map_or(offset - start, |text| text.chars().count());
        Position { line, column: before + 1, offset }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.path)
    }
}

/// The start of the character that holds the byte at `at`.
pub fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// Whether a character could move a cursor, recolour a terminal or reorder what a reviewer sees.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// `text` on one line without control characters, for names and messages that reach a terminal or a CI log.
///
/// ```
/// assert_eq!(whimbrel::source::printable("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\nb");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hostile(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// `text` with every control character but tabs and line breaks replaced by as many `?` as it has bytes,
/// so that spans keep pointing at the same words.
pub fn printable_block(text: &str) -> Cow<'_, str> {
    let hostile = |c: char| is_hostile(c) && !matches!(c, '\n' | '\t' | '\r') || c == '\u{feff}';
    if !text.chars().any(hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if hostile(c) { out.extend(std::iter::repeat_n('?', c.len_utf8())) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_survive_crlf() {
        let source = Source::new("a.sql", "é;\r\nSELECT 1;\n");
        assert_eq!(source.position(3), Position { line: 1, column: 3, offset: 3 });
        assert_eq!(source.position(5), Position { line: 2, column: 1, offset: 5 });
        assert_eq!(source.slice(source.line_span(1)), "é;");
        assert_eq!(source.slice(source.line_span(2)), "SELECT 1;");
        assert_eq!(source.position(9999).line, 3);
    }

    #[test]
    fn blocks_keep_their_length() {
        let text = "a\u{1b}[0m\u{202e}b\n";
        assert_eq!(printable_block(text).len(), text.len());
        assert!(!printable_block(text).contains('\u{1b}'));
    }
}
