//! The operations read out of Alembic scripts against those in the SQL that Alembic itself emits for them.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{ROOT, project, python, skip};

/// Every directive of Alembic's reference, each call a revision of its own.
const REFERENCE: &str = include_str!("oracle/reference.txt");

#[test]
fn scripts_say_what_alembic_emits() {
    let Some(python) = python("alembic") else { return skip("Alembic's offline mode", "no Python with Alembic") };
    let mut files = vec![("project/migrations/env.py".to_owned(), String::new())];
    for (at, call) in REFERENCE.lines().enumerate() {
        let down = if at == 0 { "None".to_owned() } else { format!("\"r{:03}\"", at - 1) };
        let text = format!(
            "from alembic import op\nimport sqlalchemy as sa\n\nrevision = \"r{at:03}\"\ndown_revision = {down}\n\n\ndef upgrade():\n    {call}\n"
        );
        files.push((format!("project/migrations/versions/r{at:03}.py"), text));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let folder = project(&files);
    for dialect in ["postgresql", "sqlite", "mysql"] {
        let script = Path::new(ROOT).join("tests/oracle/offline.py");
        let run = Command::new(&python)
            .arg(script)
            .arg(env!("CARGO_BIN_EXE_whimbrel"))
            .arg(dialect)
            .arg(folder.path().join("project"))
            .output();
        let output = run.expect("Python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        println!("{dialect}: {} not run: {}", report["counts"], report["not_run"]);
        assert_eq!(report["differing"], serde_json::json!([]), "{dialect}");
        assert_eq!(report["counts"]["straight opaque"], Value::Null, "{dialect}");
        let agree = |kind: &str| report["counts"][kind].as_u64().unwrap_or(0);
        assert!(agree("straight agree") + agree("winding agree") > 45, "{}", report["counts"]);
    }
}
