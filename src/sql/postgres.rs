//! PostgreSQL's statements beside tables, read word by word: most of them `sqlparser` cannot read, or
//! reads without the words that decide what they lock.

use super::Lowered;
use super::lexeme::Lexemes;
use super::types::data_type;
use crate::migration::Mark;
use crate::operation::{Class, CreateTrigger, Dialect, DomainChange, LockMode, Name, Operation, Volatility};

/// Reads a statement whose first words are PostgreSQL's own; None leaves it to the parser.
pub(super) fn read(lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Option<Vec<Lowered>> {
    let words = Words { lexemes, dialect };
    let second = lexemes.text(1).to_ascii_lowercase();
    match lexemes.text(0).to_ascii_lowercase().as_str() {
        "vacuum" => Some(words.vacuum()),
        "analyze" | "analyse" => Some(words.analyze()),
        "cluster" => Some(words.cluster()),
        "lock" => Some(words.lock_table()),
        "refresh" => words.refresh(),
        "comment" if second == "on" => words.comment(),
        "grant" | "revoke" => Some(words.grant()),
        "create" => words.create(),
        "drop" => words.drop(&second),
        "alter" => words.alter(&second),
        "reassign" => words.plain("reassign_owned", Class::Neither),
        _ => None,
    }
}

struct Words<'l, 'a> {
    lexemes: &'l Lexemes<'a>,
    dialect: Option<Dialect>,
}

impl Words<'_, '_> {
    fn name(&self, at: usize) -> Option<(Name, usize)> {
        self.lexemes.name(at, self.dialect)
    }

    fn names(&self, from: usize, to: usize) -> Vec<Name> {
        let parts = self.lexemes.comma_separated_within(from..to);
        parts
            .into_iter()
            .filter_map(|part| Some(self.name(self.lexemes.skip(part.start, "only").unwrap_or(part.start))?.0))
            .collect()
    }

    fn plain(&self, kind: &'static str, class: Class) -> Option<Vec<Lowered>> {
        Some(vec![Lowered::new(Operation::other(kind, class))])
    }

    /// A statement about one object, known by its kind.
    fn about(&self, kind: &'static str, table: Option<Name>, name: Option<String>) -> Option<Vec<Lowered>> {
        Some(vec![Lowered::new(Operation::Other { kind, table, name, class: Class::Schema })])
    }

    fn one(&self, operation: Operation) -> Option<Vec<Lowered>> {
        Some(vec![Lowered::new(operation)])
    }

    /// Behind `IF EXISTS` or `IF NOT EXISTS`, and whether it is there.
    fn if_exists(&self, at: usize) -> (bool, usize) {
        let behind = self.lexemes.skip(at, "if exists").or_else(|| self.lexemes.skip(at, "if not exists"));
        (behind.is_some(), behind.unwrap_or(at))
    }

    fn cascades(&self) -> bool {
        self.lexemes.is(self.lexemes.len() - 1, "cascade")
    }

    fn find(&self, from: usize, words: &str) -> Option<usize> {
        (from..self.lexemes.len()).find(|&at| self.lexemes.skip(at, words).is_some())
    }

    fn vacuum(&self) -> Vec<Lowered> {
        let mut at = 1;
        let mut full = false;
        if self.lexemes.text(at) == "(" {
            let close = self.lexemes.closing(at);
            full = self.lexemes.find(at + 1..close, "full").is_some();
            if self.lexemes.find(at + 1..close, "only_database_stats").is_some() {
                return vec![Lowered::new(Operation::other("vacuum_statistics", Class::Neither))];
            }
            at = close + 1;
        }
        while ["full", "freeze", "verbose", "analyze", "analyse"].iter().any(|word| self.lexemes.is(at, word)) {
            full |= self.lexemes.is(at, "full");
            at += 1;
        }
        self.each_table(at, |table| Operation::Vacuum { table, full })
    }

    fn analyze(&self) -> Vec<Lowered> {
        let mut at = 1;
        if self.lexemes.text(at) == "(" {
            at = self.lexemes.closing(at) + 1;
        }
        at = self.lexemes.skip(at, "verbose").unwrap_or(at);
        self.each_table(at, |table| Operation::Analyze { table })
    }

    /// One operation for each table named from `at` on, or one for all tables.
    fn each_table(&self, at: usize, make: impl Fn(Option<Name>) -> Operation) -> Vec<Lowered> {
        let names = if at < self.lexemes.len() { self.names(at, self.lexemes.len()) } else { Vec::new() };
        match names.as_slice() {
            [] => vec![Lowered::new(make(None))],
            names => names.iter().map(|name| Lowered::new(make(Some(name.clone())))).collect(),
        }
    }

    fn cluster(&self) -> Vec<Lowered> {
        let mut at = self.lexemes.skip(1, "verbose").unwrap_or(1);
        if self.lexemes.text(at) == "(" {
            at = self.lexemes.closing(at) + 1;
        }
        let Some((table, end)) = self.name(at) else {
            return vec![Lowered::new(Operation::Cluster { table: None, index: None })];
        };
        let (table, index) = match self.lexemes.text(end).to_ascii_lowercase().as_str() {
            "using" => (table, self.lexemes.identifier(end + 1, self.dialect)),
            // CLUSTER index ON table
            "on" => (self.name(end + 1).map_or(table.clone(), |(name, _)| name), Some(table.name)),
            _ => (table, None),
        };
        vec![Lowered::new(Operation::Cluster { table: Some(table), index })]
    }

    fn lock_table(&self) -> Vec<Lowered> {
        let at = self.lexemes.skip(1, "table").unwrap_or(1);
        let end = self.lexemes.len();
        let mode_at = self.find(at, "in");
        let mode_end = self.find(at, "mode").unwrap_or(end);
        let mode = match mode_at {
            Some(start) => LockMode::from_words(&self.lexemes.sql[self.lexemes.bytes(start + 1..mode_end)]),
            None => None,
        };
        let mode = mode.unwrap_or(LockMode::AccessExclusive);
        let until = mode_at.or_else(|| self.find(at, "nowait")).unwrap_or(end);
        self.names(at, until).into_iter().map(|table| Lowered::new(Operation::LockTable { table, mode })).collect()
    }

    fn refresh(&self) -> Option<Vec<Lowered>> {
        let at = self.lexemes.skip(0, "refresh materialized view")?;
        let behind = self.lexemes.skip(at, "concurrently");
        let (name, _) = self.name(behind.unwrap_or(at))?;
        let with_data = self.find(at, "with no data").is_none();
        self.one(Operation::RefreshMaterializedView { name, concurrently: behind.is_some(), with_data })
    }

    fn comment(&self) -> Option<Vec<Lowered>> {
        let kind = self.lexemes.text(2).to_ascii_lowercase();
        let at = self.lexemes.skip(2, "materialized view").or_else(|| self.lexemes.skip(2, "foreign table")).unwrap_or(3);
        let Some((name, end)) = self.name(at) else { return self.about("comment", None, None) };
        match kind.as_str() {
            "table" | "view" | "materialized" | "foreign" | "sequence" => self.about("comment", Some(name.clone()), None),
            "column" => {
                let Name { schema: table, name: column } = name;
                let schema = if end - at > 3 { self.lexemes.identifier(at, self.dialect) } else { None };
                self.about("comment", table.map(|table| Name::with_schema(schema, table)), Some(column))
            }
            "constraint" | "trigger" | "rule" | "policy" => {
                let on = self.lexemes.skip(end, "on").map(|at| self.lexemes.skip(at, "domain").map_or(at, |_| usize::MAX));
                let table = on.and_then(|at| Some(self.name(at)?.0));
                self.about("comment_on_part", table, Some(name.to_string()))
            }
            _ => self.about("comment", None, Some(name.to_string())),
        }
    }

    fn grant(&self) -> Vec<Lowered> {
        let other = |table| {
            let kind = if self.lexemes.is(0, "grant") { "grant" } else { "revoke" };
            Lowered::new(Operation::Other { kind, table, name: None, class: Class::Neither })
        };
        let end = self.find(1, "to").or_else(|| self.find(1, "from")).unwrap_or(self.lexemes.len());
        let tables = match self.find(1, "on").map(|on| on + 1).filter(|&at| at < end) {
            Some(at) => match self.lexemes.skip(at, "table").or_else(|| self.lexemes.skip(at, "sequence")) {
                Some(at) => self.names(at, end),
                // Without a word, the name is that of a table; `SCHEMA x`, `ALL TABLES IN …` have one.
                None if self.name(at).is_some_and(|(_, behind)| behind == end || self.lexemes.text(behind) == ",") => {
                    self.names(at, end)
                }
                None => Vec::new(),
            },
            None => Vec::new(),
        };
        match tables.as_slice() {
            [] => vec![other(None)],
            tables => tables.iter().map(|table| other(Some(table.clone()))).collect(),
        }
    }

    fn create(&self) -> Option<Vec<Lowered>> {
        let replace = self.lexemes.skip(1, "or replace");
        let at = replace.unwrap_or(1);
        let word = self.lexemes.text(at).to_ascii_lowercase();
        let (_, named_at) = self.if_exists(at + 1);
        let shown = |at: usize| self.name(at).map(|(name, _)| name.to_string());
        match word.as_str() {
            "function" | "procedure" | "aggregate" => {
                let (name, _) = self.name(at + 1)?;
                if word != "function" {
                    let kind = if word == "procedure" { "create_procedure" } else { "create_aggregate" };
                    return self.about(kind, None, Some(name.to_string()));
                }
                let has = |word: &str| self.find(at, word).is_some();
                let volatility = match (has("immutable"), has("stable")) {
                    (true, _) => Volatility::Immutable,
                    (_, true) => Volatility::Stable,
                    _ => Volatility::Volatile,
                };
                let body = self.sql_body(at);
                let returns_trigger = self.find(at, "returns trigger").is_some();
                self.one(Operation::CreateFunction { name, volatility, body, returns_trigger, or_replace: replace.is_some() })
            }
            "trigger" => self.create_trigger(at + 1, replace.is_some()),
            "constraint" if self.lexemes.is(at + 1, "trigger") => self.create_trigger(at + 2, false),
            "sequence" | "temp" | "temporary" if word == "sequence" || self.lexemes.is(at + 1, "sequence") => {
                let (if_not_exists, at) = self.if_exists(self.find(at, "sequence")? + 1);
                let (name, end) = self.name(at)?;
                let owned_by = self.find(end, "owned by").and_then(|at| self.column(at + 2));
                self.one(Operation::CreateSequence { name, owned_by, if_not_exists })
            }
            "domain" => self.create_domain(at + 1),
            "type" => {
                let (name, end) = self.name(at + 1)?;
                let is_composite = self.lexemes.skip(end, "as (").is_some();
                if is_composite {
                    return self.one(Operation::CreateComposite { name });
                }
                match self.lexemes.skip(end, "as enum") {
                    Some(_) => None,
                    None => self.about("create_type", None, Some(name.to_string())),
                }
            }
            "policy" | "rule" => {
                let kind = if word == "policy" { "create_policy" } else { "create_rule" };
                let (name, end) = self.name(at + 1)?;
                let on = if word == "policy" { self.find(end, "on")? } else { self.find(end, "to")? };
                self.about(kind, self.name(on + 1).map(|(table, _)| table), Some(name.to_string()))
            }
            "statistics" => {
                let table = self.find(at, "from").and_then(|from| Some(self.name(from + 1)?.0));
                self.about("create_statistics", table, shown(named_at))
            }
            "publication" => {
                let name = shown(at + 1);
                let tables = self.find(at, "for table").map(|at| self.names(at + 2, self.lexemes.len())).unwrap_or_default();
                self.tables_of("create_publication", tables, name)
            }
            "subscription" => {
                let end = self.lexemes.len();
                let connects = !(at..end).any(|at| {
                    (self.lexemes.is(at, "connect") || self.lexemes.is(at, "create_slot"))
                        && self.lexemes.text(at + 1) == "="
                        && is_false(self.lexemes.text(at + 2))
                });
                let kind = if connects { "create_subscription" } else { "create_subscription_unconnected" };
                self.about(kind, None, shown(at + 1))
            }
            "event" => self.about("create_event_trigger", None, shown(at + 2)),
            "extension" => self.about("create_extension", None, shown(named_at)),
            "collation" => self.about("create_collation", None, shown(named_at)),
            "tablespace" => self.about("create_tablespace", None, shown(at + 1)),
            "database" => self.about("create_database", None, shown(at + 1)),
            "server" => self.about("create_server", None, shown(named_at)),
            "cast" => self.about("create_cast", None, None),
            "operator" => self.about("create_operator", None, None),
            "text" => self.about("create_text_search", None, None),
            "foreign" if !self.lexemes.is(at + 1, "table") => self.about("create_foreign_data_wrapper", None, None),
            "language" | "trusted" | "conversion" | "access" | "transform" => self.about("create_object", None, None),
            "role" | "user" | "group" => {
                let kind = "create_role";
                Some(vec![Lowered::new(Operation::Other { kind, table: None, name: shown(at + 1), class: Class::Neither })])
            }
            _ => None,
        }
    }

    /// One operation a table, or one without any.
    fn tables_of(&self, kind: &'static str, tables: Vec<Name>, name: Option<String>) -> Option<Vec<Lowered>> {
        if tables.is_empty() {
            return self.about(kind, None, name);
        }
        let one = |table: Name| self.about(kind, Some(table), name.clone());
        Some(tables.into_iter().filter_map(one).flatten().collect())
    }

    /// `table.column`, as OWNED BY takes it.
    fn column(&self, at: usize) -> Option<(Name, String)> {
        let (name, end) = self.name(at)?;
        let schema = if end - at > 3 { self.lexemes.identifier(at, self.dialect) } else { None };
        Some((Name::with_schema(schema, name.schema?), name.name))
    }

    /// What a function in SQL computes, when its body is `SELECT expression`.
    fn sql_body(&self, at: usize) -> Option<String> {
        self.find(at, "language sql").or_else(|| self.find(at, "language 'sql'"))?;
        let quoted = self.lexemes.text(self.find(at, "as")? + 1);
        let inner = match quoted.strip_prefix('$') {
            Some(rest) => rest.split_once('$')?.1.rsplit_once('$')?.0.rsplit_once('$')?.0,
            None => quoted.strip_prefix('\'')?.strip_suffix('\'')?,
        };
        let body = inner.trim().trim_end_matches(';').trim_end();
        let expression = body.get(..7).filter(|head| head.eq_ignore_ascii_case("select ")).map(|_| &body[7..])?;
        // `extract(epoch FROM …)` has one of its own.
        let is_query = crate::schema::expression::split_outside(expression, "from").len() > 1;
        (!is_query).then(|| expression.trim().to_owned())
    }

    fn create_trigger(&self, at: usize, or_replace: bool) -> Option<Vec<Lowered>> {
        let (name, end) = self.name(at)?;
        // The ON of the table, not one of the trigger's function.
        let on = self.find(end, "on")?;
        let (table, table_end) = self.name(on + 1)?;
        let columns = match self.find(end, "update of").filter(|&of| of < on) {
            Some(of) => self.names(of + 2, on).into_iter().map(|column| column.name).collect(),
            None => Vec::new(),
        };
        let execute = self.find(table_end, "execute").and_then(|at| self.name(at + 2));
        let trigger = CreateTrigger {
            name: name.name,
            table,
            columns,
            or_replace,
            each_row: self.find(table_end, "each row").or_else(|| self.find(table_end, "for row")).is_some(),
            before: self.lexemes.is(end, "before"),
            on_insert: self.lexemes.find(end..on, "insert").is_some(),
            function: execute.map(|(function, _)| function.to_string()),
            text: None,
        };
        let lowered = Lowered::new(Operation::CreateTrigger(Box::new(trigger)));
        let marks = (self.lexemes.bytes(on + 1..table_end), self.lexemes.bytes(at..end));
        Some(vec![lowered.mark(Mark::Table, Some(marks.0)).mark(Mark::Name, Some(marks.1))])
    }

    fn create_domain(&self, at: usize) -> Option<Vec<Lowered>> {
        let (name, end) = self.name(at)?;
        let start = self.lexemes.skip(end, "as").unwrap_or(end);
        let options = ["constraint", "check", "not", "null", "default", "collate"];
        let type_end = (start..self.lexemes.len())
            .find(|&at| at > start && options.iter().any(|word| self.lexemes.is(at, word)))
            .unwrap_or(self.lexemes.len());
        let base = data_type(&self.lexemes.sql[self.lexemes.bytes(start..type_end)]);
        let not_null = self.find(type_end, "not null").is_some();
        let mut checks = Vec::new();
        let mut at = type_end;
        while let Some(check) = self.find(at, "check (") {
            let named = check >= 2 && self.lexemes.is(check - 2, "constraint");
            checks.push(if named { self.lexemes.identifier(check - 1, self.dialect) } else { None });
            at = self.lexemes.closing(check + 1);
        }
        self.one(Operation::CreateDomain { name, base, not_null, checks })
    }

    fn drop(&self, second: &str) -> Option<Vec<Lowered>> {
        let (if_exists, at) = self.if_exists(2);
        let cascade = self.cascades();
        let on_table = |kind: &'static str| {
            let (name, end) = self.name(at)?;
            let table = self.lexemes.skip(end, "on").and_then(|at| Some(self.name(at)?.0));
            self.about(kind, table, Some(name.to_string()))
        };
        let end = self.lexemes.len() - usize::from(cascade || self.lexemes.is(self.lexemes.len() - 1, "restrict"));
        let each = |make: &dyn Fn(Name) -> Operation| -> Option<Vec<Lowered>> {
            let parts = self.lexemes.comma_separated_within(at..end);
            let lower = |part: &std::ops::Range<usize>| {
                let (name, end) = self.name(part.start)?;
                Some(Lowered::new(make(name)).mark(Mark::Name, Some(self.lexemes.bytes(part.start..end))))
            };
            parts.iter().map(lower).collect()
        };
        match second {
            "function" => each(&|name| Operation::DropFunction { name, if_exists, cascade }),
            "sequence" => each(&|name| Operation::DropSequence { name, if_exists, cascade }),
            "domain" => each(&|name| Operation::DropType { name, is_domain: true, if_exists, cascade }),
            "schema" => each(&|name| Operation::DropSchema { name: name.name, if_exists, cascade }),
            "trigger" => {
                let (name, end) = self.name(at)?;
                let table = self.lexemes.skip(end, "on").and_then(|at| Some(self.name(at)?.0));
                self.one(Operation::DropTrigger { table, trigger: name.name, if_exists, cascade })
            }
            "policy" => on_table("drop_policy"),
            "rule" => on_table("drop_rule"),
            "procedure" | "aggregate" | "routine" => {
                self.about("drop_procedure", None, self.name(at).map(|(name, _)| name.to_string()))
            }
            "statistics" => self.about("drop_statistics", None, self.name(at).map(|(name, _)| name.to_string())),
            "database" => self.about("drop_database", None, self.name(at).map(|(name, _)| name.to_string())),
            "tablespace" => self.about("drop_tablespace", None, self.name(at).map(|(name, _)| name.to_string())),
            "extension" => self.about("drop_extension", None, self.name(at).map(|(name, _)| name.to_string())),
            "publication" => self.about("drop_publication", None, None),
            "subscription" => {
                let kind = if if_exists { "drop_subscription_if_exists" } else { "drop_subscription" };
                self.about(kind, None, None)
            }
            "cast" | "operator" | "server" | "event" | "foreign" | "collation" | "text" | "language" | "transform" | "access"
            | "conversion"
                if !self.lexemes.is(2, "table") =>
            {
                self.about("drop_object", None, None)
            }
            "owned" => self.about("drop_owned", None, None),
            _ => None,
        }
    }

    fn alter(&self, second: &str) -> Option<Vec<Lowered>> {
        let (_, at) = self.if_exists(2);
        match second {
            "index" => {
                let (name, end) = self.name(at)?;
                let kind = match self.lexemes.text(end).to_ascii_lowercase().as_str() {
                    "rename" => {
                        let to = self.lexemes.identifier(end + 2, self.dialect)?;
                        let lowered = Lowered::new(Operation::RenameIndex { index: name, table: None, to });
                        return Some(vec![lowered.mark(Mark::Name, Some(self.lexemes.bytes(at..end)))]);
                    }
                    "attach" => return self.about("attach_index", None, self.name(end + 2).map(|(part, _)| part.to_string())),
                    "set" if self.lexemes.is(end + 1, "tablespace") => "set_index_tablespace",
                    _ => "alter_index",
                };
                self.about(kind, None, Some(name.to_string()))
            }
            "view" => self.alter_view(at),
            "materialized" => self.alter_view(self.if_exists(3).1),
            "sequence" => {
                let (name, end) = self.name(at)?;
                match self.lexemes.text(end).to_ascii_lowercase().as_str() {
                    "rename" => self.about("rename_sequence", Some(name), self.lexemes.identifier(end + 2, self.dialect)),
                    "owner" => self.about("owner", Some(name), None),
                    "set" if self.lexemes.is(end + 1, "schema") => self.about("move_sequence", Some(name), None),
                    "set" if self.lexemes.is(end + 1, "logged") || self.lexemes.is(end + 1, "unlogged") => {
                        self.about("sequence_persistence", Some(name), None)
                    }
                    _ => match self.find(end, "owned by") {
                        Some(at) => self.one(Operation::OwnSequence { name, owned_by: self.column(at + 2) }),
                        None => self.about("alter_sequence", Some(name), None),
                    },
                }
            }
            "type" => {
                let (name, end) = self.name(at)?;
                let attribute = |at: usize| self.lexemes.is(at, "attribute");
                match self.lexemes.text(end).to_ascii_lowercase().as_str() {
                    "rename" if self.lexemes.is(end + 1, "to") => {
                        self.one(Operation::RenameType { name, to: self.lexemes.identifier(end + 2, self.dialect)? })
                    }
                    "add" | "drop" | "alter" | "rename" if attribute(end + 1) => {
                        let changes_type = self.lexemes.is(end, "alter");
                        let named_at = self.if_exists(end + 2).1;
                        let dropped = self.lexemes.is(end, "drop").then(|| self.lexemes.identifier(named_at, self.dialect));
                        let dropped = dropped.flatten();
                        self.one(Operation::AlterComposite { name, changes_type, dropped, cascade: self.cascades() })
                    }
                    "add" | "rename" => None,
                    "drop" => self.about("drop_enum_value", None, Some(name.to_string())),
                    _ => self.about("alter_type", None, Some(name.to_string())),
                }
            }
            "domain" => self.alter_domain(at),
            "trigger" | "policy" | "rule" => {
                let kind = match second {
                    "trigger" => "rename_trigger",
                    "policy" => "alter_policy",
                    _ => "rename_rule",
                };
                let (name, end) = self.name(at)?;
                let table = self.lexemes.skip(end, "on").and_then(|at| Some(self.name(at)?.0));
                self.about(kind, table, Some(name.to_string()))
            }
            "publication" => {
                let (name, end) = self.name(at)?;
                let kind = if self.lexemes.is(end, "drop") { "alter_publication_drop" } else { "alter_publication" };
                let tables = match self.lexemes.skip(end + 1, "table") {
                    Some(at) => self.names(at, self.lexemes.len()),
                    None => Vec::new(),
                };
                self.tables_of(kind, tables, Some(name.to_string()))
            }
            "database" => {
                let moves = self.find(2, "set tablespace").is_some();
                let kind = if moves { "move_database" } else { "alter_database" };
                let name = self.name(at).map(|(name, _)| name.to_string());
                Some(vec![Lowered::new(Operation::Other { kind, table: None, name, class: Class::Neither })])
            }
            "system" => self.plain("alter_system", Class::Neither),
            "default" => self.plain("alter_default_privileges", Class::Neither),
            "role" | "user" | "group" => self.plain("alter_role", Class::Neither),
            "function" | "procedure" | "aggregate" | "routine" => {
                self.about("alter_function", None, self.name(at).map(|(name, _)| name.to_string()))
            }
            "statistics" => self.about("alter_statistics", None, self.name(at).map(|(name, _)| name.to_string())),
            "schema" if self.find(3, "rename to").is_some() => {
                self.about("rename_schema", None, self.name(at).map(|(name, _)| name.to_string()))
            }
            "schema" | "extension" | "subscription" | "server" | "event" | "collation" | "language" | "operator" | "text"
            | "conversion" | "large" | "tablespace" => {
                self.about("alter_object", None, self.name(at).map(|(name, _)| name.to_string()))
            }
            "foreign" if !self.lexemes.is(2, "table") => self.about("alter_object", None, None),
            _ => None,
        }
    }

    fn alter_view(&self, at: usize) -> Option<Vec<Lowered>> {
        let (name, end) = self.name(at)?;
        match self.lexemes.skip(end, "rename to") {
            Some(at) => self.one(Operation::RenameView { name, to: self.lexemes.identifier(at, self.dialect)? }),
            None if self.lexemes.is(end, "owner") => self.about("owner", Some(name), None),
            None if self.lexemes.text(end + 1) == "(" => self.about("set_view_options", Some(name), None),
            None => self.about("alter_view", Some(name), None),
        }
    }

    fn alter_domain(&self, at: usize) -> Option<Vec<Lowered>> {
        let (name, end) = self.name(at)?;
        let identifier = |at: usize| self.lexemes.identifier(at, self.dialect);
        let word = |at: usize, text: &str| self.lexemes.is(at, text);
        let change = match self.lexemes.text(end).to_ascii_lowercase().as_str() {
            "add" => {
                let named = word(end + 1, "constraint");
                let constraint = if named { identifier(end + 2) } else { None };
                let last = self.lexemes.len();
                let not_valid = last >= 2 && word(last - 1, "valid") && word(last - 2, "not");
                DomainChange::AddCheck { constraint, not_valid }
            }
            "drop" if word(end + 1, "constraint") => {
                let (if_exists, at) = self.if_exists(end + 2);
                DomainChange::DropConstraint { constraint: identifier(at)?, if_exists }
            }
            "drop" if word(end + 1, "not") => DomainChange::DropNotNull,
            "set" if word(end + 1, "not") => DomainChange::SetNotNull,
            "validate" => DomainChange::ValidateConstraint { constraint: identifier(end + 2)? },
            "rename" if word(end + 1, "to") => DomainChange::Rename { to: identifier(end + 2)? },
            "rename" => DomainChange::RenameConstraint { constraint: identifier(end + 2)?, to: identifier(end + 4)? },
            _ => DomainChange::Other,
        };
        self.one(Operation::AlterDomain { name, change })
    }
}

fn is_false(text: &str) -> bool {
    ["false", "off", "0", "'false'", "'off'"].iter().any(|word| text.eq_ignore_ascii_case(word))
}
