use crate::finding::Direction;
use crate::migration::{Body, Script};
use crate::operation::{Class, Dialect, Name, Operation};
use crate::project::conventions::Framework;
use crate::rule::{Check, Context};
use crate::rules::contradictions::meant;
use crate::rules::{mend, phrase};
use crate::schema::Schema;
use crate::undo::{self, Difference, How};

/// How many differences a message names.
const NAMED: usize = 3;

pub const CHECK: Check = Check::Script(|context, found| {
    let (Some(before), Some(up), Some(last)) = (context.undoes, context.migration.up.as_ref(), context.stages.last()) else {
        return;
    };
    if context.direction != Direction::Down
        || context.script.body != Body::Present
        || !up.is_followed()
        || !context.script.is_followed()
    {
        return;
    }
    // The others of its kind go back before it.
    if context.environment.is_slice(context.index) {
        return;
    }
    // `SELECT 1;` says on purpose that there is no way back.
    if !context.script.steps.iter().any(|step| step.operation.class() == Class::Schema) {
        return;
    }
    let tables = tables_of(up, context.script);
    let mut differences = undo::differences(before, last.schema, &tables, context.index);
    differences.retain(|difference| {
        !takes_the_place(up, before, difference) && !made_a_second_time(up, difference) && !is_older(up, difference)
    });
    let misnamed: Vec<&Name> = context.script.steps.iter().filter_map(|step| meant(&step.operation, context)).collect();
    let is_misnamed = |repair: &Operation| repair.table().is_some_and(|table| misnamed.contains(&table));
    differences.retain(|difference| !(matches!(difference.how, How::LeftOver) && difference.repair.iter().any(is_misnamed)));
    // What an error of its own explains is not told twice.
    if differences.is_empty() || already_fails(context) {
        return;
    }
    let mut named: Vec<String> = differences.iter().take(NAMED).map(in_words).collect();
    if differences.len() > NAMED {
        named.push(format!("and {} more", differences.len() - NAMED));
    }
    let finding = found.at(context.script.head, format!("going up and back is not the way back: {}", named.join("; ")));
    for difference in &differences {
        if let Some(step) = made_by(up, difference) {
            finding.label(&up.source, step, format!("{} comes from here", difference.what));
        }
    }
    let style = phrase::style(context);
    let is_unfilled = |difference: &&Difference| matches!(difference.how, How::Unfilled(_));
    let (later, now): (Vec<&Difference>, Vec<&Difference>) = differences.iter().partition(is_unfilled);
    let written = |differences: &[&Difference]| -> Vec<String> {
        let repairs = differences.iter().flat_map(|difference| &difference.repair);
        repairs
            .filter(|repair| !is_restated(repair, context))
            .filter_map(|repair| crate::render::operation(repair, style))
            .collect()
    };
    let (lines, later) = (written(&now), written(&later));
    let mut help = match (lines.is_empty(), later.is_empty()) {
        (true, true) => "undo it in the downgrade, last step first".to_owned(),
        (true, false) => "fill the column in the downgrade".to_owned(),
        (false, _) => format!("add to the downgrade:\n{}", lines.join("\n")),
    };
    if !later.is_empty() {
        help.push_str(&format!("\nand once the column that comes back is filled:\n{}", later.join("\n")));
    }
    finding.help(help);
    let complete = differences.iter().all(|difference| !difference.repair.is_empty() && !is_unfilled(&difference));
    let count: usize = differences.iter().map(|difference| difference.repair.len()).sum();
    if complete && count == lines.len() && mend::speaks_alembic(&context.script.source, &lines) {
        finding.fix(mend::at_the_end(context.script, &lines).and_then(|edits| mend::with_a_look("add what is missing", edits)));
    }
});

/// MySQL changes these by MODIFY, which has to say all of the column again; Alembic writes that by itself.
fn is_restated(repair: &Operation, context: &Context<'_>) -> bool {
    let restates =
        matches!(repair, Operation::SetNotNull { .. } | Operation::DropNotNull { .. } | Operation::AlterColumnType { .. });
    restates && context.framework() != Framework::Alembic && context.dialect().is_some_and(Dialect::is_mysql_like)
}

fn in_words(difference: &Difference) -> String {
    match &difference.how {
        How::LeftOver => format!("{} stays", difference.what),
        How::Missing => format!("{} does not come back", difference.what),
        How::Changed(how) | How::Unfilled(how) => format!("{} {how}", difference.what),
    }
}

/// What the upgrade drops before it makes it, of a table that is not known in full: there was one already.
fn takes_the_place(up: &Script, before: &Schema, difference: &Difference) -> bool {
    let [repair] = difference.repair.as_slice() else { return false };
    let drops = |operation: &Operation| match (repair, operation) {
        (Operation::DropColumn { table, column, .. }, Operation::DropColumn { table: of, column: dropped, .. }) => {
            of == table && dropped == column
        }
        // A table that is made elsewhere and made anew here, by SQLite's way of changing one.
        (Operation::DropTable { table, .. }, Operation::DropTable { table: dropped, if_exists: false, .. }) => dropped == table,
        (Operation::DropTable { table, .. }, Operation::RenameTable { table: renamed, .. }) => renamed == table,
        _ => false,
    };
    let may_be_there = repair.table().and_then(|table| before.table(table)).is_none_or(|known| !known.complete);
    may_be_there && up.steps.iter().any(|step| drops(&step.operation))
}

/// A trigger that the upgrade does not make: the downgrade gives it back under a name that it had before.
fn is_older(up: &Script, difference: &Difference) -> bool {
    let [Operation::DropTrigger { trigger, .. }] = difference.repair.as_slice() else { return false };
    !up.steps.iter().any(|step| matches!(&step.operation, Operation::CreateTrigger(made) if made.name == *trigger))
}

/// What the upgrade makes although it is there already; `object_already_there` tells that.
fn made_a_second_time(up: &Script, difference: &Difference) -> bool {
    let again = |made: &Operation, missing: &Operation| match (made, missing) {
        (Operation::CreateIndex(made), Operation::CreateIndex(missing)) => !made.if_not_exists && made.name == missing.name,
        (Operation::CreateTable(made), Operation::CreateTable(missing)) => !made.if_not_exists && made.table == missing.table,
        (Operation::AddColumn { table: of, column: made, if_not_exists: false }, Operation::AddColumn { table, column, .. }) => {
            of == table && made.name == column.name
        }
        _ => false,
    };
    let [missing] = difference.repair.as_slice() else { return false };
    let drops = |operation: &Operation| {
        matches!(operation, Operation::DropIndex { .. } | Operation::DropTable { .. } | Operation::DropColumn { .. })
    };
    // After a drop in the same script it is not the second.
    matches!(difference.how, How::Missing)
        && up.steps.iter().any(|step| again(&step.operation, missing))
        && !up.steps.iter().any(|step| drops(&step.operation))
}

/// Every table that either way touches, also under its other name.
fn tables_of(up: &Script, down: &Script) -> Vec<Name> {
    let mut tables: Vec<Name> = Vec::new();
    for step in up.steps.iter().chain(&down.steps) {
        let other = match &step.operation {
            Operation::RenameTable { to, .. } => Some(to),
            Operation::CreateView { name, .. } => Some(name),
            _ => None,
        };
        tables.extend(step.operation.table().into_iter().chain(other).cloned());
    }
    tables.sort();
    tables.dedup();
    tables
}

/// The step of the upgrade behind something that is left over.
fn made_by(up: &Script, difference: &Difference) -> Option<crate::source::Span> {
    let [repair] = difference.repair.as_slice() else { return None };
    let made = |operation: &Operation| match (operation, repair) {
        (Operation::AddColumn { table: of, column: made, .. }, Operation::DropColumn { table, column, .. }) => {
            of == table && made.name == *column
        }
        (Operation::CreateTable(create), Operation::DropTable { table, .. }) => create.table == *table,
        (Operation::CreateIndex(created), Operation::DropIndex { index, .. }) => created.name.as_ref() == Some(&index.name),
        (Operation::AddConstraint { constraint: made, .. }, Operation::DropConstraint { constraint, .. }) => {
            made.name == *constraint
        }
        _ => false,
    };
    up.steps.iter().find(|step| made(&step.operation)).map(|step| step.span)
}

fn already_fails(context: &Context<'_>) -> bool {
    context.stages().any(|(_, stage)| stage.effects.fails_because.is_some())
}
