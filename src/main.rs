//! The `whimbrel` command: parse the command line, run one command, exit.

mod cli;
mod commands;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};

/// Syntax trees are many small pieces, made on one thread and dropped on another: most of a run's time with the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Check(args) => commands::check::run(args, cli.color),
        Command::Init { folder } => commands::init::run(folder),
        Command::Graph(args) => commands::graph::run(args),
        Command::Plan(args) => commands::plan::run(args),
        Command::Schema(args) => commands::schema::run(args),
        Command::Baseline(args) => commands::baseline::run(args),
        Command::Review(args) => commands::review::run(args),
        Command::Server => commands::server::run(),
        Command::Completions { shell } => commands::generate::completions(*shell),
        Command::Man => commands::generate::man(),
        Command::Explain { rule } => commands::explain::run(rule),
        Command::Rules { config } => commands::rules::run(config),
    };
    match result {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(failure) => {
            // Parts of it may come from files: a line of its own must not speak to a terminal or to CI.
            for (index, line) in failure.lines().enumerate() {
                let lead = if index == 0 { "whimbrel: " } else { "  " };
                eprintln!("{lead}{}", whimbrel::source::printable(line));
            }
            ExitCode::from(2)
        }
    }
}
