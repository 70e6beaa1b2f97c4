use crate::operation::Operation;
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AttachPartition { table, partition, bound } = &step.operation else { return };
    let Some((scanned, why)) = before.scanned() else { return };
    let bounds = bound.as_ref().map(|bound| bound.text.as_str()).filter(|text| !text.is_empty()).unwrap_or("the bounds");
    let name = phrase::sql_name(partition);
    found
        .at(step.span, format!("reads and writes of `{scanned}` wait while it is read in full: {why}"))
        .note(format!("ATTACH PARTITION takes AccessExclusive on what it attaches to `{table}`, and on the default partition; a CHECK that proves the bounds, and NOT NULL on the key, spare the scan"))
        .help(format!(
            "first add a CHECK that says the same as {bounds}:\nALTER TABLE {name} ADD CONSTRAINT {}_bounds CHECK (…) NOT VALID;\nvalidate it in the next migration, attach, and drop it again",
            partition.name
        ));
});
