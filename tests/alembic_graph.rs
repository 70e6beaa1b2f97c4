//! The revision graph against Alembic's own, over environments that are made up here.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{ROOT, project, python, skip, whimbrel};

/// A small generator with a fixed seed: the same graphs on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound.max(1)
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

struct Made {
    id: String,
    down: Vec<String>,
    depends_on: Vec<String>,
    labels: Vec<String>,
}

fn literal(names: &[String], style: usize) -> String {
    let quoted: Vec<String> =
        names.iter().map(|name| if style.is_multiple_of(2) { format!("{name:?}") } else { format!("'{name}'") }).collect();
    match (quoted.as_slice(), style % 3) {
        ([], _) => "None".to_owned(),
        ([one], 0 | 1) => one.clone(),
        (list, 2) => format!("[{}]", list.join(", ")),
        (list, _) => format!("({},)", list.join(", ")),
    }
}

fn environment(seed: u64) -> Vec<(String, String)> {
    let mut random = Random(seed);
    let count = 1 + random.below(14);
    let mut made: Vec<Made> = Vec::new();
    for index in 0..count {
        let id = match random.below(3) {
            0 => format!("{:012x}", random.below(usize::MAX >> 20)),
            1 => format!("{index:04}_step"),
            _ => format!("rev{index}"),
        };
        let mut pick = |most: usize, made: &[Made]| {
            let mut names: Vec<String> = (0..random.below(most + 1)).map(|_| made[random.below(made.len())].id.clone()).collect();
            names.sort();
            names.dedup();
            names
        };
        let down = if made.is_empty() { Vec::new() } else { pick(2, &made) };
        let depends_on = if made.is_empty() || index % 4 != 3 { Vec::new() } else { pick(1, &made) };
        let labels = if random.one_in(6) { vec![format!("label{index}")] } else { Vec::new() };
        made.push(Made { id, down, depends_on, labels });
    }
    // Some graphs are broken: a parent that is missing, a circle, a copy.
    let victim = random.below(count);
    match random.below(6) {
        0 => made[victim].down = vec!["nowhere".to_owned()],
        1 if count > 2 => {
            let last = made[count - 1].id.clone();
            made[0].down = vec![last];
        }
        2 if count > 3 => made[count - 1].id = made[1].id.clone(),
        _ => {}
    }
    made.iter()
        .enumerate()
        .map(|(index, one)| {
            let style = random.below(6);
            let annotation = if style > 2 { ": str" } else { "" };
            let text = format!(
                "\"\"\"doc\"\"\"\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision{annotation} = {:?}\ndown_revision = {}\n\
                 depends_on = {}\nbranch_labels = {}\n\n\ndef upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n",
                one.id,
                literal(&one.down, style),
                literal(&one.depends_on, style),
                literal(&one.labels, style),
            );
            (format!("migrations/versions/{index:03}_x.py"), text)
        })
        .collect()
}

fn sorted(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_array().expect("a list").iter().map(|name| name.as_str().expect("a name")).collect();
    names.sort_unstable();
    names
}

#[test]
fn equals_alembic() {
    let Some(python) = python("alembic") else {
        return skip("Alembic", "no Python with alembic; see tests/oracle/requirements.txt");
    };
    let make = |seed| {
        let files = environment(seed);
        let borrowed: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let around = [("migrations/env.py", ""), ("alembic.ini", "[alembic]\nscript_location = %(here)s/migrations\n")];
        project(&[&borrowed[..], &around].concat())
    };
    let folders: Vec<_> = (0..120).map(make).collect();
    let oracle = Command::new(&python)
        .arg(Path::new(ROOT).join("tests/oracle/alembic_graph.py"))
        .args(folders.iter().map(|folder| folder.path().join("migrations/versions")))
        .output()
        .expect("Python runs");
    let answers = String::from_utf8(oracle.stdout).expect("UTF-8");
    assert_eq!(answers.lines().count(), folders.len(), "{}", String::from_utf8_lossy(&oracle.stderr));
    let (mut equal, mut broken) = (0, 0);
    for (seed, (folder, answer)) in folders.iter().zip(answers.lines()).enumerate() {
        let theirs: Value = serde_json::from_str(answer).expect("JSON");
        let run = whimbrel(folder.path(), &["graph", "--format", "json"]);
        let ours: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("seed {seed}: {}", run.err));
        let ours = &ours["environments"][0];
        if let Some(error) = theirs["error"].as_str() {
            let expected = match error {
                "KeyError" => "unknown_parent",
                "CycleDetected" | "LoopDetected" | "DependencyCycleDetected" | "DependencyLoopDetected" => "revision_cycle",
                other => panic!("seed {seed}: {other}"),
            };
            let rules: Vec<&str> = ours["problems"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap()).collect();
            assert!(rules.contains(&expected), "seed {seed}: Alembic says {error}, we say {rules:?}");
            broken += 1;
            continue;
        }
        for key in ["heads", "bases", "merge_points", "branch_points"] {
            assert_eq!(sorted(&ours[key]), sorted(&theirs[key]), "seed {seed}: {key}");
        }
        for revision in ours["revisions"].as_array().unwrap() {
            let id = revision["id"].as_str().unwrap();
            // Of two files with one id, Alembic's answer is that of the last.
            if ours["problems"].as_array().unwrap().iter().any(|problem| problem["rule"] == "duplicate_revision") {
                continue;
            }
            assert_eq!(json!(sorted(&revision["down_revisions"])), theirs["parents"][id], "seed {seed}: {id}");
            assert_eq!(json!(sorted(&revision["depends_on"])), theirs["depends_on"][id], "seed {seed}: {id}");
        }
        equal += 1;
    }
    assert!(equal > 60 && broken > 10, "the generator makes both kinds: {equal} whole, {broken} broken");
    println!("graphs equal to Alembic's: {equal} of {equal}; broken in the same way: {broken} of {broken}");
}
