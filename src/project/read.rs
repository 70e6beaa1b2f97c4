//! From a layout to an environment: files are read and parsed in parallel, then put in order.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::application::{Application, Naming};
use super::conduct::{CALLERS, Transaction};
use super::conventions::{Convention, Framework};
use super::numbered::{Side, Version, version_for};
use super::sections::{Section, sections, wish};
use super::{
    Candidate, Environment, Evidence, Layout, Unreadable, WaysBack, above, alembic, dialect, journal, relevant, search_path,
    shown,
};
use crate::alembic::env::{EnvPy, OuterTransaction, is_before_2, uncommented};
use crate::alembic::modules::Modules;
use crate::alembic::naming;
use crate::alembic::python::SyntaxError;
use crate::alembic::script;
use crate::history::History;
use crate::migration::{Body, Execution, Migration, Names, Script, Spanned};
use crate::operation::{Dialect, Dialects};
use crate::source::{MAX_FILE_BYTES, Source, Span};
use crate::sql;

/// Reads an environment. `forced` replaces what would be detected.
/// Call it on threads with a deep stack (see [`crate::with_deep_stack`]).
pub fn read(layout: &Layout, forced: &[Dialect]) -> Environment {
    let loaded: Vec<Loaded> = layout.files.par_iter().with_max_len(relevant::AT_ONCE).map(load).collect();
    let (sources, mut units): (Vec<Source>, Vec<Unit>) = loaded.into_iter().map(|loaded| (loaded.source, loaded.unit)).unzip();
    let evidence = match forced {
        [] => dialect::detect(layout, &sources),
        _ => forced.iter().map(|&dialect| Evidence { dialect, driver: None, because: "the configuration".to_owned() }).collect(),
    };
    let dialects: Vec<Dialect> = evidence.iter().map(|evidence| evidence.dialect).collect();
    let sources: Vec<Arc<Source>> = sources.into_iter().map(Arc::new).collect();
    let mut unreadable: Vec<Unreadable> = Vec::new();
    let files = units.len();
    for (unit, source) in units.iter_mut().zip(&sources) {
        if let Some((span, message)) = unit.problem.take() {
            unreadable.push(Unreadable { source: source.clone(), span, message, judged: unit.judged });
            unit.broken = true;
        }
    }
    let script_folder = script_folder(layout);
    let env_text = script_folder.as_ref().and_then(|folder| std::fs::read_to_string(folder.join("env.py")).ok());
    let env_text = env_text.map(|text| uncommented(&text)).unwrap_or_default();
    let around = above(script_folder.as_ref().unwrap_or(&layout.root));
    let application = match layout.framework {
        Framework::Alembic => Application::around(&env_text, &around),
        _ if dialects.contains(&Dialect::Sqlite) => Application::around_files(&around),
        _ => Application::default(),
    };
    let naming = application.naming(&env_text);
    let mut migrations = match layout.framework {
        Framework::Alembic => {
            let nothing = naming::Convention::default();
            let convention = if let Naming::Known(convention) = &naming { convention } else { &nothing };
            read_scripts(layout, &units, &sources, script::Setting { dialects: &dialects, convention }, &mut unreadable)
        }
        framework => read_files(&layout.root, framework.convention(), &units, &sources, &dialects, &mut unreadable),
    };
    migrations.iter_mut().for_each(Migration::state_old_types);
    dialect::restrict_to_names(&mut migrations);
    let mut env = if env_text.is_empty() { EnvPy::default() } else { EnvPy::read(&env_text) };
    if env.puts_schema_in_front {
        search_path::forget_computed_schemas(&mut migrations);
    }
    let history = History::new(&migrations);
    search_path::resolve(&mut migrations, &history);
    if let Naming::Known(convention) = &naming {
        convention.apply(&mut migrations);
    }
    let convention = layout.framework.convention();
    env.has_naming_convention |= !matches!(naming, Naming::None);
    let has_old_sqlalchemy = layout.framework == Framework::Alembic && is_old_sqlalchemy(&layout.evidence_from);
    env.outer_transaction.take_if(|outer| has_old_sqlalchemy && *outer != OuterTransaction::Managed);
    let execution = match layout.framework {
        Framework::Alembic if env.autocommits => Execution::EachStatement,
        Framework::GolangMigrate if is_multi_statement(&layout.evidence_from) => Execution::EachStatement,
        _ => layout.transaction.map_or(convention.execution, Transaction::execution),
    };
    let all_pending_together = match layout.transaction {
        Some(told) => told == Transaction::All,
        None => convention.all_pending_together && (env.outer_transaction.is_some() || !env.each_in_its_own),
    };
    let ways_back = ways_back(&migrations);
    Environment {
        root: shown(&layout.root),
        framework: layout.framework,
        evidence,
        migrations,
        unreadable,
        history,
        files,
        execution,
        transaction: layout.transaction,
        known_by: layout.known_by,
        foreign_keys: application.foreign_keys(&env_text).or(convention.foreign_keys),
        ways_back,
        discords: journal::discords(layout, &sources),
        unread_versions: layout.unread_versions.clone(),
        by_table: OnceLock::new(),
        all_pending_together,
        env,
        has_old_sqlalchemy,
    }
}

/// The folder with `env.py`: an environment's own, or the one above where it has a folder for each database.
fn script_folder(layout: &Layout) -> Option<PathBuf> {
    (layout.framework == Framework::Alembic).then(|| alembic::environment_around(&layout.root)).flatten()
}

fn ways_back(migrations: &[Migration]) -> WaysBack {
    let downs = || migrations.iter().filter_map(|migration| migration.down.as_ref());
    let has_content = |down: &&Script| down.body != Body::Empty;
    let in_full = migrations.iter().all(|migration| migration.judged);
    WaysBack { is_used: downs().next().is_some(), with_content: in_full.then(|| downs().filter(has_content).count()) }
}

/// What a project's files of dependencies say of SQLAlchemy.
fn is_old_sqlalchemy(folders: &[PathBuf]) -> bool {
    folders.iter().flat_map(|folder| dialect::dependencies_in(folder)).any(|(_, text)| is_before_2(&text))
}

/// golang-migrate then cuts a file at its semicolons and sends the pieces one by one.
fn is_multi_statement(folders: &[PathBuf]) -> bool {
    let says = |path: PathBuf| std::fs::read_to_string(path).is_ok_and(|text| text.contains("x-multi-statement=true"));
    folders.iter().any(|folder| CALLERS.iter().any(|name| says(folder.join(name))))
}

/// A file's text, or what stands for it.
struct Loaded {
    source: Source,
    unit: Unit,
}

struct Unit {
    path: std::path::PathBuf,
    judged: bool,
    /// Why the bytes are no text.
    problem: Option<(Span, String)>,
    /// The text is not what the file says; only metadata is taken from it.
    broken: bool,
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let reason = |error: std::io::Error| format!("the file cannot be read: {}", error.kind());
    // To open a pipe is to wait for who writes into it.
    let about = std::fs::metadata(path).map_err(reason)?;
    if !about.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mut file = std::fs::File::open(path).map_err(reason)?;
    let length = about.len();
    if length > MAX_FILE_BYTES {
        return Err("the file is larger than 2 GiB".to_owned());
    }
    let mut out = vec![0; length as usize];
    let mut filled = 0;
    // Up to the length that the file has; a read that only finds the end costs as much as the file itself.
    while filled < out.len() {
        match file.read(&mut out[filled..]).map_err(reason)? {
            0 => break,
            more => filled += more,
        }
    }
    out.truncate(filled);
    // Files that do not say how long they are.
    if length == 0 {
        file.read_to_end(&mut out).map_err(reason)?;
    }
    Ok(out)
}

fn load(candidate: &Candidate) -> Loaded {
    let path = shown(&candidate.path);
    let loaded = |text: String, problem: Option<(Span, String)>| Loaded {
        source: Source::new(path.clone(), text),
        unit: Unit { path: candidate.path.clone(), judged: candidate.judged, problem, broken: false },
    };
    let unsaved = candidate.unsaved.as_ref().map(|unsaved| Ok(unsaved.to_vec()));
    match unsaved.unwrap_or_else(|| bytes(&candidate.path)) {
        Err(reason) => loaded(String::new(), Some((Span::default(), reason))),
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => match memchr::memchr(0, text.as_bytes()) {
                Some(at) => loaded(text, Some((Span::new(at, at + 1), "the file contains NUL bytes".to_owned()))),
                None => loaded(text, None),
            },
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let message = format!("the file is not UTF-8: byte {at} (0x{:02x}) starts no character", error.as_bytes()[at]);
                loaded(String::from_utf8_lossy(error.as_bytes()).into_owned(), Some((Span::new(at, at + 3), message)))
            }
        },
    }
}

fn read_scripts(
    layout: &Layout,
    units: &[Unit],
    sources: &[Arc<Source>],
    setting: script::Setting<'_>,
    unreadable: &mut Vec<Unreadable>,
) -> Vec<Migration> {
    let folder = |unit: &'_ Unit| unit.path.parent().map(Path::to_owned).unwrap_or_default();
    let folders: Vec<PathBuf> = units.iter().map(folder).collect();
    let texts = folders.iter().map(PathBuf::as_path).zip(sources.iter().map(|source| source.text()));
    let modules = Modules::load(texts, &layout.evidence_from);
    let files: Vec<relevant::File<'_>> = files(units, sources);
    let read = relevant::read(
        &files,
        |index| match units[index].broken {
            true => (Some(script::recover(&sources[index], units[index].judged)), None),
            false => {
                let read = || script::read(&sources[index], &folders[index], &modules, setting, units[index].judged);
                unless_it_panics(read).unwrap_or_else(|| {
                    let error = SyntaxError { span: Span::default(), message: OUR_FAULT.to_owned() };
                    (Some(script::recover(&sources[index], units[index].judged)), Some(error))
                })
            }
        },
        |index| script::glance(&sources[index]).map(|migration| (Some(migration), None)),
        |(migration, _)| migration.iter().flat_map(|migration| migration.scripts().map(|(_, script)| script)).collect(),
    );
    let mut migrations = Vec::with_capacity(read.len());
    for ((migration, error), (unit, source)) in read.into_iter().zip(units.iter().zip(sources)) {
        migrations.extend(migration);
        if let Some(error) = error {
            let message =
                if error.message == OUR_FAULT { error.message } else { format!("the file is not Python: {}", error.message) };
            unreadable.push(Unreadable { source: source.clone(), span: error.span, message, judged: unit.judged });
        }
    }
    migrations
}

fn files<'f>(units: &[Unit], sources: &'f [Arc<Source>]) -> Vec<relevant::File<'f>> {
    units.iter().zip(sources).map(|(unit, source)| relevant::File { text: source.text(), judged: unit.judged }).collect()
}

/// A defect of ours costs one file, not the run.
const OUR_FAULT: &str = "whimbrel itself failed on this file; please report it";

fn unless_it_panics<T>(work: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok()
}

/// One direction of one file.
#[derive(Clone)]
struct Part {
    script: Script,
    side: Side,
    title: String,
    /// The database that the file is for by its name.
    dialect: Option<Dialect>,
    judged: bool,
}

fn read_files(
    root: &Path,
    convention: &Convention,
    units: &[Unit],
    sources: &[Arc<Source>],
    dialects: &[Dialect],
    unreadable: &mut Vec<Unreadable>,
) -> Vec<Migration> {
    let reader =
        sql::Reader { dialect: dialects.first().copied(), for_sqlite: dialects.contains(&Dialect::Sqlite), delimiter: None };
    let mut files = files(units, sources);
    if files.iter().any(|file| !file.judged) {
        // The other direction of a judged file is as much in question.
        let version = |unit: &Unit| version_for(convention.framework, root, &unit.path).order;
        let judged: BTreeSet<_> = units.iter().filter(|unit| unit.judged).map(version).collect();
        files.iter_mut().zip(units).for_each(|(file, unit)| file.judged |= judged.contains(&version(unit)));
    }
    let read = relevant::read(
        &files,
        |index| {
            let dialect = dialect::in_file_name(&sources[index]).or(reader.dialect);
            read_file(convention, &units[index], &sources[index], |text, range, delimiter| {
                sql::read_section(text, range, sql::Reader { delimiter, dialect, ..reader })
            })
        },
        |index| Some(read_file(convention, &units[index], &sources[index], |_, _, _| sql::Reading::default())),
        |(sections, _)| sections.iter().map(|section| &section.script).collect(),
    );
    let mut versions: BTreeMap<(Vec<u128>, String), (String, Vec<Part>)> = BTreeMap::new();
    let mut names: Vec<Version> = units.par_iter().map(|unit| version_for(convention.framework, root, &unit.path)).collect();
    match convention.framework {
        Framework::Drizzle => journal::order_by_drizzle(root, &mut names, sources),
        Framework::Yoyo => order_by_dependencies(&mut names, sources),
        _ => {}
    }
    for (((scripts, problem), (unit, source)), name) in read.into_iter().zip(units.iter().zip(sources)).zip(names) {
        if let Some((span, message)) = problem {
            unreadable.push(Unreadable { source: source.clone(), span, message, judged: unit.judged });
        }
        let Version { id: version, order, side, title } = name;
        for ReadSection { script, side: section, id } in scripts {
            let side = section.or(side).unwrap_or(Side::Up);
            // Sections with ids of their own follow each other as they stand in the file.
            let (version, order) = match id {
                None => (version.clone(), order.clone()),
                Some((id, at)) => (id, (order.0.clone(), format!("{}\0{at:08}", order.1))),
            };
            let parts = &mut versions.entry(order).or_insert_with(|| (version, Vec::new())).1;
            let dialect = dialect::in_file_name(source);
            parts.push(Part { script, side, title: title.clone(), dialect, judged: unit.judged });
        }
    }
    let mut migrations: Vec<Migration> = Vec::with_capacity(versions.len());
    let mut previous: Option<String> = None;
    for (version, mut parts) in versions.into_values() {
        // The file for all databases has the version's own name.
        parts.sort_by_key(|part| part.dialect.is_some());
        give_the_named_both_ways(&mut parts);
        leave_to_the_named(&mut parts);
        let mut last = version.clone();
        for (at, (up, down)) in pair(parts).into_iter().enumerate() {
            // Files of one version for several engines follow each other, each under a name of its own.
            let named = up.iter().chain(&down).find_map(|part| part.dialect);
            let engine = named.filter(|_| at > 0);
            let version = engine.map_or_else(|| version.clone(), |engine| format!("{version}.{}", engine.as_str()));
            if engine.is_some() {
                previous = Some(last.clone());
            }
            let judged = up.iter().chain(&down).any(|part| part.judged);
            let Some(source) = up.as_ref().or(down.as_ref()).map(|part| part.script.source.clone()) else { continue };
            let parents = previous.iter().map(|id| Spanned { value: id.clone(), span: Span::default() }).collect();
            migrations.push(Migration {
                id: version.clone(),
                id_span: source.line_span(1),
                parents: Names { names: parents, incomplete: false },
                depends_on: Names::default(),
                branch_labels: Names::default(),
                source,
                up: up.map(|part| part.script),
                down: down.map(|part| part.script),
                problems: Vec::new(),
                judged,
            });
            if engine.is_some() {
                previous = Some(version.clone());
                last = version;
            }
        }
        previous = Some(last);
    }
    migrations
}

/// yoyo's order: by name, and each behind what its `-- depends:` names.
fn order_by_dependencies(names: &mut [Version], sources: &[Arc<Source>]) {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|a, b| names[*a].id.cmp(&names[*b].id));
    let depends = |at: usize| -> Vec<&str> {
        let lines = sources[at].text().lines().filter_map(|line| line.trim().strip_prefix("--"));
        lines.filter_map(|line| line.trim().strip_prefix("depends:")).flat_map(str::split_whitespace).collect()
    };
    let needs: BTreeMap<&str, Vec<&str>> = order.iter().map(|&at| (names[at].id.as_str(), depends(at))).collect();
    let mut places: BTreeMap<String, u128> = BTreeMap::new();
    for &at in &order {
        place(&names[at].id, &needs, &mut places, 0);
    }
    for name in names {
        name.order = (places.get(&name.id).copied().into_iter().collect(), name.id.clone());
    }
}

/// How long a chain of dependencies is followed, so that a circle ends.
const LONGEST_CHAIN: usize = 10_000;

fn place(id: &str, needs: &BTreeMap<&str, Vec<&str>>, places: &mut BTreeMap<String, u128>, depth: usize) {
    if places.contains_key(id) || depth > LONGEST_CHAIN {
        return;
    }
    for needed in needs.get(id).into_iter().flatten() {
        if needs.contains_key(needed) && *needed != id {
            place(needed, needs, places, depth + 1);
        }
    }
    let next = places.len() as u128;
    places.entry(id.to_owned()).or_insert(next);
}

/// A database that has a file of its own for one way only takes the other way by the file for all.
fn give_the_named_both_ways(parts: &mut Vec<Part>) {
    let mut more = Vec::new();
    for part in parts.iter().filter(|part| part.dialect.is_some()) {
        let is_other = |other: &&Part| other.side != part.side;
        if parts.iter().filter(is_other).any(|other| other.dialect == part.dialect) {
            continue;
        }
        let Some(for_all) = parts.iter().filter(is_other).find(|other| other.dialect.is_none()) else { continue };
        more.push(Part { title: part.title.clone(), dialect: part.dialect, ..for_all.clone() });
    }
    // With one for all on one side only, nobody is left whom it would be for.
    let is_alone = |part: &Part| !parts.iter().any(|other| other.side != part.side && other.dialect.is_none());
    let handed_out: Vec<bool> = parts
        .iter()
        .map(|part| part.dialect.is_none() && is_alone(part) && more.iter().any(|clone| clone.side == part.side))
        .collect();
    let mut handed_out = handed_out.into_iter();
    parts.retain(|_| !handed_out.next().unwrap_or_default());
    parts.extend(more);
}

/// Where a version has files for some databases, each is for its own, and the one for all is for the others.
fn leave_to_the_named(parts: &mut [Part]) {
    for side in [Side::Up, Side::Down] {
        let of_side = || parts.iter().filter(|part| part.side == side);
        let named = |dialect: Dialect| Dialects::named(dialect.as_str());
        let all = of_side().filter_map(|part| part.dialect).fold(Dialects::NONE, |all, dialect| all.union(named(dialect)));
        for part in parts.iter_mut().filter(|part| part.side == side) {
            let only = part.dialect.map_or_else(|| all.complement(), named);
            part.script.steps.iter_mut().for_each(|step| step.only = step.only.intersection(only));
        }
    }
}

/// Joins each up with the down of the same title, else with any that is left over.
fn pair(parts: Vec<Part>) -> Vec<(Option<Part>, Option<Part>)> {
    let (ups, mut downs): (Vec<Part>, Vec<Part>) = parts.into_iter().partition(|part| part.side == Side::Up);
    let mut out: Vec<(Option<Part>, Option<Part>)> = ups
        .into_iter()
        .map(|up| {
            let same = downs.iter().position(|down| down.title == up.title);
            let down = same.map(|at| downs.remove(at));
            (Some(up), down)
        })
        .collect();
    for (_, down) in out.iter_mut().filter(|(_, down)| down.is_none()) {
        *down = downs.pop();
    }
    out.extend(downs.into_iter().map(|down| (None, Some(down))));
    out
}

type Sections = Vec<ReadSection>;

/// One section of a file, read.
struct ReadSection {
    script: Script,
    side: Option<Side>,
    /// The id that the section gives itself, and its place in the file.
    id: Option<(String, usize)>,
}

fn read_file(
    convention: &Convention,
    unit: &Unit,
    source: &Arc<Source>,
    read: impl Fn(&str, Range<usize>, Option<&str>) -> sql::Reading,
) -> (Sections, Option<(Span, String)>) {
    let script = |steps, body, head| Script { source: source.clone(), head, body, steps, transaction: None };
    if unit.broken {
        return (
            vec![ReadSection { script: script(Vec::new(), Body::Unreadable, source.line_span(1)), side: None, id: None }],
            None,
        );
    }
    let mut problem = None;
    let mut out = Vec::new();
    for section in sections(convention, source) {
        let Section { side, head, id, .. } = section;
        let text = section.text.as_deref().unwrap_or(source.text());
        let delimiter = section.delimiter.as_deref();
        let Some(reading) = unless_it_panics(|| read(text, section.range.clone(), delimiter)) else {
            problem.get_or_insert((head, OUR_FAULT.to_owned()));
            out.push(ReadSection { script: script(Vec::new(), Body::Unreadable, head), side, id });
            continue;
        };
        if let Some((span, what)) = reading.unterminated {
            problem.get_or_insert((span, format!("the file is not SQL: a {what} that is opened here is never closed")));
        }
        let mut reading = reading;
        if let Some(only) = dialect::in_file_name(source) {
            reading.steps.iter_mut().for_each(|step| step.only = step.only.intersection(Dialects::one(only)));
        }
        if let Some(only) = section.only {
            reading.steps.iter_mut().for_each(|step| step.only = step.only.intersection(only));
        }
        let body = if reading.steps.is_empty() && !section.is_meant { Body::Empty } else { Body::Present };
        let script = Script { transaction: wish(convention, &unit.path, source, head), ..script(reading.steps, body, head) };
        out.push(ReadSection { script, side, id });
    }
    (out, problem)
}
