use crate::migration::{Mark, Origin, Step};
use crate::operation::{Column, Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Origin::Directive(directive) = step.origin else { return };
    if step.batch.is_some() || is_repeated(step, before.at, &before.script.steps) {
        return;
    }
    let Some((message, table)) = refusal(directive, &step.operation) else { return };
    let finding = found.at(step.at(Mark::Name), message);
    finding.note("SQLite's ALTER TABLE only renames, and adds or drops plain columns; Alembic's batch mode copies the table into a new one");
    finding.help(match &step.operation {
        Operation::AddColumn { column, .. } => named_constraint(&table, column),
        _ => in_batch(before.text(step.statement), directive, &table),
    });
});

/// One `alter_column` call makes several steps; the first one speaks for it.
fn is_repeated(step: &Step, at: usize, steps: &[Step]) -> bool {
    let refused = |other: &&Step| matches!(other.origin, Origin::Directive(name) if refusal(name, &other.operation).is_some());
    steps[..at].iter().rev().take_while(|other| other.statement == step.statement).any(|other| refused(&other))
}

/// Why Alembic or SQLite refuses the directive outside of a batch. Measured on SQLite 3.40.
fn refusal(directive: &'static str, operation: &Operation) -> Option<(String, String)> {
    let constraints = "Alembic raises NotImplementedError: \"No support for ALTER of constraints in SQLite dialect\"";
    let table = operation.table()?.to_string();
    let message = match operation {
        Operation::AlterColumnType { column, .. }
        | Operation::SetNotNull { column, .. }
        | Operation::DropNotNull { column, .. }
        | Operation::SetDefault { column, .. }
        | Operation::DropDefault { column, .. }
            if directive == "alter_column" =>
        {
            format!("SQLite cannot alter `{table}.{}`: it answers `near \"ALTER\": syntax error`", show_holes(column))
        }
        Operation::AddConstraint { constraint, .. } => {
            format!("SQLite cannot add a {} to `{table}`: {constraints}", constraint.kind.title())
        }
        Operation::DropConstraint { .. } => format!("SQLite cannot drop a constraint of `{table}`: {constraints}"),
        Operation::AddColumn { column, .. } if column.unique => {
            format!("SQLite cannot add the unique column `{table}.{}`: Alembic adds the column, then raises NotImplementedError", show_holes(&column.name))
        }
        Operation::AddColumn { column, .. } if column.references.is_some() => {
            format!("SQLite cannot add `{table}.{}` with its foreign key: Alembic adds the column, then raises NotImplementedError", show_holes(&column.name))
        }
        _ => return None,
    };
    Some((message, table))
}

/// A batch refuses constraints without a name, so the column comes first and its constraint after it.
fn named_constraint(table: &str, column: &Column) -> String {
    let name = show_holes(&column.name);
    let constraint = match &column.references {
        Some(reference) => {
            let referenced = reference.columns.first().map_or("id", String::as_str);
            format!("batch_op.create_foreign_key(\"fk_{table}_{name}\", \"{}\", [\"{name}\"], [\"{referenced}\"])", reference.table)
        }
        None => format!("batch_op.create_unique_constraint(\"uq_{table}_{name}\", [\"{name}\"])"),
    };
    format!("in a batch block, add the plain column first and then its constraint, under a name:\nwith op.batch_alter_table(\"{table}\") as batch_op:\n    {constraint}")
}

/// The call inside a batch block, where that can be written without knowing more.
fn in_batch(call: &str, directive: &str, table: &str) -> String {
    let rewritten = call.split_once(directive).and_then(|(_, arguments)| {
        let quoted = [format!("\"{table}\""), format!("'{table}'")];
        let inner = arguments.trim_start().strip_prefix('(')?;
        // The table's name goes away: first for most directives, second behind a constraint's name.
        let at = quoted.iter().filter_map(|quoted| inner.find(quoted.as_str()).map(|at| (at, quoted.len()))).min()?;
        let behind = inner[at.0 + at.1..].trim_start();
        let behind = behind.strip_prefix(',').map(str::trim_start).unwrap_or(behind);
        let before = inner[..at.0].trim_end_matches("table_name=").trim_end_matches("source_table=");
        Some(format!("    batch_op.{directive}({}{behind}", before.trim_start()))
    });
    match rewritten {
        Some(call) => format!("with op.batch_alter_table(\"{table}\") as batch_op:\n{call}"),
        None => format!("with op.batch_alter_table(\"{table}\") as batch_op:\n    batch_op.{directive}(…)"),
    }
}
