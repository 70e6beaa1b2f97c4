//! One comment for a pull request: what was found, by migration, folded; nothing when nothing is wrong.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{counted, summary};
use crate::Outcome;
use crate::finding::{Finding, Severity};
use crate::source::printable;

pub fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    if outcome.findings.is_empty() {
        return Ok(());
    }
    let mut files: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &outcome.findings {
        files.entry(finding.source.path()).or_default().push(finding);
    }
    writeln!(out, "### whimbrel: {}\n", counted(outcome.findings.len(), "finding"))?;
    writeln!(out, "| migration | worst | findings |\n|---|---|---|")?;
    for (file, findings) in &files {
        let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Note);
        let mut names: Vec<&str> = findings.iter().map(|finding| finding.rule).collect();
        names.sort_unstable();
        names.dedup();
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        writeln!(out, "| `{}` | {} {worst} | {} |", cell(file), sign(worst), names.join(" "))?;
    }
    for (file, findings) in &files {
        writeln!(out, "\n<details><summary><code>{}</code>: {}</summary>\n", html(file), counted(findings.len(), "finding"))?;
        for finding in findings {
            let at = finding.source.position(finding.span.start);
            writeln!(out, "- line {}: {}", at.line, body(finding).trim_end().replace('\n', "\n  "))?;
        }
        writeln!(out, "\n</details>")?;
    }
    writeln!(out, "\n{}", summary(outcome))
}

/// One finding.
pub fn body(finding: &Finding) -> String {
    let mut out = format!("{} **{}** {}\n", sign(finding.severity), finding.rule, html(&finding.message));
    for note in &finding.notes {
        out.push_str(&format!("<br>{}\n", html(note)));
    }
    if let Some(help) = &finding.help {
        let fence = if help.contains("```") { "````" } else { "```" };
        let lines: Vec<_> = help.lines().map(printable).collect();
        out.push_str(&format!("{fence}\n{}\n{fence}\n", lines.join("\n")));
    }
    out
}

fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "❌",
        Severity::Warning => "⚠️",
        Severity::Note => "ℹ️",
    }
}

/// Inside of a table's cell.
fn cell(text: &str) -> String {
    printable(text).replace('|', "\\|").replace('`', "'")
}

/// Markup in names and messages stays text.
fn html(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
