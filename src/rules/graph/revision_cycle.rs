use crate::rule::Check;

pub const CHECK: Check = Check::Environment(|environment, found| {
    for cycle in &environment.history.cycles {
        let members: Vec<_> = cycle.iter().map(|&index| &environment.migrations[index]).collect();
        let Some(migration) = members.iter().find(|migration| migration.judged) else { continue };
        let ids: Vec<&str> = members.iter().take(8).map(|member| member.id.as_str()).collect();
        let more = if members.len() > ids.len() { format!(" and {} more", members.len() - ids.len()) } else { String::new() };
        let message = match members.len() {
            1 => format!("revision `{}` comes after itself", migration.id),
            count => format!("{count} revisions come after each other in a circle ({}{more})", ids.join(", ")),
        };
        let at = migration.parents.names.first().map_or(migration.id_span, |name| name.span);
        found
            .in_file(&migration.source, at, message)
            .of(migration)
            .note("Alembic loads none of this history")
            .help("let the oldest of them follow the revision that was there before");
    }
});
