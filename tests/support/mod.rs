//! Runs the real binary.
#![allow(dead_code)] // Each test binary uses its own part of this.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// `whimbrel ARGS` in `folder`.
pub fn whimbrel(folder: &Path, args: &[&str]) -> Run {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_whimbrel"))
        .args(args)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .output()
        .expect("the binary runs");
    Run {
        code: status.code().expect("an exit code, not a signal"),
        out: String::from_utf8(stdout).expect("UTF-8"),
        err: String::from_utf8(stderr).expect("UTF-8"),
    }
}

/// What a script of the oracle answers, in JSON, to what it is asked on its standard input.
pub fn ask(python: &Path, script: &str, arguments: &[&Path], asked: &serde_json::Value) -> serde_json::Value {
    let mut child = Command::new(python)
        .arg(Path::new(ROOT).join("tests/oracle").join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python runs");
    child.stdin.take().expect("a pipe").write_all(asked.to_string().as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{script} failed for {arguments:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// `check --format json`, parsed.
pub fn check_json(folder: &Path, args: &[&str]) -> serde_json::Value {
    let run = whimbrel(folder, &[&["check", "--format", "json"], args].concat());
    assert!(run.code < 2, "{}", run.err);
    serde_json::from_str(&run.out).expect("JSON")
}

/// The names of the rules that fired, in order.
pub fn rules(report: &serde_json::Value) -> Vec<&str> {
    report["findings"].as_array().expect("findings").iter().map(|finding| finding["rule"].as_str().expect("a name")).collect()
}

/// A scratch folder with these files.
pub fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        write(folder.path(), path, text.as_bytes());
    }
    folder
}

pub fn write(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(path, bytes).expect("a file");
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(ROOT).join("fixtures").join(name)
}

/// A revision script that creates one table and drops it again.
pub fn revision(id: &str, down: Option<&str>) -> String {
    let down = down.map_or("None".to_owned(), |down| format!("{down:?}"));
    format!(
        "from alembic import op\nimport sqlalchemy as sa\n\nrevision = {id:?}\ndown_revision = {down}\n\n\n\
         def upgrade():\n    op.create_table(\"t_{id}\", sa.Column(\"id\", sa.Integer, primary_key=True))\n\n\n\
         def downgrade():\n    op.drop_table(\"t_{id}\")\n"
    )
}

/// An oracle that cannot be asked: a word on standard error, or a failure where `.ci/run` says that it must be there.
pub fn skip(oracle: &str, why: &str) {
    assert!(std::env::var_os("WHIMBREL_REQUIRE_ORACLES").is_none(), "{oracle} is required: {why}");
    eprintln!("skipped: {oracle}: {why}");
}

/// Folders of PostgreSQL's server programs: those that `WHIMBREL_POSTGRES` names, or Debian's.
pub fn postgres_servers() -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os("WHIMBREL_POSTGRES") {
        return std::env::split_paths(&named).collect();
    }
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    installed.map(|major| major.path().join("bin")).filter(|bin| bin.join("initdb").exists()).collect()
}

/// Python with the packages of `tests/oracle/requirements.txt`: `$WHIMBREL_PYTHON`, or `.venv` in the repository.
pub fn python(package: &str) -> Option<PathBuf> {
    let named = std::env::var_os("WHIMBREL_PYTHON").map(PathBuf::from);
    let python = named.unwrap_or_else(|| Path::new(ROOT).join(".venv/bin/python"));
    let has =
        Command::new(&python).args(["-c", &format!("import {package}")]).output().is_ok_and(|output| output.status.success());
    has.then_some(python)
}
