//! The frozen shape of `check --format json`. Fields may be added, never changed.

use std::io::{self, Write};

use serde::Serialize;

use crate::Outcome;
use crate::finding::{Direction, Finding, Fix, Severity};
use crate::source::{Source, Span};

#[derive(Serialize)]
struct Report<'o> {
    version: u32,
    summary: Summary,
    findings: Vec<JsonFinding<'o>>,
}

#[derive(Serialize)]
struct Summary {
    files: usize,
    migrations: usize,
    statements: usize,
    opaque_statements: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    ignored: usize,
}

#[derive(Serialize)]
struct JsonFinding<'o> {
    rule: &'o str,
    group: &'o str,
    severity: Severity,
    message: &'o str,
    notes: &'o [String],
    help: Option<&'o str>,
    file: &'o str,
    range: Range,
    revision: Option<&'o str>,
    direction: Option<Direction>,
    environment: &'o str,
    labels: Vec<JsonLabel<'o>>,
    fix: Option<JsonFix<'o>>,
}

#[derive(Serialize)]
struct JsonLabel<'o> {
    file: &'o str,
    range: Range,
    message: &'o str,
}

#[derive(Serialize)]
struct JsonFix<'o> {
    safe: bool,
    description: &'o str,
    edits: Vec<JsonEdit<'o>>,
}

#[derive(Serialize)]
struct JsonEdit<'o> {
    file: &'o str,
    start: u32,
    end: u32,
    text: &'o str,
}

/// From the first to behind the last character.
#[derive(Serialize)]
pub struct Range {
    start: Place,
    end: Place,
}

/// Line and column from 1, the column in characters; the offset in bytes from 0.
#[derive(Serialize)]
struct Place {
    line: usize,
    column: usize,
    offset: usize,
}

impl Range {
    pub fn new(source: &Source, span: Span) -> Self {
        let place = |offset| {
            let at = source.position(offset);
            Place { line: at.line, column: at.column, offset: at.offset }
        };
        Range { start: place(span.start), end: place(span.end) }
    }
}

pub fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let count = |severity| outcome.findings.iter().filter(|finding| finding.severity == severity).count();
    let counts = outcome.counts;
    let report = Report {
        version: 1,
        summary: Summary {
            files: counts.files,
            migrations: counts.migrations,
            statements: counts.statements,
            opaque_statements: counts.opaque_statements,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
            ignored: outcome.ignored,
        },
        findings: outcome.findings.iter().map(finding).collect(),
    };
    serde_json::to_writer(&mut *out, &report)?;
    writeln!(out)
}

fn finding(finding: &Finding) -> JsonFinding<'_> {
    JsonFinding {
        rule: finding.rule,
        group: finding.group,
        severity: finding.severity,
        message: &finding.message,
        notes: &finding.notes,
        help: finding.help.as_deref(),
        file: finding.source.path(),
        range: Range::new(&finding.source, finding.span),
        revision: finding.revision.as_deref(),
        direction: finding.direction,
        environment: &finding.environment,
        labels: finding
            .labels
            .iter()
            .map(|label| JsonLabel {
                file: label.source.path(),
                range: Range::new(&label.source, label.span),
                message: &label.text,
            })
            .collect(),
        fix: finding.fix.as_ref().map(fix),
    }
}

fn fix(fix: &Fix) -> JsonFix<'_> {
    let edits =
        fix.edits.iter().map(|edit| JsonEdit { file: &edit.file, start: edit.span.start, end: edit.span.end, text: &edit.text });
    JsonFix { safe: fix.safe, description: &fix.description, edits: edits.collect() }
}
