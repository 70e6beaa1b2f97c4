//! What of a tool's own list and its files does not fit together, for the rules that speak of it.

use std::collections::HashMap;

use crate::migration::Migration;
use crate::project::Environment;
use crate::project::journal::Kind;
use crate::rule::Found;

/// Reports what is of one kind.
pub fn say(environment: &Environment, kind: Kind, found: &mut Found<'_>) {
    let mut discords = environment.discords.iter().filter(|discord| discord.kind == kind).peekable();
    if discords.peek().is_none() {
        return;
    }
    let by_path: HashMap<&str, &Migration> =
        environment.migrations.iter().map(|migration| (migration.source.path(), migration)).collect();
    for discord in discords {
        let migration = by_path.get(discord.source.path()).copied();
        if migration.is_some_and(|migration| !migration.judged) {
            continue;
        }
        let finding = found.in_file(&discord.source, discord.source.line_span(1), discord.message.clone()).help(discord.help);
        if let Some(migration) = migration {
            finding.of(migration);
        }
    }
}
