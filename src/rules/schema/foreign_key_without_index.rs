use std::collections::HashSet;

use crate::migration::Step;
use crate::operation::{ConstraintKind, CreateIndex, Dialect, Expression, Name, Operation};
use crate::project::conventions::Framework;
use crate::rule::{Check, Context};
use crate::rules::phrase;
use crate::schema::TableConstraint;
use crate::schema::expression::unwrapped;
use crate::source::Span;

pub const CHECK: Check = Check::Script(|context, found| {
    // MySQL makes the index by itself.
    let indexes = matches!(context.dialect(), Some(Dialect::PostgreSql | Dialect::Sqlite));
    let Some(last) = context.stages.last().filter(|_| indexes && context.is_upgrade()) else { return };
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    let mut seen: HashSet<&Name> = HashSet::new();
    for (_, step) in context.steps() {
        let Some(table) = step.operation.table().and_then(|table| last.schema.table(table)).filter(|table| table.complete) else {
            continue;
        };
        if !seen.insert(&table.name) {
            continue;
        }
        for constraint in table.constraints() {
            let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { continue };
            let new = constraint.created_in == context.index;
            let covered = table.indexes().iter().any(|index| serves(&index.columns, index.predicate.as_ref(), columns));
            let key = (table.name.to_string(), columns.clone());
            // Dropped and made again, it is no news.
            let had = |table: &crate::schema::Table| {
                table
                    .constraints()
                    .iter()
                    .any(|known| matches!(&known.kind, ConstraintKind::ForeignKey { columns: own, .. } if own == columns))
            };
            let old = context.schema.table(&table.name).is_some_and(had);
            if !new || old || covered || columns.is_empty() || told.contains(&key) {
                continue;
            }
            if is_seen_to(context, &table.name, columns, 0) || is_dropped_later(context, &table.name, constraint) {
                continue;
            }
            told.push(key);
            let steps = || context.steps().map(|(_, step)| step);
            let made =
                steps().find(|step| adds(step, &table.name, columns)).or_else(|| steps().find(|step| creates(step, &table.name)));
            let step = made.unwrap_or(step);
            let place = if creates(step, &table.name) { word_in(context, step, &columns[0]) } else { None };
            found.statement = step.statement;
            let list = columns.join("`, `");
            found
                .at(
                    place.unwrap_or(step.span),
                    format!(
                        "`{}.{list}` points to `{}` and has no index: deleting a row there reads all of `{}`",
                        table.name, reference.table, table.name
                    ),
                )
                .note(match context.environment.dialects().iter().any(|dialect| dialect.is_mysql_like()) {
                    true => "the other end of a foreign key always has an index, this end only where somebody makes one; MySQL makes it",
                    false => "the other end of a foreign key always has an index, this end only where somebody makes one",
                })
                .help(index_of(context, &table.name, columns));
        }
    }
});

/// Whether an index finds the rows that point somewhere: by the first column of the key, which the others narrow down, or
/// by columns of the key alone, in whatever order.
fn serves(index: &[String], predicate: Option<&Expression>, key: &[String]) -> bool {
    let Some(first) = index.first() else { return false };
    let of_key = index.iter().take(key.len()).all(|column| key.contains(column));
    (Some(first) == key.first() || of_key) && finds_all(predicate, first)
}

/// Whether an index leaves out no row that points somewhere: NULL points to nothing.
fn finds_all(predicate: Option<&Expression>, column: &str) -> bool {
    predicate.is_none_or(|predicate| {
        let words: Vec<String> = unwrapped(&predicate.0).split_whitespace().map(str::to_lowercase).collect();
        words == [&column.to_lowercase(), "is", "not", "null"]
    })
}

/// The index, built without stopping anybody where the table is in use.
fn index_of(context: &Context<'_>, table: &Name, columns: &[String]) -> String {
    let made_in = context.stages.last().and_then(|last| last.schema.table(table)?.created_in);
    let live = context.is_postgres() && made_in != Some(context.index) && context.is_in_use(table);
    let is_prisma = context.framework() == Framework::Prisma;
    // The name that Prisma would give it: under another it takes the index for one that has to go.
    let name = match is_prisma {
        true => phrase::name_ending(&format!("{}_{}", table.name, columns.join("_")), "_idx"),
        false => phrase::name_ending(&format!("ix_{}_{}", table.name, columns.join("_")), ""),
    };
    let plain = CreateIndex::new(Some(name), table.clone(), columns.to_vec());
    let index = CreateIndex { concurrently: live, ..plain };
    let text = crate::render::operation(&Operation::CreateIndex(index.into()), phrase::style(context)).unwrap_or_default();
    let help = if live { phrase::outside_transaction(context, &text) } else { text };
    match is_prisma {
        true => format!("{help}\nand in the model, so that Prisma keeps it: @@index([{}])", columns.join(", ")),
        false => help,
    }
}

/// The first place in a statement where a column is named.
fn word_in(context: &Context<'_>, step: &Step, column: &str) -> Option<Span> {
    let text = context.text(step.statement);
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let is_whole = |at: usize| !is_part(text[..at].chars().next_back()) && !is_part(text[at + column.len()..].chars().next());
    let at = text.match_indices(column).map(|(at, _)| at).find(|at| is_whole(*at))?;
    let start = step.statement.start as usize + at;
    Some(Span::new(start, start + column.len()))
}

fn creates(step: &Step, table: &Name) -> bool {
    matches!(&step.operation, Operation::CreateTable(create) if create.table == *table)
}

/// Whether the step adds the key to a table that is there.
fn adds(step: &Step, table: &Name, columns: &[String]) -> bool {
    let is_it = |kind: &ConstraintKind| matches!(kind, ConstraintKind::ForeignKey { columns: own, .. } if own == columns);
    match &step.operation {
        Operation::AddConstraint { table: of, constraint } => of == table && is_it(&constraint.kind),
        Operation::AddColumn { table: of, column, .. } => {
            of == table && column.references.is_some() && columns == [column.name.as_str()]
        }
        _ => false,
    }
}

/// How often a table is followed under a new name.
const RENAMES: usize = 4;

/// A later migration takes the key away, and does not make it anew.
fn is_dropped_later(context: &Context<'_>, table: &Name, key: &TableConstraint) -> bool {
    context.later_migrations(table).any(|migration| {
        let steps = || migration.up.iter().flat_map(|up| &up.steps).filter(|step| step.runs_on(context.dialect()));
        let drops = |operation: &Operation| {
            matches!(operation, Operation::DropConstraint { table: of, constraint: Some(name), .. } if of == table && *name == key.name)
        };
        let columns = match &key.kind {
            ConstraintKind::ForeignKey { columns, .. } => columns.as_slice(),
            _ => &[],
        };
        steps().any(|step| drops(&step.operation)) && !steps().any(|step| adds(step, table, columns))
    })
}

/// A later migration makes an index or a key that begins with the column, or takes the table away.
fn is_seen_to(context: &Context<'_>, table: &Name, key: &[String], renames: usize) -> bool {
    context.later_migrations(table).any(|migration| {
        let steps = migration.up.iter().flat_map(|up| &up.steps).filter(|step| step.runs_on(context.dialect()));
        steps.map(|step| &step.operation).any(|operation| match operation {
            Operation::RenameTable { table: from, to } if from == table && renames < RENAMES => {
                is_seen_to(context, to, key, renames + 1)
            }
            Operation::RenameColumn { table: of, column: from, to } if of == table && key.contains(from) && renames < RENAMES => {
                let renamed: Vec<String> = key.iter().map(|column| if column == from { to } else { column }.clone()).collect();
                is_seen_to(context, table, &renamed, renames + 1)
            }
            Operation::AddConstraint { table: of, constraint } => match &constraint.kind {
                ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => {
                    of == table && serves(columns, None, key)
                }
                _ => false,
            },
            Operation::CreateIndex(index) => index.table == *table && serves(&index.columns, index.predicate.as_ref(), key),
            Operation::DropTable { table: dropped, .. } => dropped == table,
            Operation::DropColumn { table: of, column: dropped, .. } => of == table && key.contains(dropped),
            _ => false,
        })
    })
}
