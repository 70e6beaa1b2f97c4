//! JUnit's XML: a suite for each environment, a case for each file.

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::Outcome;
use crate::finding::{Finding, Severity};
use crate::source::printable;

pub fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let mut report = Report::new("whimbrel");
    for environment in &outcome.environments {
        let mut suite = TestSuite::new(printable(&environment.root).into_owned());
        let mut files: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for migration in environment.migrations.iter().filter(|migration| migration.judged) {
            files.entry(migration.source.path()).or_default();
            for (_, script) in migration.scripts() {
                files.entry(script.source.path()).or_default();
            }
        }
        for finding in outcome.findings.iter().filter(|finding| finding.environment == environment.root) {
            files.entry(finding.source.path()).or_default().push(finding);
        }
        suite.add_test_cases(files.into_iter().map(|(file, findings)| case(file, &findings)));
        report.add_test_suite(suite);
    }
    report.serialize(&mut *out).map_err(io::Error::other)?;
    writeln!(out)
}

/// A file fails by its errors; what is less is in its output.
fn case(file: &str, findings: &[&Finding]) -> TestCase {
    let line = |finding: &&&Finding| {
        let at = finding.source.position(finding.span.start);
        format!("{file}:{}:{}: {}[{}] {}", at.line, at.column, finding.severity, finding.rule, finding.message)
    };
    let lines = |wanted: fn(Severity) -> bool| {
        findings.iter().filter(|finding| wanted(finding.severity)).map(|finding| line(&finding)).collect::<Vec<_>>()
    };
    let errors = lines(|severity| severity == Severity::Error);
    let mut status = TestCaseStatus::success();
    if let Some(first) = findings.iter().find(|finding| finding.severity == Severity::Error) {
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(first.message.clone()).set_type(first.rule).set_description(errors.join("\n"));
    }
    let mut case = TestCase::new(printable(file).into_owned(), status);
    let others = lines(|severity| severity != Severity::Error);
    if !others.is_empty() {
        case.set_system_out(others.join("\n"));
    }
    case
}
