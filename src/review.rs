//! A review of a pull request: remarks on the lines that it changes, one comment for the rest.
//!
//! Whatever was said is recognised by a marker in its text, so that a second run changes and closes its own remarks
//! instead of repeating them.

pub mod diff;
pub mod forge;
#[cfg(feature = "send")]
pub mod http;

use std::ops::RangeInclusive;

use crate::finding::{Finding, fingerprints};
use crate::fix;
use crate::report::markdown;
use crate::source::{Source, printable};
use diff::Lines;

/// What is said at some lines of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// From the top of the repository, with forward slashes.
    pub file: String,
    /// The same before the change.
    pub old_file: String,
    /// The number that the last of the lines had before, where it did not change.
    pub old_line: Option<usize>,
    /// In the new text, from 1.
    pub lines: RangeInclusive<usize>,
    pub text: String,
    /// What these lines should be instead, without the last newline.
    pub suggestion: Option<String>,
    pub fingerprint: String,
}

/// What is said of a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    pub remarks: Vec<Remark>,
    /// What belongs to no changed line, as Markdown; None when nothing does.
    pub summary: Option<String>,
}

/// The mark of a remark that stands.
pub const OPEN: &str = "<!-- whimbrel ";
/// The mark of a remark whose finding is gone.
pub const CLOSED: &str = "<!-- whimbrel closed ";
/// The mark of the comment on the whole.
pub const SUMMARY: &str = "<!-- whimbrel summary -->";

/// The fingerprint of a remark that stands, by its text.
pub fn fingerprint_in(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once(OPEN)?;
    let (word, _) = rest.split_once(" -->")?;
    (word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(word)
}

/// Longer suggestions are no help in the margin of a page.
const LONGEST_SUGGESTION: usize = 30;
/// Longer ones are statements of thousands of values.
const LONGEST_REMARK: usize = 8_000;
/// GitHub takes 65,536 characters in a comment.
const LONGEST_SUMMARY: usize = 60_000;

impl Review {
    /// Sorts findings into those on lines of the difference and the rest.
    pub fn new(findings: &[Finding], lines: &Lines) -> Self {
        let mut review = Review::default();
        let mut rest: Vec<&Finding> = Vec::new();
        for (finding, fingerprint) in findings.iter().zip(fingerprints(findings)) {
            match remark(finding, fingerprint, lines) {
                Some(remark) => review.remarks.push(remark),
                None => rest.push(finding),
            }
        }
        review.summary = summary(findings.len(), &rest);
        review
    }

    /// All findings in the comment on the whole, for a forge that takes none at a line.
    pub fn in_one_comment(findings: &[Finding]) -> Self {
        Review { remarks: Vec::new(), summary: summary(findings.len(), &findings.iter().collect::<Vec<_>>()) }
    }
}

fn remark(finding: &Finding, fingerprint: String, lines: &Lines) -> Option<Remark> {
    let file = lines.file(finding.source.path())?;
    let line = finding.source.line_of(finding.span.start);
    let suggested = suggestion(finding).filter(|(range, _)| file.holds(range));
    let (range, suggestion) = match suggested {
        Some((range, text)) => (range, Some(text)),
        None => (line..=line, None),
    };
    if !file.holds(&range) {
        return None;
    }
    let old_file = file.old_path.clone().unwrap_or_else(|| file.path.clone());
    let old_line = file.old_line(*range.end());
    Some(Remark { file: file.path.clone(), old_file, old_line, lines: range, text: text_of(finding), suggestion, fingerprint })
}

/// A finding as Markdown; without its help where that would be longer than anybody reads.
fn text_of(finding: &Finding) -> String {
    let body = markdown::body(finding);
    if body.len() <= LONGEST_REMARK {
        return body;
    }
    let short = &finding.message[..crate::source::floor(&finding.message, finding.message.len().min(LONGEST_REMARK / 2))];
    markdown::body(&Finding { message: short.to_owned(), notes: Vec::new(), help: None, ..finding.clone() })
}

/// The lines that a fix changes and what they become, where it changes this file alone, in one place.
fn suggestion(finding: &Finding) -> Option<(RangeInclusive<usize>, String)> {
    let fix = finding.fix.as_ref().filter(|fix| fix::leaves_readable(finding, fix))?;
    let source: &Source = &finding.source;
    if fix.edits.iter().any(|edit| edit.file != source.path()) {
        return None;
    }
    let first = source.line_of(fix.edits.iter().map(|edit| edit.span.start).min()?);
    let last = source.line_of(fix.edits.iter().map(|edit| edit.span.end).max()?);
    if last - first >= LONGEST_SUGGESTION {
        return None;
    }
    let after = fix::applied(source.text(), &fix.edits.iter().collect::<Vec<_>>());
    let start = source.line_span(first).start as usize;
    let behind = source.text().len() - source.line_span(last).end as usize;
    let text = after.get(start..after.len().checked_sub(behind)?)?;
    if text.len() > LONGEST_REMARK {
        return None;
    }
    Some((first..=last, text.trim_end_matches('\n').to_owned()))
}

fn summary(all: usize, rest: &[&Finding]) -> Option<String> {
    if all == 0 {
        return None;
    }
    let mut out = format!("### whimbrel: {}\n", crate::report::counted(all, "finding"));
    if rest.is_empty() {
        out.push_str("\nAll of them stand at the lines that they are about.\n");
    }
    for (told, finding) in rest.iter().enumerate() {
        let line = finding.source.line_of(finding.span.start);
        let file = printable(finding.source.path()).replace('`', "'");
        let entry = format!("\n`{file}`, line {line}\n\n{}\n", text_of(finding));
        if out.len() + entry.len() > LONGEST_SUMMARY {
            out.push_str(&format!("\nand {} more\n", rest.len() - told));
            break;
        }
        out.push_str(&entry);
    }
    out.push_str(&format!("\n{SUMMARY}"));
    Some(out)
}
