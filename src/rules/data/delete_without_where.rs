use crate::operation::Operation;
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    if let Operation::Delete { table, has_where: false, .. } = &step.operation {
        let help = "delete in batches by ranges of the primary key; TRUNCATE where nothing points to the table";
        phrase::every_row(step, before, found, table, "deletes", help);
    }
});
