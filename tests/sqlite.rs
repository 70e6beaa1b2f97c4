//! The model of SQLite against the real one: Alembic's directives, plain and in batches, and raw statements.
//!
//! Python's own SQLite and the Alembic of the test environment say what fails, what is lost and whose rows go;
//! `plan` has to say the same of a history whose first revision is the fixture.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use support::{ROOT, ask, python, skip, whimbrel, write};

/// How many of the cases have to agree.
const AIM: f64 = 0.98;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join("tests/oracle/sqlite").join(name)).expect("a file of the oracle")
}

fn lines(name: &str) -> Vec<String> {
    read(name).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn measure(python: &Path) -> Value {
    let parts = |line: &String| {
        let mut parts = line.split(" | ").map(str::to_owned);
        [parts.next(), parts.next(), parts.next()]
    };
    let directives: Vec<[Option<String>; 3]> = lines("directives.txt").iter().map(parts).collect();
    let asked = json!({"fixture": read("fixture.sql"), "directives": directives, "statements": lines("statements.txt")});
    ask(python, "sqlite/measure.py", &[], &asked)
}

fn revision(id: &str, down: &str, statements: &str) -> String {
    let body = statements.replace('\n', "\n    ");
    format!(
        "from alembic import op\nimport sqlalchemy as sa\n\nrevision = \"{id}\"\ndown_revision = {down}\n\n\ndef upgrade():\n    {body}\n"
    )
}

/// The last revision's steps of one environment a case.
fn plans(scripts: &[String], foreign_keys: bool, version: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let execute = |statement: &str| format!("op.execute({})", json!(statement.trim_end_matches(';')));
    let fixture: Vec<String> = lines("fixture.sql").iter().map(|line| execute(line)).collect();
    let fixture = revision("a", "None", &fixture.join("\n"));
    for (at, script) in scripts.iter().enumerate() {
        write(folder.path(), &format!("c{at:04}/versions/a.py"), fixture.as_bytes());
        write(folder.path(), &format!("c{at:04}/versions/b.py"), revision("b", "\"a\"", script).as_bytes());
    }
    let settings = format!("sqlite_foreign_keys = {foreign_keys}\nsqlite_version = \"{version}\"\n");
    write(folder.path(), "whimbrel.toml", settings.as_bytes());
    let run = whimbrel(folder.path(), &["plan", "--format", "json", "--dialect", "sqlite", "."]);
    assert_eq!(run.code, 0, "{}", run.err);
    let mut plan: Value = serde_json::from_str(&run.out).expect("JSON");
    let environments = plan["environments"].as_array_mut().expect("environments");
    assert_eq!(environments.len(), scripts.len());
    environments.sort_by_key(|environment| environment["root"].to_string());
    let last = |environment: &mut Value| {
        environment["migrations"].as_array_mut().and_then(Vec::pop).expect("a migration")["steps"].take()
    };
    environments.iter_mut().map(last).collect()
}

/// The texts of one list of a report.
fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().expect("a list").iter().map(|text| text.as_str().expect("text").to_owned()).collect()
}

/// What a step says, beside what was seen; None when they agree.
fn disagreement(seen: &Value, steps: &Value) -> Option<String> {
    let steps = steps.as_array().expect("steps");
    let fails = steps.iter().find_map(|step| step["fails_because"].as_str());
    let drops: BTreeSet<String> = steps.iter().flat_map(|step| texts(&step["drops_silently"])).collect();
    let worked = seen["outcome"] == "ok";
    let said =
        format!("{} | real: {} {} {} | said: {fails:?} {drops:?}", seen["mode"], seen["outcome"], seen["lost"], seen["emptied"]);
    if worked == fails.is_some() {
        return Some(said);
    }
    // A plain statement loses what it names; only batch blocks lose more.
    if !worked || !seen["mode"].as_str().is_some_and(|mode| mode.starts_with("batch")) {
        return None;
    }
    let call = seen["call"].as_str().expect("a call");
    let asked = |lost: &String| {
        call.starts_with("drop_constraint") || lost.strip_prefix("index ").is_some_and(|index| call.contains(index))
    };
    let lost: BTreeSet<String> = texts(&seen["lost"]).into_iter().filter(|lost| !asked(lost)).collect();
    let (rows, objects): (Vec<&String>, Vec<&String>) = drops.iter().partition(|what| what.starts_with("rows "));
    let emptied: BTreeSet<String> = rows.into_iter().map(|rows| rows["rows ".len()..].to_owned()).collect();
    (lost.is_empty() != objects.is_empty() || emptied != texts(&seen["emptied"])).then_some(said)
}

#[test]
fn sqlite_does_what_plan_says() {
    let Some(python) = python("alembic") else { return skip("SQLite", "no Python with Alembic") };
    let truth = measure(&python);
    let version = truth["version"].as_str().expect("a version");
    let (mut agree, mut wrong) = (0, Vec::new());
    for (kind, text) in [("directives", "script"), ("statements", "statement")] {
        for foreign_keys in [false, true] {
            let all = truth[kind].as_array().expect("a list").iter();
            let seen: Vec<&Value> = all.filter(|seen| seen["foreign_keys"] == foreign_keys).collect();
            let script = |seen: &&Value| match kind {
                "statements" => format!("op.execute({})", seen[text]),
                _ => seen[text].as_str().expect("text").to_owned(),
            };
            let scripts: Vec<String> = seen.iter().map(script).collect();
            for ((seen, script), steps) in seen.iter().zip(&scripts).zip(plans(&scripts, foreign_keys, version)) {
                match disagreement(seen, &steps) {
                    None => agree += 1,
                    Some(said) => wrong.push(format!("foreign_keys={foreign_keys} {script:?}\n    {said}")),
                }
            }
        }
    }
    let total = agree + wrong.len();
    println!("SQLite {version}: {agree} of {total} agree");
    wrong.iter().for_each(|wrong| println!("  {wrong}"));
    assert!(agree as f64 >= AIM * total as f64, "{agree} of {total} agree");
}
