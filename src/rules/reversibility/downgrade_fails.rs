use crate::migration::{Mark, Origin, Script, Step};
use crate::operation::{Dialect, Name, Operation, show_holes};
use crate::rule::{Check, Context};
use crate::rules::contradictions;

pub const CHECK: Check = Check::Step(|step, before, found| {
    // What no server reads is told as such.
    if before.is_upgrade() || step.conditional || step.wording.unread.is_some() || before.environment.is_slice(before.index) {
        return;
    }
    let meant = contradictions::meant(&step.operation, before);
    // IF EXISTS passes over what is not there, and still meets what the server refuses.
    let missing = reason(step, before, meant).filter(|_| !step.wording.if_exists);
    let told = missing.or_else(|| Some((contradiction(step, before)?, None)));
    let Some((message, earlier)) = told else { return };
    let whom = if meant.is_some() || matches!(step.operation, Operation::DropTable { .. }) { Mark::Table } else { Mark::Name };
    let finding = found.at(step.at(whom), message);
    if let Some(earlier) = earlier {
        finding.label(&before.script.source, earlier.span, "gone from here on");
    }
    finding.help(match &step.operation {
        Operation::DropConstraint { constraint: None, .. } => {
            "give the constraint a name in the upgrade, and drop it by that name"
        }
        Operation::DropTable { .. } if meant.is_some() => "drop the table that the upgrade makes",
        operation if goes_with_table(operation, before) => "leave it out: it goes with its table, which is dropped below",
        _ if earlier.is_some() => "drop it before what it stands on, or not at all",
        _ => "the downgrade undoes the steps of the upgrade, last step first",
    });
});

/// An index, constraint or column of a table that the script goes on to drop.
fn goes_with_table(operation: &Operation, before: &Context<'_>) -> bool {
    let is_part =
        matches!(operation, Operation::DropIndex { .. } | Operation::DropConstraint { .. } | Operation::DropColumn { .. });
    let drops = |later: &Operation| matches!(later, Operation::DropTable { table, .. } if Some(table) == operation.table());
    is_part && before.later().any(|later| drops(&later.operation))
}

/// Why the step cannot work, and the step that made it so.
///
/// `meant` is the table of the upgrade for which the step has another name.
fn reason<'c>(step: &Step, before: &Context<'c>, meant: Option<&Name>) -> Option<(String, Option<&'c Step>)> {
    if let Some(meant) = meant.filter(|_| !matches!(step.operation, Operation::DropTable { if_exists: true, .. })) {
        let table = step.operation.table()?;
        let what = match step.operation {
            Operation::DropTable { .. } => format!("the upgrade makes `{meant}`, which stays"),
            _ => format!("the upgrade changes `{meant}`"),
        };
        return Some((format!("no migration makes `{table}`: {what}"), None));
    }
    match &step.operation {
        Operation::DropConstraint { table, constraint: None, .. }
            if matches!(step.origin, Origin::Directive(_)) && step.batch.is_none() =>
        {
            let answer = "Alembic cannot write DROP CONSTRAINT without a name";
            Some((format!("the constraint of `{table}` has no name here: {answer}"), None))
        }
        Operation::DropIndex { index, if_exists: false, .. } if index.is_known() && before.schema.index(index).is_none() => {
            let gone = gone_since(before, |schema| schema.index(index).is_some())?;
            let with = gone.operation.table().map_or_else(String::new, |table| format!(" with `{table}`"));
            Some((format!("the index `{index}` is gone already: it went{with}"), Some(gone)))
        }
        Operation::DropColumn { table, column, if_exists: false, .. }
        | Operation::AlterColumnType { table, column, .. }
        | Operation::SetNotNull { table, column }
        | Operation::DropNotNull { table, column }
            if Name::new(column.as_str()).is_known() && before.schema.column(table, column).is_none() =>
        {
            let gone = gone_since(before, |schema| schema.column(table, column).is_some())?;
            Some((format!("the column `{table}.{}` is gone already", show_holes(column)), Some(gone)))
        }
        Operation::DropTable { table, if_exists: false, .. } if before.table(table).is_none() => {
            let gone = gone_since(before, |schema| schema.table(table).is_some())?;
            Some((format!("the table `{table}` is gone already"), Some(gone)))
        }
        Operation::DropConstraint { table, constraint: Some(name), if_exists: false, .. } => {
            let there =
                |schema: &crate::schema::Schema| schema.table(table).is_some_and(|table| table.constraint(name).is_some());
            if there(before.schema) {
                return None;
            }
            let gone = gone_since(before, there)?;
            Some((format!("the constraint `{}` of `{table}` is gone already", show_holes(name)), Some(gone)))
        }
        _ => None,
    }
}

/// What the schema before the step says against it: what it names is not there, or there already, or the server refuses.
fn contradiction(step: &Step, before: &Context<'_>) -> Option<String> {
    // Behind one that fails, nothing runs; and what a view holds up is column_used_by_view's.
    let fails = |at: &usize| before.stages[*at].effects.fails_because.is_some();
    let held_up = |table: &Name, column: &str| {
        before.table(table).is_some_and(|known| !before.schema.views_using(known, column).is_empty())
    };
    match &step.operation {
        Operation::AlterColumnType { table, column, .. } if held_up(table, column) => return None,
        Operation::Opaque { .. } => return None,
        _ => {}
    }
    // Which version runs is a guess, and what SQLite refuses has rules of its own.
    let speaks = before.dialect().is_some_and(|dialect| dialect != Dialect::Sqlite) && step.wording.needs.is_none();
    let refused = || before.effects().fails_because.clone().filter(|_| speaks);
    let contradicted = contradictions::not_there(step, before).or_else(|| Some(contradictions::already_there(step, before)?.0));
    // Of several databases one may refuse what the others do.
    let refuses_alone = contradicted.is_none() && before.environment.dialects().len() > 1;
    let reason = contradicted.or_else(refused)?;
    let followed = before.migration.up.as_ref().is_some_and(Script::is_followed) && before.script.is_followed();
    let has_gaps = !before.environment.unreadable.is_empty();
    if !followed || has_gaps || (0..before.at).any(|at| fails(&at)) {
        return None;
    }
    let where_it_does = match before.dialect().filter(|_| refuses_alone) {
        Some(dialect) => format!(" on {}", dialect.title()),
        None => String::new(),
    };
    Some(format!("this downgrade fails{where_it_does}: {reason}"))
}

/// The earlier step of this script behind which something is no longer there.
fn gone_since<'c>(before: &Context<'c>, there: impl Fn(&crate::schema::Schema) -> bool) -> Option<&'c Step> {
    let steps: Vec<(usize, &Step)> = before.steps().filter(|(at, _)| *at < before.at).collect();
    let last = steps.iter().rev().find(|(at, _)| there(before.stages[*at].schema))?;
    // Behind one that fails, nothing runs.
    let effects = &before.stages[last.0].effects;
    let fails = effects.fails_because.is_some() || effects.failure.is_some();
    (!last.1.conditional && !fails).then_some(last.1)
}
