//! Whimbrel reads database migrations and says what they will do, without running them.
//!
//! The way of the data, each arrow one module:
//!
//! files → [`project`] (environments) → [`alembic`], [`sql`] (migrations of steps) → [`history`] (order)
//! → [`schema`] (replay) → [`runner`], [`engine`] (effects) → [`rules`] (findings) → [`ignore`] → `report`

pub mod alembic;
pub mod analysis;
pub mod baseline;
pub mod config;
pub mod dialect;
pub mod engine;
pub mod finding;
pub mod fix;
pub mod history;
pub mod ignore;
pub mod migration;
pub mod operation;
pub mod page;
#[cfg(test)]
mod page_test;
mod past;
pub mod plan;
pub mod project;
pub mod render;
pub mod report;
pub mod review;
pub mod rule;
pub mod rules;
pub mod runner;
pub mod schema;
pub mod server;
pub mod since;
pub mod source;
pub mod sql;
pub mod text;
pub mod undo;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use config::Settings;
use finding::{Finding, Severity};
use ignore::Ignore;
use project::conduct::KnownBy;
use project::conventions::Framework;
use project::git::Since;
use project::{Environment, Layout, Unreadable};
use rule::Found;
use source::{Source, Span, printable};

/// So many files that are not looked at for one reason are each told by their name.
const TOLD_EACH: usize = 3;

/// What a run looked at and found.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Sorted by place.
    pub findings: Vec<Finding>,
    pub environments: Vec<Environment>,
    /// Findings that a comment or `per_path_ignores` hides.
    pub ignored: usize,
    pub counts: Counts,
    /// Folders and files that could not be opened, with the reason.
    pub problems: Vec<(PathBuf, String)>,
}

impl Outcome {
    /// Whether something was found that is at least as severe.
    pub fn fails(&self, at: Severity) -> bool {
        self.findings.iter().any(|finding| finding.severity >= at)
    }

    /// What was not looked at, each with its reason; many files of one folder that share a reason are told together.
    pub fn not_looked_at(&self) -> Vec<String> {
        let mut groups: Vec<((&Path, &str), Vec<&Path>)> = Vec::new();
        let mut places: HashMap<(&Path, &str), usize> = HashMap::new();
        for (path, reason) in &self.problems {
            let key = (path.parent().unwrap_or(path), reason.as_str());
            let place = *places.entry(key).or_insert_with(|| {
                groups.push((key, Vec::new()));
                groups.len() - 1
            });
            groups[place].1.push(path);
        }
        let told = |((folder, reason), paths): ((&Path, &str), Vec<&Path>)| -> Vec<String> {
            if paths.len() <= TOLD_EACH {
                return paths.into_iter().map(|path| format!("{}: {reason}", project::shown(path))).collect();
            }
            let first = project::file_name(paths[0]);
            vec![format!("{}: {} files, such as {first}: {reason}", project::shown(folder), paths.len())]
        };
        groups.into_iter().flat_map(told).collect()
    }
}

/// What was judged, not what was only read as history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub files: usize,
    pub migrations: usize,
    pub statements: usize,
    pub opaque_statements: usize,
}

/// Reads the environments that `paths` hold or belong to.
///
/// # Errors
/// A path that does not exist.
pub fn read(paths: &[PathBuf], settings: &Settings, each: &(dyn Fn() + Sync)) -> Result<Outcome, String> {
    let mut discovery = project::discover(paths, &settings.exclude, settings.base.as_deref())?;
    for layout in discovery.layouts.iter_mut().filter(|layout| layout.framework != Framework::Alembic) {
        let settings = settings.of(&layout.root);
        if let Some(runner) = settings.runner {
            (layout.framework, layout.known_by) = (runner, KnownBy::Evidence);
        }
        layout.transaction = settings.transaction;
    }
    for (path, bytes) in &settings.unsaved {
        let files = discovery.layouts.iter_mut().flat_map(|layout| &mut layout.files);
        files.filter(|file| same_file(&file.path, path)).for_each(|file| file.unsaved = Some(bytes.clone()));
    }
    let mut environments = with_deep_stack(|| {
        let one = |layout: &Layout| {
            let environment = project::read::read(layout, &settings.of(&layout.root).dialects);
            each();
            environment
        };
        discovery.layouts.par_iter().map(one).collect::<Vec<_>>()
    });
    past::leave_out(&mut environments, settings)?;
    let mut counts = Counts::default();
    environments.iter().for_each(|environment| counts.add(environment));
    Ok(Outcome { environments, counts, problems: discovery.problems, ..Outcome::default() })
}

fn same_file(a: &Path, b: &Path) -> bool {
    a.file_name() == b.file_name() && matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Reads and judges.
///
/// # Errors
/// A path that does not exist.
pub fn check(paths: &[PathBuf], settings: &Settings, each: &(dyn Fn() + Sync)) -> Result<Outcome, String> {
    let outcome = read(paths, settings, each)?;
    Ok(judged(outcome, settings, None))
}

/// Reads, and judges what is new since a Git revision.
///
/// # Errors
/// A path that does not exist; what Git says.
pub fn check_since(paths: &[PathBuf], settings: &Settings, revision: &str, each: &(dyn Fn() + Sync)) -> Result<Outcome, String> {
    let (outcome, since) = read_since(paths, settings, revision, each)?;
    Ok(judged(outcome, settings, Some(&since)))
}

/// Reads; only what is new since a Git revision is to be judged.
///
/// # Errors
/// A path that does not exist; what Git says.
pub fn read_since(
    paths: &[PathBuf],
    settings: &Settings,
    revision: &str,
    each: &(dyn Fn() + Sync),
) -> Result<(Outcome, Since), String> {
    let since = Since::new(folder_of(paths), revision)?;
    let mut outcome = read(paths, settings, each)?;
    since::narrow(&mut outcome.environments, &since);
    let mut counts = Counts::default();
    outcome.environments.iter().for_each(|environment| counts.add(environment));
    outcome.counts = counts;
    Ok((outcome, since))
}

/// Reads, and judges what is new since a Git revision; with the lines that are shown of what changed since then.
///
/// # Errors
/// A path that does not exist; what Git says.
pub fn check_lines_since(
    paths: &[PathBuf],
    settings: &Settings,
    revision: &str,
) -> Result<(Outcome, review::diff::Lines), String> {
    let (outcome, since) = read_since(paths, settings, revision, &|| ())?;
    let lines = review::diff::Lines::read(&since.top, &since.diff()?);
    Ok((judged(outcome, settings, Some(&since)), lines))
}

/// The top of the Git repository that holds the first path.
///
/// # Errors
/// What Git says.
pub fn top_of(paths: &[PathBuf]) -> Result<PathBuf, String> {
    project::git::top(folder_of(paths))
}

/// Where Git is asked.
fn folder_of(paths: &[PathBuf]) -> &Path {
    let start = paths.first().map_or(Path::new("."), PathBuf::as_path);
    let parent = || start.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if start.is_dir() { start } else { parent() }
}

fn judged(mut outcome: Outcome, settings: &Settings, since: Option<&Since>) -> Outcome {
    let judge = |environment: &Environment| {
        let settings = &*settings.of(Path::new(&environment.root));
        let mut findings = analysis::findings(environment, settings);
        if let Some(since) = since {
            findings.extend(since::findings(environment, since, settings));
        }
        visible(environment, findings, settings)
    };
    let judged: Vec<(Vec<Finding>, usize)> = with_deep_stack(|| outcome.environments.par_iter().map(judge).collect());
    for (findings, ignored) in judged {
        outcome.findings.extend(findings);
        outcome.ignored += ignored;
    }
    outcome.findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    outcome
}

/// Takes out what is ignored, adds what is wrong with the ignores themselves.
fn visible(environment: &Environment, findings: Vec<Finding>, settings: &Settings) -> (Vec<Finding>, usize) {
    let sources = environment.migrations.par_iter().filter(|migration| migration.judged).flat_map_iter(|migration| {
        let scripts = migration.scripts().map(|(_, script)| &script.source);
        scripts.filter(|source| !Arc::ptr_eq(source, &migration.source)).chain([&migration.source])
    });
    let read = |source: &'_ Arc<Source>| ignore::ignores(source);
    let written: Vec<(&Arc<Source>, Vec<Ignore>)> =
        sources.map(|source| (source, read(source))).filter(|(_, list)| !list.is_empty()).collect();
    let mut ignores: BTreeMap<&str, (&Arc<Source>, Vec<Ignore>)> = BTreeMap::new();
    for (source, list) in written {
        ignores.entry(source.path()).or_insert((source, list));
    }
    let before = findings.len();
    let mut shown: Vec<Finding> = findings
        .into_iter()
        .filter(|finding| !settings.ignores_in(finding.source.path(), finding.rule, finding.group))
        .filter(|finding| ignores.get_mut(finding.source.path()).is_none_or(|(_, list)| !ignore::hides(list, finding)))
        .collect();
    let ignored = before - shown.len();
    for (source, list) in ignores.into_values() {
        shown.extend(unused(source, &list, environment, settings));
    }
    (shown, ignored)
}

fn unused(source: &Arc<Source>, list: &[Ignore], environment: &Environment, settings: &Settings) -> Vec<Finding> {
    let Some((rule, severity)) = rules::find("unused_ignore").and_then(|rule| Some((rule, settings.severity_of(rule)?))) else {
        return Vec::new();
    };
    let mut found = Found::new(rule, severity, source.clone(), &environment.root);
    for ignore in list.iter().filter(|ignore| !ignore.used) {
        let name = printable(&ignore.rule);
        match rules::find(&ignore.rule) {
            // A rule that is off would hide nothing either way.
            Some(known) if settings.severity_of(known).is_none() => {}
            Some(_) => {
                found
                    .at(ignore.span, format!("this ignore hides nothing: `{name}` finds nothing here"))
                    .help("remove it")
                    .fix(ignore.removal(source));
            }
            None if ignore.rule.is_empty() => {
                found.at(ignore.span, "this ignore names no rule").help("write `whimbrel: ignore[rule_name] reason`");
            }
            None => {
                let finding = found.at(ignore.span, format!("there is no rule `{name}`, so this ignore hides nothing"));
                if let Some(near) = rules::nearest(&ignore.rule) {
                    finding.help(format!("did you mean `{near}`?"));
                }
            }
        }
    }
    found.findings
}

impl Counts {
    fn add(&mut self, environment: &Environment) {
        let judged = environment.migrations.iter().filter(|migration| migration.judged);
        let mut files: HashSet<&str, foldhash::fast::RandomState> = HashSet::default();
        files.reserve(environment.migrations.len() * 2);
        for migration in judged {
            self.migrations += 1;
            files.insert(migration.source.path());
            for (_, script) in migration.scripts() {
                files.insert(script.source.path());
                let mut last: Option<(Span, bool)> = None;
                for step in &script.steps {
                    let opaque = !step.operation.is_understood();
                    // Actions of one ALTER TABLE are one statement.
                    match &mut last {
                        Some((statement, counted)) if *statement == step.statement => {
                            if opaque && !*counted {
                                *counted = true;
                                self.opaque_statements += 1;
                            }
                        }
                        _ => {
                            self.statements += 1;
                            self.opaque_statements += usize::from(opaque);
                            last = Some((step.statement, opaque));
                        }
                    }
                }
            }
        }
        files.extend(environment.unreadable.iter().filter(|file| file.judged).map(|file: &Unreadable| file.source.path()));
        self.files += files.len();
    }
}

/// Stack for each thread. Parsers and syntax trees recurse; the memory is only taken when it is used.
const STACK_BYTES: usize = 256 << 20;

/// Runs `work` on a pool whose threads have room for deeply nested input.
pub fn with_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    static POOL: std::sync::OnceLock<Option<rayon::ThreadPool>> = std::sync::OnceLock::new();
    let build = || rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES).build().ok();
    match POOL.get_or_init(build) {
        Some(pool) => pool.install(work),
        // No threads to be had: shallow input still works on this one.
        None => work(),
    }
}
