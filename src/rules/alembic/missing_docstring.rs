use crate::project::conventions::Framework;
use crate::rule::Check;

pub const CHECK: Check = Check::Migration(|migration, environment, found| {
    if environment.framework != Framework::Alembic {
        return;
    }
    let text = migration.source.text();
    let code = text.lines().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')).unwrap_or_default();
    if code.trim_start_matches(['r', 'R', 'u', 'U']).starts_with(['"', '\'']) {
        return;
    }
    found
        .at(migration.id_span, format!("`{}` has no docstring: `alembic history` shows no word for it", migration.id))
        .help("begin the file with what it does and why, in one line");
});
