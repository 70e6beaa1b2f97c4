//! Cuts SQL into statements with byte-exact spans, without understanding them.
//!
//! It knows what can hide a semicolon: quotes, dollar quotes, nested comments, bodies of triggers and
//! procedures, COPY data, psql's backslash lines and MySQL's DELIMITER. One statement that nobody can
//! read therefore never swallows its neighbours.

use std::ops::Range;

use crate::operation::Dialect;

/// The statements of a text, without their terminators, and its comments.
#[derive(Debug, Default)]
pub struct Split {
    pub statements: Vec<Range<usize>>,
    pub comments: Vec<Range<usize>>,
    /// A quote or comment that is opened here and never closed.
    pub unterminated: Option<(usize, &'static str)>,
}

pub fn split(text: &str, dialect: Option<Dialect>) -> Split {
    split_at(text, dialect, ";")
}

/// The same where a tool has another end of a statement.
pub fn split_at(text: &str, dialect: Option<Dialect>, delimiter: &str) -> Split {
    let mut splitter = Splitter {
        bytes: text.as_bytes(),
        text,
        mysql: dialect.is_some_and(Dialect::is_mysql_like),
        dollar_quotes: dialect.is_none_or(|dialect| dialect == Dialect::PostgreSql),
        at: 0,
        start: None,
        words: 0,
        compound: Compound::default(),
        delimiter: delimiter.as_bytes().to_vec(),
        out: Split::default(),
    };
    splitter.run();
    splitter.out
}

/// How deep the reader stands in `BEGIN … END` blocks of a CREATE TRIGGER, FUNCTION, PROCEDURE or EVENT.
#[derive(Default)]
struct Compound {
    creates: bool,
    /// CREATE RULE, whose commands stand between parentheses.
    rule: bool,
    routine: bool,
    /// A trigger's body is a block in every product but PostgreSQL, whose triggers have none.
    trigger: bool,
    depth: usize,
}

struct Splitter<'a> {
    bytes: &'a [u8],
    text: &'a str,
    mysql: bool,
    dollar_quotes: bool,
    at: usize,
    /// Where the current statement starts.
    start: Option<usize>,
    /// Words of the current statement so far.
    words: usize,
    compound: Compound,
    delimiter: Vec<u8>,
    out: Split,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl Splitter<'_> {
    fn run(&mut self) {
        if self.text.starts_with('\u{feff}') {
            self.at = '\u{feff}'.len_utf8();
        }
        while let Some(&byte) = self.bytes.get(self.at) {
            let next = self.bytes.get(self.at + 1).copied();
            match byte {
                _ if byte.is_ascii_whitespace() && !self.bytes[self.at..].starts_with(&self.delimiter) => self.at += 1,
                b'-' if next == Some(b'-') => self.line_comment(),
                b'#' if self.mysql => self.line_comment(),
                b'/' if next == Some(b'*') && !(self.mysql && self.bytes.get(self.at + 2) == Some(&b'!')) => self.block_comment(),
                _ if self.compound.depth == 0 && self.bytes[self.at..].starts_with(&self.delimiter) => {
                    self.finish(self.at);
                    self.at += self.delimiter.len();
                    self.skip_copy_data();
                }
                b'\\' if self.start.is_none() => {
                    let end = self.line_end();
                    self.out.statements.push(self.at..end);
                    self.at = end;
                }
                _ => {
                    self.start.get_or_insert(self.at);
                    self.token(byte, next);
                }
            }
        }
        self.finish(self.bytes.len());
    }

    fn token(&mut self, byte: u8, next: Option<u8>) {
        match byte {
            b'\'' => self.quoted(b'\'', self.mysql, "string"),
            b'"' => self.quoted(b'"', self.mysql, "quoted name"),
            b'`' => self.quoted(b'`', false, "quoted name"),
            b'$' if self.dollar_quotes => self.dollar_quoted(),
            b'e' | b'E' if next == Some(b'\'') => {
                self.at += 1;
                self.quoted(b'\'', true, "string");
            }
            _ if is_word(byte) => self.word(),
            b'(' if self.compound.rule => {
                self.compound.depth += 1;
                self.at += 1;
            }
            b')' if self.compound.rule => {
                self.compound.depth = self.compound.depth.saturating_sub(1);
                self.at += 1;
            }
            _ => self.at += 1,
        }
    }

    fn finish(&mut self, end: usize) {
        if let Some(start) = self.start.take() {
            let end = start + self.text[start..end].trim_end().len();
            self.out.statements.push(start..end);
        }
        self.words = 0;
        self.compound = Compound::default();
    }

    fn line_end(&self) -> usize {
        memchr::memchr(b'\n', &self.bytes[self.at..]).map_or(self.bytes.len(), |offset| self.at + offset)
    }

    fn line_comment(&mut self) {
        // A carriage return ends a comment of PostgreSQL's too.
        let return_ends = self.dollar_quotes.then(|| memchr::memchr(b'\r', &self.bytes[self.at..])).flatten();
        let end = return_ends.map_or(usize::MAX, |offset| self.at + offset).min(self.line_end());
        self.out.comments.push(self.at..self.at + self.text[self.at..end].trim_end().len());
        self.at = end;
    }

    fn block_comment(&mut self) {
        let start = self.at;
        let mut depth = 0usize;
        while self.at < self.bytes.len() {
            if self.bytes[self.at..].starts_with(b"/*") && (depth == 0 || self.dollar_quotes) {
                depth += 1;
                self.at += 2;
            } else if self.bytes[self.at..].starts_with(b"*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    self.out.comments.push(start..self.at);
                    return;
                }
            } else {
                self.at += 1;
            }
        }
        self.unterminated(start, "comment");
        self.out.comments.push(start..self.at);
    }

    fn unterminated(&mut self, at: usize, what: &'static str) {
        self.out.unterminated.get_or_insert((at, what));
        self.at = self.bytes.len();
    }

    /// Skips a quoted run; a doubled quote stands for itself.
    fn quoted(&mut self, quote: u8, backslash: bool, what: &'static str) {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let found = match backslash {
                true => memchr::memchr2(quote, b'\\', rest),
                false => memchr::memchr(quote, rest),
            };
            match found {
                None => return self.unterminated(start, what),
                Some(offset) if rest[offset] == b'\\' => self.at = (self.at + offset + 2).min(self.bytes.len()),
                Some(offset) if rest.get(offset + 1) == Some(&quote) => self.at += offset + 2,
                Some(offset) => {
                    self.at += offset + 1;
                    return;
                }
            }
        }
    }

    fn dollar_quoted(&mut self) {
        let start = self.at;
        let tag_length = self.bytes[start + 1..].iter().take_while(|&&byte| is_word(byte)).count();
        let opens =
            self.bytes.get(start + 1 + tag_length) == Some(&b'$') && !self.bytes.get(start + 1).is_some_and(u8::is_ascii_digit);
        if !opens {
            self.at += 1;
            return;
        }
        let tag = &self.bytes[start..start + tag_length + 2];
        let body = start + tag.len();
        match memchr::memmem::find(&self.bytes[body..], tag) {
            Some(offset) => self.at = body + offset + tag.len(),
            None => self.unterminated(start, "dollar quote"),
        }
    }

    fn word(&mut self) {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(|&byte| is_word(byte) || byte == b'$') {
            if self.bytes[self.at] == b'$' && self.bytes[self.at..].starts_with(&self.delimiter) {
                break;
            }
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        self.words += 1;
        if self.words == 1 {
            self.compound.creates = word.eq_ignore_ascii_case("create");
            if word.eq_ignore_ascii_case("delimiter") && !self.dollar_quotes {
                self.delimiter_line();
            }
        } else if self.compound.creates {
            // CREATE RULE, CREATE OR REPLACE RULE
            self.compound.rule |= matches!(self.words, 2 | 4) && word.eq_ignore_ascii_case("rule");
            self.compound_word(start, self.at);
        }
    }

    fn compound_word(&mut self, start: usize, end: usize) {
        let word = &self.text[start..end];
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        if !self.compound.routine {
            // The kind of object stands right behind CREATE; behind another kind these are names.
            let other = [
                "table", "index", "view", "type", "schema", "domain", "sequence", "unique", "database", "role", "user", "policy",
                "rule",
            ];
            if other.iter().any(|kind| is(kind)) {
                self.compound.creates = false;
                return;
            }
            self.compound.trigger = self.words <= 8 && is("trigger");
            self.compound.routine = self.words <= 8 && (is("trigger") || is("function") || is("procedure") || is("event"));
        } else if is("begin") {
            if !self.dollar_quotes
                || self.compound.trigger
                || self.next_word(end).eq_ignore_ascii_case("atomic")
                || self.opens_body(end)
            {
                self.compound.depth += 1;
            }
        } else if self.compound.depth > 0 && is("case") {
            self.compound.depth += 1;
        } else if self.compound.depth > 0 && is("end") {
            let next = self.next_word(end);
            match next.to_ascii_lowercase().as_str() {
                "if" | "loop" | "while" | "repeat" | "for" => {}
                "case" => {
                    self.compound.depth -= 1;
                    self.at = end + self.text[end..].find(|c: char| c.is_ascii_alphabetic()).unwrap_or(0) + "case".len();
                }
                _ => self.compound.depth -= 1,
            }
        }
    }

    /// Where the dialect is not known, `BEGIN` followed by a data statement is a routine's body.
    fn opens_body(&self, end: usize) -> bool {
        let next = self.next_word(end).to_ascii_lowercase();
        matches!(next.as_str(), "update" | "insert" | "delete" | "select" | "set" | "declare" | "if" | "replace" | "signal")
    }

    fn next_word(&self, from: usize) -> &str {
        let rest = self.text[from..].trim_start();
        let length = rest.bytes().take_while(|&byte| is_word(byte)).count();
        &rest[..length]
    }

    /// `DELIMITER //` of the MySQL client: no statement, but the next terminator.
    fn delimiter_line(&mut self) {
        let end = self.line_end();
        let delimiter = self.text[self.at..end].trim();
        if !delimiter.is_empty() {
            self.delimiter = delimiter.as_bytes().to_vec();
            self.start = None;
            self.words = 0;
        }
        self.at = end;
    }

    /// After `COPY … FROM stdin;` come rows up to a line with `\.`.
    fn skip_copy_data(&mut self) {
        let Some(last) = self.out.statements.last() else { return };
        let statement = &self.text[last.clone()];
        if !statement.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("copy")) {
            return;
        }
        let words: Vec<String> = statement.split_whitespace().map(str::to_ascii_lowercase).collect();
        if words.windows(2).any(|pair| pair[0] == "from" && pair[1] == "stdin") {
            let rest = &self.text[self.at..];
            let end = rest.split_inclusive('\n').scan(0, |at, line| {
                *at += line.len();
                Some((*at, line.trim_end() == "\\."))
            });
            self.at += end.into_iter().find(|(_, is_last)| *is_last).map_or(rest.len(), |(at, _)| at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str, dialect: Option<Dialect>) -> Vec<&str> {
        split(sql, dialect).statements.into_iter().map(|range| &sql[range]).collect()
    }

    #[test]
    fn semicolons_hide_in_quotes_and_comments() {
        let sql = "SELECT ';' /* ; /* ; */ */, \";\" -- ;\n, $a$ ; $$ ; $a$; INSERT INTO t VALUES (E'\\';', 'it''s;') ;;";
        let expected = [&sql[..sql.find("; INSERT").unwrap()], "INSERT INTO t VALUES (E'\\';', 'it''s;')"];
        assert_eq!(texts(sql, Some(Dialect::PostgreSql)), expected);
    }

    #[test]
    fn copy_data_and_psql_lines_are_no_statements() {
        let sql = "\\connect x\nCOPY t (a) FROM stdin;\n1;2\n\\.\nSELECT 1;";
        assert_eq!(texts(sql, None), ["\\connect x", "COPY t (a) FROM stdin", "SELECT 1"]);
    }

    #[test]
    fn bodies_of_routines_stay_whole() {
        let trigger = "CREATE TRIGGER a AFTER INSERT ON t BEGIN UPDATE t SET x = CASE WHEN 1 THEN 2 END; SELECT 1; END";
        assert_eq!(texts(&format!("{trigger}; SELECT 2"), Some(Dialect::Sqlite)), [trigger, "SELECT 2"]);
        let procedure = "CREATE PROCEDURE p() BEGIN IF x THEN SELECT 1; END IF; CASE y WHEN 1 THEN SELECT 2; END CASE; END";
        assert_eq!(
            texts(&format!("DELIMITER //\n{procedure}//\nDELIMITER ;\nSELECT 3;"), Some(Dialect::MySql)),
            [procedure, "SELECT 3"]
        );
        let atomic = "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END";
        assert_eq!(texts(&format!("{atomic}; SELECT 3"), Some(Dialect::PostgreSql)), [atomic, "SELECT 3"]);
    }

    #[test]
    fn a_quote_that_never_closes_is_said() {
        let cut = split("SELECT 1; SELECT 'abc; SELECT 2;", None);
        assert_eq!(cut.unterminated, Some((17, "string")));
        assert_eq!(cut.statements.len(), 2);
    }

    #[test]
    fn begin_of_a_transaction_is_a_statement() {
        assert_eq!(texts("BEGIN; CREATE TABLE t (a int); COMMIT;", None), ["BEGIN", "CREATE TABLE t (a int)", "COMMIT"]);
    }
}
