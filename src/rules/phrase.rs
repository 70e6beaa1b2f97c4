//! Words that several rules share: statements rewritten for people to paste, and pictures of table rebuilds.

use crate::migration::{Origin, Step};
use crate::operation::{Name, Operation};
use crate::project::conventions::Framework;
use crate::rule::Context;

/// The statement or call with CONCURRENTLY.
pub fn with_concurrently(context: &Context<'_>, step: &Step) -> String {
    let text = context.text(step.statement);
    match step.origin {
        Origin::Directive(directive) if text.contains(directive) => {
            let open = text.trim_end().strip_suffix(')').unwrap_or(text).trim_end();
            let comma = if open.ends_with(',') { " " } else { ", " };
            format!("{open}{comma}postgresql_concurrently=True)")
        }
        // `index=True` in a Column has no way to say it.
        Origin::Directive(_) => String::new(),
        Origin::Sql => {
            let upper = text.to_ascii_uppercase();
            match upper.find("INDEX") {
                Some(at) => format!("{} CONCURRENTLY{};", &text[..at + 5], &text[at + 5..]),
                None => String::new(),
            }
        }
    }
}

/// How this runner is told to run `text` outside of a transaction.
pub fn outside_transaction(context: &Context<'_>, step: &Step, text: &str) -> String {
    let framework = context.framework();
    if framework != Framework::Alembic {
        let how = framework.convention().outside_transaction;
        return if text.is_empty() { how.to_owned() } else { format!("{how}:\n{}", terminated(text)) };
    }
    let call = match step.origin {
        Origin::Sql if !text.contains("execute") => format!("op.execute(\"{}\")", text.trim_end_matches(';').split_whitespace().collect::<Vec<_>>().join(" ")),
        _ => text.replace('\n', "\n    "),
    };
    format!("in a migration of its own:\nwith op.get_context().autocommit_block():\n    {call}")
}

fn terminated(text: &str) -> String {
    if text.trim_end().ends_with(';') { text.to_owned() } else { format!("{text};") }
}

/// Whether the script gives `table` back under its name: SQLite's way to alter a table is to make a new
/// one, copy the rows, drop the old and rename the new.
pub fn is_rebuilt(context: &Context<'_>, table: &Name) -> bool {
    let mut names_before: Vec<&Name> = vec![table];
    for (_, step) in context.steps() {
        match &step.operation {
            // The old table was set aside under another name, which is what is dropped later.
            Operation::RenameTable { table: from, to } if to == table => names_before.push(from),
            _ => {}
        }
    }
    context.steps().any(|(_, step)| match &step.operation {
        Operation::RenameTable { to, table: from } => names_before.contains(&to) && from != table && !is_old(context, from),
        Operation::CreateTable(create) => names_before.contains(&&create.table),
        _ => false,
    })
}

/// Whether the table existed before the script.
fn is_old(context: &Context<'_>, table: &Name) -> bool {
    !context.steps().any(|(_, step)| matches!(&step.operation, Operation::CreateTable(create) if create.table == *table))
}
