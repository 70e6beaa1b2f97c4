//! Parsing Python without trusting it.

use std::ops::Range;

use rustpython_parser::ast::{self, Ranged, Suite};
use rustpython_parser::lexer::{LexResult, LexicalError, LexicalErrorType, lex_starts_at};
use rustpython_parser::text_size::TextSize;
use rustpython_parser::{Mode, Tok, parse_tokens};

use crate::source::{Source, Span, floor};

/// Why a file is not Python, and where.
#[derive(Debug)]
pub struct SyntaxError {
    pub span: Span,
    pub message: String,
}

/// CPython gives up at 200 open brackets, too.
const DEEPEST_BRACKETS: usize = 200;
/// Operators, attributes and calls in one run make a tree as deep as the run is long.
const LONGEST_RUN: usize = 20_000;

/// Parses a file. Only call on a thread with a deep stack: trees are dropped recursively.
pub fn parse(source: &Source) -> Result<Suite, SyntaxError> {
    let bom = if source.text().starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let text = &source.text()[bom..];
    if let Some(at) = memchr::memchr(0, text.as_bytes()) {
        return Err(SyntaxError { span: Span::new(bom + at, bom + at + 1), message: "the file contains NUL bytes".to_owned() });
    }
    let tokens = Guarded::new(lex_starts_at(text, Mode::Module, TextSize::new(bom as u32)));
    match parse_tokens(tokens, Mode::Module, "") {
        Ok(ast::Mod::Module(module)) => Ok(module.body),
        Ok(_) => Ok(Suite::new()),
        Err(error) => {
            let at = (u32::from(error.offset) as usize).min(source.text().len());
            let width = source.text()[floor(source.text(), at)..].chars().next().map_or(0, char::len_utf8);
            let at = floor(source.text(), at);
            Err(SyntaxError { span: Span::new(at, at + width), message: error.error.to_string() })
        }
    }
}

/// Tokens on their way to the parser, until one makes the tree too deep.
struct Guarded<I> {
    tokens: I,
    depth: usize,
    run: usize,
    elifs: usize,
    /// Behind an error the lexer may go on saying so for ever.
    failed: bool,
}

impl<I> Guarded<I> {
    fn new(tokens: I) -> Self {
        Guarded { tokens, depth: 0, run: 0, elifs: 0, failed: false }
    }

    fn objection(&mut self, token: &Tok) -> Option<&'static str> {
        self.run += 1;
        match token {
            Tok::Lpar | Tok::Lsqb | Tok::Lbrace => self.depth += 1,
            Tok::Rpar | Tok::Rsqb | Tok::Rbrace => self.depth = self.depth.saturating_sub(1),
            Tok::Comma | Tok::Newline => self.run = 0,
            Tok::String { .. } if self.run > 1 => self.run -= 1,
            Tok::Elif => self.elifs += 1,
            _ => {}
        }
        if self.depth > DEEPEST_BRACKETS {
            Some("too many nested parentheses")
        } else if self.run > LONGEST_RUN || self.elifs > LONGEST_RUN {
            Some("an expression is nested too deeply to read")
        } else {
            None
        }
    }
}

impl<I: Iterator<Item = LexResult>> Iterator for Guarded<I> {
    type Item = LexResult;

    fn next(&mut self) -> Option<LexResult> {
        if self.failed {
            return None;
        }
        let token = self.tokens.next()?;
        let token = token.and_then(|(token, range)| match self.objection(&token) {
            Some(message) => Err(LexicalError::new(LexicalErrorType::OtherError(message.to_owned()), range.start())),
            None => Ok((token, range)),
        });
        self.failed = token.is_err();
        Some(token)
    }
}

/// The span of a node.
pub fn span(node: &impl Ranged) -> Span {
    let range = node.range();
    Span { start: range.start().into(), end: range.end().into() }
}

/// The string literals of a file, in order.
pub fn strings(source: &Source) -> Vec<Range<usize>> {
    let text = source.text();
    let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    lex_starts_at(&text[bom..], Mode::Module, TextSize::new(bom as u32))
        .map_while(Result::ok)
        .filter(|(token, _)| matches!(token, Tok::String { .. }))
        .map(|(_, range)| usize::from(range.start())..usize::from(range.end()))
        .collect()
}

/// The statements in the body of the function, at the top of the module, that holds a place.
pub fn body_around(source: &Source, at: u32) -> Option<Suite> {
    let is_around = |range: rustpython_parser::text_size::TextRange| range.contains(TextSize::new(at));
    parse(source).ok()?.into_iter().find_map(|statement| match statement {
        ast::Stmt::FunctionDef(node) if is_around(node.range) => Some(node.body),
        ast::Stmt::AsyncFunctionDef(node) if is_around(node.range) => Some(node.body),
        _ => None,
    })
}

/// Offsets of comments in the text, told apart from `#` inside strings.
pub fn comments(source: &Source) -> Vec<Span> {
    let text = source.text();
    let strings = strings(source);
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'#', &text.as_bytes()[at..]) {
        let hash = at + offset;
        let next = strings.partition_point(|string| string.end <= hash);
        match strings.get(next).filter(|string| string.start <= hash) {
            Some(string) => at = string.end,
            None => {
                let end = memchr::memchr(b'\n', &text.as_bytes()[hash..]).map_or(text.len(), |line| hash + line);
                out.push(Span::new(hash, hash + text[hash..end].trim_end().len()));
                at = end;
            }
        }
    }
    out
}
