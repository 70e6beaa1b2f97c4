//! The hook as pre-commit runs it: a bad migration stops the commit, a good one passes, and only the files
//! of the commit are judged.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use support::{ROOT, python, revision, skip, write};

fn run(folder: &Path, program: &Path, args: &[&str]) -> Output {
    let bin = Path::new(env!("CARGO_BIN_EXE_whimbrel")).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new(program)
        .args(args)
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("PRE_COMMIT_HOME", folder.join(".git/pre-commit-home"))
        // What is proved is that it builds, not how fast the program is then: optimising takes three times as long.
        .envs([("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"), ("CARGO_PROFILE_RELEASE_LTO", "off")])
        .env_remove("GIT_DIR")
        .env_remove("GIT_INDEX_FILE")
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

fn git(folder: &Path, args: &[&str]) {
    let identity =
        ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "init.defaultBranch=main", "-c", "safe.directory=*"];
    let output = run(folder, Path::new("git"), &[&identity[..], args].concat());
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Stages everything and runs the hook on it, as `git commit` would.
fn hook(folder: &Path, pre_commit: &Path) -> (bool, String) {
    git(folder, &["add", "-A"]);
    let output = run(folder, pre_commit, &["run", "--color", "never"]);
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

#[test]
fn a_bad_migration_stops_the_commit() {
    let Some(python) = python("pre_commit") else {
        return skip("pre-commit", "no Python with pre-commit; see tests/oracle/requirements.txt");
    };
    let pre_commit = python.parent().expect("a folder").join("pre-commit");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    git(folder, &["init", "-q"]);
    // The hook as this repository publishes it, for an installed binary.
    let manifest = std::fs::read_to_string(Path::new(ROOT).join(".pre-commit-hooks.yaml")).expect("the manifest");
    let system = manifest.split("- id: ").find(|hook| hook.starts_with("whimbrel-system\n")).expect("the hook");
    let indented = system.lines().map(|line| format!("      {line}")).collect::<Vec<_>>().join("\n");
    let config = format!("repos:\n  - repo: local\n    hooks:\n      - id: {}\n", indented.trim_start());
    write(folder, ".pre-commit-config.yaml", config.as_bytes());

    // History with a defect of its own, which is not this commit's business.
    let old = revision("a", None).replace("op.drop_table(\"t_a\")", "pass");
    write(folder, "migrations/versions/a.py", old.as_bytes());
    write(folder, "migrations/env.py", b"");
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "--no-verify", "-m", "history"]);

    write(folder, "migrations/versions/b.py", revision("b", Some("a")).as_bytes());
    let (passed, text) = hook(folder, &pre_commit);
    assert!(passed, "a good migration passes: {text}");
    git(folder, &["commit", "-q", "--no-verify", "-m", "good"]);

    let bad = revision("c", Some("a")).replace("op.drop_table(\"t_c\")", "pass");
    write(folder, "migrations/versions/c.py", bad.as_bytes());
    let (passed, text) = hook(folder, &pre_commit);
    assert!(!passed, "a bad migration stops the commit: {text}");
    assert!(text.contains("error[missing_downgrade]") && text.contains("error[multiple_heads]"), "{text}");
    assert_eq!(text.matches("error[").count(), 2, "only the new file is judged: {text}");
}

/// The hook that pre-commit builds itself needs a clone and a release build, so CI runs it once.
#[test]
fn pre_commit_builds_the_hook_itself() {
    if std::env::var_os("WHIMBREL_REQUIRE_ORACLES").is_none() {
        return skip("pre-commit with language: rust", "only where WHIMBREL_REQUIRE_ORACLES is set: it builds the whole tool");
    }
    let python = python("pre_commit").expect("Python with pre-commit");
    let pre_commit = python.parent().expect("a folder").join("pre-commit");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let (tool, folder) = (scratch.path().join("tool"), scratch.path().join("project"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let clone = run(scratch.path(), Path::new("git"), &["-c", "safe.directory=*", "clone", "-q", ROOT, "tool"]);
    assert!(clone.status.success(), "{}", String::from_utf8_lossy(&clone.stderr));
    git(&folder, &["init", "-q"]);
    write(&folder, "migrations/env.py", b"");
    let bad = revision("a", None).replace("op.drop_table(\"t_a\")", "pass");
    write(&folder, "migrations/versions/a.py", bad.as_bytes());
    git(&folder, &["add", "-A"]);
    let output =
        run(&folder, &pre_commit, &["try-repo", tool.to_str().expect("UTF-8"), "whimbrel", "--all-files", "--color", "never"]);
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success() && text.contains("error[missing_downgrade]"), "{text}");
}
