use crate::migration::{Mark, Origin};
use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, _, found| {
    let words = match &step.operation {
        _ if step.origin != Origin::Sql => return,
        Operation::CreateTable(create) if !create.if_not_exists => "IF NOT EXISTS",
        Operation::CreateIndex(index) if !index.if_not_exists && index.name.is_some() => "IF NOT EXISTS",
        Operation::DropTable { if_exists: false, .. }
        | Operation::DropIndex { if_exists: false, .. }
        | Operation::DropView { if_exists: false, .. } => "IF EXISTS",
        _ => return,
    };
    found
        .at(step.at(Mark::Name), format!("without {words} this cannot run a second time, after a run that failed half way"))
        .help(format!("add {words}"));
});
