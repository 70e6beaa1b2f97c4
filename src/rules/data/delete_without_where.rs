use crate::migration::Mark;
use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::Delete { table, has_where: false, .. } = &step.operation else { return };
    if !before.is_upgrade() || !table.is_known() || !before.is_in_use(table) || before.is_emptied(table) {
        return;
    }
    let note = match before.is_postgres() {
        true => "every row stays locked until the end, and leaves a dead copy behind",
        false => "every row stays locked until the end",
    };
    found
        .at(step.at(Mark::Table), format!("this deletes every row of `{table}` in one transaction"))
        .note(note)
        .help("delete in batches by ranges of the primary key; TRUNCATE where nothing points to the table");
});
