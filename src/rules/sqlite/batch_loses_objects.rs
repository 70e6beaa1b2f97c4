use crate::migration::TableArgs;
use crate::rule::Check;

/// How many objects a message names.
const NAMED: usize = 4;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Some(batch) = &step.batch else { return };
    let loses = &before.effects().loses;
    let Some(table) = step.operation.table().filter(|table| !loses.is_empty() && !before.is_new(table)) else { return };
    let mut named: Vec<String> = loses.iter().take(NAMED).map(|lost| format!("`{lost}`")).collect();
    if loses.len() > NAMED {
        named.push(format!("{} more", loses.len() - NAMED));
    }
    let finding = found.at(step.span, format!("copying `{table}` loses {} without a word", named.join(", ")));
    if batch.copy_from.picture().is_some() {
        finding.note("with `copy_from=` the new table is what the script says of it, and nothing else");
        finding.help("say it in `copy_from=` too, or leave `copy_from=` out, so that Alembic looks at the table");
        return;
    }
    finding.note("batch mode makes the new table from what SQLAlchemy reflects; triggers, expression indexes, unnamed UNIQUE and CHECK, COLLATE, DESC and AUTOINCREMENT are not among it");
    let constraints = loses.iter().any(|lost| lost.starts_with("CHECK") || lost.starts_with("UNIQUE"));
    finding.help(if constraints && batch.table_args == TableArgs::None {
        "hand over the constraints in `table_args=` of batch_alter_table, and make the rest anew behind the block"
    } else {
        "make them anew with op.execute() behind the block"
    });
});
