use crate::migration::{Mark, Origin};
use crate::operation::{ConstraintKind, Dialect, Operation};
use crate::rule::Check;
use crate::rules::mend;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AddConstraint { table, constraint } = &step.operation else { return };
    let from_directive = matches!(step.origin, Origin::Directive(name) if name.starts_with("create_"));
    if constraint.name.is_some() || !from_directive || !before.is_upgrade() || before.environment.env.has_naming_convention {
        return;
    }
    // In a batch on SQLite it fails, which batch_unnamed_constraint says.
    if step.batch.is_some() && before.environment.dialects().contains(&Dialect::Sqlite) {
        return;
    }
    let only_postgres = before.environment.dialects() == [Dialect::PostgreSql];
    let (prefix, columns) = match &constraint.kind {
        ConstraintKind::Unique { columns, .. } => ("uq", columns.join("_")),
        ConstraintKind::ForeignKey { columns, .. } => ("fk", columns.join("_")),
        ConstraintKind::PrimaryKey { columns, .. } => ("pk", columns.join("_")),
        _ => ("ck", "rule".to_owned()),
    };
    let columns = crate::operation::show_holes(&columns);
    // What PostgreSQL calls it today, which other migrations may say.
    let name = match (only_postgres, prefix) {
        (true, "fk") => format!("\"{}_{columns}_fkey\"", table.name),
        (true, "uq") => format!("\"{}_{columns}_key\"", table.name),
        (true, "pk") => format!("\"{}_pkey\"", table.name),
        _ => format!("\"{prefix}_{}_{columns}\"", table.name),
    };
    let at = step.marks.get(Mark::Name).filter(|at| before.text(*at) == "None" && !name.contains('…'));
    found
        .at(
            step.at(Mark::Name),
            format!(
                "the {} of `{table}` has no name: a migration that drops it later has to guess what the database called it",
                constraint.kind.title()
            ),
        )
        .note("each database makes up a name of its own; a downgrade with drop_constraint(None) fails")
        .help(name.clone())
        .fix(at.and_then(|at| mend::with_a_look("give it a name", vec![mend::edit(&before.script.source, at, name)])));
});
