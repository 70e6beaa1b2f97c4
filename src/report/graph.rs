//! The revision graph: a tree for people, the frozen shape for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::finding::Finding;
use crate::history::{History, Index};
use crate::migration::Migration;
use crate::operation::Dialect;
use crate::project::Environment;
use crate::project::conventions::Framework;
use crate::source::printable;

#[derive(Serialize)]
struct Report<'e> {
    version: u32,
    environments: Vec<JsonEnvironment<'e>>,
}

#[derive(Serialize)]
struct JsonEnvironment<'e> {
    root: &'e str,
    framework: &'static str,
    dialects: Vec<Dialect>,
    revisions: Vec<JsonRevision<'e>>,
    heads: Vec<&'e str>,
    bases: Vec<&'e str>,
    merge_points: Vec<&'e str>,
    branch_points: Vec<&'e str>,
    problems: Vec<JsonProblem<'e>>,
}

#[derive(Serialize)]
struct JsonRevision<'e> {
    id: &'e str,
    file: &'e str,
    down_revisions: Vec<&'e str>,
    depends_on: Vec<&'e str>,
    branch_labels: Vec<&'e str>,
}

#[derive(Serialize)]
struct JsonProblem<'e> {
    rule: &'e str,
    revision: Option<&'e str>,
    message: &'e str,
}

/// Writes the graphs of `environments` with the findings of the group `graph` as their problems.
///
/// # Errors
/// What the writer says.
pub fn write_json(environments: &[Environment], findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    let report =
        Report { version: 1, environments: environments.iter().map(|environment| json(environment, findings)).collect() };
    serde_json::to_writer(&mut *out, &report)?;
    writeln!(out)
}

fn json<'e>(environment: &'e Environment, findings: &'e [Finding]) -> JsonEnvironment<'e> {
    let history = &environment.history;
    let ids = |list: &[Index]| list.iter().map(|&index| environment.migrations[index].id.as_str()).collect();
    let revision = |migration: &'e Migration| JsonRevision {
        id: &migration.id,
        file: migration.source.path(),
        down_revisions: migration.parents.values().collect(),
        depends_on: migration.depends_on.values().collect(),
        branch_labels: migration.branch_labels.values().collect(),
    };
    JsonEnvironment {
        root: &environment.root,
        framework: environment.framework.name(),
        dialects: environment.dialects(),
        revisions: environment.migrations.iter().map(revision).collect(),
        heads: ids(&history.heads),
        bases: ids(&history.bases),
        merge_points: ids(&history.merge_points),
        branch_points: ids(&history.branch_points),
        problems: problems(environment, findings)
            .map(|finding| JsonProblem { rule: finding.rule, revision: finding.revision.as_deref(), message: &finding.message })
            .collect(),
    }
}

fn problems<'e>(environment: &'e Environment, findings: &'e [Finding]) -> impl Iterator<Item = &'e Finding> {
    findings.iter().filter(|finding| finding.group == "graph" && finding.environment == environment.root)
}

/// The newest revision first, a column for each line of history that is open.
///
/// # Errors
/// What the writer says.
pub fn write_text(environments: &[Environment], findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    for (index, environment) in environments.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{} ({})", printable(&environment.root), environment.framework.name())?;
        Tree::new(environment).write(out)?;
        for finding in problems(environment, findings) {
            writeln!(out, "{}[{}] {}", finding.severity, finding.rule, printable(&finding.message))?;
        }
    }
    Ok(())
}

struct Tree<'e> {
    environment: &'e Environment,
    history: &'e History,
    /// The revision that each open column waits for.
    columns: Vec<Option<Index>>,
}

impl<'e> Tree<'e> {
    fn new(environment: &'e Environment) -> Self {
        Tree { environment, history: &environment.history, columns: Vec::new() }
    }

    fn write(mut self, out: &mut dyn Write) -> io::Result<()> {
        for &index in self.history.order.iter().rev() {
            self.revision(index, out)?;
        }
        Ok(())
    }

    fn revision(&mut self, index: Index, out: &mut dyn Write) -> io::Result<()> {
        let waiting: Vec<usize> = (0..self.columns.len()).filter(|&column| self.columns[column] == Some(index)).collect();
        let own = match waiting.first() {
            Some(&column) => column,
            None => self.open(),
        };
        if waiting.len() > 1 {
            // Lines of history that come together at a branch point.
            let joined = |column: usize| {
                if column == own {
                    '├'
                } else if waiting.contains(&column) {
                    '┘'
                } else {
                    self.mark(column, '│')
                }
            };
            writeln!(out, "{}", self.line(joined, own, *waiting.last().unwrap_or(&own)))?;
            for &column in &waiting[1..] {
                self.columns[column] = None;
            }
        }
        self.columns[own] = Some(index);
        let symbol = if self.history.heads.contains(&index) { '◉' } else { '●' };
        let marks: String = (0..self.columns.len())
            .map(|column| format!("{} ", if column == own { symbol } else { self.mark(column, '│') }))
            .collect();
        writeln!(out, "{}{}", marks, self.describe(index))?;

        let parents = &self.history.parents[index];
        self.columns[own] = parents.first().copied();
        let mut opened = Vec::new();
        for &parent in parents.iter().skip(1) {
            let column = self.open();
            self.columns[column] = Some(parent);
            opened.push(column);
        }
        if let Some(&last) = opened.iter().max() {
            let forked = |column: usize| {
                if column == own {
                    '├'
                } else if opened.contains(&column) {
                    '┐'
                } else {
                    self.mark(column, '│')
                }
            };
            writeln!(out, "{}", self.line(forked, own, last))?;
        }
        while self.columns.last() == Some(&None) {
            self.columns.pop();
        }
        Ok(())
    }

    fn mark(&self, column: usize, line: char) -> char {
        if self.columns[column].is_some() { line } else { ' ' }
    }

    /// A line between revisions, with dashes from `from` to `to`.
    fn line(&self, symbol: impl Fn(usize) -> char, from: usize, to: usize) -> String {
        let mut out = String::new();
        for column in 0..self.columns.len() {
            let between = column > from && column < to;
            let mark = symbol(column);
            out.push(if between && mark == ' ' { '─' } else { mark });
            out.push(if column >= from && column < to { '─' } else { ' ' });
        }
        out.trim_end().to_owned()
    }

    /// The leftmost free column.
    fn open(&mut self) -> usize {
        match self.columns.iter().position(Option::is_none) {
            Some(column) => column,
            None => {
                self.columns.push(None);
                self.columns.len() - 1
            }
        }
    }

    fn describe(&self, index: Index) -> String {
        let migration = &self.environment.migrations[index];
        let mut tags = Vec::new();
        if self.history.heads.contains(&index) {
            tags.push("head".to_owned());
        }
        if self.history.bases.contains(&index) {
            tags.push("base".to_owned());
        }
        if migration.parents.names.len() > 1 {
            tags.push("merge".to_owned());
        }
        tags.extend(migration.branch_labels.values().map(|label| format!("branch {label}")));
        tags.extend(migration.depends_on.values().map(|id| format!("depends on {id}")));
        let tags = if tags.is_empty() { String::new() } else { format!(" ({})", tags.join(", ")) };
        let file = migration.source.file_name();
        let alembic = self.environment.framework == Framework::Alembic;
        let text = if alembic { format!("{}{tags}  {file}", migration.id) } else { format!("{file}{tags}") };
        printable(&text).into_owned()
    }
}
