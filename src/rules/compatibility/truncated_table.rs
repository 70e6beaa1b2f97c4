use crate::operation::Operation;
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::Truncate { table, cascade, .. } = &step.operation else { return };
    if !before.is_upgrade() || !before.is_in_use(table) {
        return;
    }
    let others: Vec<String> = before
        .effects()
        .rewrites
        .keys()
        .filter(|name| **name != crate::engine::in_public(table))
        .map(|name| format!("`{name}`"))
        .collect();
    let along = if others.is_empty() { String::new() } else { format!(", and with it {}", others.join(", ")) };
    let finding = found.at(step.span, format!("all rows of `{table}` are gone at once{along}"));
    if *cascade && others.is_empty() {
        finding.note("CASCADE empties every table that points to it");
    }
    finding.help("take a backup, and delete what has to go by a condition");
});
