//! `whimbrel plan`: the real binary's bytes, and the frozen shape.

mod support;

use serde_json::Value;
use support::{fixture, project, whimbrel};

const USERS: (&str, &str) =
    ("m/000001_users.up.sql", "CREATE TABLE users (id bigint PRIMARY KEY, age integer);\nCREATE INDEX by_age ON users (age);");

fn plan(files: &[(&str, &str)], args: &[&str]) -> Value {
    let folder = project(files);
    let run = whimbrel(folder.path(), &[&["plan", "--format", "json", "--dialect", "postgresql"], args].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    serde_json::from_str(&run.out).expect("JSON")
}

#[test]
fn for_people() {
    let folder = fixture("golang-migrate/unsafe");
    insta::assert_snapshot!("plan_text", whimbrel(&folder, &["plan"]).out);
    insta::assert_snapshot!("plan_markdown", whimbrel(&folder, &["plan", "--format", "markdown", "--direction", "both"]).out);
}

#[test]
fn the_actions_of_one_alter_table_share_its_range_and_its_locks() {
    let alter = "ALTER TABLE users ALTER COLUMN age TYPE bigint, ADD COLUMN name text, ALTER COLUMN age SET STATISTICS 10;";
    let plan = plan(&[USERS, ("m/000002_alter.up.sql", alter)], &["--pg-version", "15"]);
    let environment = &plan["environments"][0];
    assert_eq!(environment["engine_version"], "15");
    let migration = &environment["migrations"][1];
    assert_eq!(migration["verdict"], "needs_downtime");
    let steps = migration["steps"].as_array().unwrap();
    let kinds: Vec<&str> = steps.iter().map(|step| step["operation"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["alter_column_type", "add_column", "set_statistics"]);
    for step in steps {
        assert_eq!(step["locks"]["users"], "AccessExclusive");
        assert_eq!(step["statement"], alter.trim_end_matches(';'));
    }
    assert_eq!(steps[0]["rewrites"][0], "users");
    // The index over the column itself is made anew, not rebuilt.
    assert_eq!(steps[0]["index_rebuilds"], serde_json::json!(["users_pkey"]));
}

#[test]
fn scripts_and_sql_speak_of_the_same_operations() {
    let script = "from alembic import op\nimport sqlalchemy as sa\nrevision = \"a\"\ndown_revision = None\n\n\ndef upgrade():\n    \
                  op.create_table(\"t\", sa.Column(\"id\", sa.BigInteger, primary_key=True))\n    \
                  op.add_column(\"t\", sa.Column(\"x\", sa.Integer))\n    op.create_index(\"ix\", \"t\", [\"x\"])\n    \
                  op.drop_column(\"t\", \"x\")\n\n\ndef downgrade():\n    op.drop_table(\"t\")\n";
    let sql = "CREATE TABLE t (id bigint PRIMARY KEY);\nALTER TABLE t ADD COLUMN x integer;\nCREATE INDEX ix ON t (x);\nALTER TABLE t DROP COLUMN x;\n";
    let said = |plan: &Value| -> Vec<(String, Value, Value)> {
        let steps = plan["environments"][0]["migrations"][0]["steps"].as_array().unwrap().clone();
        steps
            .iter()
            .map(|step| (step["operation"].as_str().unwrap().to_owned(), step["table"].clone(), step["name"].clone()))
            .collect()
    };
    assert_eq!(said(&plan(&[("versions/a.py", script)], &[])), said(&plan(&[("m/000001_a.up.sql", sql)], &[])));
}

#[test]
fn only_what_is_pending() {
    let files = [USERS, ("m/000002_b.up.sql", "SELECT 1;"), ("m/000003_c.up.sql", "SELECT 2;")];
    let plan = plan(&files, &["--pending-from", "000002"]);
    let ids: Vec<&str> =
        plan["environments"][0]["migrations"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["000003"]);
    let folder = project(&files);
    let run = whimbrel(folder.path(), &["plan", "--pending-from", "nowhere"]);
    assert_eq!((run.code, run.err.as_str()), (2, "whimbrel: no migration has the id `nowhere`\n"));
}

#[test]
fn versions_differ() {
    let step = |version: &str, sql: &str| {
        let files = [USERS, ("m/000002_b.up.sql", sql)];
        plan(&files, &["--pg-version", version])["environments"][0]["migrations"][1]["steps"][0].clone()
    };
    let add = "ALTER TABLE users ADD COLUMN active boolean NOT NULL DEFAULT true;";
    assert_eq!(step("10", add)["rewrites"][0], "users");
    assert_eq!(step("11", add)["rewrites"], serde_json::json!([]));
    let reindex = "REINDEX TABLE CONCURRENTLY users;";
    assert!(step("11", reindex)["fails_because"].as_str().unwrap().contains("came with 12"));
    assert_eq!(step("12", reindex)["refuses_transaction"], true);
}

#[test]
fn a_table_from_elsewhere_is_taken_to_exist() {
    let plan = plan(&[("m/000001_a.up.sql", "ALTER TABLE elsewhere ADD CONSTRAINT c CHECK (x > 0);")], &[]);
    let step = &plan["environments"][0]["migrations"][0]["steps"][0];
    assert_eq!(step["locks"]["elsewhere"], "AccessExclusive");
    assert_eq!(step["scans"][0], "elsewhere");
}

#[test]
fn a_new_value_of_an_enum_waits_for_its_commit() {
    let types = "CREATE TYPE state AS ENUM ('open', 'shut');\nCREATE TABLE doors (id bigint PRIMARY KEY, now state);\n\
                 CREATE TABLE words (id bigint PRIMARY KEY, word text);";
    let verdict = |used: &str, version: &str| {
        let change = format!("ALTER TYPE state ADD VALUE 'ajar';\n{used}");
        let files = [("m/000001_types.up.sql", types), ("m/000002_ajar.up.sql", change.as_str())];
        let plan = plan(&files, &["--pg-version", version]);
        let migration = &plan["environments"][0]["migrations"][1];
        (migration["verdict"].as_str().unwrap().to_owned(), migration["steps"][1]["fails_because"].is_string())
    };
    assert_eq!(verdict("UPDATE doors SET now = 'ajar' WHERE id = 1;", "16"), ("will_fail".to_owned(), true));
    // Another table's text may be the same word.
    assert!(!verdict("INSERT INTO words VALUES (1, 'ajar');", "16").1);
}
