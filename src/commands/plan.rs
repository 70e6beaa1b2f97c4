//! `whimbrel plan`

use std::io::{BufWriter, Write};

use whimbrel::report::plan;

use super::{Exit, Failure};
use crate::cli::Plan;

pub fn run(args: &Plan) -> Result<Exit, Failure> {
    let paths = super::or_here(&args.paths);
    let settings = super::settings(&args.config, &paths, &args.config.overrides(None))?;
    let outcome = match &args.since {
        Some(revision) => whimbrel::read_since(&paths, &settings, revision, &|| ())?.0,
        None => whimbrel::read(&paths, &settings, &|| ())?,
    };
    super::or_nothing_found(&outcome, &paths)?;
    let mut plans = Vec::new();
    let mut unknown = None;
    for environment in &outcome.environments {
        match whimbrel::plan::plans(environment, &settings, args.direction, args.pending_from.as_deref()) {
            Ok(found) => plans.extend(found),
            Err(reason) => unknown = Some(reason),
        }
    }
    // With several environments, a revision belongs to one of them.
    if let Some(reason) = unknown.filter(|_| plans.is_empty()) {
        return Err(reason);
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    let width = super::style(crate::cli::Colour::Never, false).width;
    let written = plan::write(args.format, &plans, width, &mut out).and_then(|()| out.flush());
    super::ignore_closed_pipe(written)?;
    Ok(Exit::Clean)
}
