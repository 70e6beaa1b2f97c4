//! Migrations as their runner sees them: an id, parents, and a script of steps for each direction.

use std::sync::Arc;

use crate::finding::Direction;
use crate::operation::{Constraint, ConstraintKind, DataType, Default as ColumnDefault, Dialect, Dialects, Name, Operation};
use crate::source::{Source, Span};

/// Words of a step that a finding may want to point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The table's name.
    Table,
    /// The name of the column, index, constraint … that the step is about.
    Name,
    /// `NOT NULL`, or `nullable=False`.
    Nullable,
    /// The default's expression, or `default=…` in Python.
    Default,
    /// The word at which the server's grammar stops.
    Refused,
}

/// Where each [`Mark`] is; at most one place each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks([Option<Span>; 5]);

impl Marks {
    pub fn set(&mut self, mark: Mark, span: Span) {
        self.0[mark as usize] = Some(span);
    }

    pub fn get(&self, mark: Mark) -> Option<Span> {
        self.0[mark as usize]
    }
}

/// What wrote the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A statement of SQL, in a file or in a string.
    Sql,
    /// A call of this directive of Alembic's `op`.
    Directive(&'static str),
}

/// The `batch_alter_table` block that a step stands in. Alembic flushes its operations together, at its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub recreate: Recreate,
    /// The call that opens the block; steps of one block share it.
    pub block: Span,
    pub copy_from: CopyFrom,
    pub table_args: TableArgs,
    /// `naming_convention=` gives names to constraints that have none.
    pub has_naming_convention: bool,
}

/// `copy_from=`: Alembic does not look at the table, and takes what the script says of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CopyFrom {
    #[default]
    None,
    /// CREATE TABLE, and CREATE INDEX of the indexes that it names; what `index=True` stands for is not copied (measured).
    Known(Arc<[Operation]>),
    Unknown,
}

impl CopyFrom {
    pub fn picture(&self) -> Option<&[Operation]> {
        match self {
            CopyFrom::Known(picture) => Some(picture),
            CopyFrom::None | CopyFrom::Unknown => None,
        }
    }
}

/// `table_args=`: constraints that the copy of a table has beside those that reflection sees.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TableArgs {
    #[default]
    None,
    Known(Arc<[Constraint]>),
    Unknown,
}

impl TableArgs {
    pub fn known(&self) -> &[Constraint] {
        match self {
            TableArgs::Known(all) => all,
            TableArgs::None | TableArgs::Unknown => &[],
        }
    }

    /// Whether a constraint that reflection does not see is handed over, as far as one can tell.
    pub fn bring(&self, kind: &ConstraintKind) -> bool {
        match self {
            TableArgs::None => false,
            TableArgs::Known(all) => all.iter().any(|constraint| constraint.kind == *kind),
            TableArgs::Unknown => true,
        }
    }
}

impl Batch {
    /// Whether the block copies its table on SQLite, for the steps that it holds.
    pub fn recreates<'s>(&self, mut steps: impl Iterator<Item = &'s Step>) -> bool {
        match self.recreate {
            Recreate::Always => true,
            Recreate::Never => false,
            Recreate::Auto => steps.any(Step::asks_for_recreate),
        }
    }
}

/// How `batch_alter_table(recreate=…)` treats the table on SQLite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recreate {
    Auto,
    Always,
    Never,
}

/// One operation and where it stands.
#[derive(Clone, Debug)]
pub struct Step {
    pub operation: Operation,
    /// The whole statement or call; operations of one ALTER TABLE share it.
    pub statement: Span,
    /// The words of this operation.
    pub span: Span,
    pub marks: Marks,
    pub origin: Origin,
    /// Set inside `batch_alter_table`.
    pub batch: Option<Batch>,
    /// Inside `autocommit_block()`.
    pub autocommit: bool,
    /// The dialects on which the code reaches this step.
    pub only: Dialects,
    /// Behind a condition that cannot be decided without running the code.
    pub conditional: bool,
    pub wording: Wording,
    pub manner: Manner,
}

/// How a script hands a statement over, where that matters by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// `connection.execute("…")` without `text(…)`.
    pub plain_string: bool,
    /// An `autocommit_block()` inside of `batch_alter_table`.
    pub autocommit_in_batch: bool,
    /// The string that holds the statement holds others too.
    pub shares_call: bool,
    /// Part of the SQL is put in by the script and is not known before it runs.
    pub interpolated: bool,
    /// Inside of `try`, where the script goes on when it fails.
    pub tried: bool,
    /// Nobody asked for it: it comes along with what the call is for.
    pub implied: bool,
}

/// Words of a statement that change what PostgreSQL does with it, beside its operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    /// What SQLite's grammar says of the statement, where it was asked.
    pub sqlite: SqliteSyntax,
    /// `ALTER TABLE ONLY`, `TRUNCATE ONLY`: children and partitions are left alone.
    pub only: bool,
    /// `IF EXISTS` stands somewhere in it.
    pub if_exists: bool,
    pub needs: Option<Needs>,
    /// It runs in the body of a DO block, whatever the rows are, and so in a transaction.
    pub in_block: bool,
    /// Words that neither MySQL nor MariaDB reads, in a statement for one of them.
    pub foreign: Option<&'static str>,
    /// Why the server certainly does not read it; [`Mark::Refused`] says where it stops.
    pub unread: Option<Unread>,
}

/// Why a server does not read a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Another statement begins behind it, without a semicolon between them.
    Unfinished,
    /// A word is in the way.
    At,
}

/// What SQLite's grammar says of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SqliteSyntax {
    /// It reads it, or was not asked.
    #[default]
    Accepted,
    /// From 3.53 on: `ALTER COLUMN … SET NOT NULL`, `ADD CONSTRAINT … CHECK`, `DROP CONSTRAINT`.
    Since353,
    /// `near "…": syntax error`; [`Mark::Refused`] says near what.
    Refused,
}

/// Syntax that not every major of PostgreSQL reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The first major that reads it.
    pub since: u32,
    /// The first major that no longer does.
    pub below: u32,
    pub words: &'static str,
}

impl Step {
    pub fn new(operation: Operation, statement: Span, origin: Origin) -> Self {
        Step {
            operation,
            statement,
            span: statement,
            marks: Marks::default(),
            origin,
            batch: None,
            autocommit: false,
            only: Dialects::ANY,
            conditional: false,
            wording: Wording::default(),
            manner: Manner::default(),
        }
    }

    /// The place of a mark, or of the whole operation where the front end did not see it.
    pub fn at(&self, mark: Mark) -> Span {
        self.marks.get(mark).unwrap_or(self.span)
    }

    /// Whether Alembic's batch mode copies the table on SQLite for this step's sake
    /// (`SQLiteImpl.requires_recreate_in_batch`).
    pub fn asks_for_recreate(&self) -> bool {
        match &self.operation {
            Operation::AddColumn { column, .. } => {
                let default = match &column.default {
                    // A string is written into ALTER TABLE; an expression may not be constant.
                    Some(ColumnDefault::Expression(value)) => !is_literal(&value.0),
                    Some(ColumnDefault::Generated { stored, .. }) => *stored == Some(true),
                    _ => false,
                };
                default || !column.checks.is_empty()
            }
            Operation::CreateIndex(_) | Operation::DropIndex { .. } => false,
            _ => true,
        }
    }

    pub fn runs_on(&self, dialect: Option<Dialect>) -> bool {
        dialect.is_none_or(|dialect| self.only.contains(dialect))
    }
}

/// A quoted string or a number.
fn is_literal(value: &str) -> bool {
    let value = value.trim();
    value.starts_with('\'') && value.ends_with('\'') || value.parse::<f64>().is_ok()
}

/// What a script holds besides its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Statements, understood or not.
    Present,
    /// Nothing that does anything: `pass`, `...`, a docstring, comments.
    Empty,
    /// It raises at once, on purpose; the span is that of the `raise`.
    Refuses(Span),
    /// The file could not be read as its language, so nothing is known.
    Unreadable,
}

/// How a runner executes one script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// The whole file is one message to the server.
    OneMessage,
    /// A transaction that the runner opens and closes around the file.
    OneTransaction,
    /// One statement after the other, each on its own.
    EachStatement,
    /// In a transaction, unless a statement refuses one: then without, and the file may hold no other statements.
    TransactionUnlessRefused,
    /// Statements that refuse a transaction run alone; all others share one message.
    RefusersApart,
}

/// One direction of a migration.
#[derive(Clone, Debug)]
pub struct Script {
    pub source: Arc<Source>,
    /// Where a finding about the script as a whole points: the `def` line, the first line of a file.
    pub head: Span,
    pub body: Body,
    pub steps: Vec<Step>,
    /// How the script itself asks to be executed, where it does.
    pub transaction: Option<Execution>,
}

impl Script {
    /// Nothing in it escapes the replay: each step is understood, named, and always runs.
    pub fn is_followed(&self) -> bool {
        self.steps.iter().all(|step| {
            let named = step.operation.table().is_none_or(Name::is_known);
            let hidden = matches!(&step.operation, Operation::CreateTable(create) if create.columns_unknown);
            step.operation.is_understood() && named && !hidden && !step.conditional
        })
    }
}

/// A name in the metadata and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned {
    pub value: String,
    pub span: Span,
}

/// Names that a migration gives in its metadata.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Names {
    pub names: Vec<Spanned>,
    /// Some name could not be known without running the code.
    pub incomplete: bool,
}

impl Names {
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| name.value.as_str())
    }
}

/// A problem with the metadata of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataProblem {
    pub span: Span,
    pub message: String,
}

#[derive(Clone, Debug)]
pub struct Migration {
    /// Revision id or version, as the runner compares it.
    pub id: String,
    pub id_span: Span,
    /// What comes before, by the script's own words (Alembic) or by order (numbered files).
    pub parents: Names,
    pub depends_on: Names,
    pub branch_labels: Names,
    /// The file that carries the metadata.
    pub source: Arc<Source>,
    pub up: Option<Script>,
    pub down: Option<Script>,
    pub problems: Vec<MetadataProblem>,
    /// False for history that is only read so that others can be judged.
    pub judged: bool,
}

/// The columns to which a script gives types.
fn new_types(script: &Script) -> Vec<(Name, String, DataType)> {
    let of = |step: &Step| match &step.operation {
        Operation::AlterColumnType { table, column, to: Some(to), .. } => Some((table.clone(), column.clone(), to.clone())),
        _ => None,
    };
    script.steps.iter().filter_map(of).collect()
}

impl Migration {
    /// Takes from the way back what type a column had, and from the way there what it has on the way back, where a change of
    /// type does not say it.
    pub fn state_old_types(&mut self) {
        let (Some(up), Some(down)) = (&mut self.up, &mut self.down) else { return };
        let (of_up, of_down) = (new_types(up), new_types(down));
        for (script, others) in [(up, of_down), (down, of_up)] {
            for step in &mut script.steps {
                if let Operation::AlterColumnType { table, column, from: from @ None, .. } = &mut step.operation {
                    let mut said = others.iter().filter(|(of, name, _)| of == table && name == column);
                    *from = said.next().filter(|_| said.next().is_none()).map(|(.., kind)| kind.clone());
                }
            }
        }
    }

    pub fn script(&self, direction: Direction) -> Option<&Script> {
        match direction {
            Direction::Up => self.up.as_ref(),
            Direction::Down => self.down.as_ref(),
        }
    }

    /// Both directions that exist.
    pub fn scripts(&self) -> impl Iterator<Item = (Direction, &Script)> {
        let up = self.up.iter().map(|script| (Direction::Up, script));
        up.chain(self.down.iter().map(|script| (Direction::Down, script)))
    }
}
