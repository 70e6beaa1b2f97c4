use crate::migration::{Mark, Step};
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
        let unfinished = migration.scripts().flat_map(|(_, script)| {
            let of_statement = |step: &&Step| step.wording.unfinished;
            script.steps.iter().filter(of_statement).map(move |step| (&script.source, step))
        });
        let mut told = None;
        for (source, step) in unfinished {
            if told.replace(step.statement) == Some(step.statement) {
                continue;
            }
            let first = words(source.slice(step.statement));
            let next = words(&source.text()[step.at(Mark::Refused).start as usize..]);
            let message = format!("`{first}` has no `;` at its end: the server reads on until `{next}`, and refuses both");
            let finding = found.in_file(source, step.at(Mark::Refused), message);
            finding.label(source, step.statement, "this has no end");
            finding.help(format!("put `;` in front of `{next}`"));
            finding.of(migration);
        }
    }
});

/// The words that say which statement it is.
fn words(statement: &str) -> String {
    printable(&statement.split_whitespace().take(3).collect::<Vec<_>>().join(" ")).into_owned()
}
