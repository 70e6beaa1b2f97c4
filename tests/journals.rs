//! The lists that tools keep of their own files, against the files.

mod support;

use support::{check_json, project, rules, whimbrel, write};

const FIRST: &str = "CREATE TABLE t (id bigint PRIMARY KEY);\n";
const SECOND: &str = "ALTER TABLE t ADD COLUMN n int;\n";

/// As `atlas migrate hash` writes it; the lines were made with Python's hashlib.
const SUM: &str = "h1:whole\n\
    20260101000000_a.sql h1:FMRePCUCPT7mHQL6Z0KO1nkmCSxNuDIzQg8wEekgokk=\n\
    20260102000000_b.sql h1:Z3NtzY5B+tPXtAEPDrBJ5cqGQTDFZjAdq9iNs2NFW+A=\n";

fn found(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let folder = project(files);
    let report = check_json(folder.path(), &["--dialect", "postgresql", "--select", "graph", "."]);
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().expect("text").to_owned();
    report["findings"].as_array().expect("findings").iter().map(|one| (text(one, "rule"), text(one, "message"))).collect()
}

#[test]
fn atlas_sums() {
    let files = |second: &'static str| [("atlas.sum", SUM), ("20260101000000_a.sql", FIRST), ("20260102000000_b.sql", second)];
    assert_eq!(found(&files(SECOND)), []);
    let [(rule, message)] = &found(&files("ALTER TABLE t ADD COLUMN m int;\n"))[..] else { panic!("one finding") };
    assert_eq!(rule, "edited_migration");
    assert!(message.contains("`20260102000000_b.sql` is not what it was"), "{message}");
    let [(rule, message)] = &found(&files(SECOND)[..2])[..] else { panic!("one finding") };
    assert_eq!(rule, "unknown_parent");
    assert!(message.contains("`20260102000000_b.sql`, which is not there"), "{message}");
    let more = [&files(SECOND)[..], &[("20260103000000_c.sql", "SELECT 1;\n")]].concat();
    let [(rule, message)] = &found(&more)[..] else { panic!("one finding") };
    assert_eq!(rule, "out_of_order_version");
    assert!(message.contains("does not list `20260103000000_c.sql`"), "{message}");
}

#[test]
fn drizzles_journal() {
    let journal = |entries: &[(&str, u64)]| {
        let entries: Vec<String> = entries
            .iter()
            .enumerate()
            .map(|(at, (tag, when))| {
                format!("{{\"idx\":{at},\"version\":\"7\",\"when\":{when},\"tag\":\"{tag}\",\"breakpoints\":true}}")
            })
            .collect();
        format!("{{\"version\":\"7\",\"dialect\":\"postgresql\",\"entries\":[{}]}}", entries.join(","))
    };
    let with = |journal: &str| {
        found(&[("drizzle/meta/_journal.json", journal), ("drizzle/0000_a.sql", FIRST), ("drizzle/0001_b.sql", SECOND)])
    };
    assert_eq!(with(&journal(&[("0000_a", 1), ("0001_b", 2)])), []);
    let names = |found: &[(String, String)]| found.iter().map(|(rule, _)| rule.clone()).collect::<Vec<_>>();
    // Two branches generated at once, and merged by hand.
    assert_eq!(names(&with(&journal(&[("0000_a", 2), ("0001_b", 1)]))), ["out_of_order_version"]);
    assert_eq!(names(&with(&journal(&[("0000_a", 1)]))), ["out_of_order_version"]);
    assert_eq!(names(&with(&journal(&[("0000_a", 1), ("0001_b", 2), ("0002_c", 3)]))), ["unknown_parent"]);
    assert_eq!(names(&with("<<<<<<< ours\n{}")), ["unreadable_file"]);
}

#[test]
fn prismas_folders() {
    let found = found(&[
        ("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n"),
        ("prisma/migrations/20260101000000_a/migration.sql", FIRST),
        ("prisma/migrations/20260102000000_b/notes.txt", ""),
    ]);
    let [(rule, message)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(rule, "unknown_parent");
    assert!(message.contains("`20260102000000_b` has no migration.sql"), "{message}");
}

/// Goose's migrations in Go are said not to be read, and are no gap.
#[test]
fn migrations_in_other_languages() {
    let folder = project(&[
        ("m/00001_a.sql", "-- +goose Up\nCREATE TABLE t (id bigint PRIMARY KEY);\n-- +goose Down\nDROP TABLE t;\n"),
        ("m/00002_fill.go", "package m\n"),
        ("m/00002_fill_test.go", "package m\n"),
        ("m/00003_b.sql", "-- +goose Up\nALTER TABLE t ADD COLUMN n int;\n-- +goose Down\nALTER TABLE t DROP COLUMN n;\n"),
    ]);
    let run = whimbrel(folder.path(), &["check", "--dialect", "postgresql", "."]);
    assert!(run.out.contains("not looked at: m/00002_fill.go: a migration in Go, which is not read"), "{}", run.out);
    assert_eq!(run.out.matches("not looked at").count(), 1, "{}", run.out);
    let of = |folder: &std::path::Path| rules(&check_json(folder, &["--select", "version_gap", "."])).len();
    assert_eq!(of(folder.path()), 0);
    write(folder.path(), "m/00005_c.sql", b"-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 1;\n");
    assert_eq!(of(folder.path()), 1);
}
