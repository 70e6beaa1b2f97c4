use crate::migration::Mark;
use crate::operation::{ConstraintKind, Name, Operation};
use crate::rule::{Check, Context};
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let (table, columns, primary, name) = match &step.operation {
        Operation::AddConstraint { table, constraint } => match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, using_index: None } => (table, columns.clone(), true, constraint.name.clone()),
            ConstraintKind::Unique { columns, using_index: None } => (table, columns.clone(), false, constraint.name.clone()),
            _ => return,
        },
        Operation::AddColumn { table, column, .. } if column.unique || column.primary_key => {
            (table, vec![column.name.clone()], column.primary_key, None)
        }
        _ => return,
    };
    if before.scanned().is_none() || before.is_new(table) || before.is_rewritten_with(table) {
        return;
    }
    let kind = if primary { "primary key" } else { "unique constraint" };
    if let Some(old) = name.as_ref().and_then(|new| old_name(before, table, &columns, primary, new)) {
        let rename = format!(
            "ALTER TABLE {} RENAME CONSTRAINT {} TO {}",
            phrase::sql_name(table),
            phrase::sql_name(&Name::new(old)),
            phrase::sql_name(&Name::new(name.unwrap_or_default()))
        );
        found
            .at(step.at(Mark::Name), format!("reads and writes of `{table}` wait until the index of the {kind} is built"))
            .note("the constraint is only dropped and made to have another name")
            .help(format!("rename it, in the place of both steps:\n{}", phrase::in_place_of_steps(before, &rename)));
        return;
    }
    let index = name.unwrap_or_else(|| match primary {
        true => format!("{}_pkey", table.name),
        false => format!("{}_{}_key", table.name, columns.join("_")),
    });
    // The name is free only once the old key is gone, and that is to be in the same transaction.
    let dropped = before.steps().take_while(|(at, _)| *at < before.at).find_map(|(_, step)| match &step.operation {
        Operation::DropConstraint { table: of, constraint: Some(name), if_exists, .. } if of == table && *name == index => {
            Some(*if_exists)
        }
        _ => None,
    });
    let replaces = dropped.is_some();
    // So it is where a dropped column takes the old key along.
    let start = before.stages.first().map(|stage| stage.schema);
    let is_taken = start.is_some_and(|start| start.index(&Name::with_schema(table.schema.clone(), index.as_str())).is_some());
    let built = if replaces || is_taken { phrase::name_ending(&index, "_new") } else { index.clone() };
    let [index, built] = [index, built].map(|name| phrase::sql_name(&Name::new(name)));
    let list: Vec<String> = columns.iter().map(|column| phrase::sql_name(&Name::new(column.as_str()))).collect();
    let table_name = phrase::sql_name(table);
    let build = format!("CREATE UNIQUE INDEX CONCURRENTLY {built} ON {table_name} ({})", list.join(", "));
    let words = if primary { "PRIMARY KEY" } else { "UNIQUE" };
    let old = match dropped {
        Some(if_exists) => format!("DROP CONSTRAINT {}{index}, ", if if_exists { "IF EXISTS " } else { "" }),
        None => String::new(),
    };
    let deferral = deferral(&before.text(step.span).to_ascii_uppercase());
    let adopt = format!("ALTER TABLE {table_name} {old}ADD CONSTRAINT {index} {words} USING INDEX {built}{deferral}");
    let adopted = phrase::in_place_of_steps(before, &adopt);
    let in_place = if replaces { "here, in the place of both steps" } else { "in the place of this step" };
    // Of a column that is not there yet no index can be built.
    let column_is_new = columns.iter().any(|column| before.is_new_column(table, column));
    let help = match (before.is_upgrade(), column_is_new) {
        (true, true) => format!(
            "in three migrations: the first adds the column without the key, and fills it; the second builds the index; {}\nand the third:\n{adopted}",
            phrase::outside_transaction(before, &build)
        ),
        (true, false) => {
            let when = match replaces {
                true => format!("before this one, and {in_place}"),
                false => format!("and {}", phrase::in_next_migration(before)),
            };
            format!("{}\n{when}:\n{adopted}", phrase::outside_transaction(before, &build))
        }
        (false, true) => format!(
            "leave it out of the downgrade, and by hand, once that is committed and the column is filled:\n{build};\n{adopt};"
        ),
        (false, false) => format!("before going back, by hand:\n{build};\nand {in_place}:\n{adopted}"),
    };
    found
        .at(step.at(Mark::Name), format!("reads and writes of `{table}` wait until the index of the {kind} is built"))
        .note("ADD CONSTRAINT holds AccessExclusive for a scan and a sort of the whole table; an index that exists already is taken over in an instant")
        .note(before.origin_of(table))
        .help(help);
});

/// When the constraint is checked, in the words of SQL, or in those of SQLAlchemy.
fn deferral(text: &str) -> &'static str {
    let is_deferrable = text.contains("DEFERRABLE") && !text.contains("NOT DEFERRABLE") && !text.contains("DEFERRABLE=FALSE");
    match is_deferrable {
        true if text
            .replace(['"', '\'', '='], " ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .contains("INITIALLY DEFERRED") =>
        {
            " DEFERRABLE INITIALLY DEFERRED"
        }
        true => " DEFERRABLE",
        false => "",
    }
}

/// The name under which this script drops what it makes here again: the same key of the same columns.
fn old_name(before: &Context<'_>, table: &Name, columns: &[String], primary: bool, new: &str) -> Option<String> {
    before.steps().take_while(|(at, _)| *at < before.at).find_map(|(at, step)| {
        let Operation::DropConstraint { table: of, constraint: Some(name), .. } = &step.operation else { return None };
        let known = before.stages[at].schema.table(of).filter(|known| known.name == *table)?.constraint(name)?;
        let same = match &known.kind {
            ConstraintKind::PrimaryKey { columns: old, .. } => primary && old == columns,
            ConstraintKind::Unique { columns: old, .. } => !primary && old == columns,
            _ => false,
        };
        (same && known.name != new).then(|| known.name.clone())
    })
}
