use crate::operation::Operation;
use crate::rule::Check;
use crate::migration::Mark;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::CreateIndex(index) = &step.operation else { return };
    if index.concurrently || before.is_new(&index.table) {
        return;
    }
    let name = index.name.as_ref().map_or_else(|| "the index".to_owned(), |name| format!("`{}`", crate::operation::show_holes(name)));
    found
        .at(step.at(Mark::Name), format!("writes to `{}` wait until {name} is built", index.table))
        .note("CREATE INDEX holds a Share lock on the table: reads go on, every INSERT, UPDATE and DELETE waits for a full scan and sort")
        .note(before.origin_of(&index.table))
        .help(phrase::outside_transaction(before, step, &phrase::with_concurrently(before, step)));
});
