//! `explain` and `rules`.

use std::io::{self, Write};

use crate::config::Settings;
use crate::rule::Rule;

/// The page as Markdown, under a line that says how it is set.
///
/// # Errors
/// What the writer says.
pub fn write(rule: &Rule, out: &mut dyn Write) -> io::Result<()> {
    let body = rule.page.body();
    let (title, rest) = body.split_once('\n').unwrap_or((body, ""));
    let default = if rule.page.on_by_default { "on" } else { "off" };
    writeln!(out, "{title}\n")?;
    writeln!(
        out,
        "{}, {} by default, group `{}`, since {}, {}",
        rule.page.severity,
        default,
        rule.group,
        rule.page.since,
        engines(rule)
    )?;
    write!(out, "{rest}")
}

fn engines(rule: &Rule) -> String {
    match rule.page.dialects.as_slice() {
        [] => "all engines".to_owned(),
        list => list.iter().map(|dialect| dialect.title()).collect::<Vec<_>>().join(", "),
    }
}

/// The rule table, as `settings` leave it.
///
/// # Errors
/// What the writer says.
pub fn write_table(rules: &[Rule], settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    let width = rules.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    let mut group = "";
    for rule in rules {
        if rule.group != group {
            if !group.is_empty() {
                writeln!(out)?;
            }
            group = rule.group;
            writeln!(out, "{group}")?;
        }
        let level = settings.severity_of(rule).map_or("off", |severity| severity.as_str());
        writeln!(out, "  {:width$}  {level:7}  {}", rule.name, rule.page.summary)?;
    }
    Ok(())
}

/// The rule table of the README.
pub fn markdown_table(rules: &[Rule]) -> String {
    let mut out = String::from("| rule | level | says |\n|---|---|---|\n");
    for rule in rules {
        let off = if rule.page.on_by_default { "" } else { ", off" };
        out.push_str(&format!(
            "| [`{}`](rules/{}/{}.md) | {}{off} | {} |\n",
            rule.name, rule.group, rule.name, rule.page.severity, rule.page.summary
        ));
    }
    out
}
