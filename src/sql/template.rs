//! SQL that a runner fills in before any database sees it: `{{ .Schema }}`, `${flyway:table}`, `<%= name %>`, psql's `:name`.
//!
//! What stands in for the schema is left out, and another qualifier read as its own word, so that the names stay
//! comparable; any other value is a hole. Control words (`{{ if … }}`, `{% … %}`) are blanks: both branches are read.

use std::borrow::Cow;
use std::ops::Range;

use crate::source::Span;
use crate::text::Text;

/// How templates open and close.
const KINDS: [(&str, &str); 4] = [("{{", "}}"), ("${", "}"), ("<%", "%>"), ("{%", "%}")];

/// Longer ones are no templates but data.
const LONGEST: usize = 200;

/// The text of a section with its templates taken out; None where it has none.
pub fn without(text: &str, range: Range<usize>) -> Option<Text> {
    let section = &text[range.clone()];
    let may_have = |(open, _): &(&str, &str)| memchr::memmem::find(section.as_bytes(), open.as_bytes()).is_some();
    if !KINDS.iter().any(may_have) {
        return None;
    }
    let mut out = Text::default();
    let (mut at, mut copied) = (range.start, range.start);
    let mut found = false;
    let mut templates = Templates::new(text, range.clone());
    while let Some((template, value)) = templates.next(at) {
        found = true;
        let taken = match value {
            Value::Control => template.clone(),
            Value::Expression => whole_qualifier(text, &template),
        };
        let (start, end) = (taken.start.max(copied), taken.end);
        out.push_exact(&text[copied..start], copied);
        if value == Value::Expression {
            let place = Span::new(template.start, template.end);
            match text[..end].ends_with('.').then(|| qualifier(&text[template.clone()])) {
                None => {
                    out.append(&Text::hole(place));
                    // Another file's statements stand here, and end with it.
                    if text[template.clone()].trim_start_matches("{{").trim_start().starts_with("template ") {
                        out.push(";", place);
                    }
                }
                Some(None) => {}
                Some(Some(word)) => out.push(&format!("{word}."), place),
            }
        }
        (at, copied) = (end, end);
    }
    out.push_exact(&text[copied..range.end], copied);
    found.then_some(out)
}

/// The words that templates in the place of a schema are read as, each with the template as it is written.
pub fn qualifiers(text: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut templates = Templates::new(text, 0..text.len());
    let mut at = 0;
    while let Some((template, _)) = templates.next(at) {
        let taken = whole_qualifier(text, &template);
        if let Some(written) = text[taken.clone()].strip_suffix('.')
            && let Some(word) = qualifier(&text[template])
            && out.iter().all(|(known, _)| known != word)
        {
            out.push((word.to_owned(), written.to_owned()));
        }
        at = taken.end;
    }
    out
}

/// A text that names what was read, with the templates instead of the words that stand for them.
pub fn with_templates(text: &str, qualifiers: &[(String, String)]) -> String {
    let mut out = text.to_owned();
    for (word, template) in qualifiers {
        let (mut from, word) = (0, word.to_ascii_lowercase());
        // PostgreSQL folds what no quotes keep.
        while let Some(at) = out[from..].to_ascii_lowercase().find(&format!("{word}.")).map(|at| from + at) {
            let is_whole = !out[..at].ends_with(|c: char| is_word(c) || matches!(c, '.' | '$' | '{'));
            if is_whole {
                out.replace_range(at..at + word.len(), template);
            }
            from = at + if is_whole { template.len() } else { word.len() };
        }
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    Expression,
    Control,
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Finds templates from left to right, each kind's next opening looked for once.
struct Templates<'t> {
    text: &'t str,
    end: usize,
    /// Where each kind opens next; None when it does so no more.
    openings: [Option<usize>; KINDS.len()],
}

impl<'t> Templates<'t> {
    fn new(text: &'t str, range: Range<usize>) -> Self {
        let mut templates = Templates { text, end: range.end, openings: [Some(range.start); KINDS.len()] };
        (0..KINDS.len()).for_each(|kind| templates.advance(kind, range.start));
        templates
    }

    /// Looks for the next opening of a kind, from here on.
    fn advance(&mut self, kind: usize, from: usize) {
        let rest = self.text.get(from..self.end).unwrap_or_default();
        self.openings[kind] = memchr::memmem::find(rest.as_bytes(), KINDS[kind].0.as_bytes()).map(|at| from + at);
    }

    /// The next template at or behind `from`.
    fn next(&mut self, from: usize) -> Option<(Range<usize>, Value)> {
        loop {
            for kind in 0..KINDS.len() {
                if self.openings[kind].is_some_and(|at| at < from) {
                    self.advance(kind, from);
                }
            }
            let (at, kind) = (0..KINDS.len()).filter_map(|kind| Some((self.openings[kind]?, kind))).min()?;
            let (open, close) = KINDS[kind];
            let inner = at + open.len();
            self.advance(kind, inner);
            let limit = crate::source::floor(self.text, (inner + LONGEST).min(self.end));
            let length = self.text[inner..limit].find(close);
            // `$$` opens a string, and `'{{1,2},{3,4}}'` is an array.
            let is_quote = open == "${" && self.text[..at].ends_with('$');
            if let Some(length) = length.filter(|length| !is_quote && is_template(open, &self.text[inner..inner + length])) {
                let end = inner + length + close.len();
                return Some((at..end, value(open, &self.text[inner..inner + length])));
            }
        }
    }
}

fn is_template(open: &str, inner: &str) -> bool {
    let inner = inner.trim_start_matches(['-', '=']).trim();
    let starts = inner.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '.' | '$' | '_' | '/'));
    starts && !inner.contains(['{', ';']) && (open != "{{" || !inner.contains(','))
}

fn value(open: &str, inner: &str) -> Value {
    const WORDS: [&str; 5] = ["if", "else", "end", "range", "with"];
    let says = inner.trim_start_matches('-').trim_start();
    let word = says.split(|c: char| !is_word(c)).next().unwrap_or_default();
    let is_control = match open {
        "{{" => WORDS.contains(&word) || says.starts_with("/*") || says.starts_with('#') || says.starts_with('/'),
        "<%" => !inner.starts_with('='),
        "{%" => true,
        _ => false,
    };
    if is_control { Value::Control } else { Value::Expression }
}

/// What a template in the place of a schema is read as: nothing where it says that it is the schema, else its own word,
/// so that `${tenant}.users` is another table than `users`.
fn qualifier(template: &str) -> Option<&str> {
    let word = template.trim_matches(|c: char| !is_word(c)).rsplit(|c: char| !is_word(c)).next()?;
    (!word.is_empty() && !word.to_ascii_lowercase().ends_with("schema")).then_some(word)
}

/// With the quotes around it and the dot behind it, where it stands for a schema.
fn whole_qualifier(text: &str, template: &Range<usize>) -> Range<usize> {
    let quoted = text[..template.start].ends_with('"') && text[template.end..].starts_with('"');
    let (start, end) = if quoted { (template.start - 1, template.end + 1) } else { (template.start, template.end) };
    match text[end..].starts_with('.') && !text[..start].ends_with(is_word) {
        true => start..end + 1,
        false => template.clone(),
    }
}

/// A statement with psql's variables as names and values of the same length; itself where it has none.
pub(super) fn without_variables(sql: &str) -> Cow<'_, str> {
    let bytes = sql.as_bytes();
    let mut out: Option<Vec<u8>> = None;
    for at in memchr::memchr_iter(b':', bytes) {
        let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
        let behind = bytes.get(at + 1).copied().unwrap_or(b' ');
        if !(before.is_ascii_whitespace() || matches!(before, b'(' | b',' | b'=' | b'.')) {
            continue;
        }
        let stand_in = match behind {
            b'"' | b'\'' => b' ',
            _ if behind.is_ascii_alphabetic() || behind == b'_' => b'_',
            _ => continue,
        };
        out.get_or_insert_with(|| bytes.to_vec())[at] = stand_in;
    }
    out.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Cow::Borrowed(sql), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> String {
        without(text, 0..text.len()).map_or_else(|| "-".to_owned(), |text| text.as_str().replace(crate::operation::HOLE, "?"))
    }

    #[test]
    fn schemas_go_and_values_are_holes() {
        assert_eq!(taken("DROP TABLE ${tenant}.t;"), "DROP TABLE tenant.t;");
        assert_eq!(taken("CREATE TABLE {{ .Schema }}.t (a int);"), "CREATE TABLE t (a int);");
        assert_eq!(taken("CREATE TABLE \"${flyway:defaultSchema}\".t ();"), "CREATE TABLE t ();");
        assert_eq!(taken("CREATE TABLE {{prefix}}t (a int);"), "CREATE TABLE ?t (a int);");
        assert_eq!(taken("GRANT ALL ON t TO ${role};"), "GRANT ALL ON t TO ?;");
        assert_eq!(taken("{{ if .X }}SELECT 1;{{ end }}"), "SELECT 1;");
        assert_eq!(taken("{% if x %}SELECT <%= n %>;{% endif %}"), "SELECT ?;");
    }

    #[test]
    fn what_is_advised_has_the_templates() {
        let written = qualifiers("ALTER TABLE {{ index .Options \"Namespace\" }}.t ADD a int; DROP TABLE ${tenant}.u;");
        assert_eq!(written.len(), 2);
        assert_eq!(
            with_templates("ALTER TABLE namespace.t; DROP tenant.u; my_tenant.v", &written),
            "ALTER TABLE {{ index .Options \"Namespace\" }}.t; DROP ${tenant}.u; my_tenant.v"
        );
    }

    #[test]
    fn data_and_quotes_are_no_templates() {
        assert_eq!(taken("SELECT '{{1,2},{3,4}}'::int[];"), "-");
        assert_eq!(taken("SELECT '{{a,b},{c,d}}'::text[];"), "-");
        assert_eq!(taken("DO $${\"a\": 1}$$;"), "-");
        assert_eq!(taken("SELECT 1;"), "-");
    }

    #[test]
    fn variables_keep_their_length() {
        assert_eq!(without_variables("ALTER TABLE :\"t\" OWNER TO :owner"), "ALTER TABLE  \"t\" OWNER TO _owner");
        assert_eq!(without_variables("SELECT a::text"), "SELECT a::text");
    }
}
