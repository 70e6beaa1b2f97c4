//! Input that nobody would write on purpose: a clear word, the file's name, and the rest of the run goes on.

mod support;

use support::{Run, check_json, project, revision, rules, whimbrel, write};

/// What every run must keep to, whatever it reads.
fn sane(run: &Run) {
    assert!(run.code < 2, "{}", run.err);
    let hostile = |c: char| c.is_control() && c != '\n' && c != '\t';
    assert!(!run.out.contains(hostile), "control characters reach the terminal: {:?}", run.out);
    assert!(!run.err.contains("panicked"), "{}", run.err);
}

#[test]
fn bytes_that_are_no_text() {
    let folder = project(&[("versions/a.py", &revision("a", None)), ("versions/d.py", &revision("d", Some("c")))]);
    write(folder.path(), "versions/b.py", b"# caf\xe9\nrevision = 'b'\ndown_revision = 'a'\n");
    write(folder.path(), "versions/c.py", b"revision = 'c'\ndown_revision = 'b'\n\0\n");
    let report = check_json(folder.path(), &[]);
    // The graph stays whole: nothing but the two files themselves is reported.
    assert_eq!(rules(&report), ["unreadable_file", "unreadable_file"]);
    assert_eq!(report["findings"][0]["message"], "the file is not UTF-8: byte 5 (0xe9) starts no character");
    assert_eq!(report["findings"][0]["range"]["start"]["column"], 6);
    assert_eq!(report["summary"]["migrations"], 4);

    let folder = project(&[("m/2_b.up.sql", "CREATE TABLE b (id int);"), ("m/2_b.down.sql", "DROP TABLE b;")]);
    write(folder.path(), "m/1_a.up.sql", b"CREATE TABLE a (\xff\xfe);");
    write(folder.path(), "m/1_a.down.sql", b"DROP TABLE a;\0");
    assert_eq!(rules(&check_json(folder.path(), &[])), ["unreadable_file", "unreadable_file"]);
}

#[test]
fn marks_line_ends_and_nothing_at_all() {
    let crlf = format!("\u{feff}{}", revision("a", None).replace('\n', "\r\n"));
    let sql = "\u{feff}CREATE TABLE t (id int);\r\n\r\nALTER TABLE x ADD COLUMN y int NOT NULL;\r\n";
    let folder = project(&[
        ("versions/a.py", &crlf),
        ("versions/empty.py", ""),
        ("m/1_a.up.sql", sql),
        ("m/1_a.down.sql", "ALTER TABLE x DROP COLUMN y;\nDROP TABLE t;"),
        ("m/2_b.up.sql", ""),
    ]);
    let report = check_json(folder.path(), &[]);
    assert_eq!(rules(&report), ["not_null_without_default", "empty_migration"]);
    assert_eq!(report["findings"][0]["range"]["start"]["line"], 3);
    let text = std::fs::read_to_string(folder.path().join("m/1_a.up.sql")).unwrap();
    let start = report["findings"][0]["range"]["start"]["offset"].as_u64().unwrap() as usize;
    assert_eq!(&text[start..start + 8], "NOT NULL");
}

#[test]
fn fifty_megabytes() {
    let row = "INSERT INTO t VALUES (1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');\n";
    let one_statement =
        format!("INSERT INTO t VALUES {}(1, 'b');\n", "(1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'), ".repeat(500_000));
    let many = row.repeat(300_000);
    assert!(many.len() + one_statement.len() > 50_000_000);
    let folder = project(&[
        ("m/1_a.up.sql", &format!("CREATE TABLE t (id int, v text);\n{many}{one_statement}")),
        ("m/1_a.down.sql", "DROP TABLE t;"),
    ]);
    let report = check_json(folder.path(), &[]);
    assert_eq!(report["summary"]["statements"], 300_003);
    assert_eq!(report["summary"]["opaque_statements"], 0);
}

#[test]
fn nested_without_end() {
    let deep = 10_000;
    let parens = format!("{}1{}", "(".repeat(deep), ")".repeat(deep));
    let chain = vec!["1"; 100_000].join(" + ");
    let sql = format!(
        "CREATE TABLE a (id int DEFAULT {parens});\nSELECT {parens};\nSELECT {chain};\nSELECT {}1;\nCREATE TABLE b (id int);",
        "- ".repeat(deep)
    );
    let python = |value: &str| revision("a", None).replace("down_revision = None", &format!("down_revision = None\nx = {value}"));
    let elifs = format!("{}    if x:\n        pass\n{}", "\n\ndef f(x):\n", "    elif x:\n        pass\n".repeat(5_000));
    let folder = project(&[("m/1_a.up.sql", &sql), ("m/1_a.down.sql", "DROP TABLE a;")]);
    let report = check_json(folder.path(), &[]);
    assert_eq!(report["summary"]["statements"], 6, "one unreadable statement hides no other");
    for (value, readable) in
        [(parens.as_str(), false), (&chain, false), (&"-".repeat(deep), false), (&"[".repeat(deep), false), ("1", true)]
    {
        let folder = project(&[("versions/a.py", &python(value)), ("versions/b.py", &revision("b", Some("a")))]);
        let found = check_json(folder.path(), &[]);
        let expected: &[&str] = if readable { &[] } else { &["unreadable_file"] };
        assert_eq!(rules(&found), expected);
    }
    let folder = project(&[("versions/a.py", &(revision("a", None) + &elifs))]);
    assert_eq!(rules(&check_json(folder.path(), &[])), [""; 0]);
}

#[test]
fn programs_that_never_end() {
    let body = "\
def f(n):
    f(n + 1)
    g(n)
def g(n):
    for i in range(10 ** 9):
        op.execute('SELECT 1')
    while True:
        f(n)
def upgrade():
    f(0)
    for a in range(1000):
        for b in range(1000):
            for c in range(1000):
                op.execute('SELECT 2')
def downgrade():
    x = []
    for i in x:
        x.append(i)
    upgrade()
";
    let folder = project(&[("versions/a.py", &format!("from alembic import op\nrevision = 'a'\ndown_revision = None\n{body}"))]);
    let run = whimbrel(folder.path(), &["check", "-v"]);
    sane(&run);
    assert!(run.out.contains("nested too deeply to follow") || run.out.contains("too many steps to follow"), "{}", run.out);
}

#[test]
fn histories_that_are_circles_or_very_long() {
    let folder = project(&[
        ("versions/a.py", &revision("a", Some("b"))),
        ("versions/b.py", &revision("b", Some("a"))),
        ("versions/c.py", &revision("c", Some("c"))),
    ]);
    assert_eq!(rules(&check_json(folder.path(), &[])), ["revision_cycle", "revision_cycle"]);

    let folder = tempfile::tempdir().unwrap();
    let count = 100_000;
    std::fs::create_dir_all(folder.path().join("versions")).unwrap();
    for index in 0..count {
        let down = if index == 0 { "None".to_owned() } else { format!("'r{}'", index - 1) };
        let text = format!("revision = 'r{index}'\ndown_revision = {down}\ndef upgrade():\n    x()\ndef downgrade():\n    x()\n");
        std::fs::write(folder.path().join(format!("versions/r{index}.py")), text).unwrap();
    }
    let graph = whimbrel(folder.path(), &["graph", "--format", "json"]);
    let graph: serde_json::Value = serde_json::from_str(&graph.out).unwrap();
    assert_eq!(graph["environments"][0]["heads"], serde_json::json!([format!("r{}", count - 1)]));
    assert_eq!(graph["environments"][0]["revisions"].as_array().unwrap().len(), count);
}

#[cfg(unix)]
#[test]
fn folders_that_loop_or_cannot_be_read() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = project(&[("a/versions/a.py", &revision("a", None)), ("closed/versions/b.py", &revision("b", None))]);
    symlink(folder.path(), folder.path().join("a/loop")).unwrap();
    symlink(folder.path().join("nowhere.py"), folder.path().join("a/versions/dangling.py")).unwrap();
    std::fs::create_dir_all(folder.path().join("a/versions/folder.py")).unwrap();
    let closed = folder.path().join("closed");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    let run = whimbrel(folder.path(), &["check"]);
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).unwrap();
    sane(&run);
    assert!(run.out.contains("dangling.py") && run.out.contains("cannot be read"), "{}", run.out);
    // Root may read everything, so only others see that the folder is closed.
    let is_root = std::fs::read_dir("/proc/1/map_files").is_ok();
    assert!(is_root || run.out.contains("not looked at: closed"), "{}", run.out);
}

#[cfg(unix)]
#[test]
fn names_that_speak_to_terminals_and_ci() {
    let evil = "\u{1b}[31m\n::error file=x::y\u{202e}";
    let script = revision("a", None)
        .replace(
            "revision = \"a\"",
            &format!("revision = {:?}", format!("a{evil}")).replace("\\u{1b}", "\\x1b").replace("\\u{202e}", "\\u202e"),
        )
        .replace("op.drop_table(\"t_a\")", "pass");
    let folder = project(&[]);
    write(folder.path(), &format!("versions/a{evil}.py").replace('/', "/"), script.as_bytes());
    write(folder.path(), "m/1_a.up.sql", format!("ALTER TABLE \"t{evil}\" ADD COLUMN \"c{evil}\" int NOT NULL;").as_bytes());
    for format in ["text", "compact", "json"] {
        let run = whimbrel(folder.path(), &["check", "-v", "--format", format]);
        sane(&run);
        assert!(
            !run.out.lines().any(|line| line.trim_start().starts_with("::error")),
            "a workflow command gets through: {}",
            run.out
        );
        assert!(!run.out.contains('\u{202e}') || format == "json", "{}", run.out);
    }
    let graph = whimbrel(folder.path(), &["graph"]);
    sane(&graph);
    assert!(!graph.out.contains('\u{1b}'));
}

#[test]
fn python_of_a_later_version() {
    let newer = revision("b", Some("a")).replace("op.drop_table(\"t_b\")", "op.execute(f\"DROP TABLE {\"t_b\"}\")");
    let folder = project(&[
        ("versions/a.py", &revision("a", None)),
        ("versions/b.py", &newer),
        ("versions/c.py", &revision("c", Some("b"))),
    ]);
    let report = check_json(folder.path(), &[]);
    assert_eq!(rules(&report), ["unreadable_file"]);
    assert_eq!(
        (&report["findings"][0]["revision"], &report["findings"][0]["range"]["start"]["line"]),
        (&serde_json::json!("b"), &serde_json::json!(13))
    );
}

/// Characters of more than one byte where a reader might step by one.
#[test]
fn wide_characters_everywhere() {
    let texts = ["İ{}é", "\u{feff}é%é%(é)s%", "ü{é}{", "://é", "é'; é$é$", "-- é\nÄ"];
    for text in texts {
        let body = format!("op.execute({text:?}.format('é'))\n    op.execute({text:?} % 'é')\n    op.execute(f{text:?})\n    op.execute({text:?})").replace("\\u{feff}", "\\ufeff");
        let script = revision("a", None).replace("op.drop_table(\"t_a\")", &body);
        let folder = project(&[
            ("versions/a.py", &script),
            ("env.py", &format!("url = {text:?}")),
            ("m/1_a.up.sql", text),
            ("m/2_b.up.sql", &format!("DO $$ BEGIN {text}; é END $$;")),
        ]);
        let run = whimbrel(folder.path(), &["check", "-v"]);
        sane(&run);
        assert!(!run.out.contains("whimbrel itself failed"), "{text}: {}", run.out);
    }
}

#[test]
fn a_statement_that_is_cut_off_is_counted() {
    let folder = project(&[
        ("000001_a.up.sql", "CREATE TABLE orders (id bigserial PRIMARY KEY);\nALTER TABLE orders"),
        ("000001_a.down.sql", "DROP TABLE orders;\n"),
    ]);
    let run = whimbrel(folder.path(), &["check", "-v", "--dialect", "postgresql", "."]);
    assert!(run.out.contains("000001_a.up.sql:2:1: this ALTER TABLE has no action: its end may be missing"), "{}", run.out);
    assert!(run.out.contains("(1 not understood)"), "{}", run.out);
}

/// Cut off behind its docstring, which then is all that says where the file belongs.
#[test]
fn a_script_that_is_cut_off_stays_in_the_graph() {
    let whole = revision("b", Some("a"));
    let docstring = "# The \"licence\" of it.\n\"\"\"b\n\nRevision ID: b\nRevises: a\n\"\"\"\nfrom alembic import op\n";
    for (cut, rule) in [(docstring.to_owned(), "unreadable_metadata"), (format!("{docstring}revision = ("), "unreadable_file")] {
        let folder = project(&[
            ("env.py", ""),
            ("versions/a.py", &revision("a", None)),
            ("versions/0002_a_name_that_is_longer_than_any_id_may_be.py", &cut),
            ("versions/c.py", &revision("c", Some("b"))),
        ]);
        let report = check_json(folder.path(), &[]);
        assert_eq!(rules(&report), [rule], "{report}");
        assert_eq!(
            (&report["findings"][0]["revision"], &report["summary"]["migrations"]),
            (&serde_json::json!("b"), &serde_json::json!(3))
        );
    }
    let folder = project(&[
        ("env.py", ""),
        ("versions/b.py", &whole),
        ("versions/helper.py", "\"\"\"Helpers.\"\"\"\n"),
        ("versions/a.py", &revision("a", None)),
    ]);
    assert!(rules(&check_json(folder.path(), &[])).is_empty());
}

#[test]
fn relations_in_a_circle_cost_nobody_the_run() {
    let circles = [
        "CREATE VIEW a AS SELECT 1 AS x; CREATE VIEW b AS SELECT * FROM a; CREATE OR REPLACE VIEW a AS SELECT * FROM b; LOCK TABLE a IN EXCLUSIVE MODE;",
        "CREATE TABLE p (a int); CREATE TABLE c () INHERITS (p); ALTER TABLE p INHERIT c; DROP TABLE p, c;",
        "CREATE TABLE x (a int); ALTER TABLE x ATTACH PARTITION x FOR VALUES IN (0); DROP TABLE x;",
        "CREATE VIEW v AS SELECT * FROM v; DROP VIEW v;",
    ];
    for circle in circles {
        let folder = project(&[("m/000001_a.up.sql", circle), ("m/000001_a.down.sql", "SELECT 1;")]);
        for command in ["check", "plan", "schema"] {
            let run = whimbrel(folder.path(), &[command, "--dialect", "postgresql", "."]);
            sane(&run);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let folder = project(&[("m/000001_a.up.sql", "SELECT 1;"), ("m/000001_a.down.sql", "SELECT 1;")]);
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("m/000002_pipe.up.sql")).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    let run = whimbrel(folder.path(), &["check", "."]);
    assert!(run.out.contains("000002_pipe.up.sql: it is no regular file"), "{}{}", run.out, run.err);
}
