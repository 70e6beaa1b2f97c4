use crate::migration::Mark;
use crate::operation::Operation;
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::RenameTable { table, to } = &step.operation else { return };
    if !before.is_upgrade() || before.is_new(table) || phrase::is_rebuilt(before, table) || phrase::is_rebuilt(before, to) {
        return;
    }
    found
        .at(step.at(Mark::Table), format!("code that is running now still says `{table}` and fails once it is called `{to}`"))
        .note("there is no moment at which the old and the new code both work")
        .help(format!(
            "keep the old name working until the next release, by adding:\n{}",
            phrase::statement(
                step,
                &format!("CREATE VIEW {} AS SELECT * FROM {}", phrase::sql_name(table), phrase::sql_name(to))
            )
        ));
});
