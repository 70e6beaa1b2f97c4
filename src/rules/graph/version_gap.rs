use std::collections::HashSet;

use crate::migration::Migration;
use crate::project::conventions::{Framework, Names};
use crate::rule::Check;

/// A larger number is a date, and dates have gaps.
const LARGEST_SEQUENCE: u64 = 9_999_999;

pub const CHECK: Check = Check::Environment(|environment, found| {
    // Where folders or changesets carry the ids, a gap means nothing.
    let convention = environment.framework.convention();
    let by_folder = convention.names == [Names::MigrationFolders] || convention.names == [Names::UpDownFolders];
    if by_folder
        || matches!(
            environment.framework,
            Framework::Alembic | Framework::Liquibase | Framework::Drizzle | Framework::Yoyo | Framework::MaragudkMigrate
        )
    {
        return;
    }
    // Those in another language are there, though nobody reads them here.
    let unread: HashSet<u64> = environment.unread_versions.iter().filter_map(|version| version.parse().ok()).collect();
    if is_scheme(&environment.migrations) {
        return;
    }
    let mut previous: Option<u64> = None;
    for migration in &environment.migrations {
        let Ok(version) = migration.id.parse::<u64>() else { return };
        while previous.is_some_and(|before| unread.contains(&(before + 1))) {
            previous = previous.map(|before| before + 1);
        }
        if version > LARGEST_SEQUENCE {
            return;
        }
        if let Some(before) = previous.filter(|before| version > before + 1 && migration.judged) {
            let missing = if version == before + 2 {
                format!("version {} is", before + 1)
            } else {
                format!("versions {} to {} are", before + 1, version - 1)
            };
            found
                .in_file(
                    &migration.source,
                    migration.id_span,
                    format!("the numbers jump from {before} to {version}: {missing} not there"),
                )
                .of(migration)
                .note("a file that arrives later with a skipped number is never run where this one already was")
                .help("add the missing file, or renumber this one while it is not released");
        }
        previous = Some(version);
    }
});

/// Numbers that mostly jump, or jump to round ones, are not meant to follow each other: they leave room, or name a release.
fn is_scheme(migrations: &[Migration]) -> bool {
    let numbers: Vec<u64> = migrations.iter().filter_map(|migration| migration.id.parse().ok()).collect();
    let jumps: Vec<u64> = numbers.windows(2).filter(|pair| pair[1] > pair[0] + 1).map(|pair| pair[1]).collect();
    let are_most = numbers.len() >= FEWEST && jumps.len() * 2 > numbers.len() - 1;
    are_most || jumps.len() >= 3 && jumps.iter().all(|number| number % 5 == 0)
}

/// From so many files on, their numbers show how they are meant.
const FEWEST: usize = 6;
