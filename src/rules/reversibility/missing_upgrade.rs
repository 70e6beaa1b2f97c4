use crate::migration::Body;
use crate::project::conventions::Framework;
use crate::rule::Check;

pub const CHECK: Check = Check::Migration(|migration, environment, found| {
    if migration.up.is_some() {
        return;
    }
    if migration.down.is_none() && environment.framework == Framework::Alembic {
        // What is not read as a script has a finding of its own.
        if migration.problems.is_empty() && !may_get_one(migration.source.text()) {
            let message = format!("`{}` has no `upgrade()`: `alembic upgrade` fails on it", migration.id);
            found
                .at(migration.id_span, message)
                .help("write `upgrade()`, with `pass` where there is nothing to do; or delete the file");
        }
        return;
    }
    let Some(down) = migration.down.as_ref().filter(|down| down.body != Body::Empty) else { return };
    found.source = down.source.clone();
    let (missing, help) = match environment.framework {
        Framework::Alembic => ("`upgrade()`".to_owned(), "write `upgrade()`, or delete the file"),
        framework if framework.convention().up_marker.is_empty() && framework.convention().down_marker.is_empty() => {
            (format!("`{}`", down.source.file_name().replace(".down.sql", ".up.sql")), "add the up file, or delete this one")
        }
        framework => (format!("`-- {}` section", framework.convention().up_marker), "add the section, or delete the file"),
    };
    found.at(down.head, format!("`{}` has a way back but no {missing}", migration.id)).help(help);
});

/// Whether the script may have its `upgrade` from elsewhere: by an import or an assignment.
fn may_get_one(text: &str) -> bool {
    text.lines()
        .any(|line| line.contains("import *") || line.contains("upgrade") && (line.contains("import") || line.contains('=')))
}
