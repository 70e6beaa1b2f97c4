//! A rule's page: front matter, prose, and sections of examples that are tests.
//!
//! `explain` prints it, the rule table is made from it, and every `## Bad` and `## Good` in it is run.

use crate::finding::Severity;
use crate::operation::Dialect;

#[derive(Clone, Debug)]
pub struct Page {
    /// The whole Markdown file.
    pub text: &'static str,
    pub severity: Severity,
    /// The engines it speaks of; empty for all.
    pub dialects: Vec<Dialect>,
    /// The version of whimbrel that brought it.
    pub since: &'static str,
    pub on_by_default: bool,
    /// The sentence under the title.
    pub summary: &'static str,
}

/// A file of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File<'p> {
    pub path: &'p str,
    pub text: &'p str,
}

/// A heading of the second level with the fenced files under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'p> {
    pub title: &'p str,
    pub files: Vec<File<'p>>,
    /// Fences without a file's name, with their info string: expectations, settings.
    pub blocks: Vec<(&'p str, &'p str)>,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// What is wrong with its front matter.
    pub fn parse(text: &'static str) -> Result<Page, String> {
        let (front, body) = front_matter(text).ok_or("a page starts with front matter between `---` lines")?;
        let mut page = Page {
            text,
            severity: Severity::Warning,
            dialects: Vec::new(),
            since: "",
            on_by_default: true,
            summary: body.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default(),
        };
        for line in front.lines().filter(|line| !line.trim().is_empty()) {
            let (key, value) = line.split_once(':').ok_or_else(|| format!("`{line}` is no `key: value`"))?;
            let value = value.trim();
            match key.trim() {
                "severity" => page.severity = value.parse()?,
                "since" => page.since = value,
                "default" => page.on_by_default = value == "on",
                "engines" if value != "all" => {
                    page.dialects = value.split(',').map(|name| name.trim().parse()).collect::<Result<_, _>>()?;
                }
                "engines" => {}
                other => return Err(format!("`{other}` is no key of a page")),
            }
        }
        Ok(page)
    }

    pub fn sections(&self) -> Vec<Section<'static>> {
        sections(self.text)
    }

    /// The page without its front matter.
    pub fn body(&self) -> &'static str {
        front_matter(self.text).map_or(self.text, |(_, body)| body).trim_start()
    }
}

fn front_matter(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("---\n")?.split_once("\n---\n")
}

/// Cuts Markdown into its second-level sections and their fences. A fence whose info string has a second
/// word with a dot in it is a file: ```` ```sql 0002_index.up.sql ````.
pub fn sections(text: &str) -> Vec<Section<'_>> {
    let mut out: Vec<Section<'_>> = Vec::new();
    let mut fence: Option<(&str, &str, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let trimmed = line.trim_end();
        match fence {
            Some((info, ticks, from)) if trimmed == ticks => {
                fence = None;
                let Some(section) = out.last_mut() else { continue };
                let content = &text[from..start];
                match info.split_whitespace().nth(1).filter(|name| name.contains('.')) {
                    Some(path) => section.files.push(File { path, text: content }),
                    None => section.blocks.push((info, content)),
                }
            }
            Some(_) => {}
            None if trimmed.starts_with("```") => {
                let ticks = &trimmed[..trimmed.len() - trimmed.trim_start_matches('`').len()];
                fence = Some((trimmed[ticks.len()..].trim(), ticks, at));
            }
            None => {
                if let Some(title) = trimmed.strip_prefix("## ") {
                    out.push(Section { title, files: Vec::new(), blocks: Vec::new() });
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_become_files() {
        let found = sections("# a\n\n## Bad\n\n```sql 1_a.sql\nSELECT 1;\n```\n\n````markdown\n```\n````\n\n## Good\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].files, [File { path: "1_a.sql", text: "SELECT 1;\n" }]);
        assert_eq!(found[0].blocks, [("markdown", "```\n")]);
    }
}
