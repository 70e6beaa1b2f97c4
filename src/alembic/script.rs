//! One revision file: its metadata and its two functions.

use std::path::Path;
use std::sync::Arc;

use rustpython_parser::ast::{self, Constant, Expr, Stmt, Suite};

use super::eval::{Evaluator, Flow};
use super::modules::Modules;
use super::naming::Convention;
use super::python::{self, SyntaxError, span};
use super::value::{File, Scope, Value};
use crate::migration::{Body, MetadataProblem, Migration, Names, Script, Spanned};
use crate::operation::{Dialect, Operation};
use crate::source::{Source, Span};

/// What the project says of every script: `dialects` of the environment, the main one first, and the names that its
/// metadata gives.
#[derive(Clone, Copy)]
pub struct Setting<'s> {
    pub dialects: &'s [Dialect],
    pub convention: &'s Convention,
}

/// Reads a revision file. None when it is no revision: a module without `revision` and without `upgrade`.
/// The error, if any, says where the file stops being Python; the migration then has what the text still gives.
pub fn read(
    source: &Arc<Source>,
    folder: &Path,
    modules: &Modules,
    setting: Setting<'_>,
    judged: bool,
) -> (Option<Migration>, Option<SyntaxError>) {
    match python::parse(source) {
        Ok(module) => {
            let file = File { source, folder, imported: false };
            let mut evaluator = Evaluator::new(file, modules, setting);
            evaluator.load(&module);
            (from_module(source, &module, &mut evaluator, judged), None)
        }
        Err(error) => (Some(recover(source, judged)), Some(error)),
    }
}

fn empty(source: &Arc<Source>, judged: bool) -> Migration {
    Migration {
        id: String::new(),
        id_span: Span::default(),
        parents: Names::default(),
        depends_on: Names::default(),
        branch_labels: Names::default(),
        source: source.clone(),
        up: None,
        down: None,
        problems: Vec::new(),
        judged,
    }
}

fn from_module<'a>(source: &Arc<Source>, module: &'a Suite, evaluator: &mut Evaluator<'a>, judged: bool) -> Option<Migration> {
    let scope = evaluator.module.clone();
    let has_upgrade = matches!(scope.get("upgrade"), Some(Value::Function(_)));
    let revision = assignment(module, "revision");
    let mut migration = empty(source, judged);
    if revision.is_none() && !has_upgrade {
        // Another module, unless its docstring is that of a script: then the rest is missing.
        let said = id_in_docstring(source)?;
        migration.problem(said.span, "this file has no `revision`, and Alembic stops at it".to_owned());
        (migration.id, migration.id_span) = (said.value, said.span);
        migration.parents = parents_in_docstring(source);
        return Some(migration);
    }
    match revision {
        Some((value_span, _)) => {
            migration.id_span = value_span;
            match scope.get("revision") {
                Some(Value::Text(text)) if !text.has_holes() => migration.id = text.as_str().to_owned(),
                Some(Value::Int(number)) => {
                    migration.id = number.to_string();
                    migration.problem(value_span, format!("`revision` is the number {number}, Alembic compares strings"));
                }
                _ => {
                    migration.id = id_from_file_name(source);
                    migration.problem(value_span, "`revision` is not a constant of this file".to_owned());
                }
            }
        }
        None => match legacy_id(source) {
            Some(id) => migration.id = id,
            None => {
                migration.id = id_from_file_name(source);
                migration.problem(first_line(source), "this file has no `revision`".to_owned());
            }
        },
    }
    if let Some(character) = migration.id.chars().find(|c| FORBIDDEN.contains(c))
        && revision.is_some()
    {
        let message = format!("Alembic allows no `{character}` in a revision id, and stops at this one");
        migration.problem(migration.id_span, message);
    }
    match assignment(module, "down_revision") {
        Some(place) => migration.parents = names(&scope, "down_revision", place),
        None => {
            let place = if revision.is_some() { migration.id_span } else { first_line(source) };
            migration.problem(place, "this file has no `down_revision`, and Alembic stops at it".to_owned());
        }
    }
    if migration.parents.incomplete {
        let place = assignment(module, "down_revision").map_or(migration.id_span, |(span, _)| span);
        migration.problem(place, "`down_revision` is not a constant of this file".to_owned());
    }
    for (name, target) in [("depends_on", &mut migration.depends_on), ("branch_labels", &mut migration.branch_labels)] {
        if let Some(place) = assignment(module, name) {
            *target = names(&scope, name, place);
        }
    }
    migration.up = script(evaluator, module, "upgrade", source);
    migration.down = script(evaluator, module, "downgrade", source);
    Some(migration)
}

impl Migration {
    fn problem(&mut self, span: Span, message: String) {
        self.problems.push(MetadataProblem { span, message });
    }
}

/// The last assignment to a name at the top of the module, or in a block there: the span of the value, and the value.
fn assignment<'m>(module: &'m [Stmt], name: &str) -> Option<(Span, &'m Expr)> {
    let is_name = |target: &Expr| matches!(target, Expr::Name(found) if found.id.as_str() == name);
    module.iter().rev().find_map(|statement| match statement {
        Stmt::Assign(node) if node.targets.iter().any(is_name) => Some((span(&*node.value), &*node.value)),
        // revision, down_revision = "b", "a"
        Stmt::Assign(node) => node.targets.iter().find_map(|target| {
            let Expr::Tuple(ast::ExprTuple { elts: names, .. }) = target else { return None };
            let at = names.iter().position(is_name)?;
            Some(match &*node.value {
                Expr::Tuple(ast::ExprTuple { elts, .. }) if elts.len() == names.len() => (span(&elts[at]), &elts[at]),
                value => (span(value), value),
            })
        }),
        Stmt::AnnAssign(node) if is_name(&node.target) => node.value.as_deref().map(|value| (span(value), value)),
        Stmt::With(node) => assignment(&node.body, name),
        Stmt::If(node) => assignment(&node.orelse, name).or_else(|| assignment(&node.body, name)),
        Stmt::Try(node) => assignment(&node.body, name),
        _ => None,
    })
}

/// Characters that `alembic.script.revision` takes out of ids.
const FORBIDDEN: [char; 4] = ['@', '-', '+', ':'];

/// One name, several, or none.
fn names(scope: &Scope<'_>, name: &str, (whole, expression): (Span, &Expr)) -> Names {
    let value = scope.get(name).unwrap_or(Value::Unknown);
    let spans: Vec<Span> = match expression {
        Expr::Tuple(ast::ExprTuple { elts, .. })
        | Expr::List(ast::ExprList { elts, .. })
        | Expr::Set(ast::ExprSet { elts, .. }) => elts.iter().map(span).collect(),
        _ => Vec::new(),
    };
    let items = match &value {
        Value::None => Vec::new(),
        Value::List(items) => items.borrow().clone(),
        other => vec![other.clone()],
    };
    let mut out = Names::default();
    for (index, item) in items.iter().enumerate() {
        match item {
            Value::None => {}
            _ => match item.as_str() {
                Some("") => {}
                Some(name) => {
                    out.names.push(Spanned { value: name.to_owned(), span: spans.get(index).copied().unwrap_or(whole) })
                }
                None => out.incomplete = true,
            },
        }
    }
    out
}

/// Executes `upgrade` or `downgrade`; with Alembic's multidb template, `upgrade_NAME` for every engine.
fn script<'a>(evaluator: &mut Evaluator<'a>, module: &'a Suite, name: &str, source: &Arc<Source>) -> Option<Script> {
    let definition = module.iter().rev().find_map(|statement| match statement {
        Stmt::FunctionDef(node) if node.name.as_str() == name => Some((statement, &node.body)),
        Stmt::AsyncFunctionDef(node) if node.name.as_str() == name => Some((statement, &node.body)),
        _ => None,
    });
    evaluator.begin();
    let scope = evaluator.module.clone();
    let Some((statement, body)) = definition else {
        // `downgrade = upgrade`, or imported.
        let head = first_line(source);
        match scope.get(name)? {
            Value::Function(function) => {
                evaluator.enter(&function, super::value::Arguments::default(), head);
            }
            _ => {
                evaluator.emit(Operation::opaque(format!("what `{name}` does is written elsewhere")), head);
            }
        }
        let steps = std::mem::take(&mut evaluator.steps);
        return Some(Script { source: source.clone(), head, body: Body::Present, steps, transaction: None });
    };
    let head = head_of(source, statement);
    if body.iter().all(does_nothing) {
        return Some(Script { source: source.clone(), head, body: Body::Empty, steps: Vec::new(), transaction: None });
    }
    let mut presence = Body::Present;
    if let Some(Value::Function(function)) = scope.get(name) {
        presence = evaluator.body_of(&function);
    }
    let engines = format!("{name}_");
    if evaluator.steps.is_empty() && calls_globals(source, statement) {
        for statement in module {
            if let Stmt::FunctionDef(node) = statement
                && node.name.starts_with(&engines)
                && let Some(Value::Function(function)) = scope.get(&node.name)
            {
                evaluator.enter(&function, super::value::Arguments::default(), span(statement));
            }
        }
        if evaluator.steps.is_empty() {
            presence = Body::Empty;
        }
    }
    let mut steps = std::mem::take(&mut evaluator.steps);
    steps.shrink_to_fit();
    Some(Script { source: source.clone(), head, body: presence, steps, transaction: None })
}

fn calls_globals(source: &Source, statement: &Stmt) -> bool {
    source.slice(span(statement)).contains("globals()")
}

impl<'a> Evaluator<'a> {
    /// Runs a function of no arguments; tells whether it refuses to run.
    fn body_of(&mut self, function: &std::rc::Rc<super::value::Function<'a>>) -> Body {
        let scope = function.scope.inner();
        for parameter in function.parameters.posonlyargs.iter().chain(&function.parameters.args) {
            let value = if parameter.def.arg.as_str() == "op" { Value::path("alembic.op") } else { Value::Unknown };
            scope.set(parameter.def.arg.as_str(), value);
        }
        let super::value::Body::Statements(body) = function.body else { return Body::Present };
        let around = self.around;
        let flow = self.run(body, &scope);
        self.around = around;
        match flow {
            Flow::Raise(at) if self.steps.is_empty() => Body::Refuses(at),
            _ => Body::Present,
        }
    }
}

/// `pass`, `...`, a docstring or other constant, a bare `return`.
fn does_nothing(statement: &Stmt) -> bool {
    match statement {
        Stmt::Pass(_) => true,
        Stmt::Expr(node) => matches!(&*node.value, Expr::Constant(_)),
        Stmt::Return(node) => node
            .value
            .as_deref()
            .is_none_or(|value| matches!(value, Expr::Constant(ast::ExprConstant { value: Constant::None, .. }))),
        _ => false,
    }
}

/// From `def` to the end of that line.
fn head_of(source: &Source, statement: &Stmt) -> Span {
    let whole = span(statement);
    let text = source.slice(whole);
    let def = text.find("def ").unwrap_or(0);
    let line = text[def..].split(['\n', '\r']).next().unwrap_or_default();
    let line = line.split('#').next().unwrap_or_default().trim_end();
    Span::new(whole.start as usize + def, whole.start as usize + def + line.len())
}

fn first_line(source: &Source) -> Span {
    source.line_span(1)
}

fn stem(source: &Source) -> &str {
    let name = source.file_name();
    name.strip_suffix(".py").unwrap_or(name)
}

/// Alembic before 0.2 took the id from a file name of hexadecimal digits.
fn legacy_id(source: &Source) -> Option<String> {
    let stem = stem(source);
    let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let start = stem.len() - stem.chars().rev().take_while(|&c| hexadecimal(c)).count();
    (!stem.is_empty() && start == 0).then(|| stem.to_owned())
}

/// A name to speak of a file whose id is not known.
fn id_from_file_name(source: &Source) -> String {
    stem(source).to_owned()
}

/// What stands behind a label in the module's docstring, and where.
pub fn in_docstring<'s>(source: &'s Source, label: &str) -> Option<(&'s str, Span)> {
    let text = source.text();
    // Behind comments, such as a licence; what else comes first is code, and then there is no docstring.
    let is_before = |line: &&str| line.trim().is_empty() || line.trim_start_matches('\u{feff}').trim_start().starts_with('#');
    let before: usize = text.split_inclusive('\n').take_while(is_before).map(str::len).sum();
    let start = text.len() - text[before..].trim_start_matches(['r', 'R', 'u', 'U', '\u{feff}']).len();
    let quote = ["\"\"\"", "\'\'\'"].into_iter().find(|quote| text[start..].starts_with(quote))?;
    let end = start + 3 + text[start + 3..].find(quote)?;
    let at = start + text[start..end].find(label)? + label.len();
    let line = text[at..end].lines().next().unwrap_or_default();
    let said = line.trim();
    let from = at + (line.len() - line.trim_start().len());
    Some((said, Span::new(from.min(end), from.min(end) + said.len())))
}

/// The ids in what a docstring says.
pub fn ids_in(said: &str) -> impl Iterator<Item = &str> {
    said.split([',', ' '])
        .map(|name| name.trim_matches(['\'', '"', '(', ')', '`']))
        .filter(|name| !matches!(name.to_ascii_lowercase().as_str(), "" | "none" | "base"))
}

/// The id that the docstring of a script gives, where nothing else does.
fn id_in_docstring(source: &Source) -> Option<Spanned> {
    let (said, span) = in_docstring(source, "Revision ID:")?;
    Some(Spanned { value: ids_in(said).next()?.to_owned(), span })
}

/// The parents that the docstring of a script gives, where nothing else does; there may be others.
fn parents_in_docstring(source: &Source) -> Names {
    let found = in_docstring(source, "Revises:").into_iter();
    let names = found.flat_map(|(said, span)| ids_in(said).map(move |id| Spanned { value: id.to_owned(), span })).collect();
    Names { names, incomplete: true }
}

/// Metadata of a file that is no Python, line by line, so that the graph stays whole.
pub fn recover(source: &Arc<Source>, judged: bool) -> Migration {
    let mut migration = empty(source, judged);
    (migration.id, migration.id_span) = match id_in_docstring(source) {
        Some(said) => (said.value, said.span),
        None => (id_from_file_name(source), first_line(source)),
    };
    let unreadable = |_| Script {
        source: source.clone(),
        head: first_line(source),
        body: Body::Unreadable,
        steps: Vec::new(),
        transaction: None,
    };
    migration.up = Some(unreadable(()));
    migration.down = Some(unreadable(()));
    let text = source.text();
    for (name, target) in [("revision", 0), ("down_revision", 1), ("depends_on", 2), ("branch_labels", 3)] {
        let Some((value_start, value)) = assigned_text(text, name) else { continue };
        // A constant of the file stands for its value.
        let word = value.trim();
        let constant = word.starts_with(|c: char| c.is_alphabetic() || c == '_') && word != "None";
        let (value_start, value) = match constant.then(|| assigned_text(text, word)).flatten() {
            Some(assigned) => assigned,
            None => (value_start, value),
        };
        let strings = quoted_strings(value, value_start);
        let place = |found: &[Spanned]| Names { names: found.to_vec(), incomplete: false };
        match target {
            0 => {
                if let Some(first) = strings.first() {
                    migration.id.clone_from(&first.value);
                    migration.id_span = first.span;
                }
            }
            1 => migration.parents = place(&strings),
            2 => migration.depends_on = place(&strings),
            _ => migration.branch_labels = place(&strings),
        }
    }
    if assigned_text(text, "down_revision").is_none() {
        migration.parents = parents_in_docstring(source);
    }
    migration
}

/// The text behind `name =` or `name: … =` at the start of a line, to the end of the line or of its brackets.
fn assigned_text<'t>(text: &'t str, name: &str) -> Option<(usize, &'t str)> {
    let mut at = 0;
    let mut in_docstring = false;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let quotes = line.matches("\"\"\"").count() + line.matches("'''").count();
        let inside = in_docstring;
        in_docstring ^= quotes % 2 == 1;
        if inside {
            continue;
        }
        let Some(rest) = line.trim_start_matches('\u{feff}').strip_prefix(name) else { continue };
        if !rest.trim_start().starts_with(['=', ':']) {
            continue;
        }
        let Some(equals) = line.find('=') else { continue };
        let from = start + equals + 1;
        let value = &text[from..];
        let end = match value.trim_start().starts_with(['(', '[', '{']) {
            true => value.find([')', ']', '}']).map_or(value.len(), |close| close + 1),
            false => value.find(['\n', '#']).unwrap_or(value.len()),
        };
        return Some((from, &value[..end]));
    }
    None
}

/// The metadata of a script by its text alone, where that is plain: for history that nothing judged depends on.
pub fn glance(source: &Arc<Source>) -> Option<Migration> {
    let mut migration = empty(source, false);
    let plain = |name: &str| {
        let Some((at, value)) = assigned_text(source.text(), name) else { return Some(Vec::new()) };
        let strings = quoted_strings(value, at);
        let around = strings.iter().fold(value.to_owned(), |rest, string| rest.replacen(source.slice(string.span), "", 1));
        let is_list = around.chars().all(|c| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '[' | ']'));
        (is_list || (strings.is_empty() && around.trim() == "None")).then_some(strings)
    };
    let [revision] = &plain("revision")?[..] else { return None };
    assigned_text(source.text(), "down_revision")?;
    (migration.id, migration.id_span) = (revision.value.clone(), revision.span);
    for (name, target) in [
        ("down_revision", &mut migration.parents),
        ("depends_on", &mut migration.depends_on),
        ("branch_labels", &mut migration.branch_labels),
    ] {
        target.names = plain(name)?;
    }
    Some(migration)
}

fn quoted_strings(text: &str, base: usize) -> Vec<Spanned> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find(['"', '\'']) {
        let start = at + open;
        let quote = text.as_bytes()[start] as char;
        let Some(length) = text[start + 1..].find(quote) else { break };
        let value = &text[start + 1..start + 1 + length];
        if !value.is_empty() {
            out.push(Spanned { value: value.to_owned(), span: Span::new(base + start, base + start + length + 2) });
        }
        at = start + length + 2;
    }
    out
}
