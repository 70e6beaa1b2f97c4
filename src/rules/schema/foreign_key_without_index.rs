use std::collections::HashSet;

use crate::operation::{ConstraintKind, Dialect, Name};
use crate::rule::Check;

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
            if !new || covered || columns.is_empty() || told.contains(&key) {
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
                .help(format!(
                    "CREATE INDEX {}_{}_idx ON {} ({});",
                    table.name.name,
                    columns.join("_"),
                    table.name,
                    columns.join(", ")
                ));
        }
    }
});
