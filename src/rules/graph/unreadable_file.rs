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
});
