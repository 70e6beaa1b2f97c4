//! What stands under the cursor: the step's effects, and the pages of the rules that speak of it.

use std::path::Path;

use lsp_types::{Hover, HoverContents, HoverParams, MarkupContent, MarkupKind, Range};

use super::{Server, place};
use crate::plan::{StepPlan, Which, plans};
use crate::report::plan::step_in_words;
use crate::rules;

impl Server<'_> {
    pub(super) fn hover(&self, params: &HoverParams) -> Option<Hover> {
        let at = &params.text_document_position_params;
        let path = place::path(&at.text_document.uri)?;
        let found = self.told.get(&path).into_iter().flatten();
        let pages: Vec<(Range, &str)> = found
            .map(|finding| (self.encoding.range(&finding.source, finding.span), finding))
            .filter(|(range, _)| place::holds(*range, at.position))
            .filter_map(|(range, finding)| Some((range, rules::find(finding.rule)?.page.text)))
            .collect();
        let effects = self.effects(&path, at.position);
        let range = pages.first().map(|(range, _)| *range).or(effects.as_ref().map(|(range, _)| *range))?;
        let mut parts: Vec<String> = effects.into_iter().map(|(_, text)| text).collect();
        parts.extend(pages.into_iter().map(|(_, page)| prose(page).to_owned()));
        parts.dedup();
        let value = parts.join("\n\n---\n\n");
        Some(Hover { contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value }), range: Some(range) })
    }

    /// What the statement at this place does, on each of the databases.
    fn effects(&self, path: &Path, at: lsp_types::Position) -> Option<(Range, String)> {
        let settings = self.settings(path).ok()?;
        let outcome = crate::read(&[path.to_owned()], &settings, &|| ()).ok()?;
        let mut range = None;
        let mut lines: Vec<String> = Vec::new();
        for environment in &outcome.environments {
            for plan in plans(environment, &settings, Which::Both, None).ok()? {
                let scripts = plan.migrations.iter().filter(|migration| place::absolute(migration.script.source.path()) == path);
                for migration in scripts {
                    let here = |step: &&StepPlan<'_>| {
                        place::holds(self.encoding.range(&migration.script.source, step.step.statement), at)
                    };
                    for step in migration.steps.iter().filter(here) {
                        range.get_or_insert(self.encoding.range(&migration.script.source, step.step.statement));
                        let database = plan.engine.dialect.map_or("unknown database", |dialect| dialect.title());
                        lines.push(format!("- **{database}**: {}", step_in_words(migration, step)));
                    }
                }
            }
        }
        Some((range?, lines.join("\n")))
    }
}

/// A page without its front matter.
fn prose(page: &str) -> &str {
    page.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")).map_or(page, |(_, prose)| prose)
}
