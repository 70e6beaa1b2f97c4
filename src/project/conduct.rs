//! What is known of an environment's runner besides its name: what says that it is this one, and what the project says of
//! it itself.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Environment;
use super::conventions::{Directive, Framework};
use crate::migration::Execution;

/// What a runner puts into one transaction, where the configuration says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Transaction {
    /// All pending migrations.
    All,
    /// Each migration.
    Each,
    /// None, but a file is sent as one message.
    Message,
    /// None: each statement commits for itself.
    None,
}

impl Transaction {
    pub fn execution(self) -> Execution {
        match self {
            Transaction::All | Transaction::Each => Execution::OneTransaction,
            Transaction::Message => Execution::OneMessage,
            Transaction::None => Execution::EachStatement,
        }
    }
}

/// What says which runner executes the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownBy {
    /// Its traces, its marks, the project's manifest or the configuration; or there is nothing that could speak against it.
    Evidence,
    /// The names of the files, in a project that names the tool nowhere.
    NamesAlone,
}

/// What lists the packages of a project, in languages in which people write runners of their own.
const MANIFESTS: &[&str] = &["go.mod", "Cargo.toml", "package.json", "pyproject.toml", "requirements.txt", "mix.exs", "Gemfile"];

/// Where a project writes down how its tools are called.
pub(super) const CALLERS: &[&str] = &[
    ".env",
    ".env.example",
    "Makefile",
    "Taskfile.yml",
    "Justfile",
    "justfile",
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
    "Dockerfile",
    "package.json",
    "README.md",
    "CONTRIBUTING.md",
];

/// Words by which golang-migrate, diesel and Flyway are called or imported.
fn words(framework: Framework) -> &'static [&'static str] {
    match framework {
        Framework::GolangMigrate => {
            &["golang-migrate", "migrate/migrate", "mattes/migrate", "migrate -path", "migrate -source", "migrate -database"]
        }
        Framework::Diesel => &["diesel"],
        Framework::Flyway => &["flyway"],
        _ => &[],
    }
}

/// Whether a project says anywhere that it has the tool that the names of its files stand for.
pub(super) fn known_by(framework: Framework, folders: &[PathBuf]) -> KnownBy {
    let words = words(framework);
    let manifests = || folders.iter().flat_map(|folder| MANIFESTS.iter().map(|name| folder.join(name)));
    if words.is_empty() || !manifests().any(|path| path.is_file()) {
        return KnownBy::Evidence;
    }
    let says = |path: &Path| {
        std::fs::read_to_string(path).is_ok_and(|text| {
            let text = text.to_ascii_lowercase();
            words.iter().any(|word| text.contains(word))
        })
    };
    let callers = folders.iter().flat_map(|folder| CALLERS.iter().map(|name| folder.join(name)));
    match manifests().chain(callers).any(|path| says(&path)) {
        true => KnownBy::Evidence,
        false => KnownBy::NamesAlone,
    }
}

impl Environment {
    /// What to call the runner in a sentence.
    pub fn runner(&self) -> &'static str {
        match self.known_by {
            KnownBy::Evidence => self.framework.name(),
            KnownBy::NamesAlone => "the runner",
        }
    }

    /// What to write so that a statement of a SQL file runs outside of a transaction.
    pub fn outside_transaction(&self) -> &'static str {
        let convention = self.framework.convention();
        // A word in the file or its name is asked first, whatever the runner does without one.
        let has_own_word = self.known_by == KnownBy::Evidence && convention.no_transaction != Directive::Nowhere;
        match self.transaction {
            Some(Transaction::All) => "run it by hand: the runner has all pending migrations in one transaction",
            Some(Transaction::Each) if !has_own_word => "run it by hand: the runner has every migration in a transaction",
            Some(Transaction::Message) if !has_own_word => "put it into a file of its own, without BEGIN or COMMIT",
            Some(Transaction::None) => "run it outside of BEGIN and COMMIT",
            None if self.known_by == KnownBy::NamesAlone => {
                "put it into a file of its own, without BEGIN or COMMIT, if what runs these files opens no transaction around them \
                 (`transaction` in whimbrel.toml says what it does)"
            }
            _ => convention.outside_transaction,
        }
    }
}
