use crate::operation::Operation;
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    if let Operation::Update { table, has_where: false, .. } = &step.operation {
        let help = "change the rows in batches, by ranges of the primary key, outside of the migration's transaction";
        phrase::every_row(step, before, found, table, "changes", help);
    }
});
