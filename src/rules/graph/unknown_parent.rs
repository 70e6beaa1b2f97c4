use crate::project::journal::Kind;
use crate::rule::Check;
use crate::rules::{closest, discord};

pub const CHECK: Check = Check::Environment(|environment, found| {
    discord::say(environment, Kind::Missing, found);
    for (index, name) in &environment.history.dangling {
        let migration = &environment.migrations[*index];
        if !migration.judged {
            continue;
        }
        let message = format!(
            "`{}` names a revision that is not there: Alembic stops with \"Can't locate revision identified by\"",
            name.value
        );
        let near = closest(&name.value, environment.history.ids().filter(|id| *id != migration.id)).map(str::to_owned);
        let finding = found.in_file(&migration.source, name.span, message).of(migration);
        match near {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help("add the missing file, or name the revision that this one follows"),
        };
    }
});
