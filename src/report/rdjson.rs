//! reviewdog's diagnostic format, with suggestions where a fix changes the finding's own file.

use std::io::{self, Write};

use serde::Serialize;

use crate::Outcome;
use crate::finding::{Finding, Severity};
use crate::source::{Source, Span};

#[derive(Serialize)]
struct Report<'o> {
    source: Name,
    diagnostics: Vec<Diagnostic<'o>>,
}

#[derive(Serialize)]
struct Name {
    name: &'static str,
}

#[derive(Serialize)]
struct Diagnostic<'o> {
    message: String,
    location: Location<'o>,
    severity: &'static str,
    code: Code<'o>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion<'o>>,
}

#[derive(Serialize)]
struct Location<'o> {
    path: &'o str,
    range: Range,
}

#[derive(Serialize)]
struct Code<'o> {
    value: &'o str,
}

#[derive(Serialize)]
struct Suggestion<'o> {
    range: Range,
    text: &'o str,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

/// One-based; columns count bytes.
#[derive(Serialize)]
struct Position {
    line: usize,
    column: usize,
}

fn range(source: &Source, span: Span) -> Range {
    let text = source.text();
    let position = |at: u32| {
        let line_start = text[..at as usize].rfind('\n').map_or(0, |end| end + 1);
        Position { line: source.position(at).line, column: at as usize - line_start + 1 }
    };
    Range { start: position(span.start), end: position(span.end) }
}

fn diagnostic(finding: &Finding) -> Diagnostic<'_> {
    let edits = finding.fix.iter().flat_map(|fix| &fix.edits).filter(|edit| edit.file == finding.source.path());
    Diagnostic {
        message: match &finding.help {
            Some(help) => format!("{}\n\n{help}", finding.message),
            None => finding.message.clone(),
        },
        location: Location { path: finding.source.path(), range: range(&finding.source, finding.span) },
        severity: match finding.severity {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
            Severity::Note => "INFO",
        },
        code: Code { value: finding.rule },
        suggestions: edits.map(|edit| Suggestion { range: range(&finding.source, edit.span), text: &edit.text }).collect(),
    }
}

pub fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let report = Report { source: Name { name: "whimbrel" }, diagnostics: outcome.findings.iter().map(diagnostic).collect() };
    serde_json::to_writer(&mut *out, &report)?;
    writeln!(out)
}
