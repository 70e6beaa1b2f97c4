//! `whimbrel baseline`

use whimbrel::baseline::Baseline;
use whimbrel::source::printable;

use super::{Exit, Failure};
use crate::cli::BaselineArgs;

pub fn run(args: &BaselineArgs) -> Result<Exit, Failure> {
    let paths = super::or_here(&args.paths);
    let settings = super::settings(&args.config, &paths, &args.config.overrides(None))?;
    let outcome = whimbrel::check(&paths, &settings, &|| ())?;
    super::or_nothing_found(&outcome, &paths)?;
    let baseline = Baseline::of(&outcome.findings);
    let shown = printable(&args.output.display().to_string()).into_owned();
    std::fs::write(&args.output, baseline.to_json()).map_err(|error| format!("{shown}: {}", error.kind()))?;
    eprintln!("whimbrel: {} findings written to {shown}", outcome.findings.len());
    Ok(Exit::Clean)
}
