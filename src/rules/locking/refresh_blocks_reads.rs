use crate::operation::Operation;
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::RefreshMaterializedView { name, concurrently: false, with_data: true } = &step.operation else { return };
    if before.is_new(name) {
        return;
    }
    let refresh = phrase::statement(before, &format!("REFRESH MATERIALIZED VIEW CONCURRENTLY {}", phrase::sql_name(name)));
    let has_key =
        before.table(name).is_none_or(|view| view.indexes().iter().any(|index| index.unique && index.predicate.is_none()));
    let key = if has_key { "" } else { "give the view a unique index first; then:\n" };
    found
        .at(step.span, format!("reads of `{name}` wait until its query has run"))
        .note("REFRESH holds AccessExclusive on the view; CONCURRENTLY compares the rows instead and lets reads go on, which needs a unique index")
        .help(format!("{key}{refresh}"));
});
