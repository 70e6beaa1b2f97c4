//! What `plan` is sure of about rows that a history writes, against engines that run the same history: it never says that
//! a statement fails which runs. The histories are meant to mislead it.

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{ROOT, ask, postgres_servers, python, skip, whimbrel, write};

/// `## name`, then scripts with `---` between them.
fn histories(engine: &str) -> Vec<(String, Vec<String>)> {
    let path = Path::new(ROOT).join("tests/oracle/rows").join(format!("{engine}.txt"));
    let text = std::fs::read_to_string(path).expect("a file of the oracle");
    let cases = text.split("\n## ").map(|case| case.strip_prefix("## ").unwrap_or(case));
    let case = |case: &str| {
        let (name, scripts) = case.split_once('\n').expect("a name and scripts");
        let scripts = scripts.split("\n---\n").map(|script| format!("{};\n", script.trim().trim_end_matches(';')));
        (name.to_owned(), scripts.collect())
    };
    cases.map(case).collect()
}

fn measured(python: &Path, engine: &str, server: Option<&Path>, histories: &[(String, Vec<String>)]) -> Vec<Value> {
    let scripts: Vec<&Vec<String>> = histories.iter().map(|(_, scripts)| scripts).collect();
    let asked = json!({"engine": engine, "histories": scripts});
    let answers = ask(python, "rows/measure.py", server.as_slice(), &asked);
    answers.as_array().expect("a list").clone()
}

/// The first failure that `plan` is sure of in each history.
fn foretold(engine: &str, histories: &[(String, Vec<String>)]) -> Vec<Option<String>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (at, (_, scripts)) in histories.iter().enumerate() {
        for (script, text) in scripts.iter().enumerate() {
            write(folder.path(), &format!("c{at:04}/{:06}_step.up.sql", script + 1), text.as_bytes());
        }
    }
    let run = whimbrel(folder.path(), &["plan", "--format", "json", "--dialect", engine, "."]);
    let mut plan: Value = serde_json::from_str(&run.out).expect("JSON");
    let environments = plan["environments"].as_array_mut().expect("environments");
    environments.sort_by_key(|environment| environment["root"].to_string());
    assert_eq!(environments.len(), histories.len());
    let steps = |environment: &Value| -> Vec<Value> {
        let migrations = environment["migrations"].as_array().expect("migrations");
        migrations.iter().flat_map(|migration| migration["steps"].as_array().cloned().unwrap_or_default()).collect()
    };
    let failure =
        |environment: &Value| steps(environment).iter().find_map(|step| step["fails_because"].as_str().map(str::to_owned));
    environments.iter().map(failure).collect()
}

fn nothing_that_runs_is_said_to_fail(engine: &str, server: Option<&Path>, python: &Path) {
    let histories = histories(engine);
    let (seen, said) = (measured(python, engine, server, &histories), foretold(engine, &histories));
    let mut wrong = Vec::new();
    let (mut failures, mut known) = (0, 0);
    for (((name, scripts), seen), said) in histories.iter().zip(&seen).zip(&said) {
        match (seen.is_null(), said) {
            (true, Some(said)) => wrong.push(format!("{name}: {said}\n{}", scripts.join("---\n"))),
            (false, said) => (failures, known) = (failures + 1, known + usize::from(said.is_some())),
            _ => {}
        }
    }
    println!("{engine}: {} histories, {failures} fail, {known} of them foretold", histories.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(known > 0, "none of {failures} failures is foretold");
}

#[test]
fn on_sqlite() {
    let Some(python) = python("sqlite3") else { return skip("rows on SQLite", "no Python") };
    nothing_that_runs_is_said_to_fail("sqlite", None, &python);
}

#[test]
fn on_postgresql() {
    let Some(python) = python("psycopg") else { return skip("rows on PostgreSQL", "no Python with psycopg") };
    let Some(server) = postgres_servers().pop() else {
        return skip("rows on PostgreSQL", "no server programs: set WHIMBREL_POSTGRES");
    };
    nothing_that_runs_is_said_to_fail("postgresql", Some(&server), &python);
}
