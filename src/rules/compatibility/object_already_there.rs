use crate::migration::Mark;
use crate::rule::Check;
use crate::rules::contradictions;

pub const CHECK: Check = Check::Step(|step, before, found| {
    if !before.is_upgrade() {
        return;
    }
    let Some((what, made_in)) = contradictions::already_there(step, before) else { return };
    // Two branches may each make it before they merge; only one after the other is a contradiction.
    if made_in != before.index && !before.is_ancestor(made_in) {
        return;
    }
    let finding = found.at(step.at(Mark::Name), format!("{what}: this fails"));
    if let Some(earlier) = before.environment.migrations.get(made_in) {
        finding.note(format!("it was made in {}", earlier.id));
    }
    finding.help(match what.starts_with("the type ") {
        true => "take the type that is there: postgresql.ENUM(…, name=…, create_type=False), with `from sqlalchemy.dialects import postgresql`",
        false => "leave it out, or drop what is there first",
    });
});
