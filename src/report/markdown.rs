//! One comment for a pull request: what was found, by migration, folded; nothing when nothing is wrong.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::drawing::write_mermaid;
use super::plan::markdown_table;
use super::verdict::{Verdicts, worst};
use super::{counted, summary};
use crate::Outcome;
use crate::config::Settings;
use crate::finding::{Finding, Severity};
use crate::source::printable;

pub fn write(outcome: &Outcome, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    if outcome.findings.is_empty() {
        return Ok(());
    }
    let mut files: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &outcome.findings {
        files.entry(finding.source.path()).or_default().push(finding);
    }
    writeln!(out, "### whimbrel: {}\n", counted(outcome.findings.len(), "finding"))?;
    let verdicts = Verdicts::new(outcome, settings);
    let plans = verdicts.by_file();
    let verdict_of = |file: &str| plans.get(file).and_then(|plans| worst(plans));
    writeln!(out, "| migration | verdict | worst | findings |\n|---|---|---|---|")?;
    for (file, findings) in &files {
        let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Note);
        let mut names: Vec<&str> = findings.iter().map(|finding| finding.rule).collect();
        names.sort_unstable();
        names.dedup();
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let verdict = verdict_of(file).map(|plan| plan.verdict.sentence()).unwrap_or_default();
        writeln!(out, "| `{}` | {} | {} {worst} | {} |", cell(file), html(&cell(&verdict)), sign(worst), names.join(" "))?;
    }
    for (file, findings) in &files {
        writeln!(out, "\n<details><summary><code>{}</code>: {}</summary>\n", html(file), counted(findings.len(), "finding"))?;
        for finding in findings {
            let at = finding.source.position(finding.span.start);
            writeln!(out, "- line {}: {}", at.line, body(finding).trim_end().replace('\n', "\n  "))?;
        }
        for (dialect, plan) in plans.get(file).into_iter().flatten().filter(|(_, plan)| !plan.steps.is_empty()) {
            let table = markdown_table(plan);
            let table: Vec<String> = table.lines().map(html).collect();
            let database = dialect.map_or("unknown database", |dialect| dialect.title());
            writeln!(out, "\nPlan for {database}: {}\n\n{}", html(&plan.verdict.sentence()), table.join("\n"))?;
        }
        writeln!(out, "\n</details>")?;
    }
    // A graph that is in order needs no picture.
    if outcome.findings.iter().any(|finding| finding.group == "graph" && finding.severity == Severity::Error) {
        writeln!(out, "\n```mermaid")?;
        write_mermaid(&outcome.environments, &outcome.findings, out)?;
        writeln!(out, "```")?;
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
        let (advice, code) = advice_and_code(help);
        if !advice.is_empty() {
            out.push_str(&format!("<br>→ {}\n", html(advice)));
        }
        if !code.is_empty() {
            let fence = fence(code);
            let lines: Vec<_> = code.lines().map(printable).collect();
            out.push_str(&format!("{fence}\n{}\n{fence}\n", lines.join("\n")));
        }
    }
    out
}

/// What a help says before what can be pasted: a first line that ends in a colon, or all of it where it is one sentence.
fn advice_and_code(help: &str) -> (&str, &str) {
    let is_code = |line: &str| line.ends_with([';', ')', '"', '\'']) || line.contains(" = ") || line.starts_with("if ");
    match help.split_once('\n') {
        Some((first, rest)) if first.ends_with(':') && !is_code(first) => (first, rest),
        None if !is_code(help) => (help, ""),
        _ => ("", help),
    }
}

/// Backquotes that no line of the text can close.
pub fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat((longest + 1).max(3))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_help_is_advice_then_code() {
        for (help, parts) in [
            ("drop it first", ("drop it first", "")),
            ("DROP INDEX i;", ("", "DROP INDEX i;")),
            ("op.drop_index(\"i\")", ("", "op.drop_index(\"i\")")),
            ("first:\nDROP INDEX i;", ("first:", "DROP INDEX i;")),
            ("if a == \"b\":\n    c()", ("", "if a == \"b\":\n    c()")),
            ("DROP INDEX i;\nand then:\nDROP TABLE t;", ("", "DROP INDEX i;\nand then:\nDROP TABLE t;")),
        ] {
            assert_eq!(advice_and_code(help), parts);
        }
    }
}
