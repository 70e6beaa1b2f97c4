use crate::migration::Mark;
use crate::operation::{ConstraintKind, Name, Operation, show_holes};
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let (table, columns, primary, name) = match &step.operation {
        Operation::AddConstraint { table, constraint } => match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, using_index: None } => (table, columns.clone(), true, constraint.name.clone()),
            ConstraintKind::Unique { columns, using_index: None } => (table, columns.clone(), false, constraint.name.clone()),
            _ => return,
        },
        Operation::AddColumn { table, column, .. } if column.unique || column.primary_key => {
            (table, vec![column.name.clone()], column.primary_key, None)
        }
        _ => return,
    };
    if before.scanned().is_none() || before.is_new(table) || before.rewritten().is_some() {
        return;
    }
    let kind = if primary { "primary key" } else { "unique constraint" };
    let index = name.unwrap_or_else(|| format!("{}_{}_key", table.name, columns.join("_")));
    let index = phrase::sql_name(&Name::new(show_holes(&index)));
    let list: Vec<String> = columns.iter().map(|column| phrase::sql_name(&Name::new(column.as_str()))).collect();
    let table_name = phrase::sql_name(table);
    let build = format!("CREATE UNIQUE INDEX CONCURRENTLY {index} ON {table_name} ({})", list.join(", "));
    let words = if primary { "PRIMARY KEY" } else { "UNIQUE" };
    let adopt = format!("ALTER TABLE {table_name} ADD CONSTRAINT {index} {words} USING INDEX {index}");
    found
        .at(step.at(Mark::Name), format!("reads and writes of `{table}` wait until the index of the {kind} is built"))
        .note("ADD CONSTRAINT holds AccessExclusive for a scan and a sort of the whole table; an index that exists already is taken over in an instant")
        .note(before.origin_of(table))
        .help(format!(
            "{}\nand in the next migration:\n{}",
            phrase::outside_transaction(before, step, &build),
            phrase::statement(step, &adopt)
        ));
});
