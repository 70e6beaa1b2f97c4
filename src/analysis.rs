//! One environment through the rules: replay once, then judge every migration in parallel.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use crate::config::Settings;
use crate::engine::{Effects, Engine, mysql};
use crate::finding::{Direction, Finding, Severity};
use crate::history::Index;
use crate::migration::{Batch, CopyFrom, Migration, Script, Step};
use crate::operation::{Class, ConstraintKind, Dialect, Operation};
use crate::project::Environment;
use crate::rule::{Check, Context, Found, MADE_BY_DOWNGRADE, NewColumn, Outline, Rule, Stage};
use crate::runner::{self, Inside};
use crate::schema::Schema;
use crate::source::{Source, Span};
use crate::sql::template;

/// A rule that is on, with the severity it reports.
type Enabled = (&'static Rule, Severity);

/// Everything that the rules find in an environment, for each of its dialects, each hazard once.
pub fn findings(environment: &Environment, settings: &Settings) -> Vec<Finding> {
    let enabled: Vec<Enabled> = crate::rules::all().iter().filter_map(|rule| Some((rule, settings.severity_of(rule)?))).collect();
    let (mut out, of_steps) =
        rayon::join(|| environment_findings(environment, &enabled), || step_findings(environment, settings, &enabled));
    out.extend(of_steps);
    out
}

/// What the rules find in the scripts.
fn step_findings(environment: &Environment, settings: &Settings, enabled: &[Enabled]) -> Vec<Finding> {
    let mut out = Vec::new();
    // What two dialects suffer alike is said once; what one call does to several objects is said of each.
    let mut told: HashSet<Hazard> = HashSet::new();
    let dialects: Vec<Option<Dialect>> = match environment.dialects().as_slice() {
        [] => vec![None],
        list => list.iter().copied().map(Some).collect(),
    };
    for dialect in dialects {
        let mut found = View::new(environment, settings, dialect, enabled).all();
        let mut seen = HashSet::new();
        found.retain(|finding| !told.contains(&hazard(finding)) && seen.insert((hazard(finding), finding.message.clone())));
        told.extend(found.iter().map(hazard));
        out.extend(found);
    }
    out
}

type Hazard = (&'static str, String, Span, Option<Direction>);

fn hazard(finding: &Finding) -> Hazard {
    // A rule about a script as a whole may choose another step of it for another dialect.
    let whole = crate::rules::find(finding.rule).is_some_and(|rule| matches!(rule.check, Check::Script(_)));
    let span = if whole { Span::default() } else { finding.span };
    (finding.rule, finding.source.path().to_owned(), span, finding.direction)
}

fn environment_findings(environment: &Environment, enabled: &[Enabled]) -> Vec<Finding> {
    let whole = |&(rule, severity): &Enabled| {
        let nowhere = environment.migrations.first().map_or_else(Arc::default, |first| first.source.clone());
        let mut found = Found::new(rule, severity, nowhere, &environment.root);
        if let Check::Environment(check) = rule.check {
            check(environment, &mut found);
        }
        found.findings
    };
    let each = |migration: &Migration| {
        let mut findings = Vec::new();
        for &(rule, severity) in enabled {
            let mut found = Found::new(rule, severity, migration.source.clone(), &environment.root);
            found.revision = Some(&migration.id);
            match rule.check {
                Check::Migration(check) => check(migration, environment, &mut found),
                Check::File(check) => {
                    for source in sources(migration) {
                        found.source = source.clone();
                        check(source, &mut found);
                    }
                }
                _ => {}
            }
            findings.extend(found.findings);
        }
        findings
    };
    let mut out: Vec<Finding> = enabled.iter().flat_map(whole).collect();
    let judged: Vec<&Migration> = environment.migrations.iter().filter(|migration| migration.judged).collect();
    out.extend(judged.into_par_iter().flat_map_iter(each).collect::<Vec<_>>());
    out
}

/// The files of a migration, each once.
fn sources(migration: &Migration) -> Vec<&Arc<Source>> {
    let mut out = vec![&migration.source];
    for (_, script) in migration.scripts() {
        if !out.iter().any(|known| Arc::ptr_eq(known, &script.source)) {
            out.push(&script.source);
        }
    }
    out
}

/// The schema that the given migrations leave behind, in their order.
pub fn schema_of(environment: &Environment, dialect: Option<Dialect>, chosen: impl Fn(Index) -> bool) -> Schema {
    let mut schema = Schema::new(dialect);
    for &index in environment.history.order.iter().filter(|index| chosen(**index)) {
        schema.begin_session();
        let Some(script) = &environment.migrations[index].up else { continue };
        run(script, &mut schema, dialect, index, |_| ());
    }
    schema
}

/// The way through a migration's upgrade: the schema before each step, and the one behind all of them. Snapshots share
/// what they have in common.
pub type Way = Vec<Schema>;

/// Gives the way through each migration that is judged, in the order of the history.
pub fn replay(environment: &Environment, dialect: Option<Dialect>, mut each: impl FnMut(Index, Way)) {
    let mut schema = Schema::new(dialect);
    let mut is_ordered = vec![false; environment.migrations.len()];
    let not_met = never_met(environment, dialect);
    for &index in &environment.history.order {
        is_ordered[index] = true;
        if not_met[index] {
            continue;
        }
        let migration = &environment.migrations[index];
        match &migration.up {
            Some(script) if migration.judged => each(index, way(script, &mut schema, dialect, index)),
            None if migration.judged => each(index, vec![schema.clone()]),
            Some(script) => run(script, &mut schema, dialect, index, |_| ()),
            None => {}
        }
    }
    // Members of a cycle come after nothing.
    let in_cycles = (0..is_ordered.len()).filter(|&index| !is_ordered[index] && environment.migrations[index].judged);
    in_cycles.for_each(|index| each(index, vec![Schema::new(dialect)]));
}

/// The migrations that no database of this dialect has ever run: one that cannot run there, though others follow it, and
/// those before it. Databases of that product began later, stamped.
fn never_met(environment: &Environment, dialect: Option<Dialect>) -> Vec<bool> {
    let history = &environment.history;
    let mut out = vec![false; environment.migrations.len()];
    if !dialect.is_some_and(Dialect::is_mysql_like) {
        return out;
    }
    for &index in history.order.iter().rev() {
        // sqlmodel's AutoString gives itself a length on MySQL.
        let up = environment.migrations[index].up.iter().filter(|up| !up.source.text().contains("AutoString"));
        let mut reached = up.flat_map(|up| &up.steps).filter(|step| step.runs_on(dialect) && !step.conditional);
        out[index] |= !history.children[index].is_empty() && reached.any(|step| mysql::has_no_length(&step.operation));
        if out[index] {
            history.parents[index].iter().for_each(|&parent| out[parent] = true);
        }
    }
    out
}

/// `batch_alter_table(naming_convention=…)` gives names to constraints that have none, by which one can be dropped: the one
/// whose table and column the name speaks of.
fn by_convention(schema: &Schema, step: &Step) -> Option<Operation> {
    step.batch.as_ref().filter(|batch| batch.has_naming_convention)?;
    let Operation::DropConstraint { table, constraint: Some(name), if_exists, cascade } = &step.operation else { return None };
    let known = schema.table(table).filter(|known| known.constraint(name).is_none())?;
    let meant = |constraint: &&crate::schema::TableConstraint| {
        let of_column = known.columns().iter().any(|column| constraint.mentions(&column.name) && name.contains(&column.name));
        !constraint.named && of_column
    };
    let constraints = known.constraints();
    let mut found = constraints.iter().filter(|constraint| meant(constraint));
    let one = found.next().filter(|_| found.next().is_none())?;
    let (table, constraint) = (table.clone(), Some(one.name.clone()));
    Some(Operation::DropConstraint { table, constraint, if_exists: *if_exists, cascade: *cascade })
}

/// `begin_nested()`, `SAVEPOINT`: the script may take back a part of what it writes.
fn takes_back(script: &Script) -> bool {
    let writes = script.steps.iter().any(|step| matches!(step.operation, Operation::Insert { .. } | Operation::Update { .. }));
    writes && ["begin_nested", "savepoint", "SAVEPOINT"].iter().any(|word| script.source.text().contains(word))
}

/// What one step changes; on SQLite also what is lost when its batch block ends and has copied the table.
fn apply(schema: &mut Schema, script: &Script, takes_back: bool, at: usize, dialect: Option<Dialect>, maker: Index) {
    let step = &script.steps[at];
    if !step.runs_on(dialect) {
        return;
    }
    schema.has_gaps |= step.conditional || step.manner.tried || !step.operation.is_understood();
    let is_doubtful = step.conditional || step.manner.tried || step.wording.in_block || takes_back;
    let batch = step.batch.as_ref().filter(|_| dialect == Some(Dialect::Sqlite));
    let in_block = |other: &Step| {
        other.runs_on(dialect) && other.batch.as_ref().zip(batch).is_some_and(|(other, batch)| other.block == batch.block)
    };
    // The steps of a block follow each other.
    let is_first = || !script.steps[..at].iter().rev().find(|other| other.runs_on(dialect)).is_some_and(in_block);
    let is_last = || !script.steps[at + 1..].iter().find(|other| other.runs_on(dialect)).is_some_and(in_block);
    let copies = |batch: &Batch| batch.recreates(script.steps.iter().filter(|other| in_block(other)));
    let copied = step.operation.table().zip(batch);
    let picture = copied.and_then(|(table, batch)| Some((table, batch, batch.copy_from.picture()?)));
    if let Some((table, _, picture)) = picture.filter(|(_, batch, _)| is_first() && copies(batch)) {
        schema.take_picture(table, picture, maker);
    }
    match by_convention(schema, step) {
        _ if is_doubtful && step.operation.class() == Class::Data => schema.doubt_rows(&step.operation),
        Some(operation) => schema.apply(&operation, maker),
        None => schema.apply(&step.operation, maker),
    }
    if let Some((table, batch)) = copied.filter(|(_, batch)| picture.is_none() && is_last() && copies(batch)) {
        let keeps = |kind: &ConstraintKind| batch.copy_from == CopyFrom::Unknown || batch.table_args.bring(kind);
        schema.recreate(table, keeps, batch.table_args.known(), maker);
    }
}

/// The schema before each step of a script, and the one behind all of them. A step that the dialect does not reach
/// changes nothing.
pub fn way(script: &Script, schema: &mut Schema, dialect: Option<Dialect>, maker: Index) -> Way {
    let mut out = Vec::with_capacity(script.steps.len() + 1);
    run(script, schema, dialect, maker, |before| out.push(before.clone()));
    out.push(schema.clone());
    out
}

/// Applies a script in a session of its own; `each` sees the schema before every step.
fn run(script: &Script, schema: &mut Schema, dialect: Option<Dialect>, maker: Index, mut each: impl FnMut(&Schema)) {
    schema.begin_session();
    let takes_back = takes_back(script);
    for at in 0..script.steps.len() {
        each(schema);
        apply(schema, script, takes_back, at, dialect, maker);
    }
}

/// What stays the same while the migrations of one environment are judged for one dialect.
struct View<'a> {
    environment: &'a Environment,
    settings: &'a Settings,
    dialect: Option<Dialect>,
    engine: Engine,
    /// The rules that look at a whole script, and those that look at each of its steps.
    of_scripts: Vec<Enabled>,
    of_steps: Vec<Enabled>,
}

/// How many migrations are handed to another thread at once.
const BATCH: usize = 16;

/// How many batches may wait for a thread. The replay judges the next one itself, so that it does not run far ahead and
/// fill the memory with snapshots.
const WAITING: usize = 256;

impl<'a> View<'a> {
    fn new(environment: &'a Environment, settings: &'a Settings, dialect: Option<Dialect>, enabled: &[Enabled]) -> Self {
        let speaking = |wanted: fn(&Check) -> bool| {
            let speaks = move |(rule, _): &&Enabled| wanted(&rule.check) && rule.applies_to(dialect);
            enabled.iter().filter(speaks).copied().collect()
        };
        View {
            environment,
            settings,
            dialect,
            engine: settings.engine(environment, dialect),
            of_scripts: speaking(|check| matches!(check, Check::Script(_))),
            of_steps: speaking(|check| matches!(check, Check::Step(_) | Check::NewColumn(_))),
        }
    }

    /// Judges on all threads while the replay goes on, so that snapshots live no longer than they are needed.
    fn all(&self) -> Vec<Finding> {
        let found: Mutex<Vec<(Index, Vec<Finding>)>> = Mutex::new(Vec::new());
        let waiting = AtomicUsize::new(0);
        let judge = |batch: Vec<(Index, Way)>| {
            let judged = batch.iter().map(|(index, way)| (*index, self.migration(*index, way))).collect::<Vec<_>>();
            found.lock().unwrap_or_else(PoisonError::into_inner).extend(judged);
        };
        rayon::in_place_scope(|scope| {
            let mut batch = Vec::with_capacity(BATCH);
            replay(self.environment, self.dialect, |index, way| {
                batch.push((index, way));
                if batch.len() == BATCH {
                    let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                    if waiting.load(Ordering::Relaxed) >= WAITING {
                        return judge(full);
                    }
                    waiting.fetch_add(1, Ordering::Relaxed);
                    let (waiting, judge) = (&waiting, &judge);
                    scope.spawn(move |_| {
                        judge(full);
                        waiting.fetch_sub(1, Ordering::Relaxed);
                    });
                }
            });
            judge(batch);
        });
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_unstable_by_key(|(index, _)| *index);
        found.into_iter().flat_map(|(_, findings)| findings).collect()
    }

    fn migration(&self, index: Index, up_way: &[Schema]) -> Vec<Finding> {
        let migration = &self.environment.migrations[index];
        let mut out = Vec::new();
        if let Some(up) = &migration.up {
            out.extend(self.script(index, migration, Direction::Up, up, up_way, None));
        }
        if let (Some(down), Some(after)) = (&migration.down, up_way.last()) {
            let down_way = way(down, &mut after.clone(), self.dialect, MADE_BY_DOWNGRADE);
            out.extend(self.script(index, migration, Direction::Down, down, &down_way, up_way.first()));
        }
        out
    }

    fn script(
        &self,
        index: Index,
        migration: &Migration,
        direction: Direction,
        script: &Script,
        way: &[Schema],
        undoes: Option<&Schema>,
    ) -> Vec<Finding> {
        let inside = runner::surroundings(script, self.environment, self.dialect, |step| self.engine.refuses_transaction(step));
        let outline = Outline::new(script);
        let stages = stages(script, way, self.engine);
        let place = Place {
            view: self,
            index,
            migration,
            direction,
            script,
            outline: &outline,
            inside: &inside,
            stages: &stages,
            undoes,
        };
        let Some(&(first, severity)) = self.of_scripts.first().or(self.of_steps.first()) else { return Vec::new() };
        let mut found = Found::new(first, severity, script.source.clone(), &self.environment.root);
        (found.revision, found.direction) = (Some(migration.id.as_str()), Some(direction));
        for &(rule, severity) in &self.of_scripts {
            if let Check::Script(check) = rule.check {
                (found.rule, found.severity, found.statement) = (rule, severity, Span::default());
                check(&place.context(0), &mut found);
            }
        }
        let of_script = found.findings.len();
        let mut steps_of: Vec<usize> = vec![0; of_script];
        for (at, step) in script.steps.iter().enumerate().filter(|(_, step)| step.runs_on(self.dialect)) {
            found.statement = step.statement;
            let columns = if direction == Direction::Up { NewColumn::of(step) } else { Vec::new() };
            let context = place.context(at);
            for &(rule, severity) in &self.of_steps {
                (found.rule, found.severity) = (rule, severity);
                let before = found.findings.len();
                match rule.check {
                    Check::Step(check) => check(step, &context, &mut found),
                    Check::NewColumn(check) => columns.iter().for_each(|new| check(new, &mut found)),
                    _ => {}
                }
                if found.findings.len() == before {
                    continue;
                }
                if rule.group == "locking" {
                    self.by_size(&context, &mut found.findings, before);
                }
                if step.conditional {
                    found.findings[before..].iter_mut().for_each(Finding::keep_condition);
                }
            }
            steps_of.resize(found.findings.len(), at);
        }
        fold(&mut found.findings, &steps_of, of_script);
        if !found.findings.is_empty() && !script.source.path().ends_with(".py") {
            unfill(&mut found.findings, script.source.text());
        }
        found.findings
    }
}

/// What is advised for a file of templates has them where the author has them; a fix would write what stands for them.
fn unfill(findings: &mut [Finding], text: &str) {
    if template::without(text, 0..text.len()).is_none() {
        return;
    }
    let qualifiers = template::qualifiers(text);
    for finding in findings {
        finding.fix = None;
        finding.help = finding.help.take().map(|help| template::with_templates(&help, &qualifiers));
    }
}

/// So many steps that one line makes, in a loop or a helper, are each told by a finding of their own.
const TOLD_EACH: usize = 3;

/// Leaves one finding of a rule for a line that does the same in many steps. `steps` has the step of each finding; those
/// before `first` are about the whole script.
fn fold(findings: &mut Vec<Finding>, steps: &[usize], first: usize) {
    let mut groups: HashMap<(&'static str, Span), Vec<usize>> = HashMap::new();
    for (place, finding) in findings.iter().enumerate().skip(first) {
        let group = groups.entry((finding.rule, finding.span)).or_default();
        if group.last().is_none_or(|last| steps[*last] != steps[place]) {
            group.push(place);
        }
    }
    let mut gone: HashSet<usize> = HashSet::new();
    for group in groups.into_values().filter(|group| group.len() > TOLD_EACH) {
        let mut names: Vec<&str> = Vec::new();
        for name in group[1..].iter().filter_map(|place| findings[*place].message.split('`').nth(1)) {
            if names.len() <= TOLD_EACH && !names.contains(&name) {
                names.push(name);
            }
        }
        let shown = names.iter().take(TOLD_EACH).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let more = if names.len() > TOLD_EACH { " and others" } else { "" };
        let note = format!("this line does the same {} times more: {shown}{more}", group.len() - 1);
        let has_others = !names.is_empty();
        let told = &mut findings[group[0]];
        // What is to be pasted names the first of them.
        let first = told.message.split('`').nth(1).map(str::to_owned).filter(|_| has_others);
        if let (Some(first), Some(help)) = (first, &mut told.help)
            && help.contains(&first)
        {
            *help = format!("for `{first}`, and for each of the others under names of its own:\n{help}");
        }
        told.note(note);
        gone.extend(&group[1..]);
    }
    let mut places = 0..;
    findings.retain(|_| places.next().is_some_and(|place| !gone.contains(&place)));
}

impl View<'_> {
    /// What locks only small tables is not told; what locks a large one is an error.
    fn by_size(&self, context: &Context<'_>, findings: &mut Vec<Finding>, first: usize) {
        if context.locks_only_small_tables() {
            findings.truncate(first);
        }
        if let Some(table) = self.settings.large_table(context.effects()) {
            for finding in &mut findings[first..] {
                finding.severity = Severity::Error;
                finding.note(format!("the configuration says that `{table}` is large"));
            }
        }
    }
}

/// What each step of a script does on its way: one entry a step, and a last one behind all steps.
pub fn stages<'w>(script: &Script, way: &'w [Schema], engine: Engine) -> Vec<Stage<'w>> {
    let reached: Vec<&Step> = script.steps.iter().filter(|step| step.runs_on(engine.dialect)).collect();
    let mut effects: Vec<Effects> = Vec::new();
    let mut statements = engine.cut(&reached).into_iter().peekable();
    let mut at = 0;
    let stage = |(step, schema): (Option<&Step>, &'w Schema)| {
        if !step.is_some_and(|step| step.runs_on(engine.dialect)) {
            return Stage { schema, effects: Effects::default() };
        }
        if let Some((_, statement)) = statements.next_if(|(first, _)| *first == at) {
            effects = engine.effects(&statement, schema);
            effects.reverse();
        }
        at += 1;
        Stage { schema, effects: effects.pop().unwrap_or_default() }
    };
    script.steps.iter().map(Some).chain([None]).zip(way).map(stage).collect()
}

/// One script that is being judged.
struct Place<'a> {
    view: &'a View<'a>,
    index: Index,
    migration: &'a Migration,
    direction: Direction,
    script: &'a Script,
    outline: &'a Outline,
    inside: &'a [Inside],
    stages: &'a [Stage<'a>],
    undoes: Option<&'a Schema>,
}

impl<'a> Place<'a> {
    fn context(&self, at: usize) -> Context<'a> {
        Context {
            environment: self.view.environment,
            migration: self.migration,
            index: self.index,
            direction: self.direction,
            script: self.script,
            outline: self.outline,
            engine: self.view.engine,
            schema: self.stages[at].schema,
            inside: self.inside,
            stages: self.stages,
            at,
            undoes: self.undoes,
            settings: self.view.settings,
        }
    }
}
