//! The model of PostgreSQL against real servers: locks, rewrites, scans and refusals of many statements.
//!
//! `WHIMBREL_POSTGRES` names folders of server programs, separated by colons (`tests/oracle/postgres/get.py` gets
//! some); without it, Debian's `/usr/lib/postgresql/*/bin`. Every disagreement has to be written down, with its
//! reason, in `tests/oracle/postgres/known.txt`; a line there that no longer disagrees fails as well.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use whimbrel::operation::Dialect;
use whimbrel::sql::split::split;

use support::{ROOT, ask, postgres_servers, project, python, skip, whimbrel};

struct Case {
    setup: Vec<String>,
    statement: String,
}

fn folder() -> PathBuf {
    Path::new(ROOT).join("tests/oracle/postgres")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).expect("a file of the oracle")
}

/// A line each; `{setup || setup} statement`.
fn cases() -> Vec<Case> {
    let case = |line: &str| match line.strip_prefix('{').and_then(|rest| rest.split_once("} ")) {
        Some((setup, statement)) => {
            Case { setup: setup.split(" || ").map(str::to_owned).collect(), statement: statement.to_owned() }
        }
        None => Case { setup: Vec::new(), statement: line.to_owned() },
    };
    read("statements.txt").lines().filter(|line| !line.is_empty()).map(case).collect()
}

/// Every statement of the last file of each SQL example in the rules' pages, after all that stands before it.
fn page_cases() -> Vec<Case> {
    let mut out = Vec::new();
    for rule in whimbrel::rules::all().iter().filter(|rule| rule.applies_to(Some(Dialect::PostgreSql))) {
        for section in rule.page.sections() {
            let mut ups: Vec<_> = section.files.iter().filter(|file| file.path.ends_with(".up.sql")).collect();
            ups.sort_by_key(|file| file.path);
            let mut setup: Vec<String> = Vec::new();
            for (at, file) in ups.iter().enumerate() {
                for range in split(file.text, Some(Dialect::PostgreSql)).statements {
                    let statement = file.text[range].to_owned();
                    if at + 1 == ups.len() {
                        out.push(Case { setup: setup.clone(), statement: statement.clone() });
                    }
                    // Transaction control means nothing between statements that commit by themselves.
                    if !["BEGIN", "COMMIT"].contains(&statement.as_str()) {
                        setup.push(statement);
                    }
                }
            }
        }
    }
    out
}

/// `statement # reason`, without the reasons.
fn known() -> BTreeSet<String> {
    read("known.txt").lines().filter_map(|line| Some(line.rsplit_once("  # ")?.0.to_owned())).collect()
}

fn measure(python: &Path, server: &Path, fixture: &str, cases: &[Case]) -> Value {
    let cases: Vec<Value> = cases.iter().map(|case| json!({"setup": case.setup, "statement": case.statement})).collect();
    let asked = json!({"fixture": fixture, "extensions": ["citext"], "cases": cases});
    ask(python, "postgres/measure.py", &[server], &asked)
}

/// What `plan` says of the last migration of each project.
fn planned(fixture: &str, cases: &[Case], major: u64) -> BTreeMap<usize, Value> {
    let mut files: Vec<(String, String)> = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        files.push((format!("c{index:04}/000001_fixture.up.sql"), fixture.to_owned()));
        files.push((format!("c{index:04}/000002_setup.up.sql"), case.setup.join(";\n")));
        files.push((format!("c{index:04}/000003_case.up.sql"), case.statement.clone()));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let folder = project(&files);
    let version = major.to_string();
    let run = whimbrel(folder.path(), &["plan", "--format", "json", "--dialect", "postgresql", "--pg-version", &version]);
    assert_eq!(run.code, 0, "{}", run.err);
    let plan: Value = serde_json::from_str(&run.out).expect("JSON");
    let environments = plan["environments"].as_array().expect("environments");
    environments
        .iter()
        .map(|environment| {
            let root = environment["root"].as_str().expect("a root");
            let index = root.trim_start_matches('c').parse().expect("a number");
            (index, environment["migrations"].as_array().expect("migrations").last().expect("one")["steps"].clone())
        })
        .collect()
}

fn names(steps: &Value, key: &str) -> BTreeSet<String> {
    let lists = steps.as_array().into_iter().flatten().flat_map(|step| step[key].as_array().into_iter().flatten());
    lists.filter_map(|name| Some(name.as_str()?.to_owned())).collect()
}

/// Whether the model and the server agree in locks, rewrites, scans and refusal.
fn agree(steps: &Value, measured: &Value) -> bool {
    let list = steps.as_array().expect("steps");
    let locks: BTreeMap<&String, &Value> = list.iter().filter_map(|step| step["locks"].as_object()).flatten().collect();
    let refuses = list.iter().any(|step| step["refuses_transaction"] == true);
    let measured_names = |key: &str| names(&json!([measured]), key);
    // Locks of a statement that refuses a transaction cannot be read from inside.
    let same_locks = match measured["locks"].as_object() {
        Some(known) => known.iter().collect::<BTreeMap<_, _>>() == locks,
        None => true,
    };
    let rewrites = measured_names("rewrites");
    let scans: BTreeSet<String> = measured_names("scans").difference(&rewrites).cloned().collect();
    let ours: BTreeSet<String> = names(steps, "scans").difference(&names(steps, "rewrites")).cloned().collect();
    same_locks && names(steps, "rewrites") == rewrites && ours == scans && refuses == (measured["refuses_transaction"] == true)
}

#[test]
fn the_model_agrees_with_servers() {
    let Some(python) = python("psycopg") else { return skip("PostgreSQL", "no Python with psycopg") };
    let servers = postgres_servers();
    if servers.is_empty() {
        return skip("PostgreSQL", "no server programs: set WHIMBREL_POSTGRES");
    }
    let known = known();
    let fixture = read("fixture.sql");
    let sets = [("statements over the fixture", fixture.as_str(), cases()), ("statements of the rules' pages", "", page_cases())];
    let mut surprises: Vec<String> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    // A server answers one statement after the other, and leaves the rest of the machine to the next.
    let measured: Vec<Vec<Value>> = std::thread::scope(|scope| {
        let of_server = |server| sets.iter().map(|(_, fixture, cases)| measure(&python, server, fixture, cases)).collect();
        let running: Vec<_> = servers.iter().map(|server| scope.spawn(move || of_server(server))).collect();
        running.into_iter().map(|thread| thread.join().expect("a measurement")).collect()
    });
    for measured in measured {
        for ((title, fixture, cases), measured) in sets.iter().zip(measured) {
            let major = measured["version"].as_u64().expect("a version");
            let planned = planned(fixture, cases, major);
            let (mut agreed, mut pairs) = (0, 0);
            for (index, (case, found)) in cases.iter().zip(measured["results"].as_array().expect("results")).enumerate() {
                // What an older major does not read, or a role or extension that is not there.
                if found["outcome"].as_str().is_some_and(|outcome| outcome.starts_with("setup")) {
                    continue;
                }
                pairs += 1;
                if agree(&planned[&index], found) {
                    agreed += 1;
                    continue;
                }
                seen.insert(case.statement.clone());
                if !known.contains(&case.statement) {
                    surprises
                        .push(format!("{major}: {} \n  the server: {found}\n  the plan: {}", case.statement, planned[&index]));
                }
            }
            println!("PostgreSQL {major}: {agreed} of {pairs} {title} agree in locks, rewrites, scans and refusal");
        }
    }
    assert!(surprises.is_empty(), "disagreements that are not written down:\n{}", surprises.join("\n"));
    // With all majors at hand, nothing may be excused any longer that agrees.
    if servers.len() >= 9 {
        let settled: Vec<&String> = known.difference(&seen).collect();
        assert!(settled.is_empty(), "these agree by now: {settled:?}");
    }
}
