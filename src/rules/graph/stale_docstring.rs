use crate::migration::Migration;
use crate::project::conventions::Framework;
use crate::rule::Check;
use crate::rules::mend;
use crate::source::Span;

pub const CHECK: Check = Check::Migration(|migration, environment, found| {
    if environment.framework != Framework::Alembic || !migration.problems.is_empty() || migration.parents.incomplete {
        return;
    }
    let lines = [("Revision ID:", vec![migration.id.as_str()]), ("Revises:", migration.parents.values().collect())];
    for (label, is) in lines {
        let Some((said, at)) = said(migration, label) else { continue };
        let names: Vec<&str> = said
            .split([',', ' '])
            .map(|name| name.trim_matches(['\'', '"', '(', ')', '`']))
            .filter(|name| !matches!(name.to_ascii_lowercase().as_str(), "" | "none" | "base"))
            .collect();
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

/// What stands behind a label in the module's docstring, and where.
fn said<'m>(migration: &'m Migration, label: &str) -> Option<(&'m str, Span)> {
    let text = migration.source.text();
    let start = text.find(['"', '\''])?;
    // Code before the first quote: there is no docstring.
    if text[..start].lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        return None;
    }
    let quote = ["\"\"\"", "\'\'\'"].into_iter().find(|quote| text[start..].starts_with(quote))?;
    let end = start + 3 + text[start + 3..].find(quote)?;
    let at = start + text[start..end].find(label)? + label.len();
    let line = text[at..end].lines().next().unwrap_or_default();
    let said = line.trim();
    let from = at + (line.len() - line.trim_start().len());
    Some((said, Span::new(from.min(end), from.min(end) + said.len())))
}
