use crate::alembic::env::OuterTransaction;
use crate::migration::{Origin, Step};
use crate::operation::{Class, Dialect, Operation};
use crate::project::conventions::Framework;
use crate::rule::{Check, Context, Found};
use crate::runner::Inside;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let word = match step.operation {
        Operation::Begin => "BEGIN",
        Operation::Commit => "COMMIT",
        Operation::Rollback => "ROLLBACK",
        _ => return,
    };
    if step.origin == Origin::Directive("bind.commit") {
        return commits_connection(step, before, found);
    }
    // A session that joins the migration's transaction commits nothing by `.commit()`.
    if step.origin != Origin::Sql
        || step.conditional
        || !matches!(before.inside(), Inside::RunnerTransaction)
        || refuser_fails(before)
    {
        return;
    }
    let runner = before.environment.runner();
    let message = match step.operation {
        Operation::Begin => format!("{word} does nothing but warn: {runner} has opened a transaction already"),
        _ => format!(
            "{word} ends the transaction that {runner} has opened: when a later step fails, what stands before it stays, and the migration is not recorded"
        ),
    };
    let finding = found.at(step.span, message);
    if before.framework() == Framework::Alembic {
        finding.note("psycopg2 lets it pass; with psycopg 3 what follows runs in a new transaction");
        finding.help("with op.get_context().autocommit_block(): around what has to run outside of a transaction");
    } else {
        finding.help(before.environment.outside_transaction());
    }
});

/// SQLAlchemy's own commit, behind which a new transaction begins that nobody commits: measured with Alembic 1.20 and
/// SQLAlchemy 2.1, psycopg2 and psycopg 3.
fn commits_connection(step: &Step, before: &Context<'_>, found: &mut Found<'_>) {
    let transactional = before.dialect().is_none_or(|dialect| dialect.has_transactional_ddl());
    match before.environment.env.outer_transaction {
        // Nothing is lost, and no other way leads out of it.
        Some(OuterTransaction::Committed) => return,
        Some(OuterTransaction::Managed) if !step.conditional => {
            found
                .at(
                    step.span,
                    "this commits what env.py holds in `with … .begin()`: every statement behind it fails, and the migration is not recorded",
                )
                .note("SQLAlchemy raises InvalidRequestError: Can't operate on closed transaction inside context manager; Alembic's own update of alembic_version is such a statement")
                .help("leave it out, or let env.py open the connection with `.connect()` in the place of `.begin()`");
            return;
        }
        _ => {}
    }
    let follows = before.later().any(|later| later.operation.class() != Class::Neither);
    if step.conditional || !transactional || !follows || !matches!(before.inside(), Inside::RunnerTransaction) {
        return;
    }
    found
        .at(
            step.span,
            "this commits the migration's connection: what follows runs in a new transaction that nobody commits, and is rolled back without a word",
        )
        .note("the version is not recorded either, while what stands before the commit stays")
        .help("leave it out; with op.get_context().autocommit_block(): around what has to run outside of a transaction");
}

/// What fails behind the COMMIT has a finding of its own.
fn refuser_fails(before: &Context<'_>) -> bool {
    let lenient = before.environment.driver(Dialect::PostgreSql) == Some("psycopg2");
    !lenient && before.stages().any(|(step, stage)| !step.autocommit && stage.effects.refuses_transaction)
}
