use crate::migration::{Mark, Step};
use crate::operation::{ConstraintKind, Name, Operation, show_holes};
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let (table, column) = match &step.operation {
        Operation::SetNotNull { table, column } => (table, column),
        Operation::AddConstraint { table, constraint } => match &constraint.kind {
            ConstraintKind::NotNull { column } => (table, column),
            _ => return,
        },
        _ => return,
    };
    let Some((scanned, _)) = before.scanned() else { return };
    // The key sets NOT NULL by itself, and is told of.
    let becomes_key = |step: &Step| match &step.operation {
        Operation::AddConstraint { table: of, constraint } => {
            of == table && matches!(&constraint.kind, ConstraintKind::PrimaryKey { columns, .. } if columns.contains(column))
        }
        _ => false,
    };
    if before.later().any(becomes_key) {
        return;
    }
    let (sql_table, sql_column) = (phrase::sql_name(table), phrase::sql_name(&Name::new(column.as_str())));
    // PostgreSQL 18 gives the NOT NULL itself a name, `…_not_null`, which the CHECK must leave free.
    let ending = if before.engine.postgres_major >= 18 && before.is_upgrade() { "_not_null" } else { "_present" };
    let check = phrase::sql_name(&Name::new(phrase::name_ending(&format!("{}_{column}", table.name), ending)));
    let alter = format!("ALTER TABLE {sql_table}");
    let first = format!("{alter} ADD CONSTRAINT {check} CHECK ({sql_column} IS NOT NULL) NOT VALID");
    // One that is left spoils it for all of the statement.
    let same = |other: &&Step| other.statement == step.statement && matches!(&other.operation, Operation::SetNotNull { .. });
    let then = match before.script.steps.iter().filter(same).count() {
        0 | 1 => "the downgrade then reads nothing".to_owned(),
        all => format!("with such a CHECK for each of its {all} columns, the statement then reads nothing"),
    };
    let help = match before.engine.postgres_major {
        12.. if !before.is_upgrade() && before.is_new_column(table, column) => format!(
            "leave it out of the downgrade, and by hand, once that is committed:\n{first};\n{alter} VALIDATE CONSTRAINT {check};\n\
             {alter} ALTER COLUMN {sql_column} SET NOT NULL;\n{alter} DROP CONSTRAINT {check};"
        ),
        12.. if !before.is_upgrade() => format!(
            "before going back, by hand, once no row holds NULL there:\n{first};\n{alter} VALIDATE CONSTRAINT {check};\n{then}; \
             after it:\n{alter} DROP CONSTRAINT {check};"
        ),
        18.. => phrase::then_next_migration(
            before,
            &format!("{alter} ADD CONSTRAINT {check} NOT NULL {sql_column} NOT VALID"),
            &format!("{alter} VALIDATE CONSTRAINT {check}"),
        ),
        12.. => {
            let next = phrase::then_next_migration(before, &first, &format!("{alter} VALIDATE CONSTRAINT {check}"));
            let last = phrase::statement(before, &format!("{alter} ALTER COLUMN {sql_column} SET NOT NULL"));
            let gone = phrase::statement(before, &format!("{alter} DROP CONSTRAINT {check}"));
            format!("{next}\nand in the one after that, which then reads nothing:\n{last}\n{gone}")
        }
        _ => {
            let next = phrase::then_next_migration(before, &first, &format!("{alter} VALIDATE CONSTRAINT {check}"));
            format!("before PostgreSQL 12 nothing spares the scan; keep a CHECK instead:\n{next}")
        }
    };
    // Who knows nothing of the column leaves it out.
    let is_left_out = before.is_upgrade()
        && before.is_new_column(table, column)
        && before.schema.column(table, column).is_some_and(|known| known.default.is_none());
    let finding = found
        .at(
            step.at(Mark::Nullable),
            format!("reads and writes of `{scanned}` wait while every row is checked for NULL in `{}`", show_holes(column)),
        )
        .note("SET NOT NULL holds AccessExclusive for a scan of the whole table")
        .note(before.origin_of(table))
        .help(help);
    if is_left_out {
        finding.note(format!(
            "code that is running now leaves `{}` out of its INSERTs, which fail from then on: it has no default",
            show_holes(column)
        ));
    }
});
