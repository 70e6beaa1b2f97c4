use crate::migration::Mark;
use crate::operation::{Name, Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    // Behind a condition, or with IF NOT EXISTS, the script asks by itself.
    if step.conditional || !before.is_upgrade() {
        return;
    }
    let made_in = |name: &Name| before.table(name).filter(|table| !table.temporary).and_then(|table| table.created_in);
    let (what, made_in) = match &step.operation {
        Operation::CreateTable(create) if !create.if_not_exists && !create.temporary => {
            (format!("`{}`", create.table), made_in(&create.table))
        }
        Operation::AddColumn { table, column, if_not_exists: false } => {
            let known = before.schema.column(table, &column.name);
            (format!("`{table}.{}`", show_holes(&column.name)), known.map(|known| known.added_in))
        }
        Operation::CreateIndex(index) if !index.if_not_exists => {
            let Some(name) = index.name.as_ref().map(|name| Name::with_schema(index.table.schema.clone(), name.as_str())) else {
                return;
            };
            let known = before.schema.index(&name).filter(|(table, _)| table.created_in.is_some());
            (format!("`{name}`"), known.map(|(_, known)| known.created_in))
        }
        _ => return,
    };
    let Some(made_in) = made_in else { return };
    // Two branches may each make it before they merge; only one after the other is a contradiction.
    if !before.is_ancestor(made_in) {
        return;
    }
    let finding = found.at(step.at(Mark::Name), format!("{what} is there already: this fails"));
    if let Some(earlier) = before.environment.migrations.get(made_in) {
        finding.note(format!("{what} was made in {}", earlier.id));
    }
    finding.help("leave it out, or drop what is there first");
});
