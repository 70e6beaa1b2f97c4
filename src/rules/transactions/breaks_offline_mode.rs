use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Script(|context, found| {
    let text = context.script.source.text();
    let fetches = ["fetchone(", "fetchall(", ".scalar(", ".scalars(", ".first(", ".mappings(", "inspect("];
    if !fetches.iter().any(|call| text.contains(call)) {
        return;
    }
    let reads = context.steps().map(|(_, step)| step).find(|step| matches!(step.operation, Operation::Select(_)));
    let Some(read) = reads else { return };
    found.statement = read.statement;
    found
        .at(
            read.span,
            "`alembic upgrade --sql` fails here, for this migration and all after it: there is no connection to read from",
        )
        .help("say what to do in SQL alone (INSERT … SELECT, UPDATE … FROM), or guard it with context.is_offline_mode()");
});
