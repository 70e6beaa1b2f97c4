//! What running migrations would do, step by step: the answer to "can this go out while people work?"

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis;
use crate::config::Settings;
use crate::engine::postgres::enums::use_before_commit;
use crate::engine::{Effects, Engine};
use crate::finding::Direction;
use crate::history::Index;
use crate::migration::{Execution, Migration, Script, Step};
use crate::operation::{Class, Dialect, LockMode, Name, Operation};
use crate::project::Environment;
use crate::project::conventions::Framework;
use crate::rule::{MADE_BY_DOWNGRADE, Stage};
use crate::runner::{self, Inside};

/// Which directions are planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    Up,
    Down,
    Both,
}

/// One environment for one of its dialects.
pub struct EnvironmentPlan<'o> {
    pub environment: &'o Environment,
    pub engine: Engine,
    pub migrations: Vec<MigrationPlan<'o>>,
}

pub struct MigrationPlan<'o> {
    pub migration: &'o Migration,
    pub script: &'o Script,
    pub direction: Direction,
    pub transaction: Transaction,
    pub steps: Vec<StepPlan<'o>>,
    pub verdict: Verdict,
    /// MySQL: each schema change commits.
    pub commits_ddl: bool,
}

impl MigrationPlan<'_> {
    /// The locks that its transaction holds when its last step is done; None where there is no transaction.
    fn held_behind(&self) -> Option<BTreeMap<Name, LockMode>> {
        self.steps.last().filter(|last| last.in_transaction).map(|last| last.held.clone())
    }
}

/// What the runner puts around a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    One,
    None,
    /// Several statements in one message: the server's implicit transaction.
    Implicit,
}

impl Transaction {
    pub fn name(self) -> &'static str {
        match self {
            Transaction::One => "one",
            Transaction::None => "none",
            Transaction::Implicit => "implicit",
        }
    }
}

pub struct StepPlan<'o> {
    pub step: &'o Step,
    pub effects: Effects,
    pub in_transaction: bool,
    /// What the transaction holds by the end of the step, this step's locks among it.
    pub held: BTreeMap<Name, LockMode>,
    /// Relations that this very script made: nobody waits for them.
    pub new: BTreeSet<Name>,
}

/// How a migration can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Locks are held for a moment at most.
    Safe,
    /// Something was not understood, or no engine model exists, so nothing is promised.
    Unknown(String),
    /// Writers wait, readers do not.
    BlocksWrites(String),
    /// Everybody waits for longer than a moment.
    NeedsDowntime(String),
    /// Objects or rows are gone afterwards that nobody asked to go.
    Loses(String),
    WillFail(String),
}

impl Verdict {
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Safe => "safe",
            Verdict::Unknown(_) => "unknown",
            Verdict::BlocksWrites(_) => "blocks_writes",
            Verdict::NeedsDowntime(_) => "needs_downtime",
            Verdict::Loses(_) => "loses_objects",
            Verdict::WillFail(_) => "will_fail",
        }
    }

    /// One sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Verdict::Safe => "safe to run live: locks are held for a moment".to_owned(),
            Verdict::Unknown(why) => format!("unknown: {why}"),
            Verdict::BlocksWrites(why) => format!("blocks writes: {why}"),
            Verdict::NeedsDowntime(why) => format!("needs downtime: {why}"),
            Verdict::Loses(why) => format!("loses what nobody dropped: {why}"),
            Verdict::WillFail(why) => format!("will fail: {why}"),
        }
    }

    pub(crate) fn weight(&self) -> u8 {
        match self {
            Verdict::Safe => 0,
            Verdict::Unknown(_) => 1,
            Verdict::BlocksWrites(_) => 2,
            Verdict::NeedsDowntime(_) => 3,
            Verdict::Loses(_) => 4,
            Verdict::WillFail(_) => 5,
        }
    }
}

/// Plans the judged migrations of an environment, or those that come after `pending_from`.
///
/// # Errors
/// No migration has that id.
pub fn plans<'o>(
    environment: &'o Environment,
    settings: &Settings,
    which: Which,
    pending_from: Option<&str>,
) -> Result<Vec<EnvironmentPlan<'o>>, String> {
    let history = &environment.history;
    let applied = match pending_from {
        Some(id) => history.ancestors(history.find(id).ok_or_else(|| format!("no migration has the id `{id}`"))?),
        None => vec![false; environment.migrations.len()],
    };
    let dialects: Vec<Option<Dialect>> = match environment.dialects().as_slice() {
        [] => vec![None],
        list => list.iter().copied().map(Some).collect(),
    };
    let plan = |dialect: Option<Dialect>| {
        let engine = settings.of(std::path::Path::new(&environment.root)).engine(environment, dialect);
        let mut migrations = Vec::new();
        // What is pending together commits together: the locks of one are held through the next.
        let are_pending = pending_from.is_some() || environment.migrations.iter().any(|migration| !migration.judged);
        let together = environment.all_pending_together && are_pending;
        let mut carried: BTreeMap<Name, LockMode> = BTreeMap::new();
        analysis::replay(environment, dialect, |index, way| {
            let migration = &environment.migrations[index];
            if applied[index] {
                return;
            }
            if let Some(script) = migration.up.as_ref().filter(|_| which != Which::Down) {
                let stages = analysis::stages(script, &way, engine);
                let plan = one(environment, engine, (index, migration), Direction::Up, script, (stages, &carried));
                carried = plan.held_behind().filter(|_| together).unwrap_or_default();
                migrations.push(plan);
            }
            let down = migration.down.as_ref().filter(|_| which != Which::Up);
            if let (Some(script), Some(after)) = (down, way.last()) {
                let way = analysis::way(script, &mut after.clone(), dialect, MADE_BY_DOWNGRADE);
                let stages = analysis::stages(script, &way, engine);
                let apart = BTreeMap::new();
                migrations.push(one(
                    environment,
                    engine,
                    (MADE_BY_DOWNGRADE, migration),
                    Direction::Down,
                    script,
                    (stages, &apart),
                ));
            }
        });
        if which == Which::Down {
            migrations.reverse();
        }
        EnvironmentPlan { environment, engine, migrations }
    };
    Ok(dialects.into_iter().map(plan).collect())
}

fn one<'o>(
    environment: &'o Environment,
    engine: Engine,
    (maker, migration): (Index, &'o Migration),
    direction: Direction,
    script: &'o Script,
    (stages, carried): (Vec<Stage<'_>>, &BTreeMap<Name, LockMode>),
) -> MigrationPlan<'o> {
    let inside = runner::surroundings(script, environment, engine.dialect, |step| engine.refuses_transaction(step));
    let mut held: BTreeMap<Name, LockMode> = carried.clone();
    let mut steps = Vec::new();
    let mut too_early = uncommitted_values(engine, maker, script, &stages, &inside);
    for (at, ((step, mut stage), inside)) in script.steps.iter().zip(stages).zip(&inside).enumerate() {
        if !step.runs_on(engine.dialect) {
            continue;
        }
        if let Some(reason) = too_early.remove(&at) {
            stage.effects = Effects { fails_because: Some(reason), ..Effects::default() };
        }
        let in_transaction = inside.is_transaction();
        if !in_transaction || matches!(inside, Inside::CommittedByHand(_)) {
            held.clear();
        }
        for (name, mode) in &stage.effects.locks {
            let known = held.entry(name.clone()).or_insert(*mode);
            *known = (*known).max(*mode);
        }
        let touched = held.keys().chain(stage.effects.rewrites.keys()).chain(stage.effects.scans.keys());
        let is_new =
            |name: &&Name| stage.schema.table(name).is_some_and(|table| table.created_in == Some(maker) || table.temporary);
        let new = touched.filter(|name| is_new(name) || step.operation.creates(name)).cloned().collect();
        steps.push(StepPlan { step, effects: stage.effects, in_transaction, held: held.clone(), new });
        if !in_transaction || matches!(step.operation, Operation::Commit | Operation::Rollback) {
            held.clear();
        }
    }
    let transaction = match runner::execution(script, environment, engine.dialect, |step| engine.refuses_transaction(step)) {
        Execution::OneTransaction | Execution::TransactionUnlessRefused => Transaction::One,
        Execution::EachStatement => Transaction::None,
        Execution::OneMessage | Execution::RefusersApart => Transaction::Implicit,
    };
    let mut verdict = verdict(engine, &steps);
    if environment.framework == Framework::Flyway && script.transaction.is_none() && is_mixed(&steps) {
        let why = "Flyway refuses a file in which a statement that cannot run in a transaction stands beside one that can";
        verdict = Verdict::WillFail(why.to_owned());
    }
    let commits_ddl = engine.dialect.is_some_and(|dialect| !dialect.has_transactional_ddl());
    MigrationPlan { migration, script, direction, transaction, steps, verdict, commits_ddl }
}

/// The steps that use a new value of an enum in the transaction that adds it, by their places, each with the reason for
/// which PostgreSQL refuses it.
fn uncommitted_values(
    engine: Engine,
    maker: Index,
    script: &Script,
    stages: &[Stage<'_>],
    inside: &[Inside],
) -> BTreeMap<usize, String> {
    let mut out = BTreeMap::new();
    if engine.dialect != Some(Dialect::PostgreSql) {
        return out;
    }
    for (at, step) in script.steps.iter().enumerate() {
        let Operation::AddEnumValue { name, value, .. } = &step.operation else { continue };
        if !step.runs_on(engine.dialect) || !inside[at].is_transaction() {
            continue;
        }
        let behind = script.steps[at + 1..].iter().filter(|later| later.runs_on(engine.dialect));
        let later = behind.take_while(|later| later.operation != Operation::Commit);
        let later = later.map(|later| (later, script.source.slice(later.span)));
        let made_here = |made_in| made_in == maker;
        let used = use_before_commit(step, later, stages[at].schema, made_here, engine.postgres_major);
        if let Some(place) = used.and_then(|used| script.steps.iter().position(|step| std::ptr::eq(step, used))) {
            out.entry(place).or_insert_with(|| format!("the new value '{value}' of `{name}` is used before it is committed"));
        }
    }
    out
}

/// Statements that refuse a transaction beside others that change something.
fn is_mixed(steps: &[StepPlan<'_>]) -> bool {
    let refuses = |plan: &&StepPlan<'_>| plan.effects.refuses_transaction;
    let changes = |plan: &&StepPlan<'_>| !plan.effects.refuses_transaction && plan.step.operation.class() != Class::Neither;
    steps.iter().any(|plan| refuses(&plan)) && steps.iter().any(|plan| changes(&plan))
}

/// The worst that a step does.
fn verdict(engine: Engine, steps: &[StepPlan<'_>]) -> Verdict {
    if engine.dialect.is_none() {
        return Verdict::Unknown("nothing says which database this is for; `--dialect` does".to_owned());
    }
    let mut worst = Verdict::Safe;
    for step in steps {
        let found = verdict_of(step, engine.dialect == Some(Dialect::Sqlite));
        if found.weight() > worst.weight() {
            worst = found;
        }
    }
    worst
}

fn verdict_of(plan: &StepPlan<'_>, is_sqlite: bool) -> Verdict {
    let effects = &plan.effects;
    let old = |name: &&Name| !plan.new.contains(*name);
    if let Some(reason) = &effects.fails_because {
        return Verdict::WillFail(reason.clone());
    }
    if effects.refuses_transaction && plan.in_transaction {
        return Verdict::WillFail("a statement that refuses a transaction runs inside one".to_owned());
    }
    if !plan.step.operation.is_understood() {
        return Verdict::Unknown("a statement is not understood".to_owned());
    }
    let lost = effects.loses.iter().cloned().chain(effects.empties.iter().map(|(child, why)| format!("`{child}`: {why}")));
    let lost: Vec<String> = lost.collect();
    if !lost.is_empty() {
        return Verdict::Loses(lost.join(", "));
    }
    // SQLite copies while writers wait; readers see the old table until the commit.
    if let Some(table) = effects.rewrites.keys().find(old).filter(|_| is_sqlite) {
        return Verdict::BlocksWrites(format!("nothing can be written while `{table}` is copied"));
    }
    if let Some((algorithm, why)) = &effects.algorithm {
        let table = plan.step.operation.table().filter(|table| !plan.new.contains(*table));
        return match table.filter(|_| algorithm.blocks_writes()) {
            Some(table) => Verdict::BlocksWrites(format!("nothing can be written to `{table}`: {why}")),
            None => Verdict::Safe,
        };
    }
    if let Some(table) = effects.rewrites.keys().find(old) {
        return Verdict::NeedsDowntime(format!("`{table}` is written anew while nothing can read it"));
    }
    let Some(scanned) = effects.scans.keys().find(old) else { return Verdict::Safe };
    let strongest = plan.held.iter().filter(|(name, _)| old(name)).max_by_key(|(_, mode)| **mode);
    match strongest {
        Some((locked, mode)) if mode.blocks_reads() => {
            Verdict::NeedsDowntime(format!("nothing can read `{locked}` while `{scanned}` is read in full"))
        }
        Some((locked, mode)) if mode.blocks_writes() => {
            Verdict::BlocksWrites(format!("writes to `{locked}` wait while `{scanned}` is read in full"))
        }
        _ => Verdict::Safe,
    }
}

/// Which of a step's relations readers or writers wait for, by the locks that its statement takes.
pub fn waits<'p>(plan: &'p StepPlan<'_>) -> (Vec<&'p Name>, Vec<&'p Name>) {
    let old = plan.effects.locks.iter().filter(|(name, _)| !plan.new.contains(*name));
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for (name, mode) in old {
        if mode.blocks_reads() {
            reads.push(name);
        }
        if mode.blocks_writes() {
            writes.push(name);
        }
    }
    (reads, writes)
}
