//! How the tool that runs a migration executes it: which statements share a transaction or a message.
//!
//! What it says was measured for Alembic with psycopg2 and psycopg 3 and for multi-statement messages on
//! PostgreSQL 10 to 18; for the other tools it comes from their documentation and source.

use crate::migration::{Script, Step};
use crate::operation::{Dialect, Operation};
use crate::project::Environment;
use crate::project::conventions::{Execution, Framework};
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

/// What each step of a script runs inside of, in the order of the steps.
pub fn surroundings(script: &Script, environment: &Environment, dialect: Option<Dialect>) -> Vec<Inside> {
    let steps = &script.steps;
    let execution = execution(script, environment, dialect);
    let shares = execution == Execution::OneMessage && has_two_statements(steps);
    let outside = if shares { Inside::SharedMessage } else { Inside::Nothing };
    let mut state = if execution == Execution::OneTransaction { Inside::RunnerTransaction } else { outside };
    let mut out = Vec::with_capacity(steps.len());
    for step in steps {
        match step.operation {
            // The statement itself is not inside of what it opens.
            Operation::Begin => {
                out.push(state);
                state = if shares { state } else { Inside::OpenedByHand(step.statement) };
                continue;
            }
            Operation::Commit | Operation::Rollback if !step.autocommit => {
                out.push(state);
                state = match state {
                    Inside::RunnerTransaction | Inside::CommittedByHand(_) => Inside::CommittedByHand(step.statement),
                    _ => outside,
                };
                continue;
            }
            _ => {}
        }
        out.push(if step.autocommit { Inside::Nothing } else { state });
    }
    out
}

/// What the runner puts around a script.
pub fn execution(script: &Script, environment: &Environment, dialect: Option<Dialect>) -> Execution {
    let convention = environment.framework.convention();
    if environment.framework == Framework::Alembic {
        // Alembic opens no transaction where the dialect's DDL commits by itself.
        let transactional = dialect.is_none_or(Dialect::has_transactional_ddl) && !environment.autocommits;
        return if transactional { Execution::OneTransaction } else { Execution::EachStatement };
    }
    let opted_out = !convention.no_transaction.is_empty()
        && script
            .source
            .text()
            .lines()
            .any(|line| line.trim_start().starts_with("--") && line.contains(convention.no_transaction));
    if opted_out { convention.without_transaction } else { convention.execution }
}

fn has_two_statements(steps: &[Step]) -> bool {
    steps.windows(2).any(|pair| pair[0].statement != pair[1].statement)
}
