//! One page that needs nothing else: the graph, what each migration would do, and what was found in it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::drawing::{escaped, write_svg};
use super::plan::cells;
use super::verdict::{Verdicts, worst};
use super::{counted, summary};
use crate::Outcome;
use crate::config::Settings;
use crate::finding::Finding;
use crate::operation::Dialect;
use crate::plan::{MigrationPlan, Verdict};

const STYLE: &str = include_str!("html.css");

/// Lines around a finding.
const CONTEXT: usize = 2;

pub fn write(outcome: &Outcome, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    let verdicts = Verdicts::new(outcome, settings);
    let plans = verdicts.by_file();
    let mut findings: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    outcome.findings.iter().for_each(|finding| findings.entry(finding.source.path()).or_default().push(finding));
    // What is safe and has nothing to it is counted.
    let is_plain = |file: &str| {
        let is_safe = plans.get(file).is_none_or(|plans| plans.iter().all(|(_, plan)| plan.verdict == Verdict::Safe));
        is_safe && !findings.contains_key(file)
    };
    let files: BTreeSet<&str> = plans.keys().chain(findings.keys()).copied().collect();
    let (plain, shown): (Vec<&str>, Vec<&str>) = files.into_iter().partition(|file| is_plain(file));

    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<title>whimbrel: {}</title>\n<style>\n{STYLE}</style>", counted(outcome.findings.len(), "finding"))?;
    writeln!(out, "<main>\n<h1>whimbrel</h1>\n<p>{}</p>", escaped(&summary(outcome)))?;
    for told in outcome.not_looked_at() {
        writeln!(out, "<p class=\"warning\">not looked at: {}</p>", escaped(&told))?;
    }
    if !shown.is_empty() {
        contents(&shown, &plans, &findings, out)?;
    }
    if !plain.is_empty() {
        writeln!(out, "<p>{} more: safe to run live, and nothing found.</p>", counted(plain.len(), "file"))?;
    }
    writeln!(out, "<details><summary>Revision graph</summary>\n<div class=\"graph\">")?;
    write_svg(&outcome.environments, &outcome.findings, out)?;
    writeln!(out, "</div></details>")?;
    for (number, file) in shown.iter().enumerate() {
        writeln!(out, "<section id=\"f{number}\">\n<h2>{}</h2>", escaped(file))?;
        for finding in findings.get(file).into_iter().flatten() {
            write_finding(finding, out)?;
        }
        for (dialect, plan) in plans.get(file).into_iter().flatten().filter(|(_, plan)| !plan.steps.is_empty()) {
            write_plan(*dialect, plan, out)?;
        }
        writeln!(out, "</section>")?;
    }
    writeln!(out, "</main>\n</html>")
}

type Plans<'p, 'o> = BTreeMap<&'p str, Vec<(Option<Dialect>, &'p MigrationPlan<'o>)>>;

fn contents(
    files: &[&str],
    plans: &Plans<'_, '_>,
    findings: &BTreeMap<&str, Vec<&Finding>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "<table>\n<thead><tr><th>File</th><th>Verdict</th><th>Found</th></tr></thead>\n<tbody>")?;
    for (number, file) in files.iter().enumerate() {
        let verdict = plans.get(file).and_then(|plans| worst(plans)).map(|plan| &plan.verdict);
        let class = verdict.map_or("", |verdict| class_of(verdict));
        let sentence = verdict.map(Verdict::sentence).unwrap_or_default();
        let found = findings.get(file).map_or(&[][..], Vec::as_slice);
        let mut rules: Vec<String> = Vec::new();
        for finding in found {
            let rule = format!("<span class=\"{}\">{}</span>", finding.severity, finding.rule);
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        writeln!(
            out,
            "<tr><td><a href=\"#f{number}\">{}</a></td><td class=\"{class}\">{}</td><td>{}</td></tr>",
            escaped(file),
            escaped(&sentence),
            rules.join(" ")
        )?;
    }
    writeln!(out, "</tbody>\n</table>")
}

fn class_of(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Safe => "safe",
        Verdict::Unknown(_) => "note",
        Verdict::BlocksWrites(_) => "warning",
        Verdict::NeedsDowntime(_) | Verdict::Loses(_) | Verdict::WillFail(_) => "error",
    }
}

fn write_finding(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let word = finding.severity;
    writeln!(out, "<article class=\"{word}\">\n<h3>{word}: {}</h3>\n<p>{}</p>", finding.rule, escaped(&finding.message))?;
    excerpt(finding, out)?;
    for note in &finding.notes {
        writeln!(out, "<p class=\"aside\">{}</p>", escaped(note))?;
    }
    if let Some(help) = &finding.help {
        writeln!(out, "<pre class=\"help\">{}</pre>", help.lines().map(escaped).collect::<Vec<_>>().join("\n"))?;
    }
    writeln!(out, "</article>")
}

/// The lines around a finding, with its words marked.
fn excerpt(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let source = &finding.source;
    let (first, last) = (source.line_of(finding.span.start), source.line_of(finding.span.end.max(finding.span.start)));
    let lines = first.saturating_sub(CONTEXT).max(1)..=(last.min(first + 2 * CONTEXT) + CONTEXT).min(source.line_count());
    write!(out, "<pre class=\"code\">")?;
    for line in lines {
        let span = source.line_span(line);
        // Behind the last newline there is no line.
        if line > last && span.start as usize == source.text().len() {
            break;
        }
        let text = source.slice(span).trim_end();
        let end = span.start as usize + text.len();
        let clamp = |at: u32| (at.max(span.start) as usize).min(end) - span.start as usize;
        let (from, to) = (clamp(finding.span.start), clamp(finding.span.end));
        let [before, marked, behind] = [&text[..from], &text[from..to], &text[to..]].map(escaped);
        let marked = if marked.is_empty() { marked } else { format!("<mark>{marked}</mark>") };
        writeln!(out, "<span class=\"line\">{line}</span>{before}{marked}{behind}")?;
    }
    writeln!(out, "</pre>")
}

fn write_plan(dialect: Option<Dialect>, plan: &MigrationPlan<'_>, out: &mut dyn Write) -> io::Result<()> {
    let database = dialect.map_or("unknown database", |dialect| dialect.title());
    let way = if plan.direction == crate::finding::Direction::Up { "up" } else { "down" };
    writeln!(
        out,
        "<details><summary>Plan for {database}, {way}: <span class=\"{}\">{}</span></summary>",
        class_of(&plan.verdict),
        escaped(&plan.verdict.sentence())
    )?;
    writeln!(
        out,
        "<table>\n<thead><tr>{}</tr></thead>\n<tbody>",
        super::plan::HEADER.map(|name| format!("<th>{name}</th>")).concat()
    )?;
    for step in &plan.steps {
        let row = cells(plan, step).map(|cell| format!("<td>{}</td>", escaped(&cell)));
        writeln!(out, "<tr>{}</tr>", row.concat())?;
    }
    writeln!(out, "</tbody>\n</table></details>")
}
