use crate::migration::Mark;
use crate::operation::{Name, Operation};
use crate::rule::{Check, Context};
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DropTable { table, .. } = &step.operation else { return };
    // Behind a check for it, and the history shows no such table any longer.
    if step.conditional && before.schema.was_dropped(table) {
        return;
    }
    // Books of migration tools and what a failed batch left behind.
    let of_a_tool = table.name.starts_with("_alembic_tmp_") || BOOKS.contains(&table.name.as_str());
    if !before.is_upgrade() || before.is_new(table) || of_a_tool {
        return;
    }
    if phrase::is_rebuilt(before, table) {
        if is_made_again_empty(before, table) {
            found
                .at(step.at(Mark::Table), format!("every row of `{table}` goes: it is dropped, and made again empty"))
                .note(before.origin_of(table))
                .help(format!(
                    "change `{table}` with ALTER TABLE, or copy its rows into the new table before the old one is dropped"
                ));
        }
        return;
    }
    let taken = before.later().find_map(|later| match &later.operation {
        Operation::RenameTable { table: from, to } if to == table => Some(from),
        _ => None,
    });
    let consequence = match taken {
        Some(other) => format!(
            "code that is running now meets under `{table}` what was `{other}`; `{table}` itself is dropped here with its rows"
        ),
        None => format!("code that is running now fails as soon as it uses `{table}`, which is dropped here with its rows"),
    };
    found.at(step.at(Mark::Table), consequence).note(before.origin_of(table)).help(format!(
        "in phases: 1. release code that no longer uses `{table}`; 2. drop it in a migration of the next release, after a backup"
    ));
});

/// Tables in which migration tools write down what they have run.
const BOOKS: &[&str] = &[
    "alembic_version",
    "migrate_version",
    "schema_migrations",
    "__diesel_schema_migrations",
    "_sqlx_migrations",
    "_prisma_migrations",
    "goose_db_version",
    "gorp_migrations",
    "flyway_schema_history",
    "refinery_schema_history",
    "databasechangelog",
    "databasechangeloglock",
    "schema_version",
    "pgmigrations",
    "django_migrations",
    "knex_migrations",
];

/// A table of the same name is made behind the drop, and no step has read the rows of the old one.
fn is_made_again_empty(before: &Context<'_>, table: &Name) -> bool {
    let makes = |operation: &Operation| matches!(operation, Operation::CreateTable(create) if create.table == *table && create.reads.is_empty());
    let may_read = |operation: &Operation| match operation {
        Operation::Insert { rows, .. } => rows.reads.contains(table),
        Operation::CreateTable(create) => create.reads.contains(table),
        Operation::Select(_) => true,
        Operation::RenameTable { table: from, to } => from == table || to == table,
        operation => !operation.is_understood(),
    };
    // DROP TABLE IF EXISTS in front of a new table is a habit.
    let is_known = before.table(table).is_some_and(|known| known.created_in.is_some());
    is_known && before.later().any(|later| makes(&later.operation)) && !before.steps().any(|(_, step)| may_read(&step.operation))
}
