use crate::migration::{Mark, Origin};
use crate::operation::{Dialect, Name, Operation, show_holes};
use crate::rule::{Check, Context};
use crate::rules::{mend, phrase};

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AddColumn { table, column, .. } = &step.operation else { return };
    let has_default = column.default.as_ref().is_some_and(|default| !default.is_null());
    if column.nullable != Some(false) || has_default || before.is_new(table) || before.is_emptied(table) {
        return;
    }
    // SQLite's own rule says it there.
    if before.environment.dialects() == [Dialect::Sqlite] {
        return;
    }
    // Behind a check for the column, in a history that already has it.
    if step.conditional && before.schema.column(table, &column.name).is_some() {
        return;
    }
    let name = show_holes(&column.name);
    let message = match before.dialect() {
        Some(dialect) if dialect.is_mysql_like() => {
            format!("every row of `{table}` silently gets an empty `{name}`: it is NOT NULL and has no default")
        }
        None => format!(
            "adding `{name}` fails, or on MySQL fills in empty values, if `{table}` holds a single row: it is NOT NULL and has no default"
        ),
        _ => format!("adding `{name}` fails if `{table}` holds a single row: it is NOT NULL and has no default"),
    };
    let finding = found.at(step.at(Mark::Nullable), message);
    if column.client_default {
        let at = step.at(Mark::Default);
        finding.label(&before.script.source, at, "only the application applies this; the database never sees it");
    }
    finding.fix(mend::server_default(before, step)).note(before.origin_of(table)).help(help(
        before,
        step.origin,
        table,
        &column.name,
    ));
});

fn help(before: &Context<'_>, origin: Origin, table: &Name, column: &str) -> String {
    let (table, column) = match origin {
        Origin::Sql => (phrase::sql_name(table), phrase::sql_name(&Name::new(column))),
        Origin::Directive(_) => (table.to_string(), show_holes(column)),
    };
    let (add, constrain) = match origin {
        Origin::Directive(_) => {
            // MySQL states the whole column anew.
            let dialects = before.environment.dialects();
            let may_be_mysql = dialects.is_empty() || dialects.iter().any(|dialect| dialect.is_mysql_like());
            let existing = if may_be_mysql { ", existing_type={its type}" } else { "" };
            ("with `nullable=True`".to_owned(), format!("op.alter_column(\"{table}\", \"{column}\", nullable=False{existing})"))
        }
        Origin::Sql if before.dialect().is_some_and(|dialect| dialect.is_mysql_like()) => {
            ("without NOT NULL".to_owned(), format!("ALTER TABLE {table} MODIFY {column} … NOT NULL"))
        }
        Origin::Sql => ("without NOT NULL".to_owned(), format!("ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;")),
    };
    let default = if matches!(origin, Origin::Directive(_)) { "`server_default=`" } else { "a DEFAULT" };
    format!(
        "give it {default}; where there is no right one, add it {add}, fill it in a migration of its own, and then:\n{constrain}"
    )
}
