use crate::engine::FailureKind;
use crate::engine::sqlite::ALTERS_CONSTRAINTS;
use crate::migration::{Mark, Origin, SqliteSyntax, Step};
use crate::operation::Dialect;
use crate::rule::{Check, Context};

pub const CHECK: Check = Check::Step(|step, before, found| {
    if step.manner.shares_call && is_first_of_call(step, before) {
        found
            .at(step.span, "this string holds several statements, and Python's sqlite3 executes one at a time")
            .note("it raises ProgrammingError: You can only execute one statement at a time")
            .help("give each statement an op.execute() of its own");
    }
    let Some(failure) = before.effects().failure.as_ref().filter(|failure| failure.kind == FailureKind::Syntax) else { return };
    // Of the actions of one ALTER TABLE, the first speaks.
    if before.at > 0 && before.script.steps[before.at - 1].statement == step.statement {
        return;
    }
    let near = step.marks.get(Mark::Refused);
    let message = match near {
        Some(near) => format!("SQLite does not read this: near \"{}\": syntax error", before.text(near)),
        None => format!("SQLite does not read this: {}", failure.answer),
    };
    let finding = found.at(near.unwrap_or(step.span), message);
    if step.wording.sqlite == SqliteSyntax::Since353 {
        finding.note(format!(
            "SQLite reads it from 3.{ALTERS_CONSTRAINTS} on; 3.{} is assumed (`sqlite_version`)",
            before.engine.sqlite_minor
        ));
    }
    finding.help(match step.origin {
        Origin::Directive(_) => "leave the option away; SQLite's grammar has no such words there",
        // What MySQL reads as little is PostgreSQL's.
        Origin::Sql if step.wording.foreign.is_some() && before.environment.dialects().contains(&Dialect::PostgreSql) => {
            "run it on PostgreSQL only: if op.get_bind().dialect.name == \"postgresql\":"
        }
        Origin::Sql if before.environment.dialects().len() > 1 => {
            "run it on the other databases only: if op.get_bind().dialect.name != \"sqlite\":"
        }
        Origin::Sql => "SQLite renames, adds and drops columns; for anything else make a new table, copy the rows, drop the old one and rename the new one",
    });
});

fn is_first_of_call(step: &Step, before: &Context<'_>) -> bool {
    let earlier = before.at.checked_sub(1).map(|at| &before.script.steps[at]);
    !earlier.is_some_and(|other| other.manner.shares_call && is_one_string(before, other, step))
}

/// Whether nothing but separators stands between two statements, so that they are of one string.
fn is_one_string(before: &Context<'_>, first: &Step, second: &Step) -> bool {
    let between = before.script.source.text().get(first.statement.end as usize..second.statement.start as usize);
    first.statement == second.statement || between.is_some_and(|between| !between.contains("execute"))
}
