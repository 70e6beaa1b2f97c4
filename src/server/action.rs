//! What can be done about a finding from within the editor: its fix, or a comment that ignores it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, CreateFile, DocumentChangeOperation, DocumentChanges,
    OneOf, OptionalVersionedTextDocumentIdentifier, Position, Range, ResourceOp, TextDocumentEdit, TextEdit, WorkspaceEdit,
};

use super::{Server, place};
use crate::alembic::python;
use crate::finding::{Edit, Finding, Fix};
use crate::fix::leaves_readable;
use crate::source::Source;

impl Server<'_> {
    pub(super) fn actions(&self, params: &CodeActionParams) -> Vec<CodeActionOrCommand> {
        let Some(path) = place::path(&params.text_document.uri) else { return Vec::new() };
        let mut out = Vec::new();
        for finding in self.told.get(&path).into_iter().flatten() {
            let range = self.encoding.range(&finding.source, finding.span);
            if range.end < params.range.start || params.range.end < range.start {
                continue;
            }
            let fix = finding
                .fix
                .as_ref()
                .filter(|fix| leaves_readable(finding, fix))
                .and_then(|fix| Some((fix.description.clone(), fix.safe, self.edit(finding, fix)?)));
            let ignore = self.ignored(finding).map(|edit| (format!("ignore {} here", finding.rule), false, edit));
            for (title, is_preferred, edit) in fix.into_iter().chain(ignore) {
                out.push(CodeActionOrCommand::CodeAction(CodeAction {
                    title: format!("whimbrel: {title}"),
                    kind: Some(CodeActionKind::QUICKFIX),
                    diagnostics: Some(vec![self.encoding.diagnostic(finding)]),
                    edit: Some(edit),
                    is_preferred: Some(is_preferred),
                    ..CodeAction::default()
                }));
            }
        }
        out
    }

    /// A fix as the client applies it; files that are not there are made first.
    fn edit(&self, finding: &Finding, fix: &Fix) -> Option<WorkspaceEdit> {
        let mut files: BTreeMap<PathBuf, Vec<&Edit>> = BTreeMap::new();
        fix.edits.iter().for_each(|edit| files.entry(place::absolute(&edit.file)).or_default().push(edit));
        let mut operations = Vec::new();
        for (path, edits) in files {
            let uri = place::uri(&path)?;
            let open = self.open.get(&path);
            let text = match open {
                Some(document) => String::from_utf8_lossy(&document.text).into_owned(),
                None => std::fs::read_to_string(&path).unwrap_or_default(),
            };
            if open.is_none() && !path.exists() {
                let create = CreateFile { uri: uri.clone(), options: None, annotation_id: None };
                operations.push(DocumentChangeOperation::Op(ResourceOp::Create(create)));
            }
            let source = if place::absolute(finding.source.path()) == path { None } else { Some(Source::new("", text)) };
            let source = source.as_ref().unwrap_or(&finding.source);
            let edits = edits.into_iter().map(|edit| {
                let range = self.encoding.range(source, edit.span);
                OneOf::Left(TextEdit { range, new_text: edit.text.clone() })
            });
            operations.push(DocumentChangeOperation::Edit(TextDocumentEdit {
                text_document: OptionalVersionedTextDocumentIdentifier { uri, version: open.map(|document| document.version) },
                edits: edits.collect(),
            }));
        }
        Some(WorkspaceEdit { document_changes: Some(DocumentChanges::Operations(operations)), ..WorkspaceEdit::default() })
    }

    /// A comment above the statement.
    fn ignored(&self, finding: &Finding) -> Option<WorkspaceEdit> {
        let source = &finding.source;
        let line = source.line_span(source.line_of(finding.statement.start));
        let text = source.slice(line).trim_start_matches('\u{feff}');
        let bom = source.slice(line).len() - text.len();
        let indent = &text[..text.len() - text.trim_start().len()];
        let at = line.start as usize + bom;
        let (at, comment) = if source.path().ends_with(".py") {
            // The line of a statement inside of a string is SQL.
            let in_string = python::strings(source).iter().any(|string| string.start < at && at < string.end);
            (at, format!("{indent}{} whimbrel: ignore[{}]\n", if in_string { "--" } else { "#" }, finding.rule))
        } else {
            // The line may begin inside of the statement before.
            let start = finding.statement.start as usize;
            let own_line = at + indent.len() >= start;
            match own_line {
                true => (at, format!("{indent}-- whimbrel: ignore[{}]\n", finding.rule)),
                false => (start, format!("\n-- whimbrel: ignore[{}]\n", finding.rule)),
            }
        };
        let start: Position = self.encoding.position(source, at as u32);
        let path = place::absolute(finding.source.path());
        let text_document = OptionalVersionedTextDocumentIdentifier {
            uri: place::uri(&path)?,
            version: self.open.get(&path).map(|document| document.version),
        };
        let edits = vec![OneOf::Left(TextEdit { range: Range::new(start, start), new_text: comment })];
        Some(WorkspaceEdit {
            document_changes: Some(DocumentChanges::Edits(vec![TextDocumentEdit { text_document, edits }])),
            ..WorkspaceEdit::default()
        })
    }
}
