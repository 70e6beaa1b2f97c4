//! `whimbrel check`

use std::io::{BufWriter, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use whimbrel::report;

use super::{Exit, Failure};
use crate::cli::{Check, Colour};

pub fn run(args: &Check, colour: Colour) -> Result<Exit, Failure> {
    let paths = super::or_here(&args.paths);
    let settings = super::settings(&args.config, &paths, &args.config.overrides(args.fail_on))?;
    // Draws nothing unless standard error is a terminal, and not before half a second has passed.
    let progress = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
    progress.set_style(
        ProgressStyle::with_template("{spinner} {pos} environments read").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let outcome = whimbrel::check(&paths, &settings, &|| progress.inc(1))?;
    progress.finish_and_clear();
    if args.format != report::Format::Text {
        super::say_problems(&outcome);
    }
    if outcome.environments.is_empty() {
        return super::nothing_to_judge(&paths);
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    let written = report::write(args.format, &outcome, super::style(colour, args.verbose), &mut out).and_then(|()| out.flush());
    super::ignore_closed_pipe(written)?;
    let fails = !args.exit_zero && outcome.findings.iter().any(|finding| finding.severity >= settings.fail_on);
    // The process ends here; taking everything apart first would only take time.
    std::mem::forget(outcome);
    Ok(if fails { Exit::Findings } else { Exit::Clean })
}
