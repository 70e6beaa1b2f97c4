//! The configuration file, through the real binary.

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use support::{check_json, project, rules, whimbrel, write};

const INDEX: &str = "CREATE INDEX orders_n ON orders (n);\n";

/// Two environments, each with a table and an index on it in a later migration.
fn two_environments() -> tempfile::TempDir {
    let mut files = Vec::new();
    for root in ["billing", "shop"] {
        files.push((format!("{root}/20240101120000_a.up.sql"), "CREATE TABLE orders (id bigserial PRIMARY KEY, n text);\n"));
        files.push((format!("{root}/20240101120000_a.down.sql"), "DROP TABLE orders;\n"));
        files.push((format!("{root}/20260101120000_b.up.sql"), INDEX));
        files.push((format!("{root}/20260101120000_b.down.sql"), "DROP INDEX CONCURRENTLY orders_n;\n"));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    project(&files)
}

fn found(folder: &std::path::Path) -> Vec<(String, String)> {
    let report = check_json(folder, &["."]);
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().expect("text").to_owned();
    report["findings"].as_array().expect("findings").iter().map(|one| (text(one, "environment"), text(one, "severity"))).collect()
}

#[test]
fn an_environment_has_settings_of_its_own() {
    let folder = two_environments();
    write(folder.path(), "whimbrel.toml", b"[environments.billing]\nseverity = { index_not_concurrent = \"note\" }\n");
    let found = found(folder.path());
    assert_eq!(found, [("billing".to_owned(), "note".to_owned()), ("shop".to_owned(), "error".to_owned())]);
    write(folder.path(), "whimbrel.toml", b"[environments.billing]\nseverty = {}\n");
    let run = whimbrel(folder.path(), &["check", "."]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("environments.billing.severty"), "{}", run.err);
    write(folder.path(), "whimbrel.toml", b"[environments.billing]\nfail_on = \"error\"\n");
    let run = whimbrel(folder.path(), &["check", "."]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("`fail_on` holds for all environments"), "{}", run.err);
}

#[test]
fn a_file_extends_another() {
    let folder = two_environments();
    write(folder.path(), "shared/base.toml", b"ignore = [\"locking\"]\n");
    write(folder.path(), "whimbrel.toml", b"extend = \"shared/base.toml\"\n");
    assert!(found(folder.path()).is_empty());
    write(folder.path(), "whimbrel.toml", b"extend = \"nowhere.toml\"\n");
    let run = whimbrel(folder.path(), &["check", "."]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("nowhere.toml"), "{}", run.err);
}

#[test]
fn what_was_made_before_a_day_is_history() {
    let folder = two_environments();
    write(folder.path(), "whimbrel.toml", b"new_after = 2025-06-01\n");
    assert_eq!(found(folder.path()).len(), 2);
    write(folder.path(), "whimbrel.toml", b"new_after = \"2026-06-01\"\n");
    assert!(found(folder.path()).is_empty());
}

#[test]
fn a_lock_on_a_large_table_is_an_error() {
    let folder = two_environments();
    let off = "[severity]\nindex_not_concurrent = \"note\"\n";
    write(folder.path(), "whimbrel.toml", off.as_bytes());
    assert_eq!(whimbrel(folder.path(), &["check", "."]).code, 0);
    for tables in ["orders = \"large\"", "large = [\"ord*\"]"] {
        write(folder.path(), "whimbrel.toml", format!("[tables]\n{tables}\n{off}").as_bytes());
        let run = whimbrel(folder.path(), &["check", "."]);
        assert_eq!(run.code, 1);
        assert!(run.out.contains("the configuration says that `orders` is large"), "{}", run.out);
    }
    write(folder.path(), "whimbrel.toml", b"[tables]\norders = [\"large\"]\n");
    assert_eq!(whimbrel(folder.path(), &["check", "."]).code, 2);
}

#[test]
fn a_threshold_is_the_projects_own() {
    let folder = project(&[
        ("1_a.up.sql", "ALTER TABLE a ADD COLUMN n int;\nALTER TABLE b ADD COLUMN n int;\n"),
        ("1_a.down.sql", "ALTER TABLE b DROP COLUMN n;\nALTER TABLE a DROP COLUMN n;\n"),
    ]);
    let of = |folder: &std::path::Path| {
        let report = check_json(folder, &["--dialect", "postgresql", "--select", "many_tables_locked", "."]);
        rules(&report).len()
    };
    assert_eq!(of(folder.path()), 0);
    write(folder.path(), "whimbrel.toml", b"[thresholds]\nmany_tables_locked = 2\n");
    assert_eq!(of(folder.path()), 1);
}

#[test]
fn the_settings_that_hold_are_a_configuration_file_that_says_the_same() {
    let folder = two_environments();
    write(
        folder.path(),
        "whimbrel.toml",
        b"pg_version = 12\nignore = [\"graph\"]\n[severity]\nindex_not_concurrent = \"note\"\n",
    );
    let shown = whimbrel(folder.path(), &["check", "--show-settings", "--fail-on", "note", "."]);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    assert!(shown.out.starts_with("# from whimbrel.toml\n"), "{}", shown.out);
    assert!(shown.out.contains("pg_version = 12") && shown.out.contains("fail_on = \"note\""), "{}", shown.out);
    let before = found(folder.path());
    write(folder.path(), "whimbrel.toml", shown.out.as_bytes());
    assert_eq!(found(folder.path()), before);
    assert_eq!(whimbrel(folder.path(), &["check", "."]).code, 1);
    // Rules that are off stay off, and environments keep what is theirs alone.
    write(
        folder.path(),
        "whimbrel.toml",
        b"[severity]\nindex_not_concurrent = \"off\"\n[environments.\"shop/**\"]\npg_version = 14\nseverity = { locking = \"off\" }\n",
    );
    assert!(found(folder.path()).is_empty());
    let shown = whimbrel(folder.path(), &["check", "--show-settings", "."]);
    write(folder.path(), "whimbrel.toml", shown.out.as_bytes());
    assert!(found(folder.path()).is_empty(), "{}", shown.out);
    assert_eq!(whimbrel(folder.path(), &["check", "--show-settings", "."]).out, shown.out);
}

#[test]
fn the_longest_glob_that_fits_an_environment_holds() {
    let folder = two_environments();
    let wide = "[environments.\"**\"]\npg_version = 14\n";
    write(folder.path(), "whimbrel.toml", format!("{wide}[environments.\"./shop/**\"]\nignore = [\"locking\"]\n").as_bytes());
    assert_eq!(found(folder.path()), [("billing".to_owned(), "error".to_owned())]);
}

#[test]
fn watching_checks_again_after_a_change() {
    let folder = two_environments();
    let mut child = Command::new(env!("CARGO_BIN_EXE_whimbrel"))
        .args(["check", "--watch", "--format", "compact", "shop"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let mut round = || lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("watching"))).is_some();
    assert!(round());
    write(folder.path(), "shop/20260101120000_b.up.sql", b"CREATE INDEX CONCURRENTLY orders_n ON orders (n);\n");
    assert!(round());
    child.kill().expect("it can be stopped");
    let mut out = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().expect("a pipe"), &mut out).expect("UTF-8");
    child.wait().expect("it ends");
    assert_eq!(out.matches("index_not_concurrent").count(), 1, "{out}");
}
