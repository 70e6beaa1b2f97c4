//! What `env.py` says of the connection, and of how migrations run on it.
//!
//! It is read as text: what is asked for are words that stand there or do not.

/// How `env.py` runs migrations; nothing of it where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnvPy {
    /// It takes Alembic's transaction away. (`transactional_ddl=False` does not: SQLAlchemy begins one all the same, and
    /// Alembic commits it behind each migration.)
    pub autocommits: bool,
    /// Every migration has a transaction of its own.
    pub each_in_its_own: bool,
    /// It makes no connection itself, so that nothing is known of the isolation level.
    pub is_handed_connection: bool,
    /// It speaks of a naming convention: constraints without a name get one.
    pub has_naming_convention: bool,
    /// It turns pysqlite's own transactions off and begins one itself, as SQLAlchemy's documentation shows: then a
    /// migration on SQLite rolls back as a whole.
    pub begins_on_sqlite: bool,
    /// It chooses the schema, so that names without one mean another table elsewhere.
    pub sets_search_path: bool,
    /// It has SQLAlchemy put a schema in front of every table, which scripts then compute for their own SQL.
    pub puts_schema_in_front: bool,
    pub outer_transaction: Option<OuterTransaction>,
    pub timeouts: Timeouts,
}

/// Which limits `env.py` sets for every statement.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeouts {
    pub lock: bool,
    pub statement: bool,
}

impl EnvPy {
    /// Reads the text of the file, [`uncommented`].
    pub fn read(text: &str) -> Self {
        // However the spaces and quotes are set.
        let words = text.replace([' ', '\''], "");
        let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
        EnvPy {
            autocommits: says(&["isolation_level=\"AUTOCOMMIT\"", "isolation_level=AUTOCOMMIT"]),
            each_in_its_own: says(&["transaction_per_migration=True", "transactional_ddl=False"]),
            is_handed_connection: !says(&["connect"]),
            has_naming_convention: says(&["naming_convention"]),
            begins_on_sqlite: says(&["isolation_level=None"]) && says(&["(\"BEGIN", "(BEGIN"]),
            sets_search_path: says(&["search_path", "schema_translate_map"]),
            puts_schema_in_front: says(&["schema_translate_map", "version_table_schema"]),
            outer_transaction: outer_transaction(text),
            timeouts: Timeouts { lock: says(&["lock_timeout"]), statement: says(&["statement_timeout"]) },
        }
    }
}

/// A file without its `#` comments, which only end what stands before them: a URL may hold a `#`.
pub fn uncommented(text: &str) -> String {
    let code = |line: &'_ str| match line.find('#') {
        Some(at) if line[..at].chars().all(char::is_whitespace) || line[..at].ends_with(char::is_whitespace) => {
            line[..at].to_owned()
        }
        _ => line.to_owned(),
    };
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// A transaction that is open when `context.configure` is handed the connection. Alembic takes it for the caller's: it
/// begins and commits none itself, `transaction_per_migration` does nothing, and `autocommit_block()` stops at an assertion
/// (measured with Alembic 1.20.1 and SQLAlchemy 2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OuterTransaction {
    /// A statement has begun it, and nobody commits it.
    LeftOpen,
    /// A statement has begun it, and env.py commits at its end, also what follows a `commit()` in a migration.
    Committed,
    /// `with engine.begin() as connection:` commits at its end. A `commit()` in a migration commits as well, but then the
    /// connection takes no further statement, not even Alembic's own.
    Managed,
}

const CONFIGURE: &str = "context.configure(";

/// The transaction that env.py has begun before it configures Alembic. `text` is without comments.
///
/// SQLAlchemy 2 begins one with the first statement; 1.4 does not, see [`is_before_2`].
fn outer_transaction(text: &str) -> Option<OuterTransaction> {
    text.match_indices(CONFIGURE).find_map(|(at, _)| {
        let connection = handed_over(&text[at + CONFIGURE.len()..])?;
        let start = ["\ndef ", "\nasync def "].iter().filter_map(|head| text[..at].rfind(head)).max().unwrap_or(0);
        let before = &text[start..at];
        let last = |methods: &[&str]| {
            let calls = methods.iter().filter_map(|method| before.rfind(&format!("{connection}.{method}(")));
            calls.max()
        };
        let function = text[start..].split_once("def ").and_then(|(_, head)| head.split('(').next()).unwrap_or_default();
        if before.contains(&format!(".begin() as {connection}:")) || is_called_in_begin(text, function) {
            return Some(OuterTransaction::Managed);
        }
        let begun = last(&["execute", "exec_driver_sql", "begin"])?;
        let is_ended = last(&["commit", "rollback"]).is_some_and(|end| end > begun);
        let commits = text[at..].contains(".commit()") || text.contains(".begin()");
        (!is_ended).then_some(if commits { OuterTransaction::Committed } else { OuterTransaction::LeftOpen })
    })
}

/// Whether `function` is handed a connection that `with engine.begin() as …:` has opened: by itself, or to `run_sync`.
fn is_called_in_begin(text: &str, function: &str) -> bool {
    const OPENS: &str = ".begin() as ";
    text.match_indices(OPENS).any(|(at, _)| {
        let Some((connection, block)) = text[at + OPENS.len()..].split_once(':') else { return false };
        // The block ends where the next function begins.
        let block = block.split("\ndef ").next().and_then(|block| block.split("\nasync def ").next()).unwrap_or(block);
        !function.is_empty()
            && (block.contains(&format!("{connection}.run_sync({function}"))
                || block.contains(&format!("{function}({connection}")))
    })
}

/// The variable behind `connection=` among the arguments of a call.
fn handed_over(arguments: &str) -> Option<&str> {
    let mut depth = 0;
    let end = arguments.find(|c| {
        depth += i32::from(matches!(c, '(' | '[' | '{')) - i32::from(matches!(c, ')' | ']' | '}'));
        depth < 0
    });
    let arguments = &arguments[..end?];
    let at = arguments.find("connection=")? + "connection=".len();
    let name = arguments[at..].split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).next()?;
    (!name.is_empty()).then_some(name)
}

/// Whether the text of a file of dependencies keeps SQLAlchemy below 2, whose connections begin nothing by themselves.
pub fn is_before_2(dependencies: &str) -> bool {
    let old = ["<2", "==1.", "~=1.", "= \"1.", "= \"^1.", "= \"~1."];
    dependencies.lines().map(str::to_ascii_lowercase).any(|line| {
        let asked = line.trim_start_matches([' ', '"', '\'', '-', '\t']).strip_prefix("sqlalchemy").map(str::to_owned);
        asked.is_some_and(|rest| {
            !rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_')) && old.iter().any(|old| rest.contains(old))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn online(before: &str, after: &str) -> Option<OuterTransaction> {
        outer_transaction(&format!(
            "from alembic import context\n\ndef offline():\n    context.configure(url=url)\n\ndef online():\n    with engine.connect() as connection:\n{before}        context.configure(\n            connection=connection, target_metadata=metadata(),\n        )\n        with context.begin_transaction():\n            context.run_migrations()\n{after}"
        ))
    }

    #[test]
    fn a_statement_before_configure_begins_a_transaction() {
        assert_eq!(online("", ""), None);
        let set = "        connection.execute(text(\"SET lock_timeout = '5s'\"))\n";
        assert_eq!(online(set, ""), Some(OuterTransaction::LeftOpen));
        assert_eq!(online(set, "        connection.commit()\n"), Some(OuterTransaction::Committed));
        assert_eq!(online(&format!("{set}        connection.commit()\n"), ""), None);
    }

    #[test]
    fn engine_begin_holds_the_transaction() {
        let own = "def online():\n    with engine.begin() as connection:\n        context.configure(connection=connection)\n";
        assert_eq!(outer_transaction(own), Some(OuterTransaction::Managed));
        let run = "def run(connection):\n    context.configure(connection=connection)\n\nasync def online():\n";
        let opened = |how: &str| format!("{run}    async with engine.{how}() as conn:\n        await conn.run_sync(run)\n");
        assert_eq!(outer_transaction(&opened("begin")), Some(OuterTransaction::Managed));
        assert_eq!(outer_transaction(&opened("connect")), None);
        let other = format!(
            "{run}    with engine.begin() as conn:\n        prepare(conn)\n    with engine.connect() as c:\n        run(c)\n"
        );
        assert_eq!(outer_transaction(&other), None);
    }

    #[test]
    fn older_connections_begin_nothing() {
        assert!(is_before_2("flask==2.0\nSQLAlchemy==1.4.49\n"));
        assert!(is_before_2("sqlalchemy = \"^1.4\""));
        assert!(is_before_2("  \"sqlalchemy>=1.4,<2\","));
        assert!(!is_before_2("sqlalchemy>=1.4"));
        assert!(!is_before_2("sqlalchemy-utils==1.0\nsqlalchemy==2.0.30"));
    }
}
