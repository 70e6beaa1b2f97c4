use crate::rule::Check;
use crate::source::Span;

/// Parts of an application that change with every release, by the names that projects give them.
const MODULES: &[&str] =
    &["models", "model", "orm", "entities", "session", "sessions", "crud", "services", "repositories", "settings"];
/// Packages that have such names and are no application.
const LIBRARIES: &[&str] =
    &["sqlalchemy", "sqlmodel", "alembic", "django", "flask", "sqlalchemy_utils", "geoalchemy2", "requests"];

/// In the names of modules that are made for migrations.
const SHARED: &[&str] = &["migration", "alembic", "types", "util", "constants"];

pub const CHECK: Check = Check::File(|source, found| {
    if !source.path().ends_with(".py") {
        return;
    }
    let mut at = 0;
    for line in source.text().split_inclusive('\n') {
        let module = line
            .trim_start()
            .strip_prefix("from ")
            .and_then(|rest| rest.split(" import ").next().filter(|_| rest.contains(" import ")));
        let module = module
            .or_else(|| line.trim_start().strip_prefix("import ").map(|rest| rest.split([' ', ',', '#']).next().unwrap_or(rest)));
        if let Some(module) = module.map(str::trim) {
            let parts: Vec<&str> = module.split('.').collect();
            let is_library = LIBRARIES.contains(&parts[0]);
            // Column types and the environment's own helpers are what migrations share; names in capitals are constants.
            let is_shared = parts.iter().any(|part| SHARED.iter().any(|shared| part.contains(shared)));
            let names = line.split(" import ").nth(1).unwrap_or_default();
            let is_constant = !names.is_empty() && !names.contains('(') && !names.chars().any(|c| c.is_ascii_lowercase());
            if !is_library && !is_shared && !is_constant && parts.iter().any(|part| MODULES.contains(part)) {
                let start = at + line.find(module).unwrap_or(0);
                found
                    .at(Span::new(start, start + module.len()), format!("`{module}` is the application of today: when it changes, this migration does something else, or fails"))
                    .help("state what the migration needs in itself: sa.table(…) with the columns it touches, and literal values");
                return;
            }
        }
        at += line.len();
    }
});
