//! Which tool runs a folder of SQL files, how it runs them, and what real runners do with the same files.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{ROOT, check_json, project, python, rules, skip, whimbrel};

const TABLE: &str = "CREATE TABLE users (id bigint PRIMARY KEY, email text);\n";
const INDEX: &str = "CREATE INDEX CONCURRENTLY ix_email ON users (email);\n";

fn plan(folder: &Path) -> Value {
    let run = whimbrel(folder, &["plan", "--format", "json", "--dialect", "postgresql"]);
    assert_eq!(run.code, 0, "{}", run.err);
    serde_json::from_str::<Value>(&run.out).expect("JSON")["environments"][0].take()
}

/// Whether each statement of the last migration stands in a transaction.
fn in_transaction(environment: &Value) -> Vec<bool> {
    let last = environment["migrations"].as_array().and_then(|list| list.last()).expect("a migration");
    last["steps"].as_array().expect("steps").iter().map(|step| step["in_transaction"].as_bool().expect("a boolean")).collect()
}

/// A project, the runner it is for, the ids it holds, and whether an index that is built concurrently stands in a
/// transaction there.
struct Way {
    files: &'static [(&'static str, &'static str)],
    runner: &'static str,
    ids: &'static [&'static str],
    in_transaction: bool,
}

const WAYS: &[Way] = &[
    Way {
        files: &[("m/1_a.up.sql", TABLE), ("m/2_b.up.sql", INDEX), ("m/2_b.down.sql", "DROP INDEX ix_email;")],
        runner: "golang-migrate",
        ids: &["1", "2"],
        in_transaction: false,
    },
    Way {
        files: &[("m/1_a.up.sql", TABLE), ("m/2_b.up.sql", INDEX), ("Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n")],
        runner: "sqlx",
        ids: &["1", "2"],
        in_transaction: true,
    },
    Way {
        files: &[
            ("m/1_a.sql", TABLE),
            ("m/2_b.sql", "-- no-transaction\nCREATE INDEX CONCURRENTLY ix ON users (email);"),
            ("Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n"),
        ],
        runner: "sqlx",
        ids: &["1", "2"],
        in_transaction: false,
    },
    Way {
        files: &[
            ("migrations/2024-01-01-000000_a/up.sql", TABLE),
            ("migrations/2024-01-01-000000_a/down.sql", "DROP TABLE users;"),
            ("migrations/2024-01-02-000000_b/up.sql", INDEX),
            ("migrations/2024-01-02-000000_b/metadata.toml", "run_in_transaction = false # cannot\n"),
        ],
        runner: "diesel",
        ids: &["20240101000000", "20240102000000"],
        in_transaction: false,
    },
    Way { files: &[("m/V1__a.sql", TABLE), ("m/V2__b.sql", INDEX)], runner: "flyway", ids: &["1", "2"], in_transaction: false },
    Way {
        files: &[("m/V1__a.sql", TABLE), ("m/V2__b.sql", INDEX), ("m/V2__b.sql.conf", "executeInTransaction=true\n")],
        runner: "flyway",
        ids: &["1", "2"],
        in_transaction: true,
    },
    Way {
        files: &[("m/R__view.sql", INDEX), ("m/V1__a.sql", TABLE), ("m/V1.1__c.sql", "SELECT 1;")],
        runner: "flyway",
        ids: &["1", "1.1", "R__view"],
        in_transaction: false,
    },
    Way {
        files: &[("m/V1__a.sql", TABLE), ("m/V2__b.sql", INDEX), ("Cargo.toml", "[dependencies]\nrefinery = \"0.9\"\n")],
        runner: "refinery",
        ids: &["1", "2"],
        in_transaction: true,
    },
    Way {
        files: &[
            ("m/001_a.sql", "CREATE TABLE users (id bigint);\n---- create above / drop below ----\nDROP TABLE users;\n"),
            ("m/002_b.sql", "---- tern: disable-tx ----\nCREATE INDEX CONCURRENTLY ix ON users (id);\n"),
        ],
        runner: "tern",
        ids: &["001", "002"],
        in_transaction: false,
    },
    Way {
        files: &[
            ("m/1_a.sql", TABLE),
            ("m/2_b.sql", "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY ix ON users (email);"),
            ("m/atlas.sum", "h1:x=\n"),
        ],
        runner: "atlas",
        ids: &["1", "2"],
        in_transaction: false,
    },
    Way {
        files: &[(
            "changelog/001_users.sql",
            "--liquibase formatted sql\n\n--changeset ann:users\nCREATE TABLE users (id bigint);\n--rollback DROP TABLE users;\n\n\
                 --changeset ann:index runInTransaction:false\nCREATE INDEX CONCURRENTLY ix ON users (id);\n--rollback DROP INDEX CONCURRENTLY ix;\n",
        )],
        runner: "liquibase",
        ids: &["ann:users", "ann:index"],
        in_transaction: false,
    },
    Way {
        files: &[("supabase/migrations/20240101000000_a.sql", TABLE), ("supabase/migrations/20240102000000_b.sql", INDEX)],
        runner: "supabase",
        ids: &["20240101000000", "20240102000000"],
        in_transaction: false,
    },
    Way {
        files: &[("drizzle/0000_a.sql", TABLE), ("drizzle/0001_b.sql", INDEX), ("drizzle/meta/_journal.json", "{}")],
        runner: "drizzle",
        ids: &["0000", "0001"],
        in_transaction: true,
    },
    Way {
        files: &[("m/1_a.up.sql", TABLE), ("m/2_b.up.sql", INDEX), ("go.mod", "require github.com/gobuffalo/pop/v6 v6.1.1\n")],
        runner: "pop",
        ids: &["1", "2"],
        in_transaction: true,
    },
    // yoyo's names say little about the order, its `-- depends:` all.
    Way {
        files: &[
            ("m/1_b.sql", "CREATE TABLE users (id int);"),
            ("m/1_a.sql", "-- depends: 1_b\nCREATE INDEX ix_email ON users (id);"),
            ("yoyo.ini", ""),
        ],
        runner: "yoyo",
        ids: &["1_b", "1_a"],
        in_transaction: true,
    },
    Way {
        files: &[
            ("m/0_init/migration.sql", TABLE),
            ("m/20240101_b/migration.sql", INDEX),
            ("m/20240101000000_a/migration.sql", "SELECT 1;"),
            ("m/migration_lock.toml", ""),
        ],
        runner: "prisma",
        ids: &["0_init", "20240101000000_a", "20240101_b"],
        in_transaction: false,
    },
    Way {
        files: &[
            ("m/0001_init/up.sql", TABLE),
            ("m/0001_init/down.sql", "DROP TABLE users;"),
            ("m/0002_b/up.sql", INDEX),
            ("m/0002_b/down.sql", ""),
            ("diesel.toml", ""),
        ],
        runner: "diesel",
        ids: &["0001", "0002"],
        in_transaction: true,
    },
    Way {
        files: &[
            ("drizzle/0000_a.sql", TABLE),
            ("drizzle/0001_b.sql", "SELECT 1;"),
            ("drizzle/0002_c.sql", INDEX),
            (
                "drizzle/meta/_journal.json",
                r#"{"dialect":"postgresql","entries":[{"tag":"0000_a","when":1},{"tag":"0002_c","when":2},{"tag":"0001_b","when":3}]}"#,
            ),
        ],
        runner: "drizzle",
        ids: &["0000", "0002", "0001"],
        in_transaction: true,
    },
    Way {
        files: &[(
            "changelog/users.sql",
            "--liquibase formatted sql\n--changeset a:1\nCREATE TABLE users (email text);\n/* liquibase rollback\nDROP TABLE users;\n*/\n--changeset a:2 dbms:mysql\nALTER TABLE users ENGINE=InnoDB;\n--rollback empty\n--changeset a:3 endDelimiter:/\nCREATE INDEX ix_email ON users (email)\n/\n",
        )],
        runner: "liquibase",
        ids: &["a:1", "a:2", "a:3"],
        in_transaction: true,
    },
    Way {
        files: &[("m/B5__base.sql", TABLE), ("m/V6__b.sql", INDEX)],
        runner: "flyway",
        ids: &["5", "6"],
        in_transaction: false,
    },
    Way {
        files: &[("m/1_a.sql", TABLE), ("m/2_b.sql", INDEX), ("m/2_b.rollback.sql", "DROP INDEX ix_email;"), ("yoyo.ini", "")],
        runner: "yoyo",
        ids: &["1_a", "2_b"],
        in_transaction: true,
    },
];

#[test]
fn files_tell_their_runner_and_how_it_executes_them() {
    for way in WAYS {
        let folder = project(way.files);
        let environment = plan(folder.path());
        assert_eq!(environment["framework"], way.runner, "{:?}", way.files);
        let ids: Vec<&str> =
            environment["migrations"].as_array().unwrap().iter().map(|migration| migration["id"].as_str().unwrap()).collect();
        assert_eq!(ids, way.ids, "{}", way.runner);
        assert_eq!(in_transaction(&environment), [way.in_transaction], "{}: {:?}", way.runner, way.files);
    }
}

#[test]
fn the_configuration_can_name_the_runner() {
    let folder = project(&[("m/1_a.sql", TABLE), ("m/2_b.sql", INDEX), ("whimbrel.toml", "runner = \"sqlx\"\n")]);
    assert_eq!(plan(folder.path())["framework"], "sqlx");
    let folder = project(&[("m/1_a.sql", TABLE), ("whimbrel.toml", "runner = \"flyaway\"\n")]);
    let run = whimbrel(folder.path(), &["check"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("`flyaway` is no runner that whimbrel knows: alembic, prisma"), "{}", run.err);
}

/// What the project says of a runner of its own holds for all that is said of transactions.
#[test]
fn the_configuration_can_say_what_shares_a_transaction() {
    let next = "CREATE INDEX ix ON users (email);";
    let with = |told: &str| {
        let settings = format!("dialect = \"postgresql\"\n{told}");
        project(&[("m/1_a.up.sql", TABLE), ("m/2_b.up.sql", INDEX), ("m/3_c.up.sql", next), ("whimbrel.toml", &settings)])
    };
    let help = |folder: &Path| {
        let report = check_json(folder, &["--select", "index_not_concurrent"]);
        report["findings"][0]["help"].as_str().unwrap().lines().next().unwrap().to_owned()
    };
    // What golang-migrate does: a file is a message, and a statement alone in it is in no transaction.
    let folder = with("");
    assert_eq!(in_transaction(&plan(folder.path())), [false]);
    assert_eq!(help(folder.path()), "put it into a file of its own, without BEGIN or COMMIT:");
    for (told, inside, together, how) in [
        ("all", true, true, "run it by hand: the runner has all pending migrations in one transaction:"),
        ("each", true, false, "run it by hand: the runner has every migration in a transaction:"),
        ("message", false, false, "put it into a file of its own, without BEGIN or COMMIT:"),
        ("none", false, false, "run it outside of BEGIN and COMMIT:"),
    ] {
        let folder = with(&format!("transaction = \"{told}\"\n"));
        let plan = plan(folder.path());
        assert_eq!(in_transaction(&plan), [inside], "{told}");
        assert_eq!(plan["pending_share_transaction"], together, "{told}");
        assert_eq!(help(folder.path()), how);
    }
    let run = whimbrel(with("transaction = \"one\"\n").path(), &["check"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("expected one of `all`, `each`, `message`, `none`"), "{}", run.err);
}

/// A project that lists other packages, and golang-migrate nowhere, runs its files with something of its own.
#[test]
fn a_runner_that_is_only_guessed_is_not_named() {
    let files = [("m/1_a.up.sql", TABLE), ("m/2_b.up.sql", "CREATE INDEX ix ON users (email);")];
    let help = |more: &[(&str, &str)]| {
        let folder = project(&[&files[..], more].concat());
        let report = check_json(folder.path(), &["--dialect", "postgresql", "--select", "index_not_concurrent"]);
        report["findings"][0]["help"].as_str().unwrap().to_owned()
    };
    let manifest = ("go.mod", "module example.com/a\nrequire github.com/jackc/pgx/v5 v5.1.0\n");
    assert!(
        help(&[manifest]).contains("if what runs these files opens no transaction around them (`transaction` in whimbrel.toml")
    );
    for known in [
        ("go.mod", "module example.com/a\nrequire github.com/golang-migrate/migrate/v4 v4.1.0\n"),
        ("whimbrel.toml", "runner = \"golang-migrate\"\n"),
        ("Makefile", "up:\n\tmigrate -path m -database $(URL) up\n"),
    ] {
        let more = if known.0 == manifest.0 { vec![known] } else { vec![manifest, known] };
        assert!(help(&more).starts_with("put it into a file of its own, without BEGIN or COMMIT:"), "{known:?}");
    }
}

#[test]
fn golang_migrate_can_be_told_to_cut_files_into_statements() {
    let files = [("m/1_a.up.sql", TABLE), ("m/2_b.up.sql", "SELECT 1;\nCREATE INDEX CONCURRENTLY ix ON users (email);")];
    assert_eq!(in_transaction(&plan(project(&files).path())), [true, true]);
    let told = [&files[..], &[("Makefile", "up:\n\tmigrate -database 'postgres://db?x-multi-statement=true' up\n")]].concat();
    assert_eq!(in_transaction(&plan(project(&told).path())), [false, false]);
}

#[test]
fn flyway_refuses_files_that_mix() {
    let folder = project(&[
        ("m/V1__a.sql", TABLE),
        ("m/V2__b.sql", "ALTER TABLE users ADD COLUMN age int;\nCREATE INDEX CONCURRENTLY ix ON users (age);"),
    ]);
    let report = check_json(folder.path(), &["--dialect", "postgresql", "--select", "several_statements_need_one"]);
    assert_eq!(rules(&report), ["several_statements_need_one"]);
    assert!(report["findings"][0]["message"].as_str().unwrap().starts_with("Flyway refuses this file"));
}

/// Rollbacks that stand in comments are read where they stand.
#[test]
fn liquibase_rollbacks_are_the_way_back() {
    let text = "--liquibase formatted sql\n--changeset ann:1\nCREATE TABLE users (id bigint);\n--rollback DROP TABLE\n--rollback users;\n\n--changeset ann:2\nSELECT 1;\n";
    let folder = project(&[("db/001_users.sql", text)]);
    let run = whimbrel(folder.path(), &["plan", "--format", "json", "--dialect", "postgresql", "--direction", "down"]);
    let plan: Value = serde_json::from_str(&run.out).expect("JSON");
    let step = &plan["environments"][0]["migrations"][0]["steps"][0];
    assert_eq!((step["operation"].as_str(), step["table"].as_str()), (Some("drop_table"), Some("users")));
    assert_eq!(step["range"]["start"]["line"], 4);
    let report = check_json(folder.path(), &["--dialect", "postgresql", "--select", "missing_downgrade"]);
    assert_eq!(report["findings"][0]["revision"], "ann:2");
}

/// Real runners record which statements share a transaction; `plan` has to say the same of the same files.
#[test]
fn real_runners_execute_files_as_plan_says() {
    let Some(python) = python("psycopg") else { return skip("runners", "no Python with psycopg") };
    let named = std::env::var_os("WHIMBREL_POSTGRES");
    let servers = named.iter().flat_map(std::env::split_paths).collect::<Vec<PathBuf>>();
    let installed =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|major| major.path().join("bin"));
    let Some(server) = servers.into_iter().chain(installed).find(|bin| bin.join("initdb").exists()) else {
        return skip("runners", "no PostgreSQL server");
    };
    let out = tempfile::tempdir().expect("a temporary folder");
    let script = Path::new(ROOT).join("tests/oracle/runners/measure.py");
    let output = Command::new(python).arg(script).arg(server).arg(out.path()).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: BTreeMap<String, Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    if std::env::var_os("WHIMBREL_RUNNERS").is_none() {
        skip("runners from npm", "WHIMBREL_RUNNERS names no folder with node_modules");
    }
    for (name, seen) in &seen {
        let environment = plan(&out.path().join(name));
        let migrations = environment["migrations"].as_array().expect("migrations");
        let together = migrations[1]["steps"].as_array().expect("steps").iter().all(|step| step["in_transaction"] == true);
        let said = serde_json::json!({
            "together": together,
            "files_together": together && environment["pending_share_transaction"] == true,
            "concurrently": in_transaction(&environment) == [false],
        });
        println!("{name}: {seen}");
        assert_eq!(&said, seen, "{name}");
    }
}
