use crate::operation::{Operation, ReindexTarget};
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::Reindex { target, name, concurrently: false } = &step.operation else { return };
    let table = match target {
        ReindexTarget::Table => Some(name),
        ReindexTarget::Index => before.schema.index(name).map(|(table, _)| &table.name),
        ReindexTarget::Schema | ReindexTarget::Database | ReindexTarget::System => None,
    };
    if table.is_some_and(|table| !before.is_in_use(table))
        || before.effects().refuses_transaction && before.inside().is_transaction()
    {
        return;
    }
    let whom = table.map_or_else(|| "the tables".to_owned(), |table| format!("`{table}`"));
    let text = before.text(step.statement);
    let upper = text.to_ascii_uppercase();
    let word =
        ["INDEX ", "TABLE ", "SCHEMA ", "DATABASE "].iter().find_map(|word| Some(upper[7..].find(word)? + 7 + word.len() - 1));
    let help = match word {
        Some(at) if before.engine.postgres_major >= 12 => {
            phrase::outside_transaction(before, &format!("{} CONCURRENTLY{}", &text[..at], &text[at..]))
        }
        _ => "before PostgreSQL 12: build a new index CONCURRENTLY, drop the old one CONCURRENTLY, rename".to_owned(),
    };
    let held = table.and_then(|table| before.held(table)).is_some_and(|held| held.blocks_reads());
    let message = match held {
        true => format!("reads and writes of {whom} wait until the indexes are built anew, as an earlier step locks it"),
        false => format!("writes to {whom} wait until the indexes are built anew, and so do reads that would use them"),
    };
    found.at(step.span, message).note("REINDEX holds Share on the table and AccessExclusive on each index").help(help);
});
