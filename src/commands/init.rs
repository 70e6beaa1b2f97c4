//! `whimbrel init`

use std::fmt::Write;
use std::path::Path;

use whimbrel::config::{Overrides, Settings};
use whimbrel::engine::DEFAULT_POSTGRES_MAJOR;
use whimbrel::operation::Dialect;
use whimbrel::project::Environment;
use whimbrel::project::conventions::Framework;
use whimbrel::source::printable;

use super::{Exit, Failure};

const SETTINGS: &str = "whimbrel.toml";
const HOOKS: &str = ".pre-commit-config.yaml";

const HOOK: &str = concat!(
    "  - repo: https://github.com/whimbrel-lint/whimbrel\n    rev: v",
    env!("CARGO_PKG_VERSION"),
    "\n    hooks:\n      - id: whimbrel\n"
);

/// Writes what is detected in `folder` down as settings that hold nothing yet, and the hook.
pub fn run(folder: &Path) -> Result<Exit, Failure> {
    let (settings, hooks) = (folder.join(SETTINGS), folder.join(HOOKS));
    let shown = |path: &Path| printable(&whimbrel::project::shown(path)).into_owned();
    let is_in = |path: &Path, words: &str| std::fs::read_to_string(path).is_ok_and(|text| text.contains(words));
    if settings.exists() {
        return Err(format!("{} is there already; nothing was written", shown(&settings)));
    }
    let paths = [folder.to_owned()];
    let outcome = whimbrel::read(&paths, &Settings::find(folder, &Overrides::default())?, &|| ())?;
    super::or_nothing_found(&outcome, &paths)?;
    let write = |path: &Path, text: &str| {
        std::fs::write(path, text).map_err(|error| format!("{}: {}", shown(path), error.kind()))?;
        println!("wrote {}", shown(path));
        Ok::<(), Failure>(())
    };
    let pyproject = folder.join("pyproject.toml");
    if is_in(&pyproject, "[tool.whimbrel") {
        println!("{} has settings already", shown(&pyproject));
    } else {
        write(&settings, &commented(&outcome.environments))?;
    }
    if is_in(&hooks, "whimbrel") {
        println!("{} has the hook already", shown(&hooks));
    } else if hooks.exists() {
        // Where a list ends in somebody's YAML is theirs to say.
        print!("for {}, below `repos:`\n{HOOK}", shown(&hooks));
    } else {
        write(&hooks, &format!("repos:\n{HOOK}"))?;
    }
    Ok(Exit::Clean)
}

fn commented(environments: &[Environment]) -> String {
    let mut out = String::from(
        "# Settings of whimbrel, as `whimbrel init` has detected them. None is needed;\n\
         # a line without its `#` holds instead of what is detected.\n",
    );
    let mut say = |line: std::fmt::Arguments<'_>| {
        // Writing into a String cannot fail.
        let _ = writeln!(out, "{line}");
    };
    for environment in environments {
        say(format_args!(
            "\n# {}: {}, {} migrations",
            printable(&environment.root),
            environment.framework.name(),
            environment.migrations.len()
        ));
        for evidence in &environment.evidence {
            say(format_args!("#   {}: {}", evidence.dialect.title(), printable(&evidence.because)));
        }
    }
    say(format_args!(""));
    let dialects: Vec<Vec<Dialect>> = environments.iter().map(Environment::dialects).collect();
    if let [first, rest @ ..] = dialects.as_slice() {
        let names: Vec<String> = first.iter().map(|dialect| format!("\"{dialect}\"")).collect();
        if rest.iter().any(|other| other != first) {
            say(format_args!("# The environments are for different databases: leave `dialect` to each one's evidence."));
        } else if names.is_empty() {
            say(format_args!("# Nothing says which database this is for: postgresql, mysql, mariadb or sqlite."));
            say(format_args!("# dialect = \"postgresql\""));
        } else {
            say(format_args!("# dialect = [{}]", names.join(", ")));
        }
    }
    if dialects.iter().flatten().any(|dialect| *dialect == Dialect::PostgreSql) {
        say(format_args!("# pg_version = {DEFAULT_POSTGRES_MAJOR}  # the oldest that runs these migrations"));
    }
    if dialects.iter().flatten().any(|dialect| *dialect == Dialect::Sqlite) {
        say(format_args!("# sqlite_version = \"3.40\"  # the oldest that runs these migrations"));
        say(format_args!("# sqlite_foreign_keys = true  # connections set PRAGMA foreign_keys=ON"));
    }
    let runners: Vec<Framework> = environments.iter().map(|environment| environment.framework).collect();
    if let [runner, rest @ ..] = runners.as_slice()
        && *runner != Framework::Alembic
        && rest.iter().all(|other| other == runner)
    {
        say(format_args!("# runner = \"{}\"", runner.name()));
    }
    let heads = environments.iter().flat_map(|environment| {
        environment
            .history
            .heads
            .iter()
            .filter_map(|head| environment.migrations.get(*head))
            .map(|head| toml::Value::from(head.id.as_str()).to_string())
    });
    let heads: Vec<String> = heads.collect();
    say(format_args!("# new_after = [{}]  # today's heads: judge only what comes after them", printable(&heads.join(", "))));
    say(format_args!("# exclude = [\"legacy/**\"]"));
    say(format_args!("# fail_on = \"error\"  # or warning, note"));
    say(format_args!("# [tables]\n# small = []  # whose locks nobody notices\n# large = []  # whose locks are errors"));
    say(format_args!("\n# [severity]\n# missing_downgrade = \"warning\"  # or note, error, off"));
    out
}
