use crate::engine::FailureKind;
use crate::migration::Mark;
use crate::operation::{Dialect, Operation, show_holes};
use crate::rule::Check;
use crate::rules::mend;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AddColumn { table, column, .. } = &step.operation else { return };
    let Some(failure) = before.effects().failure.as_ref().filter(|failure| failure.kind == FailureKind::AddColumn) else {
        return;
    };
    if failure.with_rows && (before.is_new(table) || before.is_emptied(table)) {
        return;
    }
    let required = failure.answer.contains("NOT NULL");
    // Said of the other databases already.
    if required && before.environment.dialects().iter().any(|dialect| *dialect != Dialect::Sqlite) {
        return;
    }
    let name = show_holes(&column.name);
    let when = if failure.with_rows { format!("if `{table}` holds a single row") } else { "always".to_owned() };
    let mark = if required {
        Mark::Nullable
    } else if column.default.is_some() {
        Mark::Default
    } else {
        Mark::Name
    };
    let finding = found.at(step.at(mark), format!("adding `{table}.{name}` fails {when}: {}", failure.answer));
    if failure.with_rows {
        finding.note(before.origin_of(table));
    }
    if required {
        finding.fix(mend::server_default(before, step));
    }
    finding.help(if required {
        "give it a constant default, or add it nullable, fill it, and make it NOT NULL in a batch block"
    } else if column.unique {
        "add the column, then a unique index: CREATE UNIQUE INDEX …"
    } else if failure.answer.contains("default") {
        "give it a constant default, or none and an UPDATE behind it; a batch block takes any default, for it copies the table"
    } else {
        "make a new table that has it and copy the rows, as Alembic's batch mode does"
    });
});
