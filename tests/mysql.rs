//! The model of MySQL and MariaDB against a real MariaDB: by which algorithm each ALTER TABLE runs, and which it refuses.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{ROOT, ask, python, skip, whimbrel, write};

/// How many of the statements have to agree.
const AIM: f64 = 0.98;

fn lines(name: &str) -> Vec<String> {
    let path = Path::new(ROOT).join("tests/oracle/mysql").join(name);
    std::fs::read_to_string(path)
        .expect("a file of the oracle")
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn mariadb_alters_as_plan_says() {
    let Some(python) = python("pymysql").filter(|_| Command::new("mariadbd").arg("--version").output().is_ok()) else {
        return skip("MariaDB", "no server, or no Python with pymysql");
    };
    let (fixture, statements) = (lines("fixture.sql").join("\n"), lines("statements.txt"));
    let asked = json!({"fixture": fixture, "statements": statements});
    let truth = ask(&python, "mysql/measure.py", &[], &asked);

    let folder = tempfile::tempdir().expect("a temporary folder");
    for (at, statement) in statements.iter().enumerate() {
        write(folder.path(), &format!("c{at:04}/000001_a.up.sql"), fixture.as_bytes());
        write(folder.path(), &format!("c{at:04}/000002_b.up.sql"), format!("{statement};\n").as_bytes());
    }
    let run = whimbrel(folder.path(), &["plan", "--format", "json", "--dialect", "mariadb", "."]);
    let mut plan: Value = serde_json::from_str(&run.out).expect("JSON");
    let environments = plan["environments"].as_array_mut().expect("environments");
    environments.sort_by_key(|environment| environment["root"].to_string());
    let (mut agree, mut wrong) = (0_u32, Vec::new());
    for ((statement, seen), environment) in statements.iter().zip(truth["results"].as_array().expect("results")).zip(environments)
    {
        let steps = environment["migrations"][1]["steps"].as_array().expect("steps");
        let said = steps.iter().find_map(|step| step["algorithm"].as_str());
        let fails = steps.iter().any(|step| step["fails_because"].is_string());
        let is_error = seen.as_str().is_some_and(|seen| seen.starts_with("error"));
        match fails == is_error && (is_error || said == seen.as_str()) {
            true => agree += 1,
            false => wrong.push(format!("{statement}: the server {seen}, plan {said:?}")),
        }
    }
    let total = agree as usize + wrong.len();
    println!("MariaDB {}: {agree} of {total} agree", truth["version"]);
    wrong.iter().for_each(|wrong| println!("  {wrong}"));
    assert!(f64::from(agree) >= AIM * total as f64, "{agree} of {total} agree");
}
