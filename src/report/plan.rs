//! `whimbrel plan`: a table for people, the frozen shape for programs, Markdown for a pull request.

use std::collections::BTreeMap;
use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::json::Range;
use crate::finding::Direction;
use crate::operation::{Class, Dialect, Name};
use crate::plan::{EnvironmentPlan, MigrationPlan, StepPlan, waits};
use crate::source::printable;

/// How a plan is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PlanFormat {
    /// A table a migration.
    Text,
    /// The same as Markdown.
    Markdown,
    /// The frozen shape, for programs.
    Json,
}

#[derive(Serialize)]
struct Report<'o> {
    version: u32,
    environments: Vec<JsonEnvironment<'o>>,
}

#[derive(Serialize)]
struct JsonEnvironment<'o> {
    root: &'o str,
    framework: &'o str,
    /// All pending migrations run in one transaction.
    pending_share_transaction: bool,
    dialect: Option<String>,
    engine_version: Option<String>,
    migrations: Vec<JsonMigration<'o>>,
}

#[derive(Serialize)]
struct JsonMigration<'o> {
    id: &'o str,
    file: &'o str,
    direction: Direction,
    transaction: &'static str,
    verdict: &'static str,
    verdict_text: String,
    steps: Vec<JsonStep<'o>>,
}

#[derive(Serialize)]
struct JsonStep<'o> {
    statement: &'o str,
    range: Range,
    operation: &'static str,
    table: Option<String>,
    name: Option<String>,
    understood: bool,
    conditional: bool,
    in_transaction: bool,
    locks: BTreeMap<String, &'static str>,
    rewrites: Vec<String>,
    scans: Vec<String>,
    index_rebuilds: Vec<&'o str>,
    drops_silently: Vec<&'o str>,
    refuses_transaction: bool,
    fails_because: Option<&'o str>,
    /// On MySQL and MariaDB.
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'static str>,
}

/// Writes the plans in the format that was asked for.
///
/// # Errors
/// What the writer says.
pub fn write(format: PlanFormat, plans: &[EnvironmentPlan<'_>], width: usize, out: &mut dyn Write) -> io::Result<()> {
    match format {
        PlanFormat::Json => write_json(plans, out),
        PlanFormat::Text => write_tables(plans, Some(width), out),
        PlanFormat::Markdown => write_tables(plans, None, out),
    }
}

fn write_json(plans: &[EnvironmentPlan<'_>], out: &mut dyn Write) -> io::Result<()> {
    let report = Report { version: 1, environments: plans.iter().map(environment).collect() };
    serde_json::to_writer(&mut *out, &report)?;
    writeln!(out)
}

fn environment<'o>(plan: &'o EnvironmentPlan<'o>) -> JsonEnvironment<'o> {
    let is_postgres = plan.engine.dialect == Some(Dialect::PostgreSql);
    JsonEnvironment {
        root: &plan.environment.root,
        pending_share_transaction: plan.environment.all_pending_together,
        framework: plan.environment.framework.convention().name,
        dialect: plan.engine.dialect.map(|dialect| dialect.to_string()),
        engine_version: is_postgres.then(|| plan.engine.postgres_major.to_string()),
        migrations: plan.migrations.iter().map(migration).collect(),
    }
}

fn migration<'o>(plan: &'o MigrationPlan<'o>) -> JsonMigration<'o> {
    JsonMigration {
        id: &plan.migration.id,
        file: plan.script.source.path(),
        direction: plan.direction,
        transaction: plan.transaction.name(),
        verdict: plan.verdict.name(),
        verdict_text: plan.verdict.sentence(),
        steps: plan.steps.iter().map(|step| json_step(plan, step)).collect(),
    }
}

fn json_step<'o>(migration: &'o MigrationPlan<'o>, plan: &'o StepPlan<'o>) -> JsonStep<'o> {
    let (step, effects) = (plan.step, &plan.effects);
    JsonStep {
        statement: migration.script.source.slice(step.statement),
        range: Range::new(&migration.script.source, step.span),
        operation: step.operation.kind(),
        table: step.operation.table().map(Name::to_string),
        name: step.operation.object(),
        understood: step.operation.is_understood(),
        conditional: step.conditional,
        in_transaction: plan.in_transaction,
        locks: effects.locks.iter().map(|(name, mode)| (name.to_string(), mode.name())).collect(),
        rewrites: effects.rewrites.keys().map(Name::to_string).collect(),
        scans: effects.scans.keys().map(Name::to_string).collect(),
        index_rebuilds: effects.index_rebuilds.iter().map(String::as_str).collect(),
        drops_silently: effects.drops.iter().map(String::as_str).collect(),
        refuses_transaction: effects.refuses_transaction,
        fails_because: effects.fails_because.as_deref(),
        algorithm: effects.algorithm.as_ref().map(|(algorithm, _)| algorithm.name()),
    }
}

/// Without a width: Markdown.
fn write_tables(plans: &[EnvironmentPlan<'_>], width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    let markdown = width.is_none();
    for (index, plan) in plans.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        let engine = match plan.engine.dialect {
            Some(Dialect::PostgreSql) => format!("PostgreSQL {}", plan.engine.postgres_major),
            Some(other) => other.to_string(),
            None => "unknown database".to_owned(),
        };
        let title = format!("{} ({engine})", printable(&plan.environment.root));
        writeln!(out, "{}{title}", if markdown { "## " } else { "" })?;
        if plan.migrations.is_empty() {
            writeln!(out, "\nnothing to run")?;
        }
        for migration in &plan.migrations {
            write_migration(migration, width, out)?;
        }
    }
    Ok(())
}

fn write_migration(plan: &MigrationPlan<'_>, width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    let direction = if plan.direction == Direction::Up { "" } else { " (down)" };
    let around = match plan.transaction.name() {
        "one" => "one transaction",
        "implicit" => "one message, an implicit transaction",
        _ => "no transaction",
    };
    let id = printable(&plan.migration.id);
    let verdict = plan.verdict.sentence();
    writeln!(out)?;
    match width {
        Some(_) => writeln!(out, "{id}{direction}  {}  {around}\n  {verdict}", printable(plan.script.source.path()))?,
        None => writeln!(out, "### {id}{direction}\n\n**{verdict}** ({around})\n")?,
    }
    if plan.steps.is_empty() {
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(if width.is_some() { presets::UTF8_HORIZONTAL_ONLY } else { presets::ASCII_MARKDOWN });
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    table.set_header(HEADER);
    for step in &plan.steps {
        table.add_row(row(plan, step));
    }
    writeln!(out, "{table}")
}

/// The steps of a migration as a table in Markdown.
pub(super) fn markdown_table(plan: &MigrationPlan<'_>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(HEADER);
    for step in &plan.steps {
        table.add_row(row(plan, step));
    }
    table.to_string()
}

/// One step of a plan as a sentence in Markdown.
pub fn step_in_words(migration: &MigrationPlan<'_>, plan: &StepPlan<'_>) -> String {
    let [_, step, locks, waiting, work, undo] = cells(migration, plan);
    format!("`{step}`: locks {locks}; {waiting} waits; {work}; {undo}")
}

/// What a table of a plan shows of each step.
pub(super) const HEADER: [&str; 6] = ["line", "step", "locks", "who waits", "reads or writes in full", "undo"];

/// A row of a table in a terminal or in Markdown.
fn row(migration: &MigrationPlan<'_>, plan: &StepPlan<'_>) -> [String; 6] {
    cells(migration, plan).map(|text| printable(&text).replace('|', "\\|"))
}

pub(super) fn cells(migration: &MigrationPlan<'_>, plan: &StepPlan<'_>) -> [String; 6] {
    let effects = &plan.effects;
    let line = migration.script.source.position(plan.step.span.start).line;
    let operation = &plan.step.operation;
    let about = match (operation.table(), operation.object()) {
        (Some(table), Some(name)) => format!(" {table}.{name}"),
        (Some(table), None) => format!(" {table}"),
        (None, Some(name)) => format!(" {name}"),
        (None, None) => String::new(),
    };
    let conditional = if plan.step.conditional { " (perhaps)" } else { "" };
    let locks: Vec<String> = effects
        .locks
        .iter()
        .map(|(name, mode)| {
            let new = if plan.new.contains(name) { " (new)" } else { "" };
            format!("{} {name}{new}", mode.name())
        })
        .collect();
    let (reads, writes) = waits(plan);
    let names = |list: &[&Name]| list.iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", ");
    let waiting = match (reads.is_empty(), writes.is_empty()) {
        (true, true) => "nobody".to_owned(),
        (false, _) if reads.len() == writes.len() => format!("readers and writers of {}", names(&reads)),
        (true, false) => format!("writers of {}", names(&writes)),
        (false, _) => format!("readers and writers of {}; writers of {}", names(&reads), names(&writes)),
    };
    let mut work: Vec<String> = effects.rewrites.iter().map(|(name, why)| format!("writes {name}: {why}")).collect();
    let in_vain = |name: &Name| effects.rewrites.contains_key(name) || operation.creates(name);
    let scans = effects.scans.iter().filter(|(name, _)| !in_vain(name));
    work.extend(scans.map(|(name, why)| format!("reads {name}: {why}")));
    if let Some(reason) = &effects.fails_because {
        work.push(format!("fails: {reason}"));
    } else if effects.refuses_transaction {
        work.push("refuses a transaction".to_owned());
    }
    if !operation.is_understood() {
        work.push("not understood".to_owned());
    }
    // What changes the schema commits by itself where the dialect's DDL does.
    let commits = migration.commits_ddl && operation.class() == Class::Schema;
    let undo = if plan.in_transaction && !commits { "rolls back" } else { "stays when a later step fails" };
    [
        line.to_string(),
        format!("{}{about}{conditional}", operation.kind()),
        if locks.is_empty() { "none".to_owned() } else { locks.join(", ") },
        waiting,
        if work.is_empty() { "a moment".to_owned() } else { work.join("; ") },
        undo.to_owned(),
    ]
}
