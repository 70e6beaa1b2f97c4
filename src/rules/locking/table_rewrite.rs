use crate::engine::postgres::retype::UNKNOWN_TYPE;
use crate::finding::Severity;
use crate::migration::{Origin, Step};
use crate::operation::{Column, Name, Operation};
use crate::rule::{Check, Context};
use crate::rules::phrase;
use crate::source::Span;

pub const CHECK: Check = Check::Step(|step, before, found| {
    // Rows that are removed on purpose, and views, have rules of their own.
    if matches!(step.operation, Operation::Truncate { .. } | Operation::RefreshMaterializedView { .. }) {
        return;
    }
    let Some((table, why)) = before.rewritten() else { return };
    // One ALTER TABLE rewrites once, however many of its actions ask for it.
    let said = before.stages().take_while(|(other, _)| !std::ptr::eq(*other, step)).any(|(other, stage)| {
        other.origin == Origin::Sql && other.statement == step.statement && stage.effects.rewrites.contains_key(table)
    });
    if said {
        return;
    }
    // More than a few are told with the first of them.
    let few: Vec<Span> = rewriting(before, table).take(FEW + 1).collect();
    let is_often = few.len() > FEW;
    if is_often && few.first() != Some(&step.statement) {
        return;
    }
    let help = match &step.operation {
        Operation::AddColumn { .. } | Operation::AlterColumnType { .. } if !before.is_upgrade() => {
            "the way back has no phases: run it in a maintenance window, or go forward with a new migration instead".to_owned()
        }
        Operation::AddColumn { column, .. } => match base(column, before).filter(|_| column.default.is_none()) {
            // It is the type that has each row written.
            Some(base) => format!(
                "add `{}` as {base}, of which the domain is, and what the domain asks for as a CHECK with NOT VALID, to be validated {}",
                crate::operation::show_holes(&column.name),
                phrase::in_next_migration(before)
            ),
            None => format!(
                "in phases: 1. add `{0}` without the default; 2. set the default, for new rows; 3. fill the old rows in batches; 4. add the constraints",
                crate::operation::show_holes(&column.name)
            ),
        },
        Operation::AlterColumnType { .. } if retyped_with(before, step).len() > 1 => format!(
            "in phases, for each of `{}`, of which one is enough to rewrite the table: 1. add a column of the new type; 2. write both; 3. copy the old rows in batches; 4. read the new one; 5. drop the old one in a later release",
            retyped_with(before, step).join("`, `")
        ),
        Operation::AlterColumnType { column, .. } => {
            let column = crate::operation::show_holes(column);
            format!(
                "in phases: 1. add a column of the new type; 2. write both; 3. copy the old rows in batches; 4. read the new one; 5. drop `{column}` in a later release"
            )
        }
        Operation::Vacuum { .. } | Operation::Cluster { .. } => "use pg_repack, or run it in a maintenance window".to_owned(),
        _ => "run it in a maintenance window, or move the rows to a new table in batches".to_owned(),
    };
    let finding = found.at(step.span, format!("reads and writes of `{table}` wait until the whole table is written anew: {why}"));
    // Feared, not known.
    if why.ends_with(UNKNOWN_TYPE) {
        finding.severity = Severity::Warning;
    }
    if is_often {
        finding.note(format!(
            "{} more statements of this migration write `{table}` anew, each for itself; one ALTER TABLE with all the changes, between commas, does it once",
            rewriting(before, table).count() - 1
        ));
    }
    finding
        .note("the rewrite holds AccessExclusive and builds every index again; it takes as long as the table is large, and as much space")
        .note(before.origin_of(table))
        .help(help);
});

/// The columns whose types one statement changes so that the table is rewritten.
fn retyped_with(before: &Context<'_>, step: &Step) -> Vec<String> {
    let beside = before.stages().filter(|(other, stage)| other.statement == step.statement && !stage.effects.rewrites.is_empty());
    beside
        .filter_map(|(other, _)| match &other.operation {
            Operation::AlterColumnType { column, .. } => Some(crate::operation::show_holes(column)),
            _ => None,
        })
        .collect()
}

/// So many statements that rewrite one table are told each for itself.
const FEW: usize = 3;

/// The statements of the script that rewrite the table.
fn rewriting<'c>(before: &Context<'c>, table: &'c Name) -> impl Iterator<Item = Span> {
    let mut last = None;
    let rewriting = before.stages().filter(move |(_, stage)| stage.effects.rewrites.contains_key(table));
    rewriting.map(|(step, _)| step.statement).filter(move |statement| last.replace(*statement) != Some(*statement))
}

/// The type under a column's domain.
fn base(column: &Column, before: &Context<'_>) -> Option<String> {
    let domain = before.schema.domain_of(column.data_type.as_ref()?)?;
    Some(domain.base.to_string())
}
