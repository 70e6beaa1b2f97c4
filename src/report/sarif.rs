//! SARIF 2.1.0, as GitHub's code scanning takes it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_sarif::sarif;

use crate::Outcome;
use crate::finding::{Edit, Finding, Fix, Severity, fingerprints};
use crate::rule::Rule;
use crate::rules;
use crate::source::{Source, Span};

pub fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<&str> = rules::all().iter().map(|rule| rule.name).collect();
    let results = outcome.findings.iter().zip(fingerprints(&outcome.findings));
    let results: Vec<sarif::Result> = results.map(|(finding, print)| result(finding, print, &names)).collect();
    let driver = sarif::ToolComponent::builder()
        .name("whimbrel")
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .rules(rules::all().iter().map(descriptor).collect::<Vec<_>>())
        .build();
    let tool = sarif::Tool::builder().driver(driver).build();
    let run = sarif::Run::builder().tool(tool).results(results).column_kind("unicodeCodePoints").build();
    let version = serde_json::json!(sarif::Version::V2_1_0.to_string());
    let log = sarif::Sarif::builder().version(version).schema(sarif::SCHEMA_URL).runs(vec![run]).build();
    serde_json::to_writer(&mut *out, &log)?;
    writeln!(out)
}

fn level(severity: Severity) -> sarif::ResultLevel {
    match severity {
        Severity::Error => sarif::ResultLevel::Error,
        Severity::Warning => sarif::ResultLevel::Warning,
        Severity::Note => sarif::ResultLevel::Note,
    }
}

fn descriptor(rule: &Rule) -> sarif::ReportingDescriptor {
    let text = |text: &str| sarif::MultiformatMessageString::builder().text(text.to_owned()).build();
    let help =
        sarif::MultiformatMessageString::builder().text(rule.page.summary.to_owned()).markdown(rule.page.text.to_owned()).build();
    let configuration = sarif::ReportingConfiguration::builder()
        .level(serde_json::json!(rule.page.severity.as_str()))
        .enabled(rule.page.on_by_default)
        .build();
    sarif::ReportingDescriptor::builder()
        .id(rule.name)
        .name(rule.name)
        .short_description(text(rule.page.summary))
        .full_description(text(rule.page.summary))
        .help(help)
        .default_configuration(configuration)
        .build()
}

fn result(finding: &Finding, print: String, names: &[&str]) -> sarif::Result {
    let mut text = finding.message.clone();
    if let Some(help) = &finding.help {
        text.push_str("\n\n");
        text.push_str(help);
    }
    let index = names.iter().position(|name| *name == finding.rule).unwrap_or_default() as i64;
    let related: Vec<sarif::Location> =
        finding.labels.iter().map(|label| location(&label.source, label.span, Some(&label.text))).collect();
    let mut out = sarif::Result::builder()
        .rule_id(finding.rule)
        .rule_index(index)
        .level(level(finding.severity))
        .message(sarif::Message::builder().text(text).build())
        .locations(vec![location(&finding.source, finding.span, None)])
        .related_locations(related)
        .partial_fingerprints(BTreeMap::from([("whimbrel/v1".to_owned(), print)]))
        .build();
    out.fixes = finding.fix.as_ref().and_then(|fix| replacement(fix, finding)).map(|fix| vec![fix]);
    out
}

fn artifact(path: &str) -> sarif::ArtifactLocation {
    // Spaces and the like may not stand in a URI.
    let uri: String = path
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
                (byte as char).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    sarif::ArtifactLocation::builder().uri(uri).build()
}

fn region(source: &Source, span: Span) -> sarif::Region {
    let (start, end) = (source.position(span.start), source.position(span.end));
    sarif::Region::builder()
        .start_line(start.line as i64)
        .start_column(start.column as i64)
        .end_line(end.line as i64)
        .end_column(end.column as i64)
        .build()
}

fn location(source: &Source, span: Span, text: Option<&str>) -> sarif::Location {
    let place =
        sarif::PhysicalLocation::builder().artifact_location(artifact(source.path())).region(region(source, span)).build();
    let mut out = sarif::Location::builder().physical_location(place).build();
    out.message = text.map(|text| sarif::Message::builder().text(text.to_owned()).build());
    out
}

/// Changes of the finding's own file; SARIF counts in lines, so those of other files cannot be written here.
fn replacement(fix: &Fix, finding: &Finding) -> Option<sarif::Fix> {
    let own = |edit: &&Edit| edit.file == finding.source.path();
    if !fix.edits.iter().all(|edit| own(&edit)) {
        return None;
    }
    let replace = |edit: &Edit| {
        let text = sarif::ArtifactContent::builder().text(edit.text.clone()).build();
        sarif::Replacement::builder().deleted_region(region(&finding.source, edit.span)).inserted_content(text).build()
    };
    let change = sarif::ArtifactChange::builder()
        .artifact_location(artifact(finding.source.path()))
        .replacements(fix.edits.iter().map(replace).collect::<Vec<_>>())
        .build();
    let description = sarif::Message::builder().text(fix.description.clone()).build();
    Some(sarif::Fix::builder().description(description).artifact_changes(vec![change]).build())
}
