//! `whimbrel graph`

use std::io::{BufWriter, Write};

use whimbrel::report::{drawing, graph};

use super::{Exit, Failure};
use crate::cli::{Graph, GraphFormat};

pub fn run(args: &Graph) -> Result<Exit, Failure> {
    let paths = super::or_here(&args.paths);
    let settings = super::settings(&args.config, &paths, &args.config.overrides(None))?;
    let outcome = whimbrel::check(&paths, &settings, &|| ())?;
    super::or_nothing_found(&outcome, &paths)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let write = match args.format {
        GraphFormat::Text => graph::write_text,
        GraphFormat::Json => graph::write_json,
        GraphFormat::Dot => drawing::write_dot,
        GraphFormat::Mermaid => drawing::write_mermaid,
        GraphFormat::Svg => drawing::write_svg,
    };
    let written = write(&outcome.environments, &outcome.findings, &mut out).and_then(|()| out.flush());
    super::ignore_closed_pipe(written)?;
    Ok(Exit::Clean)
}
