use crate::operation::{Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::Set { name, local: true, .. } = &step.operation else { return };
    if before.inside().is_transaction() || name == "transaction" {
        return;
    }
    let name = show_holes(name);
    found
        .at(
            step.span,
            format!("SET LOCAL {name} does nothing here: it lasts until the end of the transaction, and there is none"),
        )
        .help(format!("write SET {name} … instead, and RESET {name} behind what needs it"));
});
