use crate::migration::Mark;
use crate::operation::{Operation, show_holes};
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AddEnumValue { name, value, .. } = &step.operation else { return };
    // Up to 11 the statement refuses a transaction altogether.
    if !before.inside().is_transaction() || before.engine.postgres_major < 12 {
        return;
    }
    // A type that the same transaction makes may be used from 17 on.
    let made_here = before.schema.enum_type(name).is_some_and(|known| !before.is_old(known.created_in));
    if made_here && before.engine.postgres_major >= 17 {
        return;
    }
    let quoted = [format!("'{value}'"), format!("\"{value}\"")];
    let uses = |operation: &Operation| {
        !matches!(operation, Operation::AddEnumValue { .. } | Operation::RenameEnumValue { .. } | Operation::CreateEnum { .. })
    };
    let used = before.later().take_while(|later| later.operation != Operation::Commit).find(|later| {
        let text = before.text(later.span);
        later.span != step.span && uses(&later.operation) && quoted.iter().any(|value| text.contains(value.as_str()))
    });
    let Some(used) = used else { return };
    let value = show_holes(value);
    let finding = found.at(
        step.at(Mark::Name),
        format!("the new value '{value}' of `{name}` is used before it is committed: PostgreSQL refuses that"),
    );
    finding.label(&before.script.source, used.span, "used here, in the same transaction");
    finding.note("PostgreSQL raises 55P04, \"unsafe use of new value\"");
    let text = before.text(step.statement).to_owned();
    finding.help(format!("add the value {}", phrase::outside_transaction(before, &text)));
});
