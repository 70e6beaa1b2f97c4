//! A call or statement as its author wrote it, with CONCURRENTLY.

use crate::migration::{Mark, Origin, Step};
use crate::operation::{HOLE, Name, Operation, show_holes};
use crate::rule::Context;

/// The statement or call that does the same with CONCURRENTLY.
pub fn with_concurrently(context: &Context<'_>, step: &Step) -> String {
    let text = context.text(step.statement);
    // With the values of a loop, or of an f-string, in the text, it is not the statement that is sent.
    let in_python = context.script.source.path().ends_with(".py");
    let is_template = text.contains('{') && in_python;
    if step.origin == Origin::Sql && !is_template {
        let text = &*if in_python { joined(text).into() } else { std::borrow::Cow::from(text) };
        let upper = text.to_ascii_uppercase();
        return upper
            .find("INDEX")
            .map_or_else(String::new, |at| format!("{} CONCURRENTLY{};", &text[..at + 5], always(&text[at + 5..])));
    }
    if let Some(call) = own_call(context, step).and_then(|call| with_keyword(&call, "postgresql_concurrently=True")) {
        return call;
    }
    // Written anew: the call may stand in a batch, in a loop, or in `index=True` of a column.
    match &step.operation {
        Operation::CreateIndex(index) => {
            let name = index.name.as_deref().map_or_else(|| "None".to_owned(), |name| name_in_python(context, step, name));
            let is_name = |key: &str| key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | HOLE));
            let key = |key: &String| if is_name(key) { python_string(key) } else { format!("sa.text({})", python_string(key)) };
            let columns: Vec<String> = index.keys().iter().map(key).collect();
            let unique = if index.unique { ", unique=True" } else { "" };
            let table = python_string(&index.table.name);
            let using = index.method.as_ref().map(|method| format!(", postgresql_using={}", python_string(method)));
            let only = index.predicate.as_ref().map(|only| format!(", postgresql_where=sa.text({})", python_string(&only.0)));
            format!(
                "op.create_index({name}, {table}, [{}]{unique}{}{}{}, postgresql_concurrently=True)",
                columns.join(", "),
                schema_of(&index.table),
                using.unwrap_or_default(),
                only.unwrap_or_default()
            )
        }
        Operation::DropIndex { index, table, if_exists, .. } => {
            let condition = if *if_exists { ", if_exists=True" } else { "" };
            let table = table
                .as_ref()
                .map_or_else(String::new, |table| format!(", table_name={}{}", python_string(&table.name), schema_of(table)));
            format!(
                "op.drop_index({}{table}{condition}, postgresql_concurrently=True)",
                name_in_python(context, step, &index.name)
            )
        }
        _ => String::new(),
    }
}

/// The text of string literals that Python joins because they stand side by side.
fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'']) {
        let quote = &rest[at..=at];
        let behind = &rest[at + 1..];
        let gap = behind.len() - behind.trim_start().len();
        let next = behind.trim_start();
        // `… ' 'next …` and over the end of a line.
        if let Some(next) = next.strip_prefix(quote).filter(|_| gap > 0 && behind[..gap].contains('\n')) {
            out.push_str(&rest[..at]);
            rest = next;
            continue;
        }
        out.push_str(&rest[..=at]);
        rest = behind;
    }
    out + rest
}

/// The call as it stands in the script, where all that it is told is told there: it is of no loop, helper or batch.
fn own_call(context: &Context<'_>, step: &Step) -> Option<String> {
    let Operation::CreateIndex(index) = &step.operation else { return None };
    let text = context.text(step.statement);
    let says = |name: &str| text.contains(&format!("\"{name}\"")) || text.contains(&format!("'{name}'"));
    let is_plain = step.batch.is_none() && text.starts_with("op.create_index(") && !text.contains(['{', '#', '*']);
    let is_told = says(&index.table.name) && index.name.as_deref().is_some_and(says);
    if !is_plain || !is_told {
        return None;
    }
    // It would skip the INVALID index that a build leaves when it fails.
    let text = without_argument(text, "if_not_exists=True");
    if text.contains("if_not_exists") {
        return None;
    }
    let source = &context.script.source;
    let line = source.text()[..step.statement.start as usize].rsplit('\n').next()?;
    let indent = &line[..line.len() - line.trim_start().len()];
    Some(text.replace(&format!("\n{indent}"), "\n"))
}

/// The call without one of its keywords.
fn without_argument(call: &str, argument: &str) -> String {
    let Some(at) = call.find(argument) else { return call.to_owned() };
    let (before, after) = (call[..at].trim_end(), &call[at + argument.len()..]);
    match after.trim_start().strip_prefix(',') {
        Some(rest) if !before.ends_with(',') => format!("{before}{}", rest.trim_start()),
        Some(rest) => format!("{}{rest}", &call[..at].trim_end()),
        None => format!("{}{after}", before.trim_end_matches(',')),
    }
}

/// A Python call with one more keyword argument, laid out as the others are.
/// None where a comment would swallow the comma, or the argument is there already.
pub fn with_keyword(call: &str, keyword: &str) -> Option<String> {
    let name = keyword.split('=').next().unwrap_or_default();
    if call.contains(&format!("{name}=")) {
        return None;
    }
    let inner = call.strip_suffix(')').unwrap_or(call);
    let arguments = inner.trim_end();
    let gap = &inner[arguments.len()..];
    let arguments = arguments.trim_end_matches(',');
    if arguments.rsplit('\n').next().is_some_and(|line| line.contains('#')) {
        return None;
    }
    if !gap.contains('\n') {
        return Some(format!("{arguments}, {keyword})"));
    }
    let last = arguments.rsplit('\n').next().unwrap_or_default();
    let indent = &last[..last.len() - last.trim_start().len()];
    Some(format!("{arguments},\n{indent}{keyword},{gap})"))
}

/// Without IF NOT EXISTS, which would skip the INVALID index that a build leaves when it fails.
fn always(rest: &str) -> String {
    const WORDS: &str = " IF NOT EXISTS";
    let at = rest.to_ascii_uppercase().find(WORDS);
    at.map_or_else(|| rest.to_owned(), |at| format!("{}{}", &rest[..at], &rest[at + WORDS.len()..]))
}

fn python_string(text: &str) -> String {
    format!("\"{}\"", show_holes(text).replace('"', "\\\""))
}

fn schema_of(table: &Name) -> String {
    table.schema.as_ref().map_or_else(String::new, |schema| format!(", schema={}", python_string(schema)))
}

/// A name as a literal; one that only the script knows, in the words of the script.
fn name_in_python(context: &Context<'_>, step: &Step, name: &str) -> String {
    let is_variable = |words: &str| words.chars().all(|c| c.is_alphanumeric() || "_.".contains(c));
    match step.marks.get(Mark::Name).filter(|_| name.contains(HOLE)).map(|at| context.text(at)) {
        // Another migration has not got the variable.
        Some(words) if is_variable(words) => "\"…\"".to_owned(),
        Some(words) => words.to_owned(),
        None => python_string(name),
    }
}
