//! `file:line:column: severity[rule] message`

use std::io::{self, Write};

use super::{Style, summary, text};
use crate::Outcome;
use crate::source::printable;

pub fn write(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for finding in &outcome.findings {
        let at = finding.source.position(finding.span.start);
        let (path, message) = (printable(finding.source.path()), printable(&finding.message));
        writeln!(out, "{path}:{}:{}: {}[{}] {message}", at.line, at.column, finding.severity, finding.rule)?;
    }
    if style.verbose {
        for environment in &outcome.environments {
            text::details(environment, out)?;
        }
        writeln!(out, "{}", summary(outcome))?;
    }
    Ok(())
}
