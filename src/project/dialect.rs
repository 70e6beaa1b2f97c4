//! Which database an environment is for, and what says so.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::conventions::Framework;
use super::relevant::AT_ONCE;
use super::{Evidence, Layout, folders_that_name, shown};
use crate::alembic::env::uncommented;
use crate::migration::Migration;
use crate::operation::{Dialect, Dialects};
use crate::source::Source;

/// Drivers by the name that dependency files know them under.
const DRIVERS: &[(&str, Dialect, Option<&str>)] = &[
    ("psycopg2", Dialect::PostgreSql, Some("psycopg2")),
    ("psycopg2-binary", Dialect::PostgreSql, Some("psycopg2")),
    ("psycopg", Dialect::PostgreSql, Some("psycopg")),
    ("asyncpg", Dialect::PostgreSql, Some("asyncpg")),
    ("pg8000", Dialect::PostgreSql, Some("pg8000")),
    ("pymysql", Dialect::MySql, None),
    ("mysqlclient", Dialect::MySql, None),
    ("aiomysql", Dialect::MySql, None),
    ("asyncmy", Dialect::MySql, None),
    ("mysql-connector-python", Dialect::MySql, None),
    ("mariadb", Dialect::MariaDb, None),
    ("aiosqlite", Dialect::Sqlite, None),
    ("lib/pq", Dialect::PostgreSql, None),
    ("jackc/pgx", Dialect::PostgreSql, None),
    ("go-sql-driver/mysql", Dialect::MySql, None),
    ("mattn/go-sqlite3", Dialect::Sqlite, None),
    ("modernc.org/sqlite", Dialect::Sqlite, None),
];

/// Everything that says which database `layout` is for; the main dialect first, each once.
///
/// A URL of the project's own configuration counts most, then drivers in dependency files, then what the
/// scripts import or ask for, then the SQL itself.
pub fn detect(layout: &Layout, sources: &[Source]) -> Vec<Evidence> {
    let mut found: Vec<Evidence> = Vec::new();
    for (url, file) in &layout.urls {
        found.extend(from_url(url, &format!("sqlalchemy.url in {}", shown(file))));
    }
    if found.is_empty() {
        for folder in &layout.evidence_from {
            found.extend(from_folder(folder));
            if !found.is_empty() {
                break;
            }
        }
    }
    match layout.framework {
        Framework::Prisma => found.extend(from_prisma(&layout.root)),
        Framework::Drizzle => found.extend(from_drizzle(layout)),
        _ => {}
    }
    for files in [DEPENDENCIES, DEPENDENCIES_OF_TESTS] {
        for folder in &layout.evidence_from {
            if found.is_empty() {
                found = from_dependencies(folder, files);
            }
        }
    }
    let mut asked: Vec<Evidence> = sources.par_iter().with_max_len(AT_ONCE).flat_map_iter(from_script).collect();
    asked.sort_by_key(|evidence| evidence.dialect);
    found.extend(asked);
    found.extend(from_file_names(sources));
    if found.is_empty() {
        found.extend(from_syntax(sources));
    }
    found.extend(from_script_names(sources));
    // Who keeps a folder for each database means it; the rest still tells the driver.
    if let Some(mut named) = from_folder_name(layout) {
        named.driver = found.into_iter().find_map(|evidence| evidence.driver.filter(|_| evidence.dialect == named.dialect));
        return vec![named];
    }
    let mut out: Vec<Evidence> = Vec::new();
    for evidence in found {
        if !out.iter().any(|known| known.dialect == evidence.dialect) {
            out.push(evidence);
        }
    }
    out
}

/// `migrations/sqlite`, and `sqlite/migrations` where no URL of its own says otherwise; up to the folder of the project.
fn from_folder_name(layout: &Layout) -> Option<Evidence> {
    let levels = if layout.urls.is_empty() { 2 } else { 1 };
    folders_that_name(&layout.root).take(levels).find_map(|folder| {
        let dialect = Dialect::in_folder_name(&super::file_name(folder))?;
        Some(Evidence { dialect, driver: None, because: format!("the name of the folder {}", shown(folder)) })
    })
}

/// A URL names its dialect; Alembic's placeholder names none.
fn from_url(url: &str, place: &str) -> Option<Evidence> {
    let (scheme, rest) = url.trim().trim_matches(['"', '\'']).split_once(':')?;
    if !rest.starts_with("//") {
        return None;
    }
    let dialect = Dialect::from_name(scheme)?;
    let driver = scheme.split_once('+').map(|(_, driver)| driver.to_owned());
    Some(Evidence { dialect, driver, because: format!("{place} begins with `{scheme}`") })
}

/// `.env` files and `env.py`.
fn from_folder(folder: &Path) -> Vec<Evidence> {
    let mut out = Vec::new();
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).ok().map(|bytes| (String::from_utf8_lossy(&bytes).into_owned(), shown(&path)))
    };
    for name in [".env", ".env.example", ".env.sample", ".env.template", ".env.dist"] {
        let Some((text, path)) = read(name) else { continue };
        for line in text.lines() {
            let Some((key, value)) = line.trim().trim_start_matches("export ").split_once('=') else { continue };
            let key = key.trim().to_ascii_uppercase();
            if key.ends_with("DATABASE_URL")
                || key.ends_with("DATABASE_URI")
                || key.ends_with("DB_URL")
                || key.ends_with("POSTGRES_URL")
                || key == "DATABASE_DSN"
            {
                out.extend(from_url(value, &format!("{key} in {path}")));
            }
        }
        if !out.is_empty() {
            return out;
        }
    }
    if let Some((text, path)) = read("env.py") {
        let text = uncommented(&text);
        for scheme in quoted_schemes(&text) {
            out.extend(from_url(&format!("{scheme}://"), &format!("a URL in {path}")));
        }
        for (import, dialect) in IMPORTS {
            if text.contains(import) {
                out.push(Evidence { dialect: *dialect, driver: None, because: format!("{path} imports {import}") });
            }
        }
        for (argument, dialect) in ARGUMENTS {
            if text.contains(argument) {
                out.push(Evidence { dialect: *dialect, driver: None, because: format!("{path} speaks of {argument}") });
            }
        }
    }
    out
}

/// Schemes of URLs inside string literals.
fn quoted_schemes(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for (at, _) in text.match_indices("://") {
        let scheme = text[..at].bytes().rev().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'_'));
        let start = at - scheme.count();
        if matches!(text[..start].chars().last(), Some('"' | '\'')) {
            out.push(&text[start..at]);
        }
    }
    out
}

const IMPORTS: &[(&str, Dialect)] = &[
    ("sqlalchemy.dialects.postgresql", Dialect::PostgreSql),
    ("sqlalchemy.dialects import postgresql", Dialect::PostgreSql),
    ("alembic.ddl.postgresql", Dialect::PostgreSql),
    ("sqlalchemy.dialects.mysql", Dialect::MySql),
    ("sqlalchemy.dialects import mysql", Dialect::MySql),
    ("sqlalchemy.dialects.sqlite", Dialect::Sqlite),
    ("sqlalchemy.dialects import sqlite", Dialect::Sqlite),
];

/// Files in which a project lists what it depends on.
const DEPENDENCIES: &[&str] = &[
    "pyproject.toml",
    "requirements.txt",
    "requirements.in",
    "requirements/base.txt",
    "setup.cfg",
    "setup.py",
    "Pipfile",
    "go.mod",
];

/// Where drivers stand that the packager chooses: tests run on what the project supports.
const DEPENDENCIES_OF_TESTS: &[&str] = &["test-requirements.txt", "requirements-test.txt", "requirements/test.txt"];

/// Those that a folder has, with their texts, see [`dependencies`].
pub(super) fn dependencies_in(folder: &Path) -> impl Iterator<Item = (PathBuf, String)> {
    texts_of(folder, DEPENDENCIES)
}

fn texts_of(folder: &Path, files: &'static [&'static str]) -> impl Iterator<Item = (PathBuf, String)> {
    files.iter().map(|name| folder.join(name)).filter_map(|path| dependencies(&path, 0).map(|text| (path, text)))
}

fn from_dependencies(folder: &Path, files: &'static [&'static str]) -> Vec<Evidence> {
    let mut out = Vec::new();
    for (path, text) in texts_of(folder, files) {
        for (driver, dialect, module) in DRIVERS {
            if mentions(&text, driver) {
                let because = format!("`{driver}` in {}", shown(&path));
                out.push(Evidence { dialect: *dialect, driver: module.map(str::to_owned), because });
            }
        }
    }
    // SQLite drivers come along for tests; beside a server they say nothing.
    if out.iter().any(|evidence| evidence.dialect != Dialect::Sqlite) {
        out.retain(|evidence| evidence.dialect != Dialect::Sqlite);
    }
    out
}

/// How deep requirements include each other.
const DEEPEST: usize = 4;

/// The text of a dependency file in lower case, as packages are named, without comments, with what `-r` includes.
fn dependencies(path: &Path, depth: usize) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let is_own = |line: &&str| !line.trim_end().ends_with("// indirect");
    let text: String = text.lines().filter(is_own).flat_map(|line| [line, "\n"]).collect();
    let mut text = uncommented(&text).to_lowercase();
    let included: Vec<PathBuf> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("-r ").or_else(|| line.trim().strip_prefix("--requirement ")))
        .map(|name| path.with_file_name(name.trim()))
        .collect();
    for other in included.into_iter().filter(|_| depth < DEEPEST) {
        text.push_str(&dependencies(&other, depth + 1).unwrap_or_default());
    }
    Some(text)
}

/// Whether a dependency file names a package: as a whole word, so that `psycopg` is not `psycopg2`.
pub(super) fn mentions(text: &str, package: &str) -> bool {
    text.match_indices(package).any(|(at, _)| {
        let before = text[..at].chars().last().is_none_or(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
        let after =
            text[at + package.len()..].chars().next().is_none_or(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
        before && after
    })
}

fn from_prisma(root: &Path) -> Option<Evidence> {
    let path = root.join("migration_lock.toml");
    let text = std::fs::read_to_string(&path).ok()?;
    let provider = text.lines().find_map(|line| line.trim().strip_prefix("provider")?.split('"').nth(1))?;
    let dialect = Dialect::from_name(provider)?;
    Some(Evidence { dialect, driver: None, because: format!("provider in {}", shown(&path)) })
}

/// `dialect: "sqlite"` in drizzle's configuration, or `"dialect": "sqlite"` in its journal.
fn from_drizzle(layout: &Layout) -> Option<Evidence> {
    let configured = layout.evidence_from.iter().flat_map(|folder| {
        ["drizzle.config.ts", "drizzle.config.js", "drizzle.config.mjs", "drizzle.config.json"].map(|name| folder.join(name))
    });
    let mut places = configured.chain([layout.root.join("meta/_journal.json")]);
    places.find_map(|path| {
        let text = std::fs::read_to_string(&path).ok()?;
        let behind = &text[text.find("dialect")? + "dialect".len()..];
        let name = behind.trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?.split(['"', '\'']).nth(1)?;
        let dialect = match name {
            "turso" | "d1" => Dialect::Sqlite,
            name => Dialect::from_name(name)?,
        };
        Some(Evidence { dialect, driver: None, because: format!("dialect in {}", shown(&path)) })
    })
}

/// Arguments that SQLAlchemy hands to one product alone.
const ARGUMENTS: &[(&str, Dialect)] = &[
    ("postgresql_concurrently", Dialect::PostgreSql),
    ("postgresql_using", Dialect::PostgreSql),
    ("postgresql_where", Dialect::PostgreSql),
    ("postgresql_ops", Dialect::PostgreSql),
    ("postgresql_include", Dialect::PostgreSql),
    ("postgresql_not_valid", Dialect::PostgreSql),
    ("mysql_engine", Dialect::MySql),
    ("mysql_charset", Dialect::MySql),
    ("mysql_length", Dialect::MySql),
    ("mysql_collate", Dialect::MySql),
];

/// What a script imports, compares the dialect's name with, or says to one product alone.
fn from_script(source: &Source) -> Vec<Evidence> {
    if !source.path().ends_with(".py") {
        return Vec::new();
    }
    let text = source.text();
    let mut out = Vec::new();
    if ["postgresql_", "mysql_"].iter().any(|head| memchr::memmem::find(text.as_bytes(), head.as_bytes()).is_some()) {
        let given = |(argument, _): &&(&str, Dialect)| text.contains(&format!("{argument}="));
        for (argument, dialect) in ARGUMENTS.iter().filter(given) {
            out.push(Evidence { dialect: *dialect, driver: None, because: format!("{} gives {argument}", source.path()) });
        }
    }
    // `dialects` is rare enough to look closer only then.
    if memchr::memmem::find(text.as_bytes(), b"dialect").is_some() {
        for (import, dialect) in IMPORTS.iter().filter(|(import, _)| text.contains(import)) {
            out.push(Evidence { dialect: *dialect, driver: None, because: format!("{} imports {import}", source.path()) });
        }
        for line in text.lines().filter(|line| line.contains("dialect")) {
            for name in line.split(['"', '\'']).skip(1).step_by(2) {
                if let Some(dialect) = Dialect::from_name(name).filter(|dialect| dialect.as_str() == name) {
                    out.push(Evidence { dialect, driver: None, because: format!("{} asks for `{name}`", source.path()) });
                }
            }
        }
    }
    out
}

/// `0001_add_index_postgres.py`.
fn from_script_names(sources: &[Source]) -> Vec<Evidence> {
    let named = |source: &Source| {
        let last = source.file_name().strip_suffix(".py")?.rsplit('_').next()?;
        let dialect = Dialect::from_name(last).filter(|_| last.len() > 4)?;
        Some(Evidence { dialect, driver: None, because: format!("the name of {}", source.path()) })
    };
    sources.iter().filter_map(named).collect()
}

/// `0001_name.sqlite.sql`, `0001_name.postgres.up.sql`: the file is for one database.
pub fn in_file_name(source: &Source) -> Option<Dialect> {
    Dialect::from_name(database_word(source.file_name())?)
}

/// The word of a file's name that may say which database it is for.
pub(super) fn database_word(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(".sql")?;
    let stem = stem.strip_suffix(".up").or_else(|| stem.strip_suffix(".down")).unwrap_or(stem);
    let stem = stem.strip_suffix(".autocommit").unwrap_or(stem);
    stem.rsplit_once('.').map(|(_, word)| word)
}

/// `018_add_tags_postgres.py` and `018_add_tags_sqlite.py` in one history: each is written for one database, whatever
/// guards it has besides.
pub(super) fn restrict_to_names(migrations: &mut [Migration]) {
    let meant: Vec<Option<Dialect>> = migrations.iter().map(|migration| at_the_end_of_name(&migration.source)).collect();
    let mut named = meant.iter().flatten();
    let first = named.next();
    if !named.any(|other| Some(other) != first) {
        return;
    }
    for (migration, dialect) in migrations.iter_mut().zip(meant) {
        let Some(dialect) = dialect else { continue };
        let scripts = migration.up.iter_mut().chain(&mut migration.down);
        scripts.flat_map(|script| &mut script.steps).for_each(|step| step.only = step.only.intersection(Dialects::one(dialect)));
    }
}

/// Whether a file says in its name that it is for one database.
pub fn is_for_one(source: &Source) -> bool {
    in_file_name(source).or_else(|| at_the_end_of_name(source)).is_some()
}

/// The last word of a script's name, or the one before a number.
fn at_the_end_of_name(source: &Source) -> Option<Dialect> {
    let mut words =
        source.file_name().strip_suffix(".py")?.rsplit('_').skip_while(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    Dialect::from_name(words.next()?)
}

fn from_file_names(sources: &[Source]) -> Vec<Evidence> {
    let mut out: Vec<Evidence> = Vec::new();
    for source in sources {
        if let Some(dialect) = in_file_name(source).filter(|dialect| out.iter().all(|known| known.dialect != *dialect)) {
            out.push(Evidence { dialect, driver: None, because: format!("the name of {}", source.path()) });
        }
    }
    out
}

/// Words that only one product's SQL has.
const WORDS: &[(&str, Dialect)] = &[
    ("bigserial", Dialect::PostgreSql),
    ("serial primary key", Dialect::PostgreSql),
    (" serial ", Dialect::PostgreSql),
    ("timestamptz", Dialect::PostgreSql),
    ("with time zone", Dialect::PostgreSql),
    ("jsonb", Dialect::PostgreSql),
    ("bytea", Dialect::PostgreSql),
    ("plpgsql", Dialect::PostgreSql),
    ("concurrently", Dialect::PostgreSql),
    ("not valid", Dialect::PostgreSql),
    ("create extension", Dialect::PostgreSql),
    ("gen_random_uuid", Dialect::PostgreSql),
    ("using gin", Dialect::PostgreSql),
    ("using btree", Dialect::PostgreSql),
    ("as enum", Dialect::PostgreSql),
    ("pg_catalog", Dialect::PostgreSql),
    ("::text", Dialect::PostgreSql),
    ("::regclass", Dialect::PostgreSql),
    ("text[]", Dialect::PostgreSql),
    ("set not null", Dialect::PostgreSql),
    ("do $$", Dialect::PostgreSql),
    ("auto_increment", Dialect::MySql),
    ("engine=", Dialect::MySql),
    ("engine =", Dialect::MySql),
    ("unsigned", Dialect::MySql),
    ("tinyint(1)", Dialect::MySql),
    ("on update current_timestamp", Dialect::MySql),
    ("autoincrement", Dialect::Sqlite),
    ("pragma ", Dialect::Sqlite),
    ("without rowid", Dialect::Sqlite),
    // `--autogenerate` copies it from the models: beside better evidence it does not say that migrations run there.
    ("sqlite_where", Dialect::Sqlite),
];

/// Those that mean as much in the middle of a Python script.
const WORDS_IN_PYTHON: &[&str] = &[
    "concurrently",
    "plpgsql",
    "create extension",
    "pg_catalog",
    "::text",
    "::regclass",
    "jsonb",
    "do $$",
    "as enum",
    "timestamptz",
    "auto_increment",
    "pragma ",
    "sqlite_where",
];

/// Bytes of SQL that are looked at; a dump says what it is long before.
const LOOKED_AT: usize = 300_000;

fn from_syntax(sources: &[Source]) -> Option<Evidence> {
    let mut seen = 0;
    let enough = |source: &&Source| {
        let goes_on = seen <= LOOKED_AT;
        seen += source.text().len();
        goes_on
    };
    let looked_at: Vec<&Source> = sources.iter().take_while(enough).collect();
    let said: Vec<Vec<(Dialect, String)>> = looked_at.par_iter().with_max_len(AT_ONCE).map(|source| words_of(source)).collect();
    let mut hits: Vec<(Dialect, usize, String)> = Vec::new();
    for (source, said) in looked_at.into_iter().zip(said) {
        for (dialect, what) in said {
            match hits.iter_mut().find(|(known, ..)| *known == dialect) {
                Some((_, count, _)) => *count += 1,
                None => hits.push((dialect, 1, format!("{what} in {}", source.path()))),
            }
        }
    }
    hits.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    let clear = hits.len() < 2 || hits[0].1 > hits[1].1;
    hits.into_iter().next().filter(|_| clear).map(|(dialect, _, because)| Evidence { dialect, driver: None, because })
}

/// What of a file's SQL only one product has.
fn words_of(source: &Source) -> Vec<(Dialect, String)> {
    let is_python = source.path().ends_with(".py");
    let text = match is_python {
        true => uncommented(source.text()).to_ascii_lowercase(),
        false => {
            let code: Vec<&str> = source.text().lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
            // What stands in a template is replaced before any database sees it.
            code.join("\n").to_ascii_lowercase().split("$%").step_by(2).collect::<Vec<_>>().join(" ")
        }
    };
    let says = |word: &str| (!is_python || WORDS_IN_PYTHON.contains(&word)) && text.contains(word);
    let words = WORDS.iter().filter(|(word, _)| says(word)).map(|(word, dialect)| (*dialect, format!("`{}`", word.trim())));
    let mut out: Vec<(Dialect, String)> = words.collect();
    if !is_python && text.matches('`').count() >= 2 {
        out.push((Dialect::MySql, "backquotes".to_owned()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_no_evidence() {
        assert_eq!(from_url("driver://user:pass@localhost/dbname", "x"), None);
        assert_eq!(from_url("sqlite+aiosqlite:///./a.db", "x").unwrap().dialect, Dialect::Sqlite);
        assert_eq!(from_url("postgresql+psycopg://h/d", "x").unwrap().driver.as_deref(), Some("psycopg"));
    }

    #[test]
    fn packages_are_whole_words() {
        assert!(mentions("\"psycopg[binary]>=3\"", "psycopg"));
        assert!(!mentions("psycopg2-binary==2.9", "psycopg"));
        assert!(!mentions("psycopg2-binary==2.9", "psycopg2"));
        assert!(mentions("github.com/jackc/pgx/v5 v5.0.0", "jackc/pgx"));
    }
}
