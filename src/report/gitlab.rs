//! GitLab's code quality report.

use std::io::{self, Write};

use serde::Serialize;

use crate::Outcome;
use crate::finding::{Severity, fingerprints};

#[derive(Serialize)]
struct Issue<'o> {
    description: &'o str,
    check_name: &'o str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'o>,
}

#[derive(Serialize)]
struct Location<'o> {
    path: &'o str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

pub fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let issues = outcome.findings.iter().zip(fingerprints(&outcome.findings)).map(|(finding, fingerprint)| Issue {
        description: &finding.message,
        check_name: finding.rule,
        fingerprint,
        severity: match finding.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
            Severity::Note => "info",
        },
        location: Location {
            path: finding.source.path(),
            lines: Lines {
                begin: finding.source.position(finding.span.start).line,
                end: finding.source.position(finding.span.end).line,
            },
        },
    });
    serde_json::to_writer(&mut *out, &issues.collect::<Vec<_>>())?;
    writeln!(out)
}
