//! Applies the fixes of findings to files.

use std::collections::BTreeMap;

use crate::alembic::python;
use crate::finding::{Edit, Finding, Fix};
use crate::source::{Source, Span, printable};

/// One file as the fixes leave it.
#[derive(Debug)]
pub struct Mended {
    pub file: String,
    /// None where the file is new.
    pub before: Option<String>,
    pub after: String,
}

/// What the fixes come to; nothing is written yet.
#[derive(Debug, Default)]
pub struct Mending {
    pub files: Vec<Mended>,
    /// Findings whose fixes are in there.
    pub fixed: usize,
}

/// Works out the files that the fixes of these findings make. Fixes whose edits touch those of an earlier one wait for
/// the next round; one that would leave a Python file unreadable is left out.
///
/// # Errors
/// A file that can no longer be read.
pub fn mend(findings: &[Finding], unsafe_too: bool) -> Result<Mending, String> {
    let mut taken: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
    let mut fixed = 0;
    let mut texts: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for finding in findings {
        let Some(fix) = finding.fix.as_ref().filter(|fix| fix.safe || unsafe_too) else { continue };
        let free = |edit: &Edit| {
            taken.get(edit.file.as_str()).is_none_or(|others| !others.iter().any(|other| touch(other.span, edit.span)))
        };
        if !fix.edits.iter().all(free) {
            continue;
        }
        let mut readable = true;
        for edit in &fix.edits {
            if !texts.contains_key(edit.file.as_str()) {
                texts.insert(&edit.file, read(&edit.file)?);
            }
            let mut edits = taken.get(edit.file.as_str()).cloned().unwrap_or_default();
            edits.push(edit);
            let text = texts.get(edit.file.as_str()).and_then(Option::as_deref).unwrap_or_default();
            readable &= is_readable(&edit.file, &applied(text, &edits));
        }
        if readable {
            fix.edits.iter().for_each(|edit| taken.entry(&edit.file).or_default().push(edit));
            fixed += 1;
        }
    }
    let files = taken.into_iter().map(|(file, edits)| {
        let before = texts.remove(file).flatten();
        let after = applied(before.as_deref().unwrap_or_default(), &edits);
        Mended { file: file.to_owned(), before, after }
    });
    Ok(Mending { files: files.collect(), fixed })
}

fn read(file: &str) -> Result<Option<String>, String> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {}", printable(file), error.kind())),
    }
}

/// Whether two edits meet; insertions at one place have no order.
fn touch(a: Span, b: Span) -> bool {
    a.start < b.end && b.start < a.end || a.start == b.start
}

/// A text with edits that do not meet.
pub fn applied(text: &str, edits: &[&Edit]) -> String {
    let mut edits: Vec<&&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.span);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        out.push_str(&text[at..edit.span.start as usize]);
        out.push_str(&edit.text);
        at = edit.span.end as usize;
    }
    out.push_str(&text[at..]);
    out
}

fn is_readable(file: &str, text: &str) -> bool {
    !file.ends_with(".py") || python::parse(&Source::new(file.to_owned(), text.to_owned())).is_ok()
}

/// Whether a fix leaves the file of its finding a file of its language.
pub fn leaves_readable(finding: &Finding, fix: &Fix) -> bool {
    let file = finding.source.path();
    let own: Vec<&Edit> = fix.edits.iter().filter(|edit| edit.file == file).collect();
    crate::with_deep_stack(|| is_readable(file, &applied(finding.source.text(), &own)))
}

/// The change of one file, as `patch` takes it.
pub fn diff(mended: &Mended) -> String {
    let old = if mended.before.is_some() { mended.file.as_str() } else { "/dev/null" };
    let before = mended.before.as_deref().unwrap_or_default();
    similar::TextDiff::from_lines(before, &mended.after).unified_diff().header(old, &mended.file).to_string()
}
