//! Between the bytes of a file and the places of the protocol.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, InitializeParams, Location, NumberOrString,
    Position, PositionEncodingKind, Range, Uri,
};
use url::Url;

use crate::finding::{Finding, Severity};
use crate::source::{Source, Span};

/// What a column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    /// What every client knows.
    Utf16,
}

impl Encoding {
    /// Bytes where the client can, as the spans are bytes.
    pub fn agreed(hello: &InitializeParams) -> Self {
        let known = hello.capabilities.general.as_ref().and_then(|general| general.position_encodings.as_ref());
        match known.is_some_and(|known| known.contains(&PositionEncodingKind::UTF8)) {
            true => Encoding::Utf8,
            false => Encoding::Utf16,
        }
    }

    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    pub fn position(self, source: &Source, offset: u32) -> Position {
        let line = source.line_of(offset);
        let start = source.line_span(line).start;
        let before = source.slice(Span { start, end: offset });
        let column = match self {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => before.encode_utf16().count(),
        };
        Position::new(line as u32 - 1, column as u32)
    }

    pub fn range(self, source: &Source, span: Span) -> Range {
        Range::new(self.position(source, span.start), self.position(source, span.end))
    }

    pub fn diagnostic(self, finding: &Finding) -> Diagnostic {
        let mut message = finding.message.clone();
        for note in &finding.notes {
            message.push_str(&format!("\n{note}"));
        }
        if let Some(help) = &finding.help {
            message.push_str(&format!("\nhelp: {help}"));
        }
        let related = finding.labels.iter().filter_map(|label| {
            let location = Location::new(uri(&absolute(label.source.path()))?, self.range(&label.source, label.span));
            Some(DiagnosticRelatedInformation { location, message: label.text.clone() })
        });
        let related: Vec<DiagnosticRelatedInformation> = related.collect();
        let page = format!("https://github.com/whimbrel-lint/whimbrel/blob/main/rules/{}/{}.md", finding.group, finding.rule);
        Diagnostic {
            range: self.range(&finding.source, finding.span),
            severity: Some(match finding.severity {
                Severity::Error => DiagnosticSeverity::ERROR,
                Severity::Warning => DiagnosticSeverity::WARNING,
                Severity::Note => DiagnosticSeverity::INFORMATION,
            }),
            code: Some(NumberOrString::String(finding.rule.to_owned())),
            code_description: Uri::from_str(&page).ok().map(|href| CodeDescription { href }),
            source: Some("whimbrel".to_owned()),
            message,
            related_information: (!related.is_empty()).then_some(related),
            ..Diagnostic::default()
        }
    }
}

/// Whether a place lies in a range, its end included: a cursor stands behind what it has written.
pub(super) fn holds(range: Range, at: Position) -> bool {
    range.start <= at && at <= range.end
}

/// The file behind a document; None for one that is nowhere on the disk.
pub(super) fn path(uri: &Uri) -> Option<PathBuf> {
    Url::parse(uri.as_str()).ok()?.to_file_path().ok()
}

pub(super) fn uri(path: &Path) -> Option<Uri> {
    Uri::from_str(Url::from_file_path(path).ok()?.as_str()).ok()
}

/// A path as findings have it, from the root of the disk.
pub(super) fn absolute(path: &str) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_what_was_agreed() {
        let source = Source::new("a.sql", "-- é😀 x\n");
        let at = source.text().find('x').unwrap() as u32;
        assert_eq!(Encoding::Utf8.position(&source, at), Position::new(0, 10));
        assert_eq!(Encoding::Utf16.position(&source, at), Position::new(0, 7));
    }

    #[test]
    fn uris_and_paths_are_each_others_inverse() {
        let file = Path::new("/tmp/ein Ordner/ü.sql");
        assert_eq!(path(&uri(file).unwrap()).unwrap(), file);
    }
}
