use crate::migration::Body;
use crate::operation::Dialect;
use crate::project::conventions::Framework;
use crate::rule::Check;

/// `alembic_version.version_num` is VARCHAR(32).
const LONGEST: usize = 32;

pub const CHECK: Check = Check::Migration(|migration, environment, found| {
    let length = migration.id.chars().count();
    // SQLite does not enforce lengths.
    let only_sqlite = environment.dialects() == [Dialect::Sqlite];
    if environment.framework != Framework::Alembic || length <= LONGEST || only_sqlite || !migration.problems.is_empty() {
        return;
    }
    // Of a file that cannot be read, its name may stand in for the id.
    let is_unreadable = migration.up.as_ref().is_some_and(|up| up.body == Body::Unreadable);
    if is_unreadable && !migration.source.text().contains(&migration.id) {
        return;
    }
    found
        .at(
            migration.id_span,
            format!(
                "revision `{}` has {length} characters, the column `alembic_version.version_num` holds {LONGEST}",
                migration.id
            ),
        )
        .note("the migration runs, and then its stamp fails: \"value too long for type character varying(32)\"")
        .help("shorten the id, and every `down_revision` that names it");
});
