//! `whimbrel rules`

use whimbrel::{report, rules};

use super::{Exit, Failure};
use crate::cli::ConfigArgs;

pub fn run(config: &ConfigArgs) -> Result<Exit, Failure> {
    let settings = super::settings(config, &[], &config.overrides(None))?;
    super::ignore_closed_pipe(report::page::write_table(rules::all(), &settings, &mut std::io::stdout().lock()))?;
    Ok(Exit::Clean)
}
