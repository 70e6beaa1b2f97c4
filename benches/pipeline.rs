//! Parse, replay and rules over generated histories. `cargo bench`; compare.sh sets them against other tools.

use std::path::PathBuf;

use whimbrel::analysis;
use whimbrel::config::Settings;
use whimbrel::project::Environment;

fn main() {
    divan::main();
}

/// A folder with `count` golang-migrate pairs that create, extend and index tables.
fn sql_history(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for index in 1..=count {
        let table = index / 4;
        let (up, down) = match index % 4 {
            0 => (
                format!("CREATE TABLE t{table} (id bigserial PRIMARY KEY, name text NOT NULL);"),
                format!("DROP TABLE t{table};"),
            ),
            1 => (
                format!("ALTER TABLE t{table} ADD COLUMN c{index} integer NOT NULL DEFAULT 0;"),
                format!("ALTER TABLE t{table} DROP COLUMN c{index};"),
            ),
            2 => {
                (format!("CREATE INDEX CONCURRENTLY i{index} ON t{table} (name);"), format!("DROP INDEX CONCURRENTLY i{index};"))
            }
            _ => (format!("UPDATE t{table} SET name = trim(name) WHERE name <> trim(name);"), "SELECT 1;".to_owned()),
        };
        std::fs::write(folder.path().join(format!("{index:06}_step.up.sql")), up).expect("a file");
        std::fs::write(folder.path().join(format!("{index:06}_step.down.sql")), down).expect("a file");
    }
    folder
}

fn environments(folder: &tempfile::TempDir) -> Vec<Environment> {
    whimbrel::read(&[PathBuf::from(folder.path())], &Settings::default(), &|| ()).expect("a run").environments
}

#[divan::bench(args = [1_000, 5_000], sample_count = 10)]
fn parse(bencher: divan::Bencher, count: usize) {
    let folder = sql_history(count);
    bencher.bench(|| environments(&folder));
}

#[divan::bench(args = [1_000, 5_000], sample_count = 10)]
fn replay(bencher: divan::Bencher, count: usize) {
    let folder = sql_history(count);
    let read = environments(&folder);
    bencher.bench(|| {
        let mut steps = 0;
        analysis::replay(&read[0], Some(whimbrel::operation::Dialect::PostgreSql), |_, way| steps += way.len());
        steps
    });
}

#[divan::bench(args = [1_000, 5_000], sample_count = 10)]
fn rules(bencher: divan::Bencher, count: usize) {
    let folder = sql_history(count);
    let read = environments(&folder);
    bencher.bench(|| whimbrel::with_deep_stack(|| analysis::findings(&read[0], &Settings::default())));
}
