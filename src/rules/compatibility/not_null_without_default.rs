use crate::migration::{Mark, Origin};
use crate::operation::{Operation, show_holes};
use crate::rule::{Check, Context};

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AddColumn { table, column, .. } = &step.operation else { return };
    if column.nullable != Some(false) || column.default.is_some() || before.is_new(table) {
        return;
    }
    let name = show_holes(&column.name);
    let message = match before.dialect() {
        Some(dialect) if dialect.is_mysql_like() => {
            format!("every row of `{table}` silently gets an empty `{name}`: it is NOT NULL and has no default")
        }
        _ => format!("adding `{name}` fails if `{table}` holds a single row: it is NOT NULL and has no default"),
    };
    let finding = found.at(step.at(Mark::Nullable), message);
    if column.client_default {
        let at = step.at(Mark::Default);
        finding.label(&before.script.source, at, "only the application applies this; the database never sees it");
    }
    finding.note(before.origin_of(table)).help(help(before, step.origin, &table.to_string(), &name));
});

fn help(before: &Context<'_>, origin: Origin, table: &str, column: &str) -> String {
    let (add, constrain) = match origin {
        Origin::Directive(_) => (
            "with `nullable=True`".to_owned(),
            format!("op.alter_column(\"{table}\", \"{column}\", nullable=False)"),
        ),
        Origin::Sql if before.dialect().is_some_and(|dialect| dialect.is_mysql_like()) => {
            ("without NOT NULL".to_owned(), format!("ALTER TABLE {table} MODIFY {column} … NOT NULL"))
        }
        Origin::Sql => ("without NOT NULL".to_owned(), format!("ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;")),
    };
    let default = if matches!(origin, Origin::Directive(_)) { "`server_default=`" } else { "a DEFAULT" };
    format!("give it {default}; where there is no right one, add it {add}, fill it in a migration of its own, and then:\n{constrain}")
}
