//! What other programs read: each format's bytes, and what must never be in them.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{ROOT, fixture, project, python, skip, whimbrel};

fn printed(format: &str) -> String {
    let run = whimbrel(&fixture("golang-migrate/unsafe"), &["check", "--exit-zero", "--format", format]);
    assert_eq!(run.code, 0, "{}", run.err);
    run.out
}

#[test]
fn each_format_of_one_project() {
    for format in ["github", "gitlab", "rdjson", "markdown"] {
        insta::assert_snapshot!(format!("format_{format}"), printed(format));
    }
    // The report's own id and time are of no interest.
    let junit = printed("junit");
    assert!(junit.contains("type=\"not_null_without_default\""), "{junit}");
}

#[test]
fn sarif_names_its_rules_and_places() {
    let log: Value = serde_json::from_str(&printed("sarif")).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for result in run["results"].as_array().expect("results") {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64().is_some_and(|line| line > 0));
        assert_eq!(result["partialFingerprints"]["whimbrel/v1"].as_str().map(str::len), Some(16));
    }
}

/// What files say is text in a page, never markup.
#[test]
fn a_page_needs_nothing_else_and_runs_nothing() {
    let page = printed("html");
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(page.contains("<mark>NOT NULL</mark>") && page.contains("needs downtime"), "{page}");
    for elsewhere in ["<script", "<link", "src=", "@import", "url("] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    let folder = project(&[
        ("m/1_a.up.sql", "CREATE TABLE t (id int);\n"),
        ("m/2_<b>.up.sql", "DROP TABLE t; -- <script>alert(1)</script>\nDROP TABLE \"<img onerror=x>\";\n"),
    ]);
    let run = whimbrel(folder.path(), &["check", "--exit-zero", "--dialect", "postgresql", "--format", "html"]);
    assert!(run.out.contains("2_&lt;b&gt;.up.sql"), "{}", run.out);
    assert!(!run.out.contains("<script") && !run.out.contains("<img"), "{}", run.out);
}

/// A file that moves down keeps its fingerprints, so that a known finding stays known.
#[test]
fn fingerprints_survive_moved_lines() {
    let index = "CREATE TABLE users (id bigint PRIMARY KEY, age int);\n";
    let text = "CREATE INDEX by_age ON users (age);\n";
    let prints = |text: &str| {
        let folder = project(&[("m/1_a.up.sql", index), ("m/2_b.up.sql", text)]);
        let run = whimbrel(
            folder.path(),
            &["check", "--exit-zero", "--format", "gitlab", "--dialect", "postgresql", "--select", "locking"],
        );
        let issues: Value = serde_json::from_str(&run.out).expect("JSON");
        issues.as_array().expect("a list").iter().map(|issue| issue["fingerprint"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(prints(text), prints(&format!("-- a comment\n\n{text}")));
    assert!(!prints(text).is_empty());
}

#[test]
fn hostile_names_stay_names() {
    let name = "m/2_a\u{1b}[31m,b:c%0A::error::x.up.sql";
    let folder = project(&[
        ("m/1_a.up.sql", "CREATE TABLE t (id int);"),
        (name, "DROP TABLE t;\nALTER TABLE \"a\n::error::y\" ADD COLUMN z int NOT NULL;"),
    ]);
    for format in ["github", "markdown", "compact", "text"] {
        let run =
            whimbrel(folder.path(), &["check", "--exit-zero", "--format", format, "--dialect", "postgresql", "--color", "never"]);
        assert!(!run.out.contains('\u{1b}'), "{format}: {}", run.out);
        assert!(
            format != "github"
                || run.out.lines().all(|line| line.starts_with("::error file=")
                    || line.starts_with("::warning file=")
                    || line.starts_with("::notice file=")),
            "{}",
            run.out
        );
    }
}

#[test]
fn a_baseline_hides_what_is_known_and_says_what_is_gone() {
    let folder =
        project(&[("m/1_a.up.sql", "CREATE TABLE t (id int);"), ("m/2_b.up.sql", "ALTER TABLE t ADD COLUMN a int NOT NULL;")]);
    let args = ["--dialect", "postgresql", "--select", "not_null_without_default"];
    let write = whimbrel(folder.path(), &[&["baseline"], &args[..]].concat());
    assert_eq!((write.code, write.err.as_str()), (0, "whimbrel: 1 findings written to whimbrel-baseline.json\n"));
    let check = || {
        whimbrel(folder.path(), &[&["check", "--format", "compact", "--baseline", "whimbrel-baseline.json"], &args[..]].concat())
    };
    assert_eq!((check().code, check().out.as_str()), (0, ""));
    support::write(
        folder.path(),
        "m/2_b.up.sql",
        b"-- later\nALTER TABLE t ADD COLUMN a int NOT NULL;\nALTER TABLE t ADD COLUMN b int NOT NULL;",
    );
    let next = check();
    assert_eq!((next.code, next.out.lines().count()), (1, 1), "{}", next.out);
    support::write(folder.path(), "m/2_b.up.sql", b"SELECT 1;");
    assert!(check().err.contains("entries of the baseline that hide nothing any more: 1;"), "{}", check().err);
    assert_eq!(whimbrel(folder.path(), &["check", "--baseline", "nowhere.json"]).code, 2);
}

#[test]
fn output_statistics_and_quiet() {
    let folder = fixture("golang-migrate/unsafe");
    let out = tempfile::tempdir().expect("a folder");
    let file = out.path().join("report.json");
    let run = whimbrel(&folder, &["check", "--exit-zero", "--format", "json", "--output", file.to_str().expect("UTF-8")]);
    assert_eq!((run.code, run.out.as_str()), (0, ""));
    serde_json::from_str::<Value>(&std::fs::read_to_string(&file).expect("a file")).expect("JSON");
    insta::assert_snapshot!("statistics", whimbrel(&folder, &["check", "--exit-zero", "--statistics"]).out);
    assert_eq!(whimbrel(&fixture("golang-migrate/safe"), &["check", "--quiet"]).out, "");
    let completions = whimbrel(&folder, &["completions", "bash"]);
    assert!(completions.out.contains("_whimbrel") && completions.out.contains("--baseline"));
    assert!(whimbrel(&folder, &["man"]).out.contains(".TH whimbrel"));
}

#[test]
fn graphs_are_drawn() {
    let folder = project(&[
        ("versions/a.py", &support::revision("a", None)),
        ("versions/b.py", &support::revision("b", Some("a"))),
        ("versions/c.py", &support::revision("c", Some("a"))),
        ("versions/d.py", &support::revision("d", Some("b")).replace("down_revision = \"b\"", "down_revision = (\"b\", \"c\")")),
        ("versions/e.py", &support::revision("e", Some("nowhere"))),
    ]);
    for format in ["dot", "mermaid", "svg"] {
        insta::assert_snapshot!(format!("graph_{format}"), whimbrel(folder.path(), &["graph", "--format", format]).out);
    }
}

/// Each format is read by a program that takes it, which sees every finding.
#[test]
fn other_programs_read_the_formats() {
    let Some(python) = python("sarif, junitparser, html5lib, jsonschema") else {
        return skip("readers of the formats", "pip install sarif-tools junitparser html5lib jsonschema");
    };
    let output = Command::new(python)
        .arg(Path::new(ROOT).join("tests/oracle/formats.py"))
        .arg(env!("CARGO_BIN_EXE_whimbrel"))
        .args(["fixtures", "whimbrel.schema.json"])
        .current_dir(ROOT)
        .output()
        .expect("Python runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
