//! `whimbrel check`

use std::collections::BTreeSet;
use std::io::{BufWriter, Read, Write};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use whimbrel::baseline::Baseline;
use whimbrel::config::Settings;
use whimbrel::source::printable;
use whimbrel::{Outcome, fix, report};

use super::{Exit, Failure};
use crate::cli::{Check, Colour};

pub fn run(args: &Check, colour: Colour) -> Result<Exit, Failure> {
    let paths = match &args.stdin_filename {
        Some(file) => vec![file.clone()],
        None => super::or_here(&args.paths),
    };
    let mut settings = super::settings(&args.config, &paths, &args.config.overrides(args.fail_on))?;
    if let Some(file) = &args.stdin_filename {
        let mut text = Vec::new();
        std::io::stdin().lock().read_to_end(&mut text).map_err(|error| format!("standard input: {error}"))?;
        settings.unsaved = vec![(file.clone(), text.into())];
    }
    if args.show_settings {
        return show(&settings);
    }
    if args.watch {
        return super::watch::run(&paths, || once(args, colour, &paths, &settings));
    }
    once(args, colour, &paths, &settings)
}

/// What holds, as a configuration file that says the same.
fn show(settings: &Settings) -> Result<Exit, Failure> {
    match &settings.source {
        Some(file) => println!("# from {}", printable(&whimbrel::project::shown(file))),
        None => println!("# no whimbrel.toml, and no [tool.whimbrel] in a pyproject.toml, here or above: these are the defaults"),
    }
    print!("{}", settings.as_toml()?);
    Ok(Exit::Clean)
}

/// Checks and reports.
fn once(args: &Check, colour: Colour, paths: &[PathBuf], settings: &Settings) -> Result<Exit, Failure> {
    // Draws nothing unless standard error is a terminal, and not before half a second has passed.
    let progress = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
    progress.set_style(
        ProgressStyle::with_template("{spinner} {pos} environments read").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let mut outcome = check(paths, settings, args.since.as_deref(), &|| progress.inc(1))?;
    progress.finish_and_clear();
    if let Some(file) = &args.baseline {
        let (hidden, stale) = Baseline::load(file)?.hide(&mut outcome.findings);
        outcome.ignored += hidden;
        if stale > 0 && !args.quiet {
            eprintln!(
                "whimbrel: entries of the baseline that hide nothing any more: {stale}; `whimbrel baseline` writes it anew"
            );
        }
    }
    if args.diff {
        return print_diff(&outcome, args.unsafe_fixes);
    }
    if args.fix || args.unsafe_fixes {
        outcome = mend(outcome, args.unsafe_fixes, || check(paths, settings, args.since.as_deref(), &|| ()))?;
    }
    if outcome.environments.is_empty() {
        return super::nothing_to_judge(&outcome, paths);
    }
    if args.format != report::Format::Text {
        super::say_problems(&outcome);
    }
    let style = super::style(colour, args.verbose);
    let write = |out: &mut dyn Write| match args.statistics {
        true => report::statistics(&outcome, out),
        false => report::write(args.format, &outcome, settings, style, out),
    };
    match &args.output {
        Some(path) => {
            let failure = |error: std::io::Error| format!("{}: {}", printable(&path.display().to_string()), error.kind());
            let mut out = BufWriter::new(std::fs::File::create(path).map_err(failure)?);
            write(&mut out).and_then(|()| out.flush()).map_err(failure)?;
        }
        None if args.quiet && outcome.findings.is_empty() && args.format == report::Format::Text => {}
        None => {
            let mut out = BufWriter::new(std::io::stdout().lock());
            super::ignore_closed_pipe(write(&mut out).and_then(|()| out.flush()))?;
        }
    }
    let fails = !args.exit_zero && outcome.fails(settings.fail_on);
    // The process ends here; taking everything apart first would only take time.
    std::mem::forget(outcome);
    Ok(if fails { Exit::Findings } else { Exit::Clean })
}

fn check(paths: &[PathBuf], settings: &Settings, since: Option<&str>, each: &(dyn Fn() + Sync)) -> Result<Outcome, Failure> {
    match since {
        Some(revision) => whimbrel::check_since(paths, settings, revision, each),
        None => whimbrel::check(paths, settings, each),
    }
}

/// How often fixes are applied that wait for others, before those that are left are left alone.
const ROUNDS: usize = 10;

/// Writes fixes until none is left, and gives what is then found.
fn mend(mut outcome: Outcome, unsafe_too: bool, check: impl Fn() -> Result<Outcome, Failure>) -> Result<Outcome, Failure> {
    let (mut fixed, mut files) = (0, BTreeSet::new());
    for _ in 0..ROUNDS {
        let mending = fix::mend(&outcome.findings, unsafe_too)?;
        if mending.files.is_empty() {
            break;
        }
        for mended in &mending.files {
            std::fs::write(&mended.file, &mended.after)
                .map_err(|error| format!("{}: {}", printable(&mended.file), error.kind()))?;
            files.insert(mended.file.clone());
        }
        fixed += mending.fixed;
        outcome = check()?;
    }
    eprintln!("whimbrel: {fixed} fixed in {} files", files.len());
    Ok(outcome)
}

fn print_diff(outcome: &Outcome, unsafe_too: bool) -> Result<Exit, Failure> {
    let mending = fix::mend(&outcome.findings, unsafe_too)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let written = mending.files.iter().try_for_each(|mended| write!(out, "{}", fix::diff(mended))).and_then(|()| out.flush());
    super::ignore_closed_pipe(written)?;
    Ok(if mending.files.is_empty() { Exit::Clean } else { Exit::Findings })
}
