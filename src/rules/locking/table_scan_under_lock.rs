use crate::operation::Operation;
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    // Constraints, NOT NULL, indexes, partitions and domains have rules of their own.
    let help = match &step.operation {
        Operation::AlterColumnType { .. } => {
            "drop them first, change the type, and bring them back: an index with CONCURRENTLY, a CHECK with NOT VALID and VALIDATE"
        }
        Operation::AddColumn { column, .. } if column.references.is_none() && !column.unique && !column.primary_key => {
            if column.checks.is_empty() {
                return;
            }
            &format!(
                "add the column without the CHECK, then the CHECK with NOT VALID, and validate it {}",
                phrase::in_next_migration(before)
            )
        }
        _ => return,
    };
    let Some((table, why)) = before.scanned().filter(|_| before.rewritten().is_none()) else { return };
    found
        .at(step.span, format!("reads and writes of `{table}` wait while it is read in full: {why}"))
        .note("the statement holds AccessExclusive for the scan")
        .note(before.origin_of(table))
        .help(help);
});
