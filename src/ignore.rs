//! `# whimbrel: ignore[rule, rule] reason`, and `--` in SQL: on or above the line, or before all code for the file.

use std::ops::Range;

use crate::alembic::python;
use crate::finding::{Edit, Finding, Fix};
use crate::source::{Source, Span};
use crate::sql::split;

const WORD: &str = "whimbrel:";

/// One rule's name in an ignore comment.
#[derive(Debug)]
pub struct Ignore {
    pub rule: String,
    /// The name in the comment.
    pub span: Span,
    /// The whole comment.
    comment: Span,
    /// The lines that it covers.
    lines: Range<usize>,
    pub used: bool,
}

/// All ignores of a file, in order.
pub fn ignores(source: &Source) -> Vec<Ignore> {
    if memchr::memmem::find(source.text().as_bytes(), WORD.as_bytes()).is_none() {
        return Vec::new();
    }
    let comments = comments(source);
    let code_starts = first_code_line(source, &comments);
    let mut out = Vec::new();
    for comment in &comments {
        let text = source.slice(*comment);
        let Some(word) = text.find(WORD) else { continue };
        let behind = &text[word + WORD.len()..];
        let Some(names) = behind.trim_start().strip_prefix("ignore") else { continue };
        let at = text.len() - names.len();
        let line = source.line_of(comment.start);
        let alone = source
            .slice(source.line_span(line))
            .trim_start_matches('\u{feff}')
            .trim_start()
            .starts_with(text.split_whitespace().next().unwrap_or(text));
        let lines = match (line < code_starts, alone) {
            (true, _) => 0..usize::MAX,
            // Above: the next line that is no comment.
            (false, true) => {
                let next = (line + 1..=source.line_count()).find(|&next| !is_comment_line(source, next, &comments));
                line..next.unwrap_or(line) + 1
            }
            (false, false) => line..line + 1,
        };
        let bracketed = names.trim_start().strip_prefix('[').and_then(|inner| inner.split_once(']')).map(|(inner, _)| inner);
        let base = comment.start as usize + at;
        match bracketed {
            Some(inner) => {
                let start = base + names.find('[').unwrap_or(0) + 1;
                let mut offset = 0;
                for part in inner.split(',') {
                    let name = part.trim();
                    let from = start + offset + (part.len() - part.trim_start().len());
                    out.push(Ignore {
                        rule: name.to_owned(),
                        span: Span::new(from, from + name.len()),
                        comment: *comment,
                        lines: lines.clone(),
                        used: false,
                    });
                    offset += part.len() + 1;
                }
            }
            None => {
                let span = Span::new(comment.start as usize + word, base);
                out.push(Ignore { rule: String::new(), span, comment: *comment, lines, used: false });
            }
        }
    }
    out
}

impl Ignore {
    /// Takes the name out of its comment, or the comment out of the file where it holds no other name.
    pub fn removal(&self, source: &Source) -> Option<Fix> {
        let text = source.text();
        let comment = source.slice(self.comment);
        let inner = comment.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(inner, _)| inner);
        let span = match inner.contains(',') {
            true => {
                let (start, end) = (self.span.start as usize, self.span.end as usize);
                let behind = text[end..].find(|c: char| !c.is_whitespace() && c != ',').map_or(end, |at| end + at);
                let before = text[..start].trim_end().trim_end_matches(',').trim_end().len();
                // The last name takes the comma before it along, any other the one behind it.
                if text[end..].trim_start().starts_with(']') { Span::new(before, end) } else { Span::new(start, behind) }
            }
            false => {
                let (start, end) = (self.comment.start as usize, self.comment.end as usize);
                let line = text[..start].rfind('\n').map_or(0, |end| end + 1);
                let alone = text[line..start].trim().is_empty() && text[end..].starts_with(['\n', '\r']);
                let newline = text[end..].find('\n').map_or(end, |at| end + at + 1);
                if alone { Span::new(line, newline) } else { Span::new(text[..start].trim_end_matches([' ', '\t']).len(), end) }
            }
        };
        let edits = vec![Edit { file: source.path().to_owned(), span, text: String::new() }];
        Some(Fix { safe: true, description: "remove the ignore".to_owned(), edits })
    }
}

/// Whether an ignore hides the finding; marks the ignore as used.
pub fn hides(ignores: &mut [Ignore], finding: &Finding) -> bool {
    let lines = [finding.span.start, finding.statement.start].map(|at| finding.source.line_of(at));
    let last = finding.source.line_of(finding.statement.end.saturating_sub(1).max(finding.statement.start));
    let mut hidden = false;
    for ignore in ignores.iter_mut() {
        let covers = lines.iter().any(|line| ignore.lines.contains(line)) || ignore.lines.start == last;
        if covers && ignore.rule == finding.rule {
            ignore.used = true;
            hidden = true;
        }
    }
    hidden
}

fn comments(source: &Source) -> Vec<Span> {
    if !source.path().ends_with(".py") {
        return split::split(source.text(), None).comments.into_iter().map(|range| Span::new(range.start, range.end)).collect();
    }
    let mut out = python::comments(source);
    // Comments of SQL inside a Python string.
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&source.text().as_bytes()[at..], WORD.as_bytes()) {
        let place = at + found;
        at = place + WORD.len();
        let line = source.line_span(source.line_of(place as u32));
        if let Some(dashes) = source.text()[line.start as usize..place].rfind("--") {
            out.push(Span { start: line.start + dashes as u32, end: line.end });
        }
    }
    out.sort();
    out.dedup_by_key(|span| span.end);
    out
}

fn is_comment_line(source: &Source, line: usize, comments: &[Span]) -> bool {
    let span = source.line_span(line);
    let text = source.slice(span);
    let start = span.start + (text.len() - text.trim_start().len()) as u32;
    let next = comments.partition_point(|comment| comment.end <= start);
    !text.trim().is_empty() && comments.get(next).is_some_and(|comment| comment.start <= start)
}

/// The first line that is neither blank nor a comment.
/// A docstring at the top is no code.
fn first_code_line(source: &Source, comments: &[Span]) -> usize {
    let quotes =
        |text: &str| ["\"\"\"", "'''"].into_iter().find(|quotes| text.trim_start_matches(['r', 'R']).starts_with(quotes));
    let mut docstring: Option<&str> = None;
    let mut seen = false;
    (1..=source.line_count())
        .filter(|&line| {
            let text = source.slice(source.line_span(line)).trim_start_matches('\u{feff}').trim();
            if let Some(quotes) = docstring {
                docstring = (!text.contains(quotes)).then_some(quotes);
                return false;
            }
            let is_code = !text.is_empty() && !is_comment_line(source, line, comments);
            match quotes(text).filter(|_| is_code && !seen && source.path().ends_with(".py")) {
                Some(quotes) => {
                    docstring = (text.matches(quotes).count() < 2).then_some(quotes);
                    seen = true;
                    false
                }
                None => {
                    seen |= is_code;
                    true
                }
            }
        })
        .find(|&line| {
            let text = source.slice(source.line_span(line)).trim_start_matches('\u{feff}').trim();
            !text.is_empty() && !is_comment_line(source, line, comments) && !text.starts_with("#!")
        })
        .unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<(String, Range<usize>)> {
        ignores(&Source::new(path, text)).into_iter().map(|ignore| (ignore.rule, ignore.lines)).collect()
    }

    #[test]
    fn a_comment_covers_its_line_or_the_next() {
        let found = lines(
            "a.py",
            "import x\n# whimbrel: ignore[a, b] because\n# more\nop.f()\nop.g()  # whimbrel: ignore[c]\n\"# whimbrel: ignore[d]\"\n",
        );
        assert_eq!(found, [("a".to_owned(), 2..5), ("b".to_owned(), 2..5), ("c".to_owned(), 5..6)]);
    }

    #[test]
    fn before_all_code_a_comment_covers_the_file() {
        assert_eq!(lines("a.sql", "-- whimbrel: ignore[a]\n\nSELECT 1;\n"), [("a".to_owned(), 0..usize::MAX)]);
        assert_eq!(lines("a.sql", "SELECT 1;\n-- whimbrel: ignore[a]\nSELECT 2;\n"), [("a".to_owned(), 2..4)]);
    }
}
