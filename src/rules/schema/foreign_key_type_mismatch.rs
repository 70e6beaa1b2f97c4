use crate::migration::Mark;
use crate::operation::{ConstraintKind, Name, Operation};
use crate::rule::{Check, Context};

pub const CHECK: Check = Check::Step(|step, before, found| {
    let keys: Vec<(Vec<String>, Name, Vec<String>, Name)> = match &step.operation {
        Operation::AddConstraint { table, constraint } => match &constraint.kind {
            ConstraintKind::ForeignKey { columns, reference } => vec![(columns.clone(), reference.table.clone(), reference.columns.clone(), table.clone())],
            _ => return,
        },
        Operation::CreateTable(create) => {
            let own = create.columns.iter().filter_map(|column| {
                let reference = column.references.as_ref()?;
                Some((vec![column.name.clone()], reference.table.clone(), reference.columns.clone(), create.table.clone()))
            });
            let apart = create.constraints.iter().filter_map(|constraint| match &constraint.kind {
                ConstraintKind::ForeignKey { columns, reference } => Some((columns.clone(), reference.table.clone(), reference.columns.clone(), create.table.clone())),
                _ => None,
            });
            own.chain(apart).collect()
        }
        _ => return,
    };
    let at = match &step.operation {
        Operation::CreateTable(_) => step.at(Mark::Table),
        _ => step.at(Mark::Name),
    };
    let after = &before.stages[before.at + 1].schema;
    for (columns, target, referenced, table) in keys {
        let referenced = if referenced.is_empty() { primary_key(before, &target) } else { referenced };
        for (column, other) in columns.iter().zip(&referenced) {
            let kind = |table: &Name, column: &str| after.column(table, column).and_then(|column| column.data_type.as_ref());
            let (Some(here), Some(there)) = (kind(&table, column), kind(&target, other)) else { continue };
            if here.name == there.name || here.name.contains(crate::operation::HOLE) || there.name.contains(crate::operation::HOLE) || alike(before, &here.name, &there.name) {
                continue;
            }
            found
                .at(at, format!("`{table}.{column}` is {here}, and `{target}.{other}`, to which it points, is {there}"))
                .note("values that the one can hold do not fit into the other, and joins may not use the index")
                .help(format!("make `{column}` {there}"));
        }
    }
});

fn primary_key(context: &Context<'_>, table: &Name) -> Vec<String> {
    match context.table(table).and_then(|table| table.primary_key()).map(|key| &key.kind) {
        Some(ConstraintKind::PrimaryKey { columns, .. }) => columns.clone(),
        _ => Vec::new(),
    }
}

/// Texts of all kinds compare with each other; SQLAlchemy keeps a UUID as text where the engine has no type for it.
fn alike(context: &Context<'_>, a: &str, b: &str) -> bool {
    let is_text = |name: &str| matches!(name, "text" | "varchar" | "char" | "citext") || (name == "uuid" && !context.is_postgres());
    is_text(a) && is_text(b)
}
