//! The parts of one SQL file: where the way forth and the way back stand, and whether the file asks for a transaction.

use std::ops::Range;
use std::path::Path;

use super::conventions::{Beside, Convention, Directive, Framework};
use super::numbered::Side;
use crate::migration::Execution;
use crate::operation::{Dialect, Dialects};
use crate::source::{Source, Span};

/// One direction in a file, or one change of several.
pub(super) struct Section {
    pub side: Option<Side>,
    pub range: Range<usize>,
    /// What stands for the file's text, of the same length, where the SQL is written in comments.
    pub text: Option<String>,
    pub head: Span,
    /// The id that the section gives itself, and its place in the file.
    pub id: Option<(String, usize)>,
    /// What ends a statement, where the file says so.
    pub delimiter: Option<String>,
    /// The products that it is for, where it says so.
    pub only: Option<Dialects>,
    /// Empty on purpose.
    pub is_meant: bool,
}

impl Section {
    fn new(side: Option<Side>, range: Range<usize>, head: Span) -> Self {
        Section { side, range, text: None, head, id: None, delimiter: None, only: None, is_meant: false }
    }
}

/// Whether a line is a comment that begins with a tool's marker, in any case.
pub(super) fn opens(line: &str, marker: &str) -> bool {
    comment(line).is_some_and(|comment| starts_with(comment, marker))
}

/// Whether a line opens a section and does not merely begin with its words: `-- Down migrations are not available`.
pub(super) fn opens_alone(line: &str, marker: &str) -> bool {
    let opened = comment(line).filter(|comment| starts_with(comment, marker));
    opened.is_some_and(|comment| !comment[marker.len()..].starts_with(char::is_alphanumeric))
}

fn comment(line: &str) -> Option<&str> {
    line.trim_start_matches('\u{feff}').trim().strip_prefix("--").map(str::trim_start)
}

fn starts_with(comment: &str, marker: &str) -> bool {
    comment.get(..marker.len()).is_some_and(|head| head.eq_ignore_ascii_case(marker))
}

/// The lines of a text with their offsets.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        at += line.len();
        (at - line.len(), line)
    })
}

/// The parts of a file by its section markers; the whole file where the tool has none.
pub(super) fn sections(convention: &Convention, source: &Source) -> Vec<Section> {
    if convention.framework == Framework::Liquibase {
        return changesets(source);
    }
    let text = source.text();
    let delimiter = atlas_delimiter(convention, text);
    let section = |side, range, head| Section { delimiter: delimiter.clone(), ..Section::new(side, range, head) };
    let whole = || vec![section(None, 0..text.len(), source.line_span(1))];
    if convention.up_marker.is_empty() && convention.down_marker.is_empty() {
        return whole();
    }
    let mut found: Vec<(Side, usize, Span)> = Vec::new();
    if convention.up_marker.is_empty() {
        found.push((Side::Up, 0, source.line_span(1)));
    }
    for (at, line) in lines(text) {
        let is = |marker: &str| !marker.is_empty() && opens(line, marker);
        let side = if is(convention.up_marker) {
            Side::Up
        } else if is(convention.down_marker) {
            Side::Down
        } else {
            continue;
        };
        found.push((side, at + line.len(), Span::new(at, at + line.trim_end().len())));
    }
    if found.is_empty() {
        return whole();
    }
    let ends: Vec<usize> = found.iter().skip(1).map(|(_, _, head)| head.start as usize).chain([text.len()]).collect();
    found.into_iter().zip(ends).map(|((side, start, head), end)| section(Some(side), start..end, head)).collect()
}

/// `-- atlas:delimiter \n\n`
fn atlas_delimiter(convention: &Convention, text: &str) -> Option<String> {
    let said = |line: &str| {
        comment(line).and_then(|comment| comment.strip_prefix("atlas:delimiter")).map(|value| value.trim().to_owned())
    };
    let value = text.lines().take(5).filter(|_| convention.framework == Framework::Atlas).find_map(said)?;
    Some(value.replace("\\n", "\n")).filter(|value| !value.is_empty())
}

/// What a changeset says of itself: `name:value`, the value in quotes or not.
fn attribute<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let at = head.match_indices(name).find(|(at, _)| head[..*at].ends_with(char::is_whitespace))?.0;
    let value = head[at + name.len()..].strip_prefix(':')?;
    Some(match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => value.split_whitespace().next().unwrap_or_default(),
    })
}

/// The products that `dbms:` names; None where it names one that is not known, or leaves one out.
fn products(head: &str) -> Option<Dialects> {
    let names = attribute(head, "dbms")?;
    let known: Option<Vec<Dialect>> = names.split(',').map(|name| Dialect::from_name(name.trim())).collect();
    // H2 and its like beside them change nothing for the others.
    let some: Vec<Dialect> =
        known.unwrap_or_else(|| names.split(',').filter_map(|name| Dialect::from_name(name.trim())).collect());
    if names.contains('!') {
        return None;
    }
    Some(some.into_iter().fold(Dialects::NONE, |all, one| all.union(Dialects::one(one))))
}

/// Liquibase's formatted SQL: each `--changeset author:id` is a migration, and its `--rollback` comments the way back.
fn changesets(source: &Source) -> Vec<Section> {
    let text = source.text();
    let mut heads: Vec<(String, usize, Span)> = Vec::new();
    for (at, line) in lines(text) {
        let id = comment(line)
            .filter(|comment| starts_with(comment, "changeset "))
            .and_then(|comment| comment.split_whitespace().nth(1));
        heads.extend(id.map(|id| (id.to_owned(), at + line.len(), Span::new(at, at + line.trim_end().len()))));
    }
    let ends: Vec<usize> = heads.iter().skip(1).map(|(_, _, head)| head.start as usize).chain([text.len()]).collect();
    let mut out = Vec::new();
    for (at, ((id, start, head), end)) in heads.into_iter().zip(ends).enumerate() {
        let id = Some((id, at));
        let said = &text[head.start as usize..head.end as usize];
        let delimiter = attribute(said, "endDelimiter").map(str::to_owned);
        let only = products(said);
        out.push(Section { id: id.clone(), delimiter, only, ..Section::new(Some(Side::Up), start..end, head) });
        if let Some((text, head, is_meant)) = rollback(text, start..end) {
            out.push(Section { text: Some(text), id, only, is_meant, ..Section::new(Some(Side::Down), start..end, head) });
        }
    }
    out
}

/// The statements of `--rollback` comments where they stand, everything else blank.
fn rollback(text: &str, range: Range<usize>) -> Option<(String, Span, bool)> {
    const WORD: &str = "rollback";
    let mut blank: Vec<u8> = text.bytes().map(|byte| if byte == b'\n' { byte } else { b' ' }).collect();
    let mut head = None;
    let mut in_block = false;
    let mut is_meant = false;
    for (at, line) in lines(&text[range.clone()]) {
        let at = range.start + at;
        // `/* liquibase rollback` up to `*/`
        let trimmed = line.trim();
        if trimmed.to_ascii_lowercase().starts_with("/* liquibase rollback") {
            in_block = true;
            head = head.or(Some(Span::new(at, at + line.trim_end().len())));
            continue;
        }
        if in_block {
            match trimmed.find("*/") {
                Some(_) => in_block = false,
                None => blank[at..at + line.len()].copy_from_slice(line.as_bytes()),
            }
            continue;
        }
        let Some(said) = comment(line).filter(|comment| starts_with(comment, WORD)) else { continue };
        let sql = said[WORD.len()..].trim();
        head = head.or(Some(Span::new(at, at + line.trim_end().len())));
        let is_none = matches!(sql.to_ascii_lowercase().as_str(), "empty" | "not required");
        is_meant |= is_none;
        if !is_none {
            let start = at + (sql.as_ptr() as usize - line.as_ptr() as usize);
            blank[start..start + sql.len()].copy_from_slice(sql.as_bytes());
        }
    }
    Some((String::from_utf8(blank).ok()?, head?, is_meant))
}

/// What the file itself says about a transaction: None where it says nothing.
pub(super) fn wish(convention: &Convention, path: &Path, source: &Source, head: Span) -> Option<Execution> {
    let text = source.text();
    let without = match convention.no_transaction {
        Directive::Nowhere => return None,
        Directive::Comment(words) => text.lines().any(|line| comment(line).is_some_and(|comment| contains(comment, words))),
        // What a changeset says holds for its rollback too, which stands further down.
        Directive::Marker(words) if convention.framework == Framework::Liquibase => {
            let until_head = &text[..head.end as usize];
            until_head.lines().rev().find(|line| opens(line, "changeset ")).is_some_and(|line| contains(line, words))
        }
        Directive::Marker(words) => contains(source.slice(head), words),
        Directive::FirstLine(words) => text.starts_with(words),
        Directive::InName(word) => source.file_name().contains(word),
        Directive::Beside { file, key } => !setting(path, file, key)?,
    };
    // sqlx from 0.9 on: the parts of such a file are messages of their own.
    let splits = convention.framework == Framework::Sqlx && text.contains("/* sqlx: split */");
    match without {
        true if splits => Some(Execution::EachStatement),
        true => Some(convention.without_transaction),
        // Said outright, a transaction is opened whatever stands in the file.
        false => matches!(convention.no_transaction, Directive::Beside { .. }).then_some(Execution::OneTransaction),
    }
}

fn contains(line: &str, words: &str) -> bool {
    line.to_ascii_lowercase().contains(&words.to_ascii_lowercase())
}

/// A boolean of the file beside a migration that holds its settings.
fn setting(path: &Path, file: Beside, key: &str) -> Option<bool> {
    let path = match file {
        Beside::Named(name) => path.with_file_name(name),
        Beside::Ending(ending) => {
            let name = path.file_name()?.to_string_lossy();
            path.with_file_name(format!("{name}{ending}"))
        }
    };
    let text = std::fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.trim().strip_prefix(key)?.trim_start().strip_prefix('='))?;
    value.split('#').next()?.trim().parse().ok()
}
