//! What the configuration calls history: `new_after`, by revision or by date.

use std::path::Path;

use crate::config::Settings;
use crate::migration::Migration;
use crate::project::Environment;

/// What is, or comes before, one of the named revisions, or was made before the date, is not judged. An environment that
/// has none of the revisions is judged in full.
///
/// # Errors
/// A revision that no environment has.
pub fn leave_out(environments: &mut [Environment], settings: &Settings) -> Result<(), String> {
    let mut missing: Vec<String> = settings.new_after.iter().filter(|given| !is_date(given)).cloned().collect();
    if environments.is_empty() {
        return Ok(());
    }
    for environment in environments {
        let own = settings.of(Path::new(&environment.root));
        for given in &own.new_after {
            if is_date(given) {
                let is_old = |migration: &Migration| created(migration).is_some_and(|created| created < *given);
                environment.migrations.iter_mut().for_each(|migration| migration.judged &= !is_old(migration));
            } else if let Some(at) = environment.history.find(given) {
                missing.clear();
                let old = environment.history.ancestors(at);
                environment.migrations.iter_mut().zip(old).for_each(|(migration, old)| migration.judged &= !old);
            }
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(format!("`new_after`: no migration has the id {}", missing.join(" or "))) }
}

/// `2026-01-31`
fn is_date(text: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(shape)
}

/// The day a migration was made, by Alembic's docstring or the time in its version; None where neither says it.
fn created(migration: &Migration) -> Option<String> {
    const WORDS: &str = "Create Date:";
    let text = migration.source.text();
    let said = text.find(WORDS).and_then(|at| text[at + WORDS.len()..].trim_start().get(..10)).filter(|day| is_date(day));
    said.map(str::to_owned).or_else(|| {
        let digits: String = migration.id.chars().take_while(char::is_ascii_digit).collect();
        let is_time = digits.len() >= 12 && (digits.starts_with("19") || digits.starts_with("20"));
        is_time.then(|| format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..8]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days() {
        assert!(is_date("2026-01-31"));
        assert!(!is_date("3f2a9c81b0"));
        assert!(!is_date("2026-1-31"));
    }
}
