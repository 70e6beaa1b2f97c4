use crate::engine::postgres::enums::use_before_commit;
use crate::migration::Mark;
use crate::operation::{Operation, show_holes};
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AddEnumValue { name, value, .. } = &step.operation else { return };
    if !before.inside().is_transaction() {
        return;
    }
    let later = before.later().take_while(|later| later.operation != Operation::Commit);
    let later = later.map(|later| (later, before.text(later.span)));
    let made_here = |made_in| !before.is_old(made_in);
    let used = use_before_commit(step, later, before.schema, made_here, before.engine.postgres_major);
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
