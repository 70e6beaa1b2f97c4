use crate::engine::FailureKind;
use crate::migration::{Mark, Origin, Step};
use crate::operation::{Constraint, ConstraintKind, Operation, show_holes};
use crate::rule::{Check, Context};
use crate::rules::mend;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Origin::Directive(directive) = step.origin else { return };
    if !refused(before, before.at) || is_repeated(step, before) {
        return;
    }
    let Some(failure) = &before.effects().failure else { return };
    let Some(table) = step.operation.table().map(ToString::to_string) else { return };
    let does = match &step.operation {
        // The column is added first, its constraint apart from it.
        Operation::AddConstraint { constraint, .. } if directive == "add_column" => {
            let column = columns(constraint).join(", ");
            format!(
                "add the {} of `{table}.{}`: Alembic adds the column, then raises {}",
                constraint.kind.title(),
                show_holes(&column),
                failure.answer
            )
        }
        Operation::AddConstraint { constraint, .. } => {
            format!("add a {} to `{table}`: Alembic raises {}", constraint.kind.title(), failure.answer)
        }
        Operation::DropConstraint { .. } => format!("drop a constraint of `{table}`: Alembic raises {}", failure.answer),
        operation => match operation.object() {
            Some(column) => format!("alter `{table}.{}`: it answers `{}`", show_holes(&column), failure.answer),
            None => format!("do this to `{table}`: it answers `{}`", failure.answer),
        },
    };
    let finding = found.at(step.at(Mark::Name), format!("SQLite cannot {does}"));
    finding.note("SQLite's ALTER TABLE only renames, and adds or drops plain columns; Alembic's batch mode copies the table into a new one");
    if let (Operation::AddConstraint { constraint, .. }, "add_column") = (&step.operation, directive) {
        finding.help(named_constraint(&table, constraint));
        return;
    }
    let text = before.text(step.statement);
    finding.help(in_batch(text, directive, &table));
    let opener = format!("with op.batch_alter_table(\"{table}\") as batch_op:");
    // In a batch a constraint has to have a name.
    let unnamed = matches!(&step.operation, Operation::AddConstraint { constraint, .. } if constraint.name.is_none());
    if let Some(call) = batch_call(text, directive, &table).filter(|_| text.starts_with("op.") && !unnamed) {
        let edits = mend::in_block(&before.script.source, step.statement, &opener, &call);
        finding.fix(edits.and_then(|edits| mend::safe("put it into a batch block", edits)));
    }
});

fn refused(before: &Context<'_>, at: usize) -> bool {
    before.stages[at].effects.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::NeedsBatch)
}

/// One `alter_column` call makes several steps; the first one speaks for it.
fn is_repeated(step: &Step, before: &Context<'_>) -> bool {
    let earlier = before.script.steps[..before.at].iter().enumerate().rev();
    earlier.take_while(|(_, other)| other.statement == step.statement).any(|(at, _)| refused(before, at))
}

fn columns(constraint: &Constraint) -> &[String] {
    match &constraint.kind {
        ConstraintKind::Unique { columns, .. } | ConstraintKind::ForeignKey { columns, .. } => columns,
        _ => &[],
    }
}

/// A batch refuses constraints without a name, so the column comes first and its constraint after it.
fn named_constraint(table: &str, constraint: &Constraint) -> String {
    let name = show_holes(&columns(constraint).join("_"));
    let call = match &constraint.kind {
        ConstraintKind::ForeignKey { reference, .. } => {
            let referenced = reference.columns.first().map_or("id", String::as_str);
            format!(
                "batch_op.create_foreign_key(\"fk_{table}_{name}\", \"{}\", [\"{name}\"], [\"{referenced}\"])",
                reference.table
            )
        }
        _ => format!("batch_op.create_unique_constraint(\"uq_{table}_{name}\", [\"{name}\"])"),
    };
    format!(
        "in a batch block, add the plain column first and then its constraint, under a name:\nwith op.batch_alter_table(\"{table}\") as batch_op:\n    {call}"
    )
}

/// The call inside a batch block, where that can be written without knowing more.
fn in_batch(call: &str, directive: &str, table: &str) -> String {
    let call = batch_call(call, directive, table).unwrap_or_else(|| format!("batch_op.{directive}(…)"));
    format!("with op.batch_alter_table(\"{table}\") as batch_op:\n    {call}")
}

/// The same call on `batch_op`, without the table: it stands first, or second behind a constraint's name.
fn batch_call(call: &str, directive: &str, table: &str) -> Option<String> {
    let (_, arguments) = call.split_once(directive)?;
    let inner = arguments.trim_start().strip_prefix('(')?;
    let quoted = [format!("\"{table}\""), format!("'{table}'")];
    let (at, length) = quoted.iter().filter_map(|quoted| inner.find(quoted.as_str()).map(|at| (at, quoted.len()))).min()?;
    let behind = inner[at + length..].trim_start();
    let behind = behind.strip_prefix(',').map(str::trim_start).unwrap_or(behind);
    let before = inner[..at].trim_end_matches("table_name=").trim_end_matches("source_table=");
    // What only plain operations take.
    if call.contains("schema=") {
        return None;
    }
    // A list of arguments that ends with the table leaves a comma behind.
    let before = if behind.starts_with(')') { before.trim_end().trim_end_matches(',') } else { before };
    Some(format!("batch_op.{directive}({}{behind}", before.trim_start()))
}
