//! `whimbrel schema`

use std::io::{BufWriter, Write};

use whimbrel::analysis;
use whimbrel::report::schema::{self, SchemaView};

use super::{Exit, Failure};
use crate::cli::SchemaArgs;

pub fn run(args: &SchemaArgs) -> Result<Exit, Failure> {
    let paths = super::or_here(&args.paths);
    let settings = super::settings(&args.config, &paths, &args.config.overrides(None))?;
    let outcome = whimbrel::read(&paths, &settings, &|| ())?;
    super::or_nothing_found(&outcome, &paths)?;
    let mut views = Vec::new();
    for environment in &outcome.environments {
        let history = &environment.history;
        let at = match &args.at {
            None => None,
            // With several environments, a revision belongs to one of them.
            Some(id) => match history.find(id) {
                Some(index) => Some(index),
                None => continue,
            },
        };
        let before = at.map(|index| history.ancestors(index));
        let dialect = environment.dialects().first().copied();
        let schema = analysis::schema_of(environment, dialect, |index| before.as_ref().is_none_or(|before| before[index]));
        let heads = at.map_or_else(|| history.heads.clone(), |index| vec![index]);
        let at = heads.into_iter().map(|index| environment.migrations[index].id.as_str()).collect();
        views.push(SchemaView { root: &environment.root, dialect, at, schema });
    }
    if let (Some(id), true) = (&args.at, views.is_empty()) {
        return Err(format!("no migration has the id `{id}`"));
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    let written = schema::write(args.format, &views, &mut out).and_then(|()| out.flush());
    super::ignore_closed_pipe(written)?;
    Ok(Exit::Clean)
}
