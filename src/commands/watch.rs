//! `check --watch`

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use notify_debouncer_mini::new_debouncer;
use notify_debouncer_mini::notify::RecursiveMode;

use super::{Exit, Failure};

/// Editors write a file in several steps; so long nothing has to change before it is read.
const QUIET: Duration = Duration::from_millis(200);

/// Checks, and again after each change below `paths`. What goes wrong in one round is said, and the next change waited for.
pub fn run(paths: &[PathBuf], check: impl Fn() -> Result<Exit, Failure>) -> Result<Exit, Failure> {
    let (sender, changes) = mpsc::channel();
    let failure = |error: notify_debouncer_mini::notify::Error| format!("cannot watch: {error}");
    let mut debouncer = new_debouncer(QUIET, sender).map_err(failure)?;
    for path in paths {
        debouncer.watcher().watch(path, RecursiveMode::Recursive).map_err(failure)?;
    }
    say(check());
    while let Ok(events) = changes.recv() {
        let Ok(events) = events else { continue };
        if events.iter().any(|event| matters(&event.path)) {
            say(check());
        }
    }
    Ok(Exit::Clean)
}

fn say(result: Result<Exit, Failure>) {
    if let Err(failure) = result {
        eprintln!("whimbrel: {}", whimbrel::source::printable(&failure));
    }
    eprintln!("whimbrel: watching; press Ctrl-C to stop");
}

fn matters(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["py", "sql", "toml", "ini", "conf"].iter().any(|known| extension == *known))
}
