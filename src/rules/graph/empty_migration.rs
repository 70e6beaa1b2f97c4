use crate::migration::Body;
use crate::rule::Check;

pub const CHECK: Check = Check::Migration(|migration, _, found| {
    let Some(up) = migration.up.as_ref().filter(|up| up.body == Body::Empty) else { return };
    if migration.parents.names.len() > 1 || !migration.branch_labels.names.is_empty() {
        return;
    }
    let undoes_something = migration.down.as_ref().is_some_and(|down| down.body == Body::Present);
    found.source = up.source.clone();
    let finding = found.at(up.head, format!("the upgrade of `{}` does nothing", migration.id));
    if undoes_something {
        finding.note("its downgrade does something, which this upgrade never did");
    }
    finding.help("fill it in, or delete the file and let what follows it follow what comes before it");
});
