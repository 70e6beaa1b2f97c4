//! How the tool that runs a migration executes it: which statements share a transaction or a message.
//!
//! What it says was measured for Alembic with psycopg2 and psycopg 3 and for multi-statement messages on
//! PostgreSQL 10 to 18; for the other tools it comes from their documentation and source.

use crate::migration::{Execution, Script, Step};
use crate::operation::{Dialect, Operation};
use crate::project::Environment;
use crate::project::conventions::Framework;
use crate::source::Span;

/// What a statement runs inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// A message of its own, in no transaction.
    Nothing,
    /// The transaction that the runner opened.
    RunnerTransaction,
    /// `BEGIN` in the same file; the span is that of the statement.
    OpenedByHand(Span),
    /// Several statements in one message: PostgreSQL runs them in an implicit transaction.
    SharedMessage,
    /// Behind a `COMMIT` that ended the runner's transaction. psycopg2 then runs statements outside of
    /// one; psycopg 3 opens the next at once.
    CommittedByHand(Span),
}

impl Inside {
    /// Whether PostgreSQL sees a transaction block.
    pub fn is_transaction(self) -> bool {
        !matches!(self, Inside::Nothing)
    }
}

/// What each step of a script runs inside of, in the order of the steps. `refuses` answers whether the engine refuses a
/// step in a transaction, which some runners look for.
pub fn surroundings(
    script: &Script,
    environment: &Environment,
    dialect: Option<Dialect>,
    refuses: impl Fn(&Step) -> bool,
) -> Vec<Inside> {
    let steps = &script.steps;
    let execution = execution(script, environment, dialect, &refuses);
    let shares = matches!(execution, Execution::OneMessage | Execution::RefusersApart) && has_two_statements(steps);
    let outside = if shares { Inside::SharedMessage } else { Inside::Nothing };
    let mut state = if execution == Execution::OneTransaction { Inside::RunnerTransaction } else { outside };
    let mut out = Vec::with_capacity(steps.len());
    // What an autocommit block begins by hand ends with the block.
    let mut in_block = Inside::Nothing;
    for step in steps {
        if step.autocommit {
            out.push(in_block);
            in_block = match step.operation {
                Operation::Begin => Inside::OpenedByHand(step.statement),
                Operation::Commit | Operation::Rollback => Inside::Nothing,
                _ => in_block,
            };
            continue;
        }
        in_block = Inside::Nothing;
        match step.operation {
            // The statement itself is not inside of what it opens.
            Operation::Begin => {
                out.push(state);
                state = if shares { state } else { Inside::OpenedByHand(step.statement) };
                continue;
            }
            Operation::Commit | Operation::Rollback => {
                out.push(state);
                state = match state {
                    Inside::RunnerTransaction | Inside::CommittedByHand(_) => Inside::CommittedByHand(step.statement),
                    _ => outside,
                };
                continue;
            }
            _ => {}
        }
        let alone = execution == Execution::RefusersApart && refuses(step);
        out.push(if alone { Inside::Nothing } else { state });
    }
    out
}

/// What the runner puts around a script: the script's own word, then the project's, then the runner's.
pub fn execution(
    script: &Script,
    environment: &Environment,
    dialect: Option<Dialect>,
    refuses: impl Fn(&Step) -> bool,
) -> Execution {
    let framework = environment.framework;
    if framework == Framework::Alembic && dialect == Some(Dialect::Sqlite) && environment.env.begins_on_sqlite {
        return Execution::OneTransaction;
    }
    // Alembic opens no transaction where the dialect's DDL commits by itself.
    if framework == Framework::Alembic && dialect.is_some_and(|dialect| !dialect.has_transactional_ddl()) {
        return Execution::EachStatement;
    }
    match script.transaction.unwrap_or(environment.execution) {
        Execution::TransactionUnlessRefused if script.steps.iter().any(refuses) => Execution::EachStatement,
        Execution::TransactionUnlessRefused => Execution::OneTransaction,
        // Its driver for SQLite opens a transaction around the file.
        Execution::OneMessage if framework == Framework::GolangMigrate && dialect == Some(Dialect::Sqlite) => {
            Execution::OneTransaction
        }
        // MySQL has no transaction around a message: each statement commits for itself.
        Execution::OneMessage if dialect.is_some_and(Dialect::is_mysql_like) => Execution::EachStatement,
        told => told,
    }
}

fn has_two_statements(steps: &[Step]) -> bool {
    steps.windows(2).any(|pair| pair[0].statement != pair[1].statement)
}
