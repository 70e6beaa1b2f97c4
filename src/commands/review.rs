//! `whimbrel review`

use std::io::Write;

use whimbrel::review::Review;
use whimbrel::review::forge::{Before, Forge, Request};
use whimbrel::source::printable;

use super::{Exit, Failure};
use crate::cli::ReviewArgs;

pub fn run(args: &ReviewArgs) -> Result<Exit, Failure> {
    // From the top of the repository, so that paths and fingerprints are the same wherever the job stands.
    let absolute = |path: &std::path::PathBuf| {
        path.canonicalize().map_err(|error| format!("{}: {}", printable(&path.display().to_string()), error.kind()))
    };
    let paths: Vec<_> = super::or_here(&args.paths).iter().map(absolute).collect::<Result<_, _>>()?;
    let top = whimbrel::top_of(&paths)?;
    std::env::set_current_dir(&top).map_err(|error| format!("{}: {}", top.display(), error.kind()))?;
    let settings = super::settings(&args.config, &paths, &args.config.overrides(args.fail_on))?;
    let variable = |name: &str| std::env::var(name).ok();
    let read = |path: &str| std::fs::read_to_string(path).map_err(|error| format!("{path}: {}", error.kind()));
    let forge = Forge::from_environment(&variable, read)?;
    let since = args
        .since
        .as_deref()
        .or_else(|| forge.base())
        .ok_or("--since is needed: this job does not say what it is compared with")?;
    let (outcome, lines) = whimbrel::check_lines_since(&paths, &settings, since)?;
    super::say_problems(&outcome);
    let review = Review::new(&outcome.findings, &lines);
    match args.dry_run {
        true => print(&forge.requests(&review, &Before::default()))?,
        false => send(&forge, &review, &Review::in_one_comment(&outcome.findings))?,
    }
    let fails = !args.exit_zero && outcome.fails(settings.fail_on);
    Ok(if fails { Exit::Findings } else { Exit::Clean })
}

/// One request a line, as on a forge that nothing was said to yet.
fn print(requests: &[Request]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = requests.iter().try_for_each(|request| {
        serde_json::to_writer(&mut out, request)?;
        writeln!(out)
    });
    super::ignore_closed_pipe(written)
}

/// Brings the forge to what the review says; where it takes no remark at some line, by the comment on the whole.
#[cfg(feature = "send")]
fn send(forge: &Forge, review: &Review, in_one_comment: &Review) -> Result<(), Failure> {
    use whimbrel::report::counted;
    use whimbrel::review::http::{Client, Refusal};

    let name = forge.token_variable();
    let token = std::env::var(name).ok().filter(|token| !token.is_empty());
    let client = Client::new(forge, &token.ok_or(format!("{name} is not set"))?);
    let bring = |review: &Review| -> Result<(), Refusal> {
        let before = forge.before(|url| client.list(url)).map_err(|reason| Refusal { reason, of_place: false })?;
        let requests = forge.requests(review, &before);
        requests.iter().try_for_each(|request| client.send(request))?;
        eprintln!(
            "whimbrel: {} on changed lines, {} sent",
            counted(review.remarks.len(), "remark"),
            counted(requests.len(), "request")
        );
        Ok(())
    };
    match bring(review) {
        Err(refusal) if refusal.of_place => {
            eprintln!("whimbrel: {}; all is said in one comment instead", printable(&refusal.reason));
            Ok(bring(in_one_comment)?)
        }
        done => Ok(done?),
    }
}

#[cfg(not(feature = "send"))]
fn send(_: &Forge, _: &Review, _: &Review) -> Result<(), Failure> {
    Err("this whimbrel was built without the feature `send`; --dry-run prints the requests".to_owned())
}
