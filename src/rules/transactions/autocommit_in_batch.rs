use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    if !step.manner.autocommit_in_batch
        || before.at.checked_sub(1).is_some_and(|at| before.script.steps[at].manner.autocommit_in_batch)
    {
        return;
    }
    found
        .at(step.span, "this autocommit block fails: batch_alter_table sends its operations at the end, when the block is over")
        .help("close the batch first, and give the block a migration of its own");
});
