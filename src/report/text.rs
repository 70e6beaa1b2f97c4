//! For people: miette draws the source with what is wrong under it.

use std::fmt;
use std::io::{self, Write};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};

use super::{Style, counted, summary};
use crate::Outcome;
use crate::finding::{Finding, Severity};
use crate::migration::Step;
use crate::operation::Operation;
use crate::project::Environment;
use crate::project::conduct::KnownBy;
use crate::source::{Source, floor, printable};

pub fn write(outcome: &Outcome, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let theme = if style.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(style.width).with_context_lines(1).with_links(false);
    for finding in &outcome.findings {
        let mut drawn = String::new();
        let diagnostic = Drawn::new(finding);
        handler.render_report(&mut drawn, &diagnostic).map_err(io::Error::other)?;
        // miette starts with an empty line and leaves blanks at the ends of lines.
        for line in drawn.trim_matches('\n').lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        remarks(finding, style.width, out)?;
        writeln!(out)?;
    }
    for told in outcome.not_looked_at() {
        writeln!(out, "not looked at: {}", printable(&told))?;
    }
    if style.verbose {
        for environment in &outcome.environments {
            details(environment, out)?;
        }
    }
    for environment in outcome.environments.iter().filter(|environment| environment.evidence.is_empty()) {
        let root = printable(&environment.root);
        writeln!(out, "{root}: nothing says which database this is for, so rules for one engine are silent; give --dialect")?;
    }
    writeln!(out, "{}", summary(outcome))
}

/// Notes as prose; of the help, the first line as prose and the rest as it is, to be pasted.
fn remarks(finding: &Finding, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let prose = |kind: &str, text: &str, out: &mut dyn Write| {
        let first = format!("  {kind}: ");
        let options = textwrap::Options::new(width).initial_indent(&first).subsequent_indent("        ").break_words(false);
        writeln!(out, "{}", textwrap::fill(&printable(text), options))
    };
    for note in &finding.notes {
        prose("note", note, out)?;
    }
    let mut help = finding.help.iter().flat_map(|help| help.lines());
    if let Some(first) = help.next() {
        prose("help", first, out)?;
    }
    for line in help {
        writeln!(out, "        {}", printable(line))?;
    }
    Ok(())
}

/// What was detected, and what was not understood, for `-v`.
pub(super) fn details(environment: &Environment, out: &mut dyn Write) -> io::Result<()> {
    let root = printable(&environment.root);
    let doubt = if environment.known_by == KnownBy::NamesAlone { " by the names of its files alone" } else { "" };
    let migrations = counted(environment.migrations.len(), "migration");
    writeln!(out, "{root}: {}{doubt}, {migrations}", environment.framework.name())?;
    for evidence in &environment.evidence {
        let driver = evidence.driver.as_ref().map(|driver| format!(" with {driver}")).unwrap_or_default();
        writeln!(out, "  {}{driver}: {}", evidence.dialect.title(), printable(&evidence.because))?;
    }
    for migration in environment.migrations.iter().filter(|migration| migration.judged) {
        for (_, script) in migration.scripts() {
            for (step, reason) in script.steps.iter().filter_map(opaque) {
                let at = script.source.position(step.span.start);
                writeln!(
                    out,
                    "  not understood: {}:{}:{}: {}",
                    printable(script.source.path()),
                    at.line,
                    at.column,
                    printable(reason)
                )?;
            }
        }
    }
    Ok(())
}

fn opaque(step: &Step) -> Option<(&Step, &str)> {
    match &step.operation {
        Operation::Opaque { reason } => Some((step, reason)),
        _ => None,
    }
}

/// A finding as miette wants it.
#[derive(Debug)]
struct Drawn<'f> {
    finding: &'f Finding,
    message: String,
    /// Labels in other files.
    related: Vec<Elsewhere<'f>>,
}

impl<'f> Drawn<'f> {
    fn new(finding: &'f Finding) -> Self {
        let related = finding.labels.iter().filter(|label| label.source.path() != finding.source.path());
        Drawn {
            finding,
            message: printable(&finding.message).into_owned(),
            related: related
                .map(|label| Elsewhere { source: &label.source, span: label.span, text: printable(&label.text).into_owned() })
                .collect(),
        }
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn code(&self) -> Option<Box<dyn fmt::Display + '_>> {
        Some(Box::new(format!("{}[{}]", self.finding.severity, self.finding.rule)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.finding.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let here = LabeledSpan::new_primary_with_span(None, drawn(&self.finding.source, self.finding.span));
        let others = self.finding.labels.iter().filter(|label| label.source.path() == self.finding.source.path());
        let others = others
            .map(|label| LabeledSpan::new_with_span(Some(printable(&label.text).into_owned()), drawn(&label.source, label.span)));
        Some(Box::new(std::iter::once(here).chain(others)))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        (!self.related.is_empty()).then(|| Box::new(self.related.iter().map(|one| one as &dyn Diagnostic)) as _)
    }
}

/// A label in another file, drawn as a diagnostic of its own.
#[derive(Debug)]
struct Elsewhere<'f> {
    source: &'f Source,
    span: crate::source::Span,
    text: String,
}

impl fmt::Display for Elsewhere<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Elsewhere<'_> {}

impl Diagnostic for Elsewhere<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Advice)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_primary_with_span(None, drawn(self.source, self.span)))))
    }
}

/// More lines than this are drawn as their first: a statement may be a file of rows.
const MOST_LINES: usize = 6;

/// The part of a span that is drawn.
fn drawn(source: &Source, span: crate::source::Span) -> std::ops::Range<usize> {
    let (first, last) = (source.line_of(span.start), source.line_of(span.end.saturating_sub(1).max(span.start)));
    let end = if last - first < MOST_LINES { span.end } else { source.line_span(first).end };
    let longest = span.start as usize + LONGEST_LINE;
    let end = (end as usize).max(span.start as usize);
    span.start as usize..if end > longest { floor(source.text(), longest) } else { end }
}

/// Longer lines are cut: minified data would fill the terminal.
const LONGEST_LINE: usize = 400;

/// Reads around a span by the line index, instead of from the top of the file for each finding, and
/// without control characters.
impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let length = self.text().len();
        let (from, to) = (span.offset().min(length), (span.offset() + span.len()).min(length));
        let first_span_line = self.line_of(from as u32);
        // A span that ends with a line break ends on the line before it.
        let last_span_line = self.line_of(to.saturating_sub(1).max(from) as u32);
        let first = first_span_line.saturating_sub(lines_before).max(1);
        let last = (last_span_line + lines_after).min(self.line_count());
        let mut start = self.line_span(first).start as usize;
        let mut end = self.line_span(last).end as usize;
        if end - start > LONGEST_LINE * (last - first + 1) {
            start = floor(self.text(), from.saturating_sub(LONGEST_LINE / 2).max(start));
            end = floor(self.text(), (to + LONGEST_LINE / 2).min(end)).max(to);
        }
        // Asked for the span alone, miette wants to know where it starts.
        if lines_before == 0 {
            start = from;
            end = end.max(from);
        }
        let place = self.position(start as u32);
        Ok(Box::new(MietteSpanContents::new_named(
            printable(self.path()).into_owned(),
            &self.drawable().as_bytes()[start..end],
            (start, end - start).into(),
            place.line - 1,
            place.column - 1,
            last - first + 1,
        )))
    }
}
