//! `whimbrel completions` and `whimbrel man`, both out of the command line's own definition.

use clap::CommandFactory;

use super::{Exit, Failure};
use crate::cli::Cli;

pub fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    clap_complete::generate(shell, &mut Cli::command(), "whimbrel", &mut std::io::stdout());
    Ok(Exit::Clean)
}

pub fn man() -> Result<Exit, Failure> {
    super::ignore_closed_pipe(clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout()))?;
    Ok(Exit::Clean)
}
