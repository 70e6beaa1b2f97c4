use crate::alembic::script::{ids_in, in_docstring};
use crate::project::conventions::Framework;
use crate::rule::Check;
use crate::rules::mend;

pub const CHECK: Check = Check::Migration(|migration, environment, found| {
    if environment.framework != Framework::Alembic || !migration.problems.is_empty() || migration.parents.incomplete {
        return;
    }
    let lines = [("Revision ID:", vec![migration.id.as_str()]), ("Revises:", migration.parents.values().collect())];
    for (label, is) in lines {
        let Some((said, at)) = in_docstring(&migration.source, label) else { continue };
        let names: Vec<&str> = ids_in(said).collect();
        let same = names.len() == is.len() && names.iter().all(|name| is.iter().any(|id| id.starts_with(name)));
        // Words instead of ids say nothing.
        if same || names.len() > is.len() + 2 {
            continue;
        }
        let (what, is) = match label {
            "Revises:" if is.is_empty() => ("down_revision", "None".to_owned()),
            "Revises:" => ("down_revision", is.join(", ")),
            _ => ("revision", is.join(", ")),
        };
        found
            .at(at, format!("the docstring says `{label} {said}`, but `{what}` is {is}"))
            .note("Alembic goes by the variable; people read the docstring")
            .help(format!("{label} {is}"))
            .fix(mend::safe(
                "say what the variable says",
                vec![mend::edit(&migration.source, at, if is == "None" { "" } else { is.as_str() })],
            ));
    }
});
