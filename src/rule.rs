//! What a rule is, and the questions it can ask.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::alembic::env::OuterTransaction;
use crate::config::Settings;
use crate::engine::{Effects, Engine};
use crate::finding::{Direction, Finding, Fix, Label, Severity};
use crate::history::Index;
use crate::migration::{Mark, Migration, Script, Step};
use crate::operation::{Column, ConstraintKind, Dialect, LockMode, Name, Operation, show_holes};
use crate::page::Page;
use crate::project::Environment;
use crate::project::conventions::Framework;
use crate::runner::Inside;
use crate::schema::{Schema, Table};
use crate::source::{Source, Span};

/// What a rule looks at.
#[derive(Clone, Copy)]
pub enum Check {
    /// One step, before the schema changes by it.
    Step(fn(&Step, &Context<'_>, &mut Found<'_>)),
    /// One column that an upgrade brings, with its table or to an existing one.
    NewColumn(fn(&NewColumn<'_>, &mut Found<'_>)),
    /// One direction of a migration, all its steps.
    Script(fn(&Context<'_>, &mut Found<'_>)),
    /// One migration, both directions and its metadata.
    Migration(fn(&Migration, &Environment, &mut Found<'_>)),
    /// The whole environment.
    Environment(fn(&Environment, &mut Found<'_>)),
    /// One file as text.
    File(fn(&Source, &mut Found<'_>)),
    /// Told by the pipeline itself, after all other rules.
    Pipeline,
}

/// A column that a step of an upgrade brings; in prose its name, with the table's.
pub struct NewColumn<'a> {
    pub table: &'a Name,
    pub column: &'a Column,
    /// It is the primary key, alone.
    pub is_key: bool,
    /// The place to point at.
    pub at: Span,
}

impl<'a> NewColumn<'a> {
    /// The columns that a step brings.
    pub fn of(step: &'a Step) -> Vec<Self> {
        let (table, columns, constraints, mark) = match &step.operation {
            Operation::CreateTable(create) => {
                (&create.table, create.columns.iter().collect(), create.constraints.as_slice(), Mark::Table)
            }
            Operation::AddColumn { table, column, .. } => (table, vec![&**column], [].as_slice(), Mark::Name),
            _ => return Vec::new(),
        };
        let inline = columns.iter().filter(|column| column.primary_key).map(|column| column.name.as_str());
        let apart = constraints.iter().filter_map(|constraint| match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } => Some(columns.iter().map(String::as_str)),
            _ => None,
        });
        let mut key = inline.chain(apart.flatten());
        let alone = key.next().filter(|first| key.all(|other| other == *first));
        let is_key = |column: &Column| alone == Some(column.name.as_str());
        let new = |column: &&'a Column| NewColumn { table, column, is_key: is_key(column), at: step.at(mark) };
        columns.iter().map(new).collect()
    }

    /// Whether its type has this name, whatever its modifiers.
    pub fn is_of_type(&self, name: &str) -> bool {
        self.column.data_type.as_ref().is_some_and(|kind| kind.name == name)
    }
}

impl fmt::Display for NewColumn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, show_holes(&self.column.name))
    }
}

pub struct Rule {
    /// snake_case; completes the sentence "allow NAME".
    pub name: &'static str,
    pub group: &'static str,
    pub check: Check,
    pub page: Page,
}

impl Rule {
    /// Whether the rule says anything about this dialect. Where the dialect is not known, only rules that
    /// hold for every engine speak.
    pub fn applies_to(&self, dialect: Option<Dialect>) -> bool {
        match (self.page.dialects.as_slice(), dialect) {
            ([], _) => true,
            (list, Some(dialect)) => list.contains(&dialect),
            (_, None) => false,
        }
    }
}

/// In the schema of a downgrade, what the downgrade itself made.
pub const MADE_BY_DOWNGRADE: Index = Index::MAX;

/// What a script does somewhere, so that a rule need not read it all for each of its steps.
#[derive(Default)]
pub struct Outline {
    /// Tables that are created, or renamed to.
    pub made: HashSet<Name>,
    pub dropped: HashSet<Name>,
    /// Columns that are added, or renamed to.
    pub columns_made: HashSet<(Name, String)>,
    pub commits: bool,
}

impl Outline {
    pub fn new(script: &Script) -> Self {
        let mut outline = Outline::default();
        for step in &script.steps {
            match &step.operation {
                Operation::CreateTable(create) => {
                    outline.made.insert(create.table.clone());
                    // A drop before it means one that was left over.
                    if create.temporary {
                        outline.made.insert(Name::new(create.table.name.as_str()));
                    }
                }
                Operation::RenameTable { to, .. } => {
                    outline.made.insert(to.clone());
                }
                Operation::DropTable { table, .. } => {
                    outline.dropped.insert(table.clone());
                }
                Operation::AddColumn { table, column, .. } => {
                    outline.columns_made.insert((table.clone(), column.name.clone()));
                }
                Operation::RenameColumn { table, to, .. } => {
                    outline.columns_made.insert((table.clone(), to.clone()));
                }
                Operation::Commit => outline.commits = true,
                _ => {}
            }
        }
        outline
    }
}

/// One step on the way through a script.
pub struct Stage<'a> {
    /// Before the step.
    pub schema: &'a Schema,
    pub effects: Effects,
}

/// Steps that are looked back at.
const FAR_BACK: usize = 200;

/// Where a check stands: one script, and in it possibly one step.
pub struct Context<'a> {
    pub environment: &'a Environment,
    pub migration: &'a Migration,
    /// The position of `migration` in its environment.
    pub index: Index,
    pub direction: Direction,
    pub script: &'a Script,
    pub outline: &'a Outline,
    pub engine: Engine,
    /// Before the step; for a whole script, before its first step.
    pub schema: &'a Schema,
    /// What each step of the script runs inside of.
    pub inside: &'a [Inside],
    /// The schema before each step of the script, and what the step does.
    pub stages: &'a [Stage<'a>],
    /// The position of the step in the script.
    pub at: usize,
    /// In a downgrade, the schema before the upgrade that it undoes.
    pub undoes: Option<&'a Schema>,
    pub settings: &'a Settings,
}

impl<'a> Context<'a> {
    pub fn is_upgrade(&self) -> bool {
        self.direction == Direction::Up
    }

    pub fn framework(&self) -> Framework {
        self.environment.framework
    }

    pub fn dialect(&self) -> Option<Dialect> {
        self.engine.dialect
    }

    pub fn is_postgres(&self) -> bool {
        self.dialect() == Some(Dialect::PostgreSql)
    }

    /// The mark that the replay puts on what this script makes.
    fn maker(&self) -> Index {
        if self.is_upgrade() { self.index } else { MADE_BY_DOWNGRADE }
    }

    pub fn table(&self, name: &Name) -> Option<&'a Table> {
        self.schema.table(name)
    }

    /// Created earlier by this very script, so that nobody else can be using it; temporary tables too.
    pub fn is_new(&self, table: &Name) -> bool {
        match table.is_known() {
            true => self.table(table).is_some_and(|table| table.created_in == Some(self.maker()) || table.temporary),
            // A name that is not known may be that of a table whose name was not known either.
            false => self.schema.unnamed_made_in() == Some(self.maker()),
        }
    }

    /// Whether the column was added earlier by this very script.
    pub fn is_new_column(&self, table: &Name, column: &str) -> bool {
        self.is_new(table) || self.schema.column(table, column).is_some_and(|column| column.added_in == Some(self.maker()))
    }

    /// Made by an earlier migration, and not by what a downgrade undoes.
    pub fn is_old(&self, made_in: Index) -> bool {
        made_in != self.maker() && !self.made_by_upgrade(made_in)
    }

    /// Whether a migration runs before this one on every path.
    pub fn is_ancestor(&self, other: Index) -> bool {
        self.environment.history.ancestors(self.index).get(other).copied().unwrap_or(false)
    }

    /// Others may be using it: it existed before this script, and is not what a downgrade takes away again.
    pub fn is_in_use(&self, table: &Name) -> bool {
        let undone = self.table(table).and_then(|table| table.created_in).is_some_and(|made| self.made_by_upgrade(made));
        !self.is_new(table) && !undone && !self.is_made_here(table)
    }

    /// The step itself creates it.
    fn is_made_here(&self, table: &Name) -> bool {
        let step = self.script.steps.get(self.at);
        step.is_some_and(|step| step.operation.creates(table))
    }

    /// Has so few rows that nobody notices how long they take: by the configuration, or as its constraints allow but one.
    pub fn is_small(&self, table: &Name) -> bool {
        let one_row = || self.table(table).is_some_and(Table::has_one_row_at_most);
        self.settings.is_small(table) || (one_row() && !self.settings.is_large(table))
    }

    /// Whether everything that the step locks is small.
    pub fn locks_only_small_tables(&self) -> bool {
        let locks = &self.effects().locks;
        !locks.is_empty() && locks.keys().all(|table| self.is_small(table))
    }

    /// The lock that earlier steps of the same transaction hold on a table.
    pub fn held(&self, table: &Name) -> Option<LockMode> {
        let steps = &self.script.steps;
        let ends = |at: usize| {
            !self.inside_at(at).is_transaction() || matches!(steps[at].operation, Operation::Commit | Operation::Rollback)
        };
        let own = steps.get(self.at)?.statement;
        // Under the names that this script took from it, too.
        let mut names: Vec<&Name> = vec![table];
        for step in steps[..self.at].iter().rev().take(FAR_BACK) {
            if let Operation::RenameTable { table: from, to } = &step.operation
                && names.contains(&to)
            {
                names.push(from);
            }
        }
        // Far back is far enough: a script of thousands of steps is rows of data.
        let earlier = (0..self.at).rev().take(FAR_BACK).take_while(|at| !ends(*at));
        let lock = |at: usize| names.iter().filter_map(|name| self.stages[at].effects.lock(name)).max();
        // Of one ALTER TABLE each part takes the lock for all; what a loop sends is one statement after the other.
        let is_apart = |at: &usize| {
            let of_index = matches!(steps[*at].operation, Operation::CreateIndex(_) | Operation::DropIndex { .. });
            of_index || steps[*at].statement != own
        };
        earlier.filter(is_apart).filter_map(lock).max()
    }

    /// The first table in use that the step writes anew, and why.
    pub fn rewritten(&self) -> Option<(&'a Name, &'a str)> {
        let rewrites = self.effects().rewrites.iter().map(|(name, why)| (name, why.as_str()));
        rewrites.into_iter().find(|(name, _)| self.is_in_use(name) && !self.is_emptied(name))
    }

    /// Whether the statement writes the table anew, by this or by another of its actions: all its indexes are built then.
    pub fn is_rewritten_with(&self, table: &Name) -> bool {
        let statement = self.script.steps[self.at].statement;
        let mut beside = self.steps().filter(|(_, step)| step.statement == statement);
        beside.any(|(at, _)| self.stages[at].effects.rewrites.contains_key(table))
    }

    /// The first table in use that the step reads in full, and why.
    pub fn scanned(&self) -> Option<(&'a Name, &'a str)> {
        let scans = self.effects().scans.iter().map(|(name, why)| (name, why.as_str()));
        scans.into_iter().find(|(name, _)| !name.is_catalog() && self.is_in_use(name) && !self.is_emptied(name))
    }

    /// Renamed earlier by this very script.
    pub fn is_renamed(&self, table: &Name) -> bool {
        self.table(table).is_some_and(|table| table.renamed_in == Some(self.maker()))
    }

    /// Whether running code trips over the table's name whatever becomes of its columns: the script renames or drops it.
    pub fn is_left_behind(&self, table: &Name) -> bool {
        let goes = |operation: &Operation| match operation {
            Operation::RenameTable { table: of, .. } | Operation::DropTable { table: of, .. } => of == table,
            _ => false,
        };
        self.is_renamed(table) || self.later().any(|later| goes(&later.operation))
    }

    /// Whether the column has its name from an earlier step of this script, so that no running code says it.
    pub fn is_renamed_column(&self, table: &Name, column: &str) -> bool {
        let gives = |operation: &Operation| matches!(operation, Operation::RenameColumn { table: of, to, .. } if of == table && to == column);
        self.steps().take_while(|(at, _)| *at < self.at).any(|(_, step)| gives(&step.operation))
    }

    /// Whether this script takes all rows out of the table before the current step.
    pub fn is_emptied(&self, table: &Name) -> bool {
        // Under the name that it has now, or one that this script took from it.
        let old_name = self.steps().take_while(|(index, _)| *index < self.at).find_map(|(_, step)| match &step.operation {
            Operation::RenameTable { table: from, to } if to == table => Some(from),
            _ => None,
        });
        self.is_emptied_as(table) || old_name.is_some_and(|name| self.is_emptied_as(name))
    }

    fn is_emptied_as(&self, table: &Name) -> bool {
        self.steps().take_while(|(index, _)| *index < self.at).any(|(_, step)| match &step.operation {
            Operation::Delete { table: emptied, has_where: false, .. } => emptied == table || !emptied.is_known(),
            Operation::Truncate { table: emptied, .. } => emptied == table,
            _ => false,
        })
    }

    /// In a downgrade: made by the upgrade that it undoes.
    pub fn made_by_upgrade(&self, made_in: Index) -> bool {
        !self.is_upgrade() && made_in == self.index
    }

    /// Whether `env.py` has begun the transaction that the script runs in, and the script does not end it itself.
    pub fn is_in_outer_transaction(&self) -> bool {
        match self.environment.env.outer_transaction {
            Some(OuterTransaction::Managed) => true,
            Some(OuterTransaction::LeftOpen | OuterTransaction::Committed) => !self.outline.commits,
            None => false,
        }
    }

    pub fn inside(&self) -> Inside {
        self.inside.get(self.at).copied().unwrap_or(Inside::Nothing)
    }

    /// What the step does to the database.
    pub fn effects(&self) -> &'a Effects {
        &self.stages[self.at].effects
    }

    /// Every step that this dialect reaches, with the schema before it and what it does.
    pub fn stages(&self) -> impl Iterator<Item = (&'a Step, &'a Stage<'a>)> {
        let stages = self.stages;
        self.steps().map(move |(at, step)| (step, &stages[at]))
    }

    /// What another step runs inside of.
    pub fn inside_at(&self, at: usize) -> Inside {
        self.inside.get(at).copied().unwrap_or(Inside::Nothing)
    }

    /// The same place, at another step.
    pub fn at_step(&self, at: usize) -> Context<'a> {
        Context { at, schema: self.stages[at].schema, ..*self }
    }

    /// The steps that this dialect reaches, with their positions.
    pub fn steps(&self) -> impl Iterator<Item = (usize, &'a Step)> {
        let dialect = self.dialect();
        self.script.steps.iter().enumerate().filter(move |(_, step)| step.runs_on(dialect))
    }

    /// The migrations behind this one whose upgrade names a table, in their order.
    pub fn later_migrations(&self, table: &Name) -> impl Iterator<Item = &'a Migration> {
        let (environment, own) = (self.environment, self.environment.history.place_of(self.index));
        let is_later = move |index: &&Index| environment.history.place_of(**index) > own;
        environment.naming(table).iter().filter(is_later).map(|index| &environment.migrations[*index])
    }

    /// The steps that run after the current one.
    pub fn later(&self) -> impl Iterator<Item = &'a Step> {
        let at = self.at;
        self.steps().filter(move |(index, _)| *index > at).map(|(_, step)| step)
    }

    /// The words of the statement or call.
    pub fn text(&self, span: Span) -> &'a str {
        self.script.source.slice(span)
    }

    /// Where a table comes from, for the evidence in a finding.
    pub fn origin_of(&self, table: &Name) -> String {
        match self.table(table).and_then(|table| table.created_in) {
            Some(created) if created < self.environment.migrations.len() => {
                let id = &self.environment.migrations[created].id;
                format!("`{table}` was created in {id}")
            }
            _ if self.schema.unnamed_made_in().is_some() => {
                format!("nothing in this history is known to create `{table}`: it is taken to exist and to hold rows")
            }
            _ => format!("nothing in this history creates `{table}`: it is taken to exist and to hold rows"),
        }
    }
}

/// Collects what one rule finds in one place.
pub struct Found<'a> {
    pub rule: &'static Rule,
    pub severity: Severity,
    pub source: Arc<Source>,
    pub statement: Span,
    pub revision: Option<&'a str>,
    pub direction: Option<Direction>,
    pub environment: &'a str,
    pub findings: Vec<Finding>,
}

impl<'a> Found<'a> {
    /// Nothing yet, about `source`.
    pub fn new(rule: &'static Rule, severity: Severity, source: Arc<Source>, environment: &'a str) -> Self {
        Found {
            rule,
            severity,
            source,
            statement: Span::default(),
            revision: None,
            direction: None,
            environment,
            findings: Vec::new(),
        }
    }

    /// Reports at a place in the file that is being looked at.
    pub fn at(&mut self, span: Span, message: impl Into<String>) -> &mut Finding {
        self.push(self.source.clone(), span, message.into())
    }

    /// Reports at a place in another file.
    pub fn in_file(&mut self, source: &Arc<Source>, span: Span, message: impl Into<String>) -> &mut Finding {
        self.push(source.clone(), span, message.into())
    }

    fn push(&mut self, source: Arc<Source>, span: Span, message: String) -> &mut Finding {
        let statement = if self.statement.contains(span) { self.statement } else { span };
        self.findings.push(Finding {
            rule: self.rule.name,
            group: self.rule.group,
            severity: self.severity,
            message,
            notes: Vec::new(),
            help: None,
            source,
            span,
            statement,
            labels: Vec::new(),
            revision: self.revision.map(str::to_owned),
            direction: self.direction,
            environment: self.environment.to_owned(),
            fix: None,
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}

/// What a check adds to a finding it has reported.
impl Finding {
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        let help = help.into();
        let holes = help.contains("{…}");
        self.help = Some(if holes { format!("{help}\n(`{{…}}` is what only the running script knows)") } else { help });
        self
    }

    /// Says of a help with code that the condition around the step belongs around it too.
    pub(crate) fn keep_condition(&mut self) {
        // What is done elsewhere or by hand has no condition around it, and later it may no longer hold.
        let elsewhere = |help: &str| help.contains("env.py") || help.contains("by hand");
        if let Some(help) = self.help.as_mut().filter(|help| help.contains('\n') && !elsewhere(help)) {
            help.push_str(match help.contains("next migration") {
                true => "\n(the step stands behind a condition: only where it ran)",
                false => "\n(behind the same condition as the step)",
            });
        }
    }

    /// A change of files that mends it, where one can be written.
    pub fn fix(&mut self, fix: Option<Fix>) -> &mut Self {
        self.fix = fix;
        self
    }

    pub fn note(&mut self, note: impl Into<String>) -> &mut Self {
        self.notes.push(note.into());
        self
    }

    pub fn label(&mut self, source: &Arc<Source>, span: Span, text: impl Into<String>) -> &mut Self {
        self.labels.push(Label { source: source.clone(), span, text: text.into() });
        self
    }

    pub fn of(&mut self, migration: &Migration) -> &mut Self {
        self.revision = Some(migration.id.clone());
        self
    }
}
