use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    // One finding a call; names that a loop over the file's own constants puts in are known and are no holes.
    let repeats = |at: usize| before.script.steps[at].statement == step.statement;
    if !step.manner.interpolated
        || before.at.checked_sub(1).is_some_and(repeats)
        || matches!(step.operation, Operation::Opaque { .. })
    {
        return;
    }
    // Another linter's word that somebody has looked at it.
    let source = &before.script.source;
    let lines = source.line_of(step.statement.start)..=source.line_of(step.statement.end);
    let looked_at = |line: usize| {
        let text = source.slice(source.line_span(line));
        text.contains("# nosec") || text.contains("noqa: S608")
    };
    if lines.clone().any(looked_at) {
        return;
    }
    found
        .at(
            step.span,
            "part of this SQL is put in when the script runs: a quote in it breaks the statement, or does something else",
        )
        .help("bind values: op.execute(sa.text(\"… WHERE id = :id\").bindparams(id=…)); write names out");
});
