use crate::operation::Class;
use crate::rule::Check;

pub const CHECK: Check = Check::Migration(|migration, _, found| {
    let Some(up) = migration.up.as_ref().filter(|_| migration.parents.names.len() > 1) else { return };
    let Some(step) = up.steps.iter().find(|step| step.operation.class() != Class::Neither) else { return };
    found.source = up.source.clone();
    found
        .at(step.span, format!("`{}` merges branches and changes the schema as well", migration.id))
        .note("a merge that does nothing can be made again or thrown away; this one cannot")
        .help("leave the merge empty, and put the change into a revision behind it");
});
