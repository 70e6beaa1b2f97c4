//! Edits of files for fixes: small, and nothing but what they mean to change.

use rustpython_parser::ast::{Constant, Expr, Stmt};

use super::{concurrently, phrase};
use crate::alembic::python::{self, span};
use crate::finding::{Edit, Fix};
use crate::migration::{Body, Execution, Mark, Origin, Script, Step};
use crate::operation::Operation;
use crate::project::conventions::{Directive, Framework};
use crate::rule::Context;
use crate::source::{Source, Span};

pub fn edit(source: &Source, span: Span, text: impl Into<String>) -> Edit {
    // The byte order mark stays in front of all.
    let bom = if source.text().starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let span = Span::new((span.start as usize).max(bom), (span.end as usize).max(bom));
    Edit { file: source.path().to_owned(), span, text: text.into() }
}

pub fn safe(description: impl Into<String>, edits: Vec<Edit>) -> Option<Fix> {
    Some(Fix { safe: true, description: description.into(), edits })
}

pub fn with_a_look(description: impl Into<String>, edits: Vec<Edit>) -> Option<Fix> {
    Some(Fix { safe: false, description: description.into(), edits })
}

/// The indentation of a statement that has its lines for itself.
fn indentation(source: &Source, statement: Span) -> Option<&str> {
    let text = source.text();
    let line = text[..statement.start as usize].rfind('\n').map_or(0, |end| end + 1);
    let before = &text[line..statement.start as usize];
    let behind = text[statement.end as usize..].lines().next().unwrap_or_default();
    (before.trim().is_empty() && behind.trim().is_empty()).then_some(before)
}

/// Puts a Python call into a block: what opens it, such as `with …:`, and the call one level deeper.
pub fn in_block(source: &Source, statement: Span, opener: &str, call: &str) -> Option<Vec<Edit>> {
    let indent = indentation(source, statement)?;
    // Inside of brackets indentation is free; what is inside of a string stays as it is.
    let call = if call.contains("\"\"\"") || call.contains("\'\'\'") { call.to_owned() } else { call.replace('\n', "\n    ") };
    let opener = opener.replace('\n', &format!("\n{indent}"));
    Some(vec![edit(source, statement, format!("{opener}\n{indent}    {call}"))])
}

/// Puts lines before a statement.
pub fn before(source: &Source, statement: Span, lines: &[String]) -> Option<Vec<Edit>> {
    let indent = indentation(source, statement)?;
    let text: String = lines.iter().map(|line| format!("{}\n{indent}", line.replace('\n', &format!("\n{indent}")))).collect();
    Some(vec![edit(source, Span::new(statement.start as usize, statement.start as usize), text)])
}

/// Puts lines at the end of a function of a script, in place of its `pass`; of SQL at the end of the section.
pub fn at_the_end(script: &Script, lines: &[String]) -> Option<Vec<Edit>> {
    let source = &script.source;
    if !source.path().ends_with(".py") {
        let end = script.steps.iter().map(|step| step.statement.end as usize).max().unwrap_or(script.head.end as usize);
        let text = source.text();
        // What is opened by hand ends by hand, and what stands behind the last statement may belong to it.
        let by_hand = script.steps.iter().any(|step| matches!(step.operation, Operation::Begin | Operation::Commit));
        let behind = text[end..].lines().next().unwrap_or_default().trim().trim_start_matches(';').trim();
        if by_hand || !behind.is_empty() || text[end..].contains("StatementEnd") {
            return None;
        }
        // Behind the semicolon of the last statement.
        let end = end + text[end..].find(';').filter(|at| text[end..end + at].trim().is_empty()).map_or(0, |at| at + 1);
        let closes = if script.steps.is_empty() || text[..end].ends_with(';') { "" } else { ";" };
        return Some(vec![edit(source, Span::new(end, end), format!("{closes}\n{}", lines.join("\n")))]);
    }
    let body = crate::with_deep_stack(|| python::body_around(source, script.head.start))?;
    let text = source.text();
    let (first, last) = (span(body.first()?), body.last()?);
    let line = text[..first.start as usize].rfind('\n').map_or(0, |end| end + 1);
    let indent = &text[line..first.start as usize];
    // `def downgrade(): pass`
    if !indent.trim().is_empty() {
        return None;
    }
    let lines: Vec<String> = lines.iter().map(|line| line.replace('\n', &format!("\n{indent}"))).collect();
    if script.body == Body::Empty {
        let is_placeholder = |statement: &&Stmt| match statement {
            Stmt::Pass(_) => true,
            Stmt::Expr(node) => matches!(&*node.value, Expr::Constant(constant) if constant.value == Constant::Ellipsis),
            _ => false,
        };
        if let Some(placeholder) = body.iter().find(is_placeholder) {
            return Some(vec![edit(source, span(placeholder), lines.join(&format!("\n{indent}")))]);
        }
    }
    // Behind a return nothing runs.
    if matches!(last, Stmt::Return(_) | Stmt::Raise(_)) {
        return None;
    }
    let end = span(last).end as usize;
    let rest = text[end..].lines().next().unwrap_or_default();
    if !rest.trim().is_empty() && !rest.trim().starts_with('#') {
        return None;
    }
    let end = end + rest.trim_end().len();
    Some(vec![edit(source, Span::new(end, end), lines.iter().map(|line| format!("\n{indent}{line}")).collect::<String>())])
}

/// Whether the names that generated lines use are those that the script imports.
pub fn speaks_alembic(source: &Source, lines: &[String]) -> bool {
    let text = source.text();
    let uses = |word: &str| lines.iter().any(|line| line.contains(word));
    let imports = |words: &str| text.lines().any(|line| line.split('#').next().is_some_and(|line| line.trim() == words));
    let op = text.lines().any(|line| line.starts_with("from alembic import") && line.contains("op") && !line.contains(" as "));
    (!uses("op.") || op) && (!uses("sa.") || imports("import sqlalchemy as sa"))
}

/// Whether a step is all that its script changes, so that it can leave the transaction without company.
pub fn is_alone(context: &Context<'_>, step: &Step) -> bool {
    context.script.steps.iter().all(|other| other.statement == step.statement)
}

/// The statement with CONCURRENTLY, outside of a transaction as this runner has it; only where it is alone in its script,
/// since what stands before it would be committed by it.
pub fn made_concurrent(context: &Context<'_>, step: &Step) -> Option<Fix> {
    if !is_alone(context, step) || step.batch.is_some() || step.marks.get(Mark::Name).is_none() {
        return None;
    }
    let (source, text) = (&context.script.source, context.text(step.statement));
    let concurrent = concurrently::with_concurrently(context, step);
    let what = "build it concurrently, outside of the transaction";
    match (context.framework(), step.origin) {
        (Framework::Alembic, Origin::Directive(_)) if text.starts_with("op.") => {
            let call = concurrently::with_keyword(text, "postgresql_concurrently=True")?;
            let edits = in_block(source, step.statement, phrase::autocommit_block(context), &call)?;
            with_a_look(what, edits)
        }
        (Framework::Alembic, _) => None,
        (framework, _) => {
            let convention = framework.convention();
            let statement = edit(source, step.statement, concurrent.trim_end_matches(';'));
            let start = |words: String| edit(source, Span::default(), words);
            let edits = match convention.no_transaction {
                Directive::Nowhere if context.environment.execution == Execution::OneMessage => vec![statement],
                Directive::Comment(words) | Directive::FirstLine(words) => {
                    let words = if words.starts_with("--") { words.to_owned() } else { format!("-- {words}") };
                    vec![start(format!("{words}\n")), statement]
                }
                Directive::Marker(words) => {
                    vec![
                        edit(
                            source,
                            Span::new(context.script.head.end as usize, context.script.head.end as usize),
                            format!(" {words}"),
                        ),
                        statement,
                    ]
                }
                _ => return None,
            };
            with_a_look(what, edits)
        }
    }
}

/// The same constraint, NOT VALID. VALIDATE has to follow in a later migration, which nothing can write here.
pub fn not_valid(context: &Context<'_>, step: &Step) -> Option<Fix> {
    let (source, text) = (&context.script.source, context.text(step.statement));
    if !matches!(step.operation, Operation::AddConstraint { .. }) {
        return None;
    }
    let edit = match step.origin {
        Origin::Directive(_) if text.starts_with("op.create_") && text.ends_with(')') => {
            edit(source, step.statement, concurrently::with_keyword(text, "postgresql_not_valid=True")?)
        }
        Origin::Directive(_) => return None,
        // Of several actions of one ALTER TABLE, the words of this one end at a comma.
        Origin::Sql if source.path().ends_with(".py") => return None,
        Origin::Sql => edit(source, Span::new(step.span.end as usize, step.span.end as usize), " NOT VALID"),
    };
    let then = if context.is_upgrade() { "in the next migration" } else { "by hand once that is committed" };
    with_a_look(format!("add it NOT VALID, and VALIDATE it {then}"), vec![edit])
}

/// `default=` of a literal as the `server_default=` that says the same.
pub fn server_default(context: &Context<'_>, step: &Step) -> Option<Fix> {
    let at = step.marks.get(Mark::Default)?;
    let value = context.text(at);
    let value = value.strip_prefix("default=").unwrap_or(value).trim();
    let quoted = |quote: char| {
        value.len() > 1
            && value.starts_with(quote)
            && value.ends_with(quote)
            && !value[1..value.len() - 1].contains([quote, '\\'])
    };
    let server = match value {
        "True" => "sa.true()".to_owned(),
        "False" => "sa.false()".to_owned(),
        _ if value.parse::<f64>().is_ok() => format!("sa.text(\"{value}\")"),
        _ if quoted('"') || quoted('\'') => value.to_owned(),
        _ => return None,
    };
    let source = &context.script.source;
    if !speaks_alembic(source, std::slice::from_ref(&server)) {
        return None;
    }
    let whole = source.text()[..at.start as usize].ends_with("default=");
    let start = if whole { at.start as usize - "default=".len() } else { at.start as usize };
    with_a_look(
        "give the default to the database",
        vec![edit(source, Span::new(start, at.end as usize), format!("server_default={server}"))],
    )
}
