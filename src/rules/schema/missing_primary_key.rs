use crate::migration::Mark;
use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::CreateTable(create) = &step.operation else { return };
    if create.columns_unknown || create.temporary || !create.parents.is_empty() || !before.is_upgrade() {
        return;
    }
    let has_key =
        before.stages.last().and_then(|last| last.schema.table(&create.table)).is_none_or(|table| table.primary_key().is_some());
    if !has_key {
        found
            .at(
                step.at(Mark::Table),
                format!(
                    "`{}` has no primary key: its rows have no name, and logical replication cannot change them",
                    create.table
                ),
            )
            .help("give it a key, one of its own if no column is one");
    }
});
