use crate::migration::{Body, Migration};
use crate::project::dialect::is_for_one;
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Migration(|migration, environment, found| {
    let Some(up) = migration.up.as_ref().filter(|up| up.body == Body::Empty) else { return };
    // Placeholders say so in their names.
    let is_placeholder = ["empty", "placeholder", "noop", "no_op"].iter().any(|word| up.source.file_name().contains(word));
    // With no file for a database, its runner would take the one for all.
    if is_placeholder || is_for_one(&up.source) || is_anchor(migration) || phrase::is_explained(up, environment.framework) {
        return;
    }
    let undoes_something = migration.down.as_ref().is_some_and(|down| down.body == Body::Present);
    found.source = up.source.clone();
    let finding = found.at(up.head, format!("the upgrade of `{}` does nothing", migration.id));
    if undoes_something {
        finding.note("its downgrade does something, which this upgrade never did");
    }
    finding.help("fill it in; while no database was ever stamped with it, it can also be deleted");
});

/// A first revision, a merge, the start of a branch, or one that only waits for another.
fn is_anchor(migration: &Migration) -> bool {
    migration.parents.names.len() != 1 || !migration.branch_labels.names.is_empty() || !migration.depends_on.names.is_empty()
}
