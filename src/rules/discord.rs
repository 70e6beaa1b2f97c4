//! What of a tool's own list and its files does not fit together, for the rules that speak of it.

use crate::project::Environment;
use crate::project::journal::Kind;
use crate::rule::Found;

/// Reports what is of one kind.
pub fn say(environment: &Environment, kind: Kind, found: &mut Found<'_>) {
    for discord in environment.discords.iter().filter(|discord| discord.kind == kind) {
        let migration = environment.migrations.iter().find(|migration| migration.source.path() == discord.source.path());
        if migration.is_some_and(|migration| !migration.judged) {
            continue;
        }
        let finding = found.in_file(&discord.source, discord.source.line_span(1), discord.message.clone()).help(discord.help);
        if let Some(migration) = migration {
            finding.of(migration);
        }
    }
}
