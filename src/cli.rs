//! The command line, defined once: help, errors and completions come from here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use whimbrel::config::Overrides;
use whimbrel::finding::Severity;
use whimbrel::operation::Dialect;
use whimbrel::plan::Which;
use whimbrel::report::Format;
use whimbrel::report::plan::PlanFormat;
use whimbrel::report::schema::SchemaFormat;

/// A static linter and safety analyzer for database migrations.
///
/// Reads Alembic scripts and SQL migration files, never runs them and never connects to a database.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
}

const EXAMPLES: &str = "Examples:
  whimbrel check                         every migration below this folder
  whimbrel check versions/ab12_add.py    one file, with the rest as its history
  whimbrel plan --pending-from ab12      what the migrations after ab12 will lock, and for how long
  whimbrel graph                         heads, merges and what is wrong with them
  whimbrel explain index_not_concurrent  why, and what to do instead

Exit codes: 0 nothing at or above the failing severity, 1 findings, 2 could not do its job";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lint migrations
    Check(Check),
    /// Show what running the migrations would do: locks, rewrites, scans, transactions
    Plan(Plan),
    /// Show the schema that the migrations come to
    Schema(SchemaArgs),
    /// Show the revision graph
    Graph(Graph),
    /// Write today's findings down, so that `check --baseline` only tells new ones
    Baseline(BaselineArgs),
    /// Write down what is detected: whimbrel.toml, all in comments, and the pre-commit hook
    Init {
        /// The project's folder
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Say what is found in a pull request at the lines that it changes, from within its CI
    Review(ReviewArgs),
    /// Speak the Language Server Protocol with an editor, over standard input and output
    Server,
    /// Print completions for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
    /// Print a rule's page
    Explain {
        /// The rule's name
        rule: String,
    },
    /// List the rules
    Rules {
        #[command(flatten)]
        config: ConfigArgs,
    },
}

#[derive(Debug, Args)]
pub struct Check {
    /// Folders or files; the current folder without any
    pub paths: Vec<PathBuf>,
    /// How to print findings
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write there instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only judge migrations that are new since this Git revision; the rest is history
    #[arg(long, value_name = "REV")]
    pub since: Option<String>,
    /// Hide the findings that this file lists, as `whimbrel baseline` writes it
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Judge what comes on standard input as if it were in this file, with the rest on the disk as its history
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paths", "fix", "unsafe_fixes"])]
    pub stdin_filename: Option<PathBuf>,
    /// Print how often each rule fires, instead of the findings
    #[arg(long)]
    pub statistics: bool,
    /// Print the settings that hold, and where they come from, instead of checking
    #[arg(long)]
    pub show_settings: bool,
    /// Check again whenever a file below the paths changes, until it is stopped
    #[arg(long, conflicts_with_all = ["stdin_filename", "fix", "unsafe_fixes", "diff", "output"])]
    pub watch: bool,
    /// Print nothing but the findings
    #[arg(short, long)]
    pub quiet: bool,
    /// The lowest severity that makes the exit code 1 [default: error]
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<Severity>,
    /// Exit with 0 whatever was found
    #[arg(long)]
    pub exit_zero: bool,
    /// Write the fixes that change nothing but the finding, then say what is left
    #[arg(long)]
    pub fix: bool,
    /// Also the fixes that want a look
    #[arg(long)]
    pub unsafe_fixes: bool,
    /// Print what the fixes would change, and change nothing
    #[arg(long)]
    pub diff: bool,
    /// Also say what was detected from which evidence, and list what was not understood
    #[arg(short, long)]
    pub verbose: bool,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Debug, Args)]
pub struct Plan {
    /// Folders or files; the current folder without any
    pub paths: Vec<PathBuf>,
    /// How to print the plan
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    pub format: PlanFormat,
    /// Which way
    #[arg(long, value_enum, default_value_t = Which::Up)]
    pub direction: Which,
    /// Only migrations that are new since this Git revision
    #[arg(long, value_name = "REV", conflicts_with = "pending_from")]
    pub since: Option<String>,
    /// Only what comes after this revision: what a database that stands there would run
    #[arg(long, value_name = "REVISION")]
    pub pending_from: Option<String>,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Debug, Args)]
pub struct BaselineArgs {
    /// Folders or files; the current folder without any
    pub paths: Vec<PathBuf>,
    /// The file to write
    #[arg(short, long, value_name = "FILE", default_value = "whimbrel-baseline.json")]
    pub output: PathBuf,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Debug, Args)]
pub struct ReviewArgs {
    /// Folders or files; the current folder without any
    pub paths: Vec<PathBuf>,
    /// The Git revision that the pull request goes into, instead of the one that CI names
    #[arg(long, value_name = "REV")]
    pub since: Option<String>,
    /// Print the requests, one a line as JSON, instead of sending them
    #[arg(long)]
    pub dry_run: bool,
    /// The lowest severity that makes the exit code 1 [default: error]
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<Severity>,
    /// Exit with 0 whatever was found
    #[arg(long)]
    pub exit_zero: bool,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Folders or files; the current folder without any
    pub paths: Vec<PathBuf>,
    /// How to print the schema
    #[arg(long, value_enum, default_value_t = SchemaFormat::Sql)]
    pub format: SchemaFormat,
    /// The schema after this revision and all that comes before it, instead of after the last
    #[arg(long, value_name = "REVISION")]
    pub at: Option<String>,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Debug, Args)]
pub struct Graph {
    /// Folders or files; the current folder without any
    pub paths: Vec<PathBuf>,
    /// How to print the graph
    #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
    pub format: GraphFormat,
    #[command(flatten)]
    pub config: ConfigArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// A tree, newest revision first
    Text,
    /// The frozen shape, for programs
    Json,
    /// For Graphviz
    Dot,
    /// For Markdown that draws Mermaid
    Mermaid,
    /// A picture, light and dark
    Svg,
}

#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// A configuration file, instead of the nearest whimbrel.toml or pyproject.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Only these rules or groups
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Leave these rules or groups out
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// The database, instead of what is detected: postgresql, mysql, mariadb, sqlite
    #[arg(long, value_name = "DIALECT", value_delimiter = ',')]
    pub dialect: Vec<Dialect>,
    /// PostgreSQL's major version [default: 17]
    #[arg(long, value_name = "MAJOR")]
    pub pg_version: Option<u32>,
    /// Version of SQLite, such as 3.40 [default: 3.51]
    #[arg(long, value_name = "VERSION")]
    pub sqlite_version: Option<String>,
}

impl ConfigArgs {
    pub fn overrides(&self, fail_on: Option<Severity>) -> Overrides {
        Overrides {
            select: self.select.clone(),
            ignore: self.ignore.clone(),
            dialects: self.dialect.clone(),
            pg_version: self.pg_version,
            sqlite_version: self.sqlite_version.clone(),
            fail_on,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}
