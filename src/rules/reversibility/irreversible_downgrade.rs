use crate::migration::Body;
use crate::rule::Check;

pub const CHECK: Check = Check::Migration(|migration, _, found| {
    if let Some((down, Body::Refuses(at))) = migration.down.as_ref().map(|down| (down, &down.body)) {
        found.source = down.source.clone();
        found
            .at(*at, format!("`{}` cannot be taken back: its downgrade raises on purpose", migration.id))
            .note("a rollback of a release that holds it stops here");
    }
});
