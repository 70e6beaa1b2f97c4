//! How each tool names, pairs and marks its SQL files: data first, code only where data cannot say it.

use serde::Serialize;

use crate::migration::Execution;

/// The tool that runs the migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framework {
    Alembic,
    GolangMigrate,
    Goose,
    Dbmate,
    SqlMigrate,
    Tern,
    Pop,
    /// Ory's, which reads more into the names.
    Popx,
    /// maragudk/migrate, which goes by whole names.
    MaragudkMigrate,
    Atlas,
    Sqlx,
    Diesel,
    Refinery,
    Prisma,
    Drizzle,
    NodePgMigrate,
    Supabase,
    Yoyo,
    Liquibase,
    Flyway,
    /// Ordered files that no tool claims.
    Plain,
}

/// Where a file says that it runs without a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directive {
    /// There is no such word.
    Nowhere,
    /// In any comment of the file.
    Comment(&'static str),
    /// On the line that opens the section.
    Marker(&'static str),
    /// The very first characters of the file.
    FirstLine(&'static str),
    /// In the file's name.
    InName(&'static str),
    /// In a file beside it, as `key` and a boolean.
    Beside { file: Beside, key: &'static str },
}

/// The name of a file that carries settings of one migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// This name, in the migration's folder.
    Named(&'static str),
    /// The migration's own name with this ending.
    Ending(&'static str),
}

/// How a tool's files look from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Names say nothing about the tool: `0001_name.sql`.
    Numbered,
    /// `0001_name.up.sql` and `.down.sql`.
    UpDown,
    /// `V1__name.sql`.
    Versioned,
    /// A folder a migration, with `up.sql` and `down.sql`.
    UpDownFolders,
    /// A folder a migration, with `migration.sql`.
    MigrationFolders,
}

/// Whether a migration without a way back is worth a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayBack {
    /// The tool has none.
    None,
    /// Where the project's other migrations have one.
    WhereUsed,
    Expected,
}

/// What one tool does with a folder of SQL files.
#[derive(Debug)]
pub struct Convention {
    pub framework: Framework,
    /// The name in JSON and prose.
    pub name: &'static str,
    pub names: &'static [Names],
    /// Files or folders, from the migrations' folder or one above, that only this tool writes.
    pub traces: &'static [&'static str],
    /// Packages, and the manifest that names one of them where this tool is used.
    pub packages: &'static [(&'static str, &'static str)],
    /// Lines that open the two sections of a file; empty when a file has one direction. With a marker for the way
    /// back alone, the file begins with the way forth.
    pub up_marker: &'static str,
    pub down_marker: &'static str,
    pub execution: Execution,
    /// How a file is told to run without a transaction.
    pub no_transaction: Directive,
    /// How the file is executed then.
    pub without_transaction: Execution,
    /// Whether all pending migrations share one transaction.
    pub all_pending_together: bool,
    pub way_back: WayBack,
    /// What its connections to SQLite do with foreign keys, where it says so by itself.
    pub foreign_keys: Option<bool>,
    /// What to write so that a statement runs outside of a transaction, for help texts.
    pub outside_transaction: &'static str,
}

const fn convention(framework: Framework, name: &'static str) -> Convention {
    Convention {
        framework,
        name,
        names: &[Names::Numbered],
        traces: &[],
        packages: &[],
        up_marker: "",
        down_marker: "",
        execution: Execution::OneTransaction,
        no_transaction: Directive::Nowhere,
        without_transaction: Execution::EachStatement,
        all_pending_together: false,
        way_back: WayBack::Expected,
        foreign_keys: None,
        outside_transaction: "",
    }
}

/// The tools, the one that is told apart most easily first.
///
/// Sources: each tool's documentation and source, and what `tests/runners.rs` sees of those that a registry has.
/// golang-migrate's `postgres` driver sends a file in one `Exec`; dbmate a section, inside a transaction or, after
/// `transaction:false`, without; sqlx and diesel send a file in one message too, also without a transaction; goose,
/// sql-migrate, tern, Atlas and yoyo go statement by statement.
pub const CONVENTIONS: &[Convention] = &[
    Convention {
        all_pending_together: true,
        outside_transaction: "put it into `with op.get_context().autocommit_block():`",
        ..convention(Framework::Alembic, "alembic")
    },
    Convention {
        names: &[Names::MigrationFolders],
        traces: &["migration_lock.toml"],
        execution: Execution::OneMessage,
        way_back: WayBack::None,
        outside_transaction: "put it into a migration of its own, alone in its `migration.sql`",
        ..convention(Framework::Prisma, "prisma")
    },
    Convention {
        names: &[Names::Numbered, Names::MigrationFolders],
        traces: &["meta/_journal.json", "drizzle.config.ts", "drizzle.config.js"],
        all_pending_together: true,
        way_back: WayBack::None,
        outside_transaction: "run it by hand: drizzle runs all pending migrations in one transaction",
        ..convention(Framework::Drizzle, "drizzle")
    },
    Convention {
        traces: &["atlas.sum"],
        no_transaction: Directive::Comment("atlas:txmode none"),
        way_back: WayBack::None,
        outside_transaction: "put it into a file of its own that starts with `-- atlas:txmode none`",
        ..convention(Framework::Atlas, "atlas")
    },
    Convention {
        names: &[Names::UpDownFolders],
        traces: &["diesel.toml"],
        no_transaction: Directive::Beside { file: Beside::Named("metadata.toml"), key: "run_in_transaction" },
        without_transaction: Execution::OneMessage,
        outside_transaction: "put it into a migration of its own, with `run_in_transaction = false` in its metadata.toml",
        ..convention(Framework::Diesel, "diesel")
    },
    Convention {
        up_marker: "+goose Up",
        down_marker: "+goose Down",
        no_transaction: Directive::Comment("+goose NO TRANSACTION"),
        outside_transaction: "put it into a file of its own that starts with `-- +goose NO TRANSACTION`",
        ..convention(Framework::Goose, "goose")
    },
    Convention {
        up_marker: "migrate:up",
        down_marker: "migrate:down",
        no_transaction: Directive::Marker("transaction:false"),
        without_transaction: Execution::OneMessage,
        outside_transaction: "put it into a file of its own under `-- migrate:up transaction:false`",
        ..convention(Framework::Dbmate, "dbmate")
    },
    Convention {
        up_marker: "+migrate Up",
        down_marker: "+migrate Down",
        no_transaction: Directive::Marker("notransaction"),
        outside_transaction: "put it into a file of its own under `-- +migrate Up notransaction`",
        ..convention(Framework::SqlMigrate, "sql-migrate")
    },
    Convention {
        traces: &["tern.conf"],
        down_marker: "-- create above / drop below ----",
        no_transaction: Directive::Comment("-- tern: disable-tx ----"),
        way_back: WayBack::WhereUsed,
        outside_transaction: "put it into a file of its own that starts with `---- tern: disable-tx ----`",
        ..convention(Framework::Tern, "tern")
    },
    Convention {
        names: &[Names::Numbered, Names::UpDown],
        packages: &[("node-pg-migrate", "package.json")],
        up_marker: "Up Migration",
        down_marker: "Down Migration",
        all_pending_together: true,
        way_back: WayBack::WhereUsed,
        outside_transaction: "write this migration in JavaScript, with `pgm.noTransaction()`",
        ..convention(Framework::NodePgMigrate, "node-pg-migrate")
    },
    Convention {
        up_marker: "changeset",
        down_marker: "",
        no_transaction: Directive::Marker("runInTransaction:false"),
        way_back: WayBack::WhereUsed,
        outside_transaction: "put it into a changeset of its own with `runInTransaction:false`",
        ..convention(Framework::Liquibase, "liquibase")
    },
    Convention {
        names: &[Names::Numbered, Names::UpDown],
        traces: &[".sqlx", "sqlx.toml"],
        packages: &[("sqlx", "Cargo.toml")],
        // `SqliteConnectOptions` turns them on.
        foreign_keys: Some(true),
        no_transaction: Directive::FirstLine("-- no-transaction"),
        without_transaction: Execution::OneMessage,
        way_back: WayBack::WhereUsed,
        outside_transaction: "put it into a file of its own whose first line is `-- no-transaction`",
        ..convention(Framework::Sqlx, "sqlx")
    },
    Convention {
        names: &[Names::Versioned],
        traces: &["refinery.toml"],
        packages: &[("refinery", "Cargo.toml")],
        way_back: WayBack::None,
        outside_transaction: "run it by hand: refinery runs every file in a transaction",
        ..convention(Framework::Refinery, "refinery")
    },
    Convention {
        names: &[Names::UpDown],
        packages: &[("ory/pop", "go.mod"), ("ory/x", "go.mod")],
        no_transaction: Directive::InName(".autocommit."),
        outside_transaction: "put it into a file of its own, called `….autocommit.up.sql`, or `….postgres.autocommit.up.sql` beside \
                              those for other databases",
        ..convention(Framework::Popx, "popx")
    },
    Convention {
        names: &[Names::UpDown],
        packages: &[("gobuffalo/pop", "go.mod")],
        outside_transaction: "run it by hand: pop runs every file in a transaction",
        ..convention(Framework::Pop, "pop")
    },
    Convention {
        names: &[Names::UpDown],
        packages: &[("maragudk/migrate", "go.mod"), ("maragu.dev/migrate", "go.mod")],
        outside_transaction: "run it by hand: maragudk/migrate runs every file in a transaction",
        ..convention(Framework::MaragudkMigrate, "maragudk-migrate")
    },
    Convention {
        names: &[Names::Numbered, Names::UpDown],
        traces: &["yoyo.ini"],
        packages: &[("yoyo-migrations", "requirements.txt")],
        no_transaction: Directive::Comment("transactional: false"),
        way_back: WayBack::WhereUsed,
        outside_transaction: "put it into a file of its own that starts with `-- transactional: false`",
        ..convention(Framework::Yoyo, "yoyo")
    },
    Convention {
        traces: &["../config.toml"],
        execution: Execution::RefusersApart,
        way_back: WayBack::None,
        outside_transaction: "put it into a file of its own; the Supabase CLI runs it alone (from 2.109 on)",
        ..convention(Framework::Supabase, "supabase")
    },
    Convention {
        // Flyway looks for statements that refuse a transaction and runs such a file without one.
        names: &[Names::Versioned],
        execution: Execution::TransactionUnlessRefused,
        no_transaction: Directive::Beside { file: Beside::Ending(".conf"), key: "executeInTransaction" },
        way_back: WayBack::None,
        outside_transaction: "put it into a file of its own, which Flyway then runs without a transaction",
        ..convention(Framework::Flyway, "flyway")
    },
    Convention {
        names: &[Names::UpDown],
        execution: Execution::OneMessage,
        outside_transaction: "put it into a file of its own, without BEGIN or COMMIT",
        ..convention(Framework::GolangMigrate, "golang-migrate")
    },
    Convention {
        execution: Execution::EachStatement,
        way_back: WayBack::None,
        outside_transaction: "run it outside of BEGIN and COMMIT, in a message of its own",
        ..convention(Framework::Plain, "plain")
    },
];

impl Framework {
    pub fn convention(self) -> &'static Convention {
        CONVENTIONS.iter().find(|known| known.framework == self).unwrap_or(&CONVENTIONS[CONVENTIONS.len() - 1])
    }

    pub fn name(self) -> &'static str {
        self.convention().name
    }
}

impl std::str::FromStr for Framework {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = CONVENTIONS.iter().find(|convention| convention.name == name);
        known.map(|convention| convention.framework).ok_or_else(|| {
            let names: Vec<&str> = CONVENTIONS.iter().map(|convention| convention.name).collect();
            format!("`{name}` is no runner that whimbrel knows: {}", names.join(", "))
        })
    }
}
