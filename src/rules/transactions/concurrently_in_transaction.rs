use crate::alembic::env::OuterTransaction;
use crate::finding::Severity;
use crate::migration::{Mark, Step};
use crate::operation::{Dialect, Operation};
use crate::project::conventions::Framework;
use crate::rule::{Check, Context, Found};
use crate::rules::{mend, phrase};
use crate::runner::Inside;

pub const CHECK: Check = Check::Step(|step, before, found| {
    if step.autocommit && before.is_in_outer_transaction() {
        return stops_at_an_assertion(step, before, found);
    }
    if !before.effects().refuses_transaction {
        return;
    }
    let what = name_of(&step.operation);
    let inside = before.inside();
    let runner = before.environment.runner();
    // Inside of DO it fails whatever stands around it.
    let in_do = step.span != step.statement
        && before
            .text(step.statement)
            .get(..3)
            .is_some_and(|head| head.eq_ignore_ascii_case("do ") || head.eq_ignore_ascii_case("do\n"));
    if in_do {
        found
            .at(step.at(Mark::Name), format!("{what} fails: it stands in a DO block, which is always part of a transaction"))
            .note("PostgreSQL raises 25001, whatever the runner does")
            .help("write it as a statement of its own, outside of DO");
        return;
    }
    let is_handed = before.environment.env.is_handed_connection && inside == Inside::RunnerTransaction;
    let message = match inside {
        Inside::Nothing => return,
        Inside::RunnerTransaction if is_handed => {
            format!("{what} fails unless the connection that env.py is handed has isolation_level=\"AUTOCOMMIT\"")
        }
        Inside::CommittedByHand(_) if before.environment.driver(Dialect::PostgreSql) == Some("psycopg2") => return,
        Inside::RunnerTransaction if before.framework() == Framework::Alembic => {
            format!("{what} fails: Alembic runs this migration in a transaction")
        }
        Inside::RunnerTransaction => format!("{what} fails: {runner} runs this file in a transaction"),
        Inside::OpenedByHand(_) => format!("{what} fails: it stands between BEGIN and COMMIT"),
        Inside::SharedMessage => {
            format!("{what} fails: {runner} sends this file as one message, which PostgreSQL runs as one transaction")
        }
        Inside::CommittedByHand(_) => format!("{what} fails with psycopg 3: after COMMIT it opens a new transaction at once"),
    };
    let finding = found.at(step.at(Mark::Name), message);
    if is_handed {
        finding.severity = Severity::Note;
        finding.note("env.py makes no connection of its own, and otherwise Alembic runs this migration in a transaction");
    }
    finding.note("PostgreSQL raises 25001, \"cannot run inside a transaction block\"");
    match inside {
        Inside::OpenedByHand(at) => {
            finding.label(&before.script.source, at, "the transaction is opened here");
        }
        Inside::CommittedByHand(at) => {
            finding.label(&before.script.source, at, "this ends Alembic's transaction behind its back");
            finding.note("psycopg2 lets it pass, but then a failure further down leaves the migration half done");
        }
        Inside::SharedMessage if commits_before(before) => {
            finding.note("the COMMIT in front of it does not help: what stands before it stays committed, and the statement fails all the same");
        }
        _ => {}
    }
    let text = before.text(step.statement).to_owned();
    finding.help(phrase::outside_transaction(before, &text));
    let by_alembic =
        before.framework() == Framework::Alembic && matches!(inside, Inside::RunnerTransaction) && step.batch.is_none();
    let is_managed = before.environment.env.outer_transaction == Some(OuterTransaction::Managed);
    if by_alembic && !is_managed && text.starts_with("op.") && mend::is_alone(before, step) {
        let edits = mend::in_block(&before.script.source, step.statement, phrase::autocommit_block(before), &text);
        finding.fix(edits.and_then(|edits| mend::safe("run it outside of the transaction", edits)));
    }
});

/// An autocommit block ends Alembic's transaction, and stops where that is none of its own; with the first step all is said.
fn stops_at_an_assertion(step: &Step, before: &Context<'_>, found: &mut Found<'_>) {
    if before.steps().any(|(index, other)| index < before.at && other.autocommit) {
        return;
    }
    let what = if before.effects().refuses_transaction { name_of(&step.operation) } else { "this".to_owned() };
    let finding = found.at(step.at(Mark::Name), format!("{what} does not run: autocommit_block() stops at an assertion"));
    if before.environment.env.outer_transaction == Some(OuterTransaction::Managed) {
        finding.note("env.py opens the connection in `with … .begin()`: the transaction is not Alembic's to commit");
        finding.help("`.connect()` in the place of `.begin()`, in env.py");
    } else {
        finding.note("env.py sends a statement before context.configure(…): the transaction is not Alembic's to commit");
        finding.help(
            "op.get_bind().commit()  # in front of the block\nor connection.commit() in env.py, before context.configure(…)",
        );
    }
}

fn commits_before(before: &Context<'_>) -> bool {
    before.outline.commits && before.steps().any(|(index, step)| index < before.at && step.operation == Operation::Commit)
}

fn name_of(operation: &Operation) -> String {
    match operation {
        Operation::CreateIndex(_) => "CREATE INDEX CONCURRENTLY".to_owned(),
        Operation::DropIndex { .. } => "DROP INDEX CONCURRENTLY".to_owned(),
        Operation::Reindex { concurrently: true, .. } => "REINDEX CONCURRENTLY".to_owned(),
        Operation::DetachPartition { .. } => "DETACH PARTITION CONCURRENTLY".to_owned(),
        Operation::AddEnumValue { .. } => "ALTER TYPE ADD VALUE".to_owned(),
        other => other.kind().replace('_', " ").to_uppercase(),
    }
}
