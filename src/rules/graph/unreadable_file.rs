use crate::migration::{Mark, Unread};
use crate::project::journal::Kind;
use crate::rule::Check;
use crate::rules::discord;
use crate::source::printable;

pub const CHECK: Check = Check::Environment(|environment, found| {
    discord::say(environment, Kind::Unreadable, found);
    for file in environment.unreadable.iter().filter(|file| file.judged) {
        let finding = found.in_file(&file.source, file.span, printable(&file.message));
        finding.note("nothing else is checked in this file; the rest of the history is");
        if let Some(migration) = environment.migrations.iter().find(|migration| migration.source.path() == file.source.path()) {
            finding.of(migration);
        }
    }
    for migration in environment.migrations.iter().filter(|migration| migration.judged) {
        let unread = migration.scripts().flat_map(|(_, script)| {
            script.steps.iter().filter_map(move |step| Some((&script.source, step, step.wording.unread?)))
        });
        let mut told = None;
        for (source, step, unread) in unread {
            if told.replace(step.statement) == Some(step.statement) {
                continue;
            }
            let (at, first) = (step.at(Mark::Refused), words(source.slice(step.statement)));
            match unread {
                Unread::Unfinished => {
                    let next = words(source.slice(at));
                    let message =
                        format!("`{first}` has no `;` at its end: the server reads on until `{next}`, and refuses both");
                    let finding = found.in_file(source, at, message);
                    finding.label(source, step.statement, "this has no end");
                    finding.help(format!("put `;` in front of `{next}`")).of(migration);
                }
                Unread::At => {
                    let word = words(source.slice(at));
                    let message = format!("the server does not read `{first}`: syntax error at or near `{word}`");
                    found.in_file(source, at, message).help("a comma stands between two actions of ALTER TABLE, each begins with its word, as in `DROP a, DROP b`, and IF EXISTS stands in front of the name").of(migration);
                }
            }
        }
    }
});

/// The words that say which statement it is.
fn words(statement: &str) -> String {
    printable(&statement.split_whitespace().take(3).collect::<Vec<_>>().join(" ")).into_owned()
}
