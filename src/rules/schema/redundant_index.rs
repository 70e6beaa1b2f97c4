use crate::migration::Mark;
use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::CreateIndex(index) = &step.operation else { return };
    let Some(table) =
        before.table(&index.table).filter(|_| before.is_upgrade() && index.predicate.is_none() && !index.columns.is_empty())
    else {
        return;
    };
    let plain = |method: &Option<String>| method.as_deref().is_none_or(|method| method == "btree");
    let covers = |other: &&crate::schema::TableIndex| {
        // One that MySQL made for a foreign key gives way.
        !other.implied
            && Some(other.name.as_str()) != index.name.as_deref()
            && other.predicate.is_none()
            && plain(&other.method)
            && plain(&index.method)
            && other.columns.starts_with(&index.columns)
            && (!index.unique || other.columns == index.columns && other.unique)
    };
    let indexes = table.indexes();
    let Some(other) = indexes.iter().copied().find(covers) else { return };
    found
        .at(
            step.at(Mark::Name),
            format!(
                "`{}` on `{}` has these columns in front already: this index only costs writes and space",
                other.name, index.table
            ),
        )
        .help("leave it out");
});
