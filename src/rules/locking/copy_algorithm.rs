use crate::migration::Step;
use crate::operation::{ConstraintKind, Operation};
use crate::rule::{Check, Context};
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Some((algorithm, why)) = before.effects().algorithm.as_ref().filter(|(algorithm, _)| algorithm.blocks_writes()) else {
        return;
    };
    let Some(table) = step.operation.table().filter(|table| !before.is_new(table) && !before.is_emptied(table)) else { return };
    // All actions of one ALTER TABLE run by one algorithm: the first one speaks.
    if before.at > 0
        && before.script.steps[before.at - 1].statement == step.statement
        && before.stages[before.at - 1].effects.algorithm.is_some()
    {
        return;
    }
    let how = match algorithm {
        crate::engine::mysql::Algorithm::Copy => "while the table is copied row by row",
        _ => "until it is done",
    };
    found
        .at(step.span, format!("writes to `{table}` wait {how}: {why}"))
        .note("ALGORITHM=COPY and LOCK=SHARED hold back every INSERT, UPDATE and DELETE for as long as the table is large; reads go on")
        .note(before.origin_of(table))
        .help(way_around(step, before));
});

fn way_around(step: &Step, before: &Context<'_>) -> String {
    let is_key = |operation: &Operation| match operation {
        Operation::AddConstraint { constraint, .. } => matches!(constraint.kind, ConstraintKind::ForeignKey { .. }),
        Operation::AddColumn { column, .. } => column.references.is_some(),
        _ => false,
    };
    let drops_primary_key = match &step.operation {
        Operation::DropConstraint { table, constraint: Some(name), .. } => {
            let known = before.table(table).and_then(|table| table.constraint(name));
            known.is_some_and(|known| matches!(known.kind, ConstraintKind::PrimaryKey { .. }))
        }
        _ => false,
    };
    if is_key(&step.operation) {
        let [off, on] = ["SET foreign_key_checks = 0", "SET foreign_key_checks = 1"].map(|sql| phrase::statement(before, sql));
        // The statements of a batch block run when it ends.
        let (before_it, behind_it) = match step.batch {
            Some(_) => (" before the `with` block", "behind the block"),
            None => ("", "behind it"),
        };
        return format!(
            "without the check it is done in place, and writes go on (rows that are there are then not looked at){before_it}:\n{off}\n\
             and right {behind_it}, as deletes do not cascade meanwhile:\n{on}"
        );
    }
    if drops_primary_key {
        return "drop it and add the new one in one ALTER TABLE, which is done in place; one that only gets another name \
                needs neither, as a primary key has no name here"
            .to_owned();
    }
    "run it with gh-ost or pt-online-schema-change; or add ALGORITHM=INPLACE, LOCK=NONE, so that the server refuses instead of \
     blocking"
        .to_owned()
}
