//! The SQL front end: text to steps.
//!
//! Every statement is read alone. `sqlparser` reads most of them; what it cannot read is tried by
//! [`heads`], which recognises statements by their first words; the rest is opaque.

mod element;
mod heads;
mod lexeme;
mod lower;
mod misread;
mod names;
mod postgres;
mod query;
mod rest;
mod reword;
mod routine;
pub mod split;
mod sqlite;
mod table;
pub mod template;
pub mod types;
mod unfinished;
mod wording;

use std::ops::Range;

use sqlparser::dialect::{GenericDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::migration::{Manner, Mark, Marks, Origin, SqliteSyntax, Step, Unread, Wording};
use crate::operation::{Dialect, HOLE, Operation};
use crate::source::Span;
use crate::text::Places;
use lexeme::Lexemes;

/// One operation of a statement, with byte ranges relative to the statement's own text.
pub(crate) struct Lowered {
    pub operation: Operation,
    /// The words of this operation; None for the whole statement.
    pub range: Option<Range<usize>>,
    pub marks: Vec<(Mark, Range<usize>)>,
    /// Inside a condition of a DO block.
    pub conditional: bool,
    pub wording: Wording,
}

impl Lowered {
    pub(crate) fn new(operation: Operation) -> Self {
        Lowered { operation, range: None, marks: Vec::new(), conditional: false, wording: Wording::default() }
    }

    pub(crate) fn mark(mut self, mark: Mark, range: Option<Range<usize>>) -> Self {
        self.marks.extend(range.map(|range| (mark, range)));
        self
    }
}

/// What a text of SQL holds.
#[derive(Default)]
pub struct Reading {
    pub steps: Vec<Step>,
    pub comments: Vec<Span>,
    /// A quote or comment that never closes: the place, and which kind.
    pub unterminated: Option<(Span, &'static str)>,
}

/// Reads all statements of `text`. `places` says where its bytes stand in the file.
pub fn read(text: &str, places: Places<'_>, reader: Reader<'_>) -> Reading {
    read_range(text, 0..text.len(), places, reader)
}

/// By whose grammar statements are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader<'r> {
    pub dialect: Option<Dialect>,
    /// What ends a statement, where it is not the semicolon.
    pub delimiter: Option<&'r str>,
    /// Whether SQLite's grammar is asked as well: the statements may reach SQLite too.
    pub for_sqlite: bool,
}

/// Reads the statements in one part of a file, which a runner may fill in first.
pub fn read_section(text: &str, range: Range<usize>, reader: Reader<'_>) -> Reading {
    let Some(template) = template::without(text, range.clone()) else {
        return read_range(text, range, Places::File, reader);
    };
    let mut reading = read(template.as_str(), Places::Text(&template), reader);
    for step in &mut reading.steps {
        // Whoever fills in the template is the project itself.
        step.manner.interpolated = false;
        if let Operation::Opaque { reason } = &mut step.operation {
            "part of the SQL is only known when the runner fills in the template".clone_into(reason);
        }
    }
    reading
}

/// Reads the statements in one part of `text`.
pub fn read_range(text: &str, range: Range<usize>, places: Places<'_>, reader: Reader<'_>) -> Reading {
    let dialect = reader.dialect;
    let base = range.start;
    let split = split::split_at(&text[range], dialect, reader.delimiter.unwrap_or(";"));
    let mut steps = Vec::with_capacity(split.statements.len());
    let statements: Vec<Range<usize>> =
        split.statements.iter().map(|statement| base + statement.start..base + statement.end).collect();
    for (statement, next) in statements.into_iter().flat_map(|statement| apart(text, statement, dialect)) {
        let sql = &text[statement.clone()];
        let whole = places.locate(statement.clone());
        let (sqlite, refused) = if reader.for_sqlite { sqlite::syntax(sql) } else { (SqliteSyntax::Accepted, None) };
        let locate = |part: Range<usize>| places.locate(statement.start + part.start..statement.start + part.end);
        for lowered in statement_operations(sql, dialect) {
            let mut marks = Marks::default();
            for (mark, part) in lowered.marks {
                marks.set(mark, locate(part));
            }
            if let Some(near) = &refused {
                marks.set(Mark::Refused, locate(near.clone()));
            }
            if let Some(next) = next {
                let line = text[next..].lines().next().unwrap_or_default();
                marks.set(Mark::Refused, places.locate(next..next + line.trim_end().len()));
            }
            let span = lowered.range.map_or(whole, locate);
            let step = Step::new(lowered.operation, whole, Origin::Sql);
            let unread = next.map(|_| Unread::Unfinished).or(lowered.wording.unread);
            let wording = Wording { sqlite, unread, ..lowered.wording };
            let manner = Manner { interpolated: has_open_hole(sql), ..step.manner };
            steps.push(Step { span, marks, conditional: lowered.conditional, wording, manner, ..step });
        }
    }
    let comments = split.comments.iter().map(|comment| places.locate(base + comment.start..base + comment.end)).collect();
    let unterminated = split.unterminated.map(|(at, what)| (places.locate(base + at..base + at + 1), what));
    Reading { steps, comments, unterminated }
}

/// How many statements in a row without a semicolon are told apart.
const MOST_UNFINISHED: usize = 32;

/// A statement, or the several that stand there without a semicolon between them; with the place where the next begins.
fn apart(text: &str, statement: Range<usize>, dialect: Option<Dialect>) -> Vec<(Range<usize>, Option<usize>)> {
    let mut out = Vec::with_capacity(1);
    let mut rest = statement;
    // Each look reads all that is left.
    while out.len() < MOST_UNFINISHED
        && rest.len() <= LONGEST_PARSED
        && let Some(at) = unfinished::next_statement(&text[rest.clone()], dialect)
    {
        let next = rest.start + at;
        out.push((rest.start..rest.start + text[rest.start..next].trim_end().len(), Some(next)));
        rest.start = next;
    }
    out.push((rest, None));
    out
}

/// Whether a part that the script puts in can change what the statement is. A value outside of quotes, as in
/// `WHERE id = {id}`, is a number: anything else would not have run.
fn has_open_hole(sql: &str) -> bool {
    let mut quoted = false;
    let mut before = ' ';
    let mut word = String::new();
    for c in sql.chars() {
        match c {
            '\'' => quoted = !quoted,
            HOLE => {
                let is_value =
                    "=<>(,+-*/".contains(before) || word.eq_ignore_ascii_case("limit") || word.eq_ignore_ascii_case("values");
                if quoted || !is_value {
                    return true;
                }
            }
            _ => {}
        }
        match c {
            c if c.is_whitespace() => {}
            c if c.is_alphanumeric() && before.is_alphanumeric() => word.push(c),
            c => word = c.to_string(),
        }
        if !c.is_whitespace() {
            before = c;
        }
    }
    false
}

/// Longer statements are rows of data; their head says all that a linter wants to know.
const LONGEST_PARSED: usize = 256 * 1024;

/// Lowers one statement, without its terminator.
pub(crate) fn statement_operations(sql: &str, dialect: Option<Dialect>) -> Vec<Lowered> {
    if sql.starts_with('\\') {
        return vec![Lowered::new(Operation::other("psql_command", crate::operation::Class::Neither))];
    }
    if sql.len() > LONGEST_PARSED {
        let head: String = sql.chars().take(400).collect();
        let operation = heads::of_long_statement(&head, dialect);
        return vec![Lowered::new(operation)];
    }
    let parser = parser_dialect(sql, dialect);
    let uncommented = reword::executable_comments(sql, dialect);
    let sql = &*uncommented;
    let first = read_with(sql, parser, dialect);
    let mut out = match (&first, dialect) {
        // Where nothing says which product it is, the statement may be of another one.
        (Err(_), None) => read_with(sql, &GenericDialect {}, dialect).or(first),
        // MariaDB's IF [NOT] EXISTS, which the parser takes for other products' words.
        (Err(_), Some(Dialect::MySql | Dialect::MariaDb)) => read_with(sql, &GenericDialect {}, dialect).or(first),
        _ => first,
    }
    .or_else(|reason| match template::without_variables(sql) {
        std::borrow::Cow::Borrowed(_) => Err(reason),
        std::borrow::Cow::Owned(filled) => read_with(&filled, parser, dialect).map_err(|_| reason),
    })
    .unwrap_or_else(|reason| vec![Lowered::new(Operation::opaque(reason))]);
    // What the parser does not read may be no SQL.
    if let Some(unknown) = out.iter_mut().find(|lowered| !lowered.operation.is_understood())
        && let Some(near) = misread::near(sql, dialect)
    {
        unknown.wording.unread = Some(Unread::At);
        unknown.marks.push((Mark::Refused, near));
    }
    out
}

fn parser_dialect(sql: &str, dialect: Option<Dialect>) -> &'static dyn sqlparser::dialect::Dialect {
    match dialect {
        Some(Dialect::PostgreSql) => &PostgreSqlDialect {},
        Some(Dialect::Sqlite) => &SQLiteDialect {},
        Some(Dialect::MySql | Dialect::MariaDb) => &MySqlDialect {},
        None if sql.contains('`') => &MySqlDialect {},
        None => &PostgreSqlDialect {},
    }
}

/// What the parser itself makes of a statement, without what is read where it gives up.
fn parsed_operations(sql: &str, dialect: Option<Dialect>) -> Option<Vec<Lowered>> {
    let read = |parser: &dyn sqlparser::dialect::Dialect| {
        let tokens = Tokenizer::new(parser, sql).tokenize_with_location().ok()?;
        let statement = parse(tokens.clone(), parser).ok()?;
        Some(lower::statement(statement, &Lexemes::new(sql, &tokens), dialect))
    };
    read(parser_dialect(sql, dialect)).or_else(|| read(&GenericDialect {}))
}

fn read_with(sql: &str, parser: &dyn sqlparser::dialect::Dialect, dialect: Option<Dialect>) -> Result<Vec<Lowered>, String> {
    let tokens = match Tokenizer::new(parser, sql).tokenize_with_location() {
        Ok(tokens) => tokens,
        Err(error) => return heads::read_rest(&Lexemes::roughly(sql), dialect).ok_or_else(|| error.to_string()),
    };
    let lexemes = Lexemes::new(sql, &tokens);
    let mut lowered = read_tokens(&lexemes, tokens, parser, dialect)?;
    if dialect.is_some_and(Dialect::is_mysql_like) {
        let foreign = wording::foreign_to_mysql(&lexemes);
        lowered.iter_mut().for_each(|one| one.wording.foreign = foreign);
    }
    if dialect.is_none_or(|dialect| dialect == Dialect::PostgreSql) {
        let wording = wording::of(&lexemes);
        // The statements of a DO block have their own.
        lowered.iter_mut().filter(|one| one.wording == Wording::default()).for_each(|one| one.wording = wording);
    }
    Ok(lowered)
}

fn read_tokens(
    lexemes: &Lexemes<'_>,
    tokens: Vec<TokenWithSpan>,
    parser: &dyn sqlparser::dialect::Dialect,
    dialect: Option<Dialect>,
) -> Result<Vec<Lowered>, String> {
    if let Some(operations) = heads::read_first(lexemes, dialect) {
        return Ok(operations);
    }
    let tokens = reword::for_parser(lexemes, tokens, dialect);
    // Virtual columns came to PostgreSQL after its dialect came to the parser.
    let generated = || (0..lexemes.len()).any(|at| lexemes.skip(at, "generated always as").is_some());
    let spelled_out = reword::with_null_tests(&tokens);
    let parsed = parse(tokens, parser).or_else(|error| spelled_out.map_or(Err(error), |tokens| parse(tokens, parser)));
    let parsed = parsed.or_else(|error| match dialect {
        Some(Dialect::PostgreSql) if generated() => {
            let tokens = Tokenizer::new(parser, lexemes.sql).tokenize_with_location()?;
            parse(tokens, &GenericDialect {})
        }
        _ => Err(error),
    });
    match parsed {
        Ok(statement) => Ok(lower::statement(statement, lexemes, dialect)),
        Err(error) => heads::read_rest(lexemes, dialect).ok_or_else(|| reason(&error, lexemes.sql)),
    }
}

fn parse(
    tokens: Vec<TokenWithSpan>,
    parser: &dyn sqlparser::dialect::Dialect,
) -> Result<sqlparser::ast::Statement, sqlparser::parser::ParserError> {
    let mut statements = Parser::new(parser).with_tokens_with_locations(tokens);
    statements.parse_statement().and_then(|statement| match statements.peek_token().token {
        Token::EOF => Ok(statement),
        _ => statements.expected("end of statement", statements.peek_token()),
    })
}

fn reason(error: &sqlparser::parser::ParserError, sql: &str) -> String {
    use sqlparser::parser::ParserError;
    match error {
        ParserError::RecursionLimitExceeded => "nested too deeply to read".to_owned(),
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            let message = message.split(" at Line:").next().unwrap_or(message);
            let words: Vec<&str> = sql.split_whitespace().take(3).collect();
            format!("`{}` was not understood: {message}", words.join(" "))
        }
    }
}
