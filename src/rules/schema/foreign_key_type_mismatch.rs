use crate::migration::Mark;
use crate::operation::{Constraint, ConstraintKind, Dialect, HOLE, Name, Operation, Reference};
use crate::rule::{Check, Context};

pub const CHECK: Check = Check::Step(|step, before, found| {
    let keys = foreign_keys(&step.operation);
    let Some(table) = step.operation.table().filter(|_| !keys.is_empty()) else { return };
    let mark = if matches!(step.operation, Operation::CreateTable(_)) { Mark::Table } else { Mark::Name };
    let after = &before.stages[before.at + 1].schema;
    let kind = |table: &Name, column: &str| after.column(table, column).and_then(|column| column.data_type.as_ref());
    for (columns, reference) in keys {
        let target = &reference.table;
        let referenced = if reference.columns.is_empty() { primary_key(before, target) } else { reference.columns.clone() };
        for (column, other) in columns.iter().zip(&referenced) {
            let (Some(here), Some(there)) = (kind(table, column), kind(target, other)) else { continue };
            if here.name.contains(HOLE) || there.name.contains(HOLE) || alike(before, &here.name, &there.name) {
                continue;
            }
            found
                .at(
                    step.at(mark),
                    format!("`{table}.{column}` is {here}, and `{target}.{other}`, to which it points, is {there}"),
                )
                .note(match is_integer(&here.name) && is_integer(&there.name) {
                    true => "values that the one can hold do not fit into the other: the row cannot be written then",
                    false => "values that the one can hold do not fit into the other, and joins may not use the index",
                })
                .help(format!("make `{column}` {there}"));
        }
    }
});

/// The foreign keys that an operation makes: columns, and what they point to.
fn foreign_keys(operation: &Operation) -> Vec<(&[String], &Reference)> {
    fn of(constraint: &Constraint) -> Option<(&[String], &Reference)> {
        match &constraint.kind {
            ConstraintKind::ForeignKey { columns, reference } => Some((columns.as_slice(), reference)),
            _ => None,
        }
    }
    match operation {
        Operation::AddConstraint { constraint, .. } => of(constraint).into_iter().collect(),
        Operation::CreateTable(create) => {
            let own = create
                .columns
                .iter()
                .filter_map(|column| Some((std::slice::from_ref(&column.name), column.references.as_ref()?)));
            own.chain(create.constraints.iter().filter_map(of)).collect()
        }
        _ => Vec::new(),
    }
}

fn primary_key(context: &Context<'_>, table: &Name) -> Vec<String> {
    match context.table(table).and_then(|table| table.primary_key()).map(|key| &key.kind) {
        Some(ConstraintKind::PrimaryKey { columns, .. }) => columns.clone(),
        _ => Vec::new(),
    }
}

/// Texts of all kinds compare with each other; SQLAlchemy keeps a UUID as text where the engine has no type for it.
fn alike(context: &Context<'_>, a: &str, b: &str) -> bool {
    let is_text =
        |name: &str| matches!(name, "text" | "varchar" | "char" | "citext") || (name == "uuid" && !context.is_postgres());
    // SQLite keeps every whole number alike, and only MySQL knows UNSIGNED.
    let plain = |name: &str| name.trim_end_matches(" unsigned").to_owned();
    let on_sqlite = context.dialect() == Some(Dialect::Sqlite);
    let unsigned_counts = context.dialect().is_none_or(Dialect::is_mysql_like);
    a == b
        || is_text(a) && is_text(b)
        || !unsigned_counts && plain(a) == plain(b)
        || on_sqlite && is_integer(&plain(a)) && is_integer(&plain(b))
}

fn is_integer(name: &str) -> bool {
    name.ends_with("int") || name == "integer"
}
