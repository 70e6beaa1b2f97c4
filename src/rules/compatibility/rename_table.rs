use crate::migration::Mark;
use crate::operation::Operation;
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::RenameTable { table, to } = &step.operation else { return };
    if !before.is_upgrade() || before.is_new(table) || phrase::is_rebuilt(before, table) || phrase::is_rebuilt(before, to) {
        return;
    }
    // A view would hold on to the columns that the migration goes on to change.
    let goes_on = before.later().any(|later| later.operation.table().is_some_and(|of| of == table || of == to));
    let help = match goes_on {
        true => "in phases: 1. a new table beside the old one, written by both releases; 2. copy the rows in batches; 3. drop the old one".to_owned(),
        false => format!(
            "keep the old name working until the next release, by adding:\n{}\nand where there is a way back, first in it:\n{}",
            phrase::statement(
                before,
                &format!("CREATE VIEW {} AS SELECT * FROM {}", phrase::sql_name(table), phrase::sql_name(to))
            ),
            phrase::statement(before, &format!("DROP VIEW {}", phrase::sql_name(table)))
        ),
    };
    found
        .at(step.at(Mark::Table), format!("code that is running now still says `{table}` and fails once it is called `{to}`"))
        .note("as it is, there is no moment at which the old and the new code both work")
        .help(help);
});
