//! GitHub's workflow commands: each finding is an annotation on the pull request.

use std::io::{self, Write};

use crate::Outcome;
use crate::finding::Severity;
use crate::source::printable;

pub fn write(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    for finding in &outcome.findings {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let (start, end) = (finding.source.position(finding.span.start), finding.source.position(finding.span.end));
        let help = finding.help.as_ref().map_or_else(String::new, |help| format!("\n{help}"));
        // Columns only mean something on one line.
        let columns =
            if start.line == end.line { format!(",col={},endColumn={}", start.column, end.column) } else { String::new() };
        writeln!(
            out,
            "::{command} file={},line={},endLine={}{columns},title={}::{}",
            property(finding.source.path()),
            start.line,
            end.line,
            property(finding.rule),
            data(&format!("{}{help}", finding.message)),
        )?;
    }
    Ok(())
}

/// The message of a command. Lines are kept, everything else that moves a cursor is not.
fn data(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| printable(line).replace('%', "%25")).collect();
    lines.join("%0A")
}

/// A property of a command, which also ends at a colon or comma.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_is_a_command() {
        assert_eq!(data("50% of\r\n::error::x"), "50%25 of%0A::error::x");
        assert!(!data("a\u{1b}[31mb").contains('\u{1b}'));
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
    }
}
