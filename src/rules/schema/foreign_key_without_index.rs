use std::collections::HashSet;

use crate::operation::{ConstraintKind, CreateIndex, Dialect, Name, Operation};
use crate::rule::{Check, Context};
use crate::rules::phrase;

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
            // The first of its columns finds the rows; the others narrow them down.
            let covered =
                table.indexes().iter().any(|index| index.predicate.is_none() && index.columns.first() == columns.first());
            let key = (table.name.to_string(), columns.clone());
            if !new || covered || columns.is_empty() || told.contains(&key) || is_seen_to(context, &table.name, &columns[0]) {
                continue;
            }
            told.push(key);
            found.statement = step.statement;
            let list = columns.join("`, `");
            found
                .at(
                    step.span,
                    format!(
                        "`{}.{list}` points to `{}` and has no index: deleting a row there reads all of `{}`",
                        table.name, reference.table, table.name
                    ),
                )
                .note("the other end of a foreign key always has an index, this end only where somebody makes one")
                .help(index_of(context, &table.name, columns));
        }
    }
});

/// The index, built without stopping anybody where the table is in use.
fn index_of(context: &Context<'_>, table: &Name, columns: &[String]) -> String {
    let live = context.is_postgres() && context.is_in_use(table);
    let name = format!("ix_{}_{}", table.name, columns.join("_"));
    let plain = CreateIndex::new(Some(name), table.clone(), columns.to_vec());
    let index = CreateIndex { concurrently: live, ..plain };
    let text = crate::render::operation(&Operation::CreateIndex(index.into()), phrase::style(context)).unwrap_or_default();
    if live { phrase::outside_transaction(context, &text) } else { text }
}

/// A later migration makes the index, or takes the table away.
fn is_seen_to(context: &Context<'_>, table: &Name, column: &str) -> bool {
    context.later_migrations(table).any(|migration| {
        let steps = migration.up.iter().flat_map(|up| &up.steps).filter(|step| step.runs_on(context.dialect()));
        steps.map(|step| &step.operation).any(|operation| match operation {
            Operation::CreateIndex(index) => {
                index.table == *table && index.predicate.is_none() && index.columns.first().is_some_and(|first| first == column)
            }
            Operation::DropTable { table: dropped, .. } => dropped == table,
            Operation::DropColumn { table: of, column: dropped, .. } => of == table && dropped == column,
            _ => false,
        })
    })
}
