//! One module a command; what they share is here.

pub mod baseline;
pub mod check;
pub mod explain;
pub mod generate;
pub mod graph;
pub mod init;
pub mod plan;
pub mod review;
pub mod rules;
pub mod schema;
pub mod server;
pub mod watch;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use whimbrel::Outcome;
use whimbrel::config::{Overrides, Settings};
use whimbrel::report::Style;

use crate::cli::{Colour, ConfigArgs};

/// What went wrong, for standard error; the exit code is 2.
pub type Failure = String;

/// The exit code of a command that did its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Clean = 0,
    Findings = 1,
}

/// The settings for `paths`: from the file that was named, else from the one nearest to the first path.
pub fn settings(config: &ConfigArgs, paths: &[PathBuf], overrides: &Overrides) -> Result<Settings, Failure> {
    match &config.config {
        Some(file) => Settings::load(file, overrides),
        None => Settings::find(paths.first().map_or(Path::new("."), PathBuf::as_path), overrides),
    }
}

/// Without a path, the current folder.
pub fn or_here(paths: &[PathBuf]) -> Vec<PathBuf> {
    if paths.is_empty() { vec![PathBuf::from(".")] } else { paths.to_vec() }
}

/// Columns where there is no terminal.
const PLAIN_WIDTH: usize = 100;

pub fn style(colour: Colour, verbose: bool) -> Style {
    let colour = match colour {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => std::io::stdout().is_terminal() && supports_color::on(supports_color::Stream::Stdout).is_some(),
    };
    let width = terminal_size::terminal_size().map_or(PLAIN_WIDTH, |(width, _)| usize::from(width.0));
    Style { colour, width: if std::io::stdout().is_terminal() { width } else { PLAIN_WIDTH }, verbose }
}

/// Folders and files that could not be opened, for formats that have no place for them.
pub fn say_problems(outcome: &Outcome) {
    use whimbrel::source::printable;
    for told in outcome.not_looked_at() {
        eprintln!("whimbrel: not looked at: {}", printable(&told));
    }
}

/// Files that a hook hands over need not be migrations; a folder without any is a mistake.
pub fn nothing_to_judge(outcome: &Outcome, paths: &[PathBuf]) -> Result<Exit, Failure> {
    if !paths.iter().all(|path| path.is_file()) {
        return or_nothing_found(outcome, paths).map(|()| Exit::Clean);
    }
    say_problems(outcome);
    match paths {
        [_] => eprintln!("whimbrel: the file given belongs to no migration environment"),
        _ => eprintln!("whimbrel: none of the {} files given belongs to a migration environment", paths.len()),
    }
    Ok(Exit::Clean)
}

/// Paths under which nothing was found: say what was left out, and what would have been found.
///
/// # Errors
/// That nothing was found.
pub fn or_nothing_found(outcome: &Outcome, paths: &[PathBuf]) -> Result<(), Failure> {
    if !outcome.environments.is_empty() {
        return Ok(());
    }
    say_problems(outcome);
    let shown: Vec<String> =
        paths.iter().map(|path| whimbrel::source::printable(&path.display().to_string()).into_owned()).collect();
    Err(format!(
        "no migrations in {}\nlooked for: alembic.ini or [tool.alembic] in pyproject.toml; a folder with env.py and versions/; \
         revision files in versions/ or migrations/; SQL files that begin with a number, such as 000001_name.up.sql",
        shown.join(", ")
    ))
}

/// Whoever reads a pipe may stop early (`whimbrel check | head`); that is no error.
pub fn ignore_closed_pipe(written: std::io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| format!("cannot write: {error}")),
    }
}
