use crate::migration::Mark;
use crate::operation::Operation;
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DropTable { table, .. } = &step.operation else { return };
    // Behind a check for it, and the history shows no such table any longer.
    if step.conditional && before.schema.was_dropped(table) {
        return;
    }
    // Books of migration tools and what a failed batch left behind.
    let of_a_tool = table.name.starts_with("_alembic_tmp_")
        || matches!(table.name.as_str(), "migrate_version" | "alembic_version" | "schema_migrations");
    if !before.is_upgrade() || before.is_new(table) || of_a_tool || phrase::is_rebuilt(before, table) {
        return;
    }
    found
        .at(step.at(Mark::Table), format!("code that is running now fails as soon as it uses `{table}`, which is dropped here with its rows"))
        .note(before.origin_of(table))
        .help(format!("in phases: 1. release code that no longer uses `{table}`; 2. drop it in a migration of the next release, after a backup"));
});
