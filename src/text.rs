//! Strings that remember where their bytes come from.
//!
//! An SQL statement in a Python script may be glued together from literals, constants and values that
//! are not known. [`Text`] is such a string with a map back into the file; [`Places`] lets the SQL
//! front end treat it and a plain file alike.

use std::ops::Range;

use crate::operation::HOLE;
use crate::source::Span;

/// A run of bytes with one origin.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    /// Offset in the text at which the run starts.
    at: u32,
    /// Where it stands in the file.
    span: Span,
    /// Byte for byte the same as in the file; else the whole run stands for the whole span.
    exact: bool,
}

/// A string value with the places of its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    value: String,
    segments: Vec<Segment>,
}

impl Text {
    /// A string that comes from `span` as a whole.
    pub fn new(value: impl Into<String>, span: Span) -> Self {
        let mut text = Text::default();
        text.push(&value.into(), span);
        text
    }

    /// A value that is not known.
    pub fn hole(span: Span) -> Self {
        Text::new(HOLE.to_string(), span)
    }

    pub fn as_str(&self) -> &str {
        &self.value
    }

    pub fn has_holes(&self) -> bool {
        self.value.contains(HOLE)
    }

    /// Where the expressions stand whose values are not known.
    pub fn holes(&self) -> impl Iterator<Item = Span> {
        let value = |index: usize| &self.value[self.segments[index].at as usize..self.end_of(index)];
        self.segments.iter().enumerate().filter(move |(index, _)| value(*index).contains(HOLE)).map(|(_, segment)| segment.span)
    }

    /// Appends a part that stands for all of `span`.
    pub fn push(&mut self, part: &str, span: Span) {
        self.push_segment(part, span, false);
    }

    /// Appends a part that stands in the file, byte for byte, from `start` on.
    pub fn push_exact(&mut self, part: &str, start: usize) {
        self.push_segment(part, Span::new(start, start + part.len()), true);
    }

    fn push_segment(&mut self, part: &str, span: Span, exact: bool) {
        if !part.is_empty() {
            self.segments.push(Segment { at: self.value.len() as u32, span, exact });
            self.value.push_str(part);
        }
    }

    pub fn append(&mut self, other: &Text) {
        let shift = self.value.len() as u32;
        self.value.push_str(&other.value);
        self.segments.extend(other.segments.iter().map(|segment| Segment { at: segment.at + shift, ..segment.clone() }));
    }

    /// The part of the text in `range`, with its places.
    pub fn slice(&self, range: Range<usize>) -> Text {
        let mut out = Text::default();
        for (index, segment) in self.segments.iter().enumerate() {
            let start = segment.at as usize;
            let end = self.end_of(index);
            let (from, to) = (start.max(range.start), end.min(range.end));
            if from < to {
                let part = &self.value[from..to];
                match segment.exact {
                    true => out.push_exact(part, segment.span.start as usize + from - start),
                    false => out.push(part, segment.span),
                }
            }
        }
        out
    }

    /// Without the common indentation of its lines, as `textwrap.dedent` does.
    pub fn dedent(&self) -> Text {
        let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
        let margin = self.value.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
        let mut out = Text::default();
        let mut at = 0;
        for line in self.value.split_inclusive('\n') {
            out.append(&self.slice(at + margin.min(indent(line))..at + line.len()));
            at += line.len();
        }
        out
    }

    /// Without white space at both ends, as `str.strip()` does.
    pub fn strip(&self) -> Text {
        let start = self.value.len() - self.value.trim_start().len();
        let end = self.value.trim_end().len();
        self.slice(start..end.max(start))
    }

    fn end_of(&self, segment: usize) -> usize {
        self.segments.get(segment + 1).map_or(self.value.len(), |next| next.at as usize)
    }

    /// Where the bytes in `range` stand in the file: from the origin of the first to that of the last.
    pub fn locate(&self, range: Range<usize>) -> Span {
        let segment_at = |offset: usize| {
            let index = self.segments.partition_point(|segment| segment.at as usize <= offset).checked_sub(1)?;
            Some((&self.segments[index], offset - self.segments[index].at as usize))
        };
        let last = range.end.saturating_sub(1).max(range.start);
        match (segment_at(range.start), segment_at(last)) {
            (Some((first, skip)), Some((final_segment, end_skip))) => {
                let start = if first.exact { first.span.start as usize + skip } else { first.span.start as usize };
                let end = match final_segment.exact {
                    true => final_segment.span.start as usize + end_skip + usize::from(range.end > range.start),
                    false => final_segment.span.end as usize,
                };
                // Parts that were put together in another order than they stand: the first alone is honest.
                if end < start { first.span } else { Span::new(start, end) }
            }
            _ => Span::default(),
        }
    }
}

/// Translates offsets of a text that is being read into spans of the file it comes from.
#[derive(Clone, Copy)]
pub enum Places<'a> {
    /// The text is the file.
    File,
    /// The text was evaluated from a script.
    Text(&'a Text),
}

impl Places<'_> {
    pub fn locate(self, range: Range<usize>) -> Span {
        match self {
            Places::File => Span::new(range.start, range.end),
            Places::Text(text) => text.locate(range),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_through_concatenation_slices_and_holes() {
        let mut text = Text::default();
        text.push_exact("ALTER TABLE ", 100);
        text.append(&Text::hole(Span::new(130, 136)));
        text.push_exact(" ADD x int", 140);
        assert_eq!(text.locate(0..5), Span::new(100, 105));
        assert_eq!(text.locate(12..15), Span::new(130, 136));
        let tail = text.slice(16..text.as_str().len());
        assert_eq!(tail.as_str(), "ADD x int");
        assert_eq!(tail.locate(0..3), Span::new(141, 144));
        assert_eq!(text.locate(0..text.as_str().len()), Span::new(100, 150));
    }

    #[test]
    fn dedent_keeps_places() {
        let mut text = Text::default();
        text.push_exact("\n    A\n      B\n", 10);
        let dedented = text.dedent();
        assert_eq!(dedented.as_str(), "\nA\n  B\n");
        assert_eq!(dedented.locate(1..2), Span::new(15, 16));
    }
}
