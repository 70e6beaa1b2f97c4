use crate::migration::Mark;
use crate::operation::{Class, Operation};
use crate::project::conventions::{Directive, Framework};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let framework = before.framework();
    let convention = framework.convention();
    // Where a runner has a directive for it, the file runs without a transaction as a whole.
    let by_file = convention.no_transaction != Directive::Nowhere;
    if !by_file || before.inside().is_transaction() || !before.effects().refuses_transaction {
        return;
    }
    let other = before.steps().map(|(_, other)| other).find(|other| {
        other.statement != step.statement
            && !clears_the_way(&other.operation, &step.operation)
            && !(is_repeatable(&other.operation) && is_repeatable(&step.operation))
            && other.operation.class() != Class::Neither
            && !before.stages().any(|(known, stage)| known.statement == other.statement && stage.effects.refuses_transaction)
    });
    let Some(other) = other else { return };
    // Of a file it is told once.
    let refuses_too = |at: usize| before.stages[at].effects.refuses_transaction && !before.inside_at(at).is_transaction();
    if before.steps().take_while(|(at, _)| *at < before.at).any(|(at, _)| refuses_too(at)) {
        return;
    }
    // Told outright what to do, Flyway does not look.
    let refuses = framework == Framework::Flyway && before.script.transaction.is_none();
    let (message, label) = match refuses {
        true => (
            "Flyway refuses this file: a statement that cannot run in a transaction stands beside one that can",
            "this one would run in a transaction",
        ),
        false => (
            "this file runs without a transaction: when one of its statements fails, the others stay done",
            "this one could have been rolled back",
        ),
    };
    let finding = found.at(step.at(Mark::Name), message);
    finding.label(&before.script.source, other.span, label);
    if refuses {
        finding.note("`mixed=true` makes it run the whole file without a transaction");
    }
    finding.help("give the statement that refuses a transaction a file of its own");
});

/// Whether the statement passes a second time, so that a file that failed further down can be run again.
fn is_repeatable(operation: &Operation) -> bool {
    match operation {
        Operation::CreateIndex(index) => index.if_not_exists,
        Operation::CreateTable(create) => create.if_not_exists,
        Operation::AddColumn { if_not_exists, .. } => *if_not_exists,
        Operation::DropIndex { if_exists, .. }
        | Operation::DropTable { if_exists, .. }
        | Operation::DropColumn { if_exists, .. } => *if_exists,
        _ => false,
    }
}

/// What a build that failed has left is dropped, so that the file can be run again.
fn clears_the_way(drop: &Operation, build: &Operation) -> bool {
    match (drop, build) {
        (Operation::DropIndex { index, if_exists: true, .. }, Operation::CreateIndex(made)) => {
            made.name.as_ref() == Some(&index.name)
        }
        _ => false,
    }
}
