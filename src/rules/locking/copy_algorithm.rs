use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Some((algorithm, why)) = before.effects().algorithm.as_ref().filter(|(algorithm, _)| algorithm.blocks_writes()) else {
        return;
    };
    let Some(table) = step.operation.table().filter(|table| !before.is_new(table)) else { return };
    // All actions of one ALTER TABLE run by one algorithm: the first one speaks.
    if before.at > 0
        && before.script.steps[before.at - 1].statement == step.statement
        && before.stages[before.at - 1].effects.algorithm.is_some()
    {
        return;
    }
    let how = match algorithm {
        crate::engine::mysql::Algorithm::Copy => "while the table is copied row by row",
        _ => "until it is done",
    };
    found
        .at(step.span, format!("writes to `{table}` wait {how}: {why}"))
        .note("ALGORITHM=COPY and LOCK=SHARED hold back every INSERT, UPDATE and DELETE for as long as the table is large; reads go on")
        .note(before.origin_of(table))
        .help("run it with gh-ost or pt-online-schema-change; or add ALGORITHM=INPLACE, LOCK=NONE, so that the server refuses instead of blocking");
});
