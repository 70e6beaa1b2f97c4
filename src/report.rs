//! One reporter per format. Each gets the whole outcome and writes bytes.

mod compact;
pub mod drawing;
mod github;
mod gitlab;
pub mod graph;
mod html;
pub mod json;
mod junit;
pub mod markdown;
pub mod page;
pub mod plan;
mod rdjson;
mod sarif;
pub mod schema;
mod text;
mod verdict;

use std::io::{self, Write};

use crate::Outcome;
use crate::config::Settings;

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// With the source and a summary, for people.
    Text,
    /// One line each, for editors and grep.
    Compact,
    /// The frozen shape, for programs.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations in GitHub's workflow logs.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// reviewdog's diagnostics, with suggestions.
    Rdjson,
    /// Test results in XML.
    Junit,
    /// One comment for a pull request.
    Markdown,
    /// One page with the graph, the plan and the findings.
    Html,
}

/// How text for a person is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub colour: bool,
    /// Columns.
    pub width: usize,
    /// Also say what was detected, and list what was not understood.
    pub verbose: bool,
}

/// Writes `outcome`.
///
/// # Errors
/// What the writer says.
pub fn write(format: Format, outcome: &Outcome, settings: &Settings, style: Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Text => text::write(outcome, style, out),
        Format::Compact => compact::write(outcome, style, out),
        Format::Json => json::write(outcome, out),
        Format::Sarif => sarif::write(outcome, out),
        Format::Github => github::write(outcome, out),
        Format::Gitlab => gitlab::write(outcome, out),
        Format::Rdjson => rdjson::write(outcome, out),
        Format::Junit => junit::write(outcome, out),
        Format::Markdown => markdown::write(outcome, settings, out),
        Format::Html => html::write(outcome, settings, out),
    }
}

/// How often each rule fires, most often first.
///
/// # Errors
/// What the writer says.
pub fn statistics(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    outcome.findings.iter().for_each(|finding| *counts.entry(finding.rule).or_default() += 1);
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(rule, count)| (std::cmp::Reverse(*count), *rule));
    for (rule, count) in counts {
        writeln!(out, "{:>6}  {rule}", thousands(count))?;
    }
    writeln!(out, "{}", summary(outcome))
}

/// `1,530`
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 finding`, `2 findings`
pub fn counted(number: usize, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", thousands(number))
}

/// The last line: how much was found, in how much.
pub(crate) fn summary(outcome: &Outcome) -> String {
    use crate::finding::Severity;
    let count = |severity| outcome.findings.iter().filter(|finding| finding.severity == severity).count();
    let by_severity: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")]
        .into_iter()
        .map(|(severity, name)| (count(severity), name))
        .filter(|(number, _)| *number > 0)
        .map(|(number, name)| counted(number, name))
        .collect();
    let breakdown = if by_severity.is_empty() { String::new() } else { format!(" ({})", by_severity.join(", ")) };
    let counts = outcome.counts;
    let ignored = if outcome.ignored == 0 { String::new() } else { format!("; {} ignored", thousands(outcome.ignored)) };
    format!(
        "{}{breakdown} in {}, {}, {} ({} not understood){ignored}",
        counted(outcome.findings.len(), "finding"),
        counted(outcome.environments.len(), "environment"),
        counted(counts.migrations, "migration"),
        counted(counts.statements, "statement"),
        thousands(counts.opaque_statements),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_separators() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1530), "1,530");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(counted(1, "finding"), "1 finding");
    }
}
