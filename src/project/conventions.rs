//! How each tool names, pairs and marks its SQL files: data first, code only where data cannot say it.

use serde::Serialize;

/// The tool that runs the migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framework {
    Alembic,
    GolangMigrate,
    Goose,
    Dbmate,
    SqlMigrate,
    Prisma,
    Flyway,
    /// Ordered files that no tool claims.
    Plain,
}

/// How a runner executes one SQL file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// The whole file is one message to the server.
    OneMessage,
    /// A transaction that the runner opens and closes around the file.
    OneTransaction,
    /// One statement after the other, each on its own.
    EachStatement,
}

/// What one tool does with a folder of SQL files.
#[derive(Debug)]
pub struct Convention {
    pub framework: Framework,
    /// The name in JSON and prose.
    pub name: &'static str,
    /// Lines that open the two sections of a file; empty when a file has one direction.
    pub up_marker: &'static str,
    pub down_marker: &'static str,
    pub execution: Execution,
    /// A directive in a comment that takes the file out of its transaction.
    pub no_transaction: &'static str,
    /// How the file is executed when that directive is there.
    pub without_transaction: Execution,
    /// Whether the tool has a way back at all, so that a missing one is worth a word.
    pub has_down: bool,
    /// What to write so that a statement runs outside of a transaction, for help texts.
    pub outside_transaction: &'static str,
}

const fn convention(framework: Framework, name: &'static str) -> Convention {
    Convention {
        framework,
        name,
        up_marker: "",
        down_marker: "",
        execution: Execution::EachStatement,
        no_transaction: "",
        without_transaction: Execution::EachStatement,
        has_down: true,
        outside_transaction: "",
    }
}

/// Sources: each tool's documentation and source. golang-migrate's `postgres` driver sends the file in one
/// `Exec`; goose runs statement by statement inside a transaction; dbmate sends a section in one `Exec`
/// inside a transaction, or without one after `transaction:false`; Prisma sends the file as one message.
pub const CONVENTIONS: &[Convention] = &[
    Convention {
        execution: Execution::OneTransaction,
        outside_transaction: "put it into `with op.get_context().autocommit_block():`",
        ..convention(Framework::Alembic, "alembic")
    },
    Convention {
        execution: Execution::OneMessage,
        outside_transaction: "put it into a file of its own, without BEGIN or COMMIT",
        ..convention(Framework::GolangMigrate, "golang-migrate")
    },
    Convention {
        up_marker: "+goose Up",
        down_marker: "+goose Down",
        execution: Execution::OneTransaction,
        no_transaction: "+goose NO TRANSACTION",
        outside_transaction: "put it into a file of its own that starts with `-- +goose NO TRANSACTION`",
        ..convention(Framework::Goose, "goose")
    },
    Convention {
        up_marker: "migrate:up",
        down_marker: "migrate:down",
        execution: Execution::OneTransaction,
        no_transaction: "transaction:false",
        without_transaction: Execution::OneMessage,
        outside_transaction: "put it into a file of its own under `-- migrate:up transaction:false`",
        ..convention(Framework::Dbmate, "dbmate")
    },
    Convention {
        up_marker: "+migrate Up",
        down_marker: "+migrate Down",
        execution: Execution::OneTransaction,
        no_transaction: "notransaction",
        outside_transaction: "put it into a file of its own under `-- +migrate Up notransaction`",
        ..convention(Framework::SqlMigrate, "sql-migrate")
    },
    Convention {
        execution: Execution::OneMessage,
        has_down: false,
        outside_transaction: "put it into a migration of its own, alone in its `migration.sql`",
        ..convention(Framework::Prisma, "prisma")
    },
    Convention {
        // Flyway looks for statements that refuse a transaction and runs such a file without one.
        execution: Execution::EachStatement,
        has_down: false,
        outside_transaction: "put it into a file of its own, which Flyway then runs without a transaction",
        ..convention(Framework::Flyway, "flyway")
    },
    Convention {
        has_down: false,
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
