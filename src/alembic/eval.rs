//! Abstract execution: which operations a function issues, on which dialects, under which conditions.
//!
//! Loops over known values are unrolled, functions of the file are entered, a test on the dialect
//! splits into guarded steps, any other test makes its branches conditional. A budget bounds all of
//! it, so that no script can hang the analysis.

use std::collections::HashMap;
use std::rc::Rc;

use rustpython_parser::ast;

use super::block::Block;
use super::modules::{Module, Modules};
use super::naming::Convention;
use super::script::Setting;
use super::value::{Arguments, Batch, Body, File, Function, Scope, Scopes, Value};
use crate::migration::{Marks, Origin, Step};
use crate::operation::{Dialect, Dialects, Operation};
use crate::source::Span;
use crate::sql;
use crate::text::{Places, Text};

/// Statements and calls that one function may take; real ones stay far below.
const BUDGET: usize = 200_000;
/// Those that a call into an imported module may take of them.
const BUDGET_OF_CALL: usize = BUDGET / 8;
/// Calls inside calls; deeper is recursion without end.
const DEEPEST_CALL: usize = 40;
/// Expressions inside expressions; a deeper one is a value that is not known.
const DEEPEST_EXPRESSION: usize = 2_000;

/// How a run of statements ended.
#[derive(Clone)]
pub(super) enum Flow<'a> {
    Next,
    Return(Value<'a>),
    /// `break` or `continue`.
    Leave {
        breaks: bool,
    },
    Raise(Span),
}

/// What surrounds the statement that is being executed.
#[derive(Clone, Copy)]
pub(super) struct Surroundings {
    /// The dialects on which this place is reached.
    pub on: Dialects,
    /// Behind a condition that cannot be decided.
    pub conditional: bool,
    pub autocommit: bool,
    /// Inside the block of a `batch_alter_table`.
    pub batch: bool,
}

pub(super) struct Evaluator<'a> {
    /// The file that is being executed.
    pub file: File<'a>,
    modules: &'a Modules,
    /// All scopes that this script and its modules make.
    pub scopes: Scopes<'a>,
    /// The scopes of imported modules that were executed, by their path.
    loaded: HashMap<&'a str, Scope<'a>>,
    /// The call in the script through which an imported function was entered.
    pub call_site: Option<Span>,
    /// The expression statement that is being executed: nobody uses its value.
    pub discarded: Option<Span>,
    /// The statement has called a function that does nothing but raise.
    pub raised: bool,
    /// The dialects of the environment, the main one first.
    pub dialects: &'a [Dialect],
    pub convention: &'a Convention,
    pub module: Scope<'a>,
    pub steps: Vec<Step>,
    pub around: Surroundings,
    budget: usize,
    pub calls: usize,
    depth: usize,
    exhausted: bool,
    recursion_told: bool,
    /// Returns on branches that may not have been taken, of the functions that are being executed.
    pub returns: Vec<EarlierReturn<'a>>,
    /// Whether the function that is being executed is a context manager: its `yield` is a block's body.
    pub manages_context: bool,
    pub(super) custom: super::custom::CustomOperations<'a>,
    /// The `with` blocks of the project's own context managers that are being executed.
    pub blocks: Vec<Block<'a>>,
}

/// A `return` that ends the function on these dialects, or perhaps there.
pub(super) struct EarlierReturn<'a> {
    pub on: Dialects,
    pub unsure: bool,
    pub value: Value<'a>,
}

/// A name in capitals or of a model's table, which nobody but the project's developers gives a value, the time of day, or a
/// new UUID.
fn is_constant(words: &str) -> bool {
    // An f-string's hole has its braces.
    let name = words.trim_matches(['{', '}', ' ']).rsplit('.').next().unwrap_or_default();
    let in_capitals = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') && name.len() > 1;
    in_capitals || matches!(name, "now()" | "utcnow()" | "today()" | "uuid4()" | "__tablename__")
}

/// A function that is there to say that something cannot be done.
fn only_raises(body: &[ast::Stmt]) -> bool {
    let is_text = |statement: &&ast::Stmt| matches!(statement, ast::Stmt::Expr(node) if node.value.is_constant_expr());
    body.iter().find(|statement| !is_text(statement)).is_some_and(|first| first.is_raise_stmt())
}

/// Whether a module may send anything to a database.
fn reaches_database(text: &str) -> bool {
    ["alembic", ".execute(", ".scalar(", ".connect(", ".begin(", "_session("].iter().any(|word| text.contains(word))
}

/// What a function returns whose end was reached with `last` after some returns on the way.
fn join<'a>(last: Value<'a>, earlier: &[EarlierReturn<'a>], on: Dialects) -> Value<'a> {
    if earlier.iter().all(|one| one.value.same(&last)) {
        return last;
    }
    // A question about the dialect, answered with True and False.
    let mut rest = on;
    let mut yes = Dialects::NONE;
    for one in earlier {
        match one.value {
            Value::Bool(answer) if !one.unsure => {
                yes = if answer { yes.union(one.on) } else { yes };
                rest = rest.intersection(one.on.complement());
            }
            _ => return Value::Unknown,
        }
    }
    match last {
        Value::Bool(answer) => Value::OnDialect(if answer { yes.union(rest) } else { yes }),
        _ => Value::Unknown,
    }
}

impl<'a> Evaluator<'a> {
    pub fn new(file: File<'a>, modules: &'a Modules, setting: Setting<'a>) -> Self {
        let scopes = Scopes::default();
        Evaluator {
            file,
            modules,
            loaded: HashMap::new(),
            call_site: None,
            discarded: None,
            raised: false,
            dialects: setting.dialects,
            convention: setting.convention,
            module: scopes.outermost(),
            scopes,
            steps: Vec::new(),
            around: Surroundings { on: Dialects::ANY, conditional: false, autocommit: false, batch: false },
            budget: BUDGET,
            calls: 0,
            depth: 0,
            exhausted: false,
            recursion_told: false,
            returns: Vec::new(),
            manages_context: false,
            custom: super::custom::CustomOperations::default(),
            blocks: Vec::new(),
        }
    }

    /// A fresh budget for the next function of the script.
    pub fn begin(&mut self) {
        (self.budget, self.exhausted, self.recursion_told) = (BUDGET, false, false);
        self.returns.clear();
    }

    /// Executes the module: imports, constants, function definitions.
    pub fn load(&mut self, module: &'a [ast::Stmt]) {
        let scope = self.module.clone();
        self.run(module, &scope);
        self.steps.clear();
    }

    /// The scope of a module of the project, executed once.
    pub fn module(&mut self, name: &str) -> Option<Scope<'a>> {
        let module: &'a Module = self.modules.find(self.file.folder, name)?;
        let path = module.source.path();
        if let Some(scope) = self.loaded.get(path) {
            return Some(scope.clone());
        }
        let scope = self.scopes.outermost();
        // Before it runs, so that modules that import each other end.
        self.loaded.insert(path, scope.clone());
        let steps = self.steps.len();
        let file = std::mem::replace(&mut self.file, File { source: &module.source, folder: module.folder(), imported: true });
        // A module that cannot be followed leaves names unknown, and the script what it is.
        let own = (self.budget, self.exhausted, self.recursion_told, self.calls);
        (self.budget, self.exhausted, self.recursion_told, self.calls) = (BUDGET, false, false, 0);
        self.run(&module.body, &scope);
        (self.budget, self.exhausted, self.recursion_told, self.calls) = own;
        self.file = file;
        self.steps.truncate(steps);
        Some(scope)
    }

    /// Takes a step of the budget; false when it is used up.
    pub fn spend(&mut self, span: Span) -> bool {
        if self.budget == 0 {
            if !self.exhausted {
                self.exhausted = true;
                self.emit(Operation::opaque("the script takes too many steps to follow"), span);
            }
            return false;
        }
        self.budget -= 1;
        true
    }

    pub fn deeper<T>(&mut self, otherwise: T, work: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= DEEPEST_EXPRESSION {
            if !self.exhausted {
                self.exhausted = true;
                self.emit(Operation::opaque("the script is nested too deeply to follow"), Span::default());
            }
            return otherwise;
        }
        self.depth += 1;
        let out = work(self);
        self.depth -= 1;
        out
    }

    /// Adds a step that stands for the call at `span`; returns it for marks.
    pub fn emit(&mut self, operation: Operation, span: Span) -> &mut Step {
        self.emit_from(operation, span, Origin::Sql)
    }

    pub fn emit_from(&mut self, operation: Operation, span: Span, origin: Origin) -> &mut Step {
        let step = Step::new(operation, span, origin);
        self.push(step);
        let last = self.steps.len() - 1;
        &mut self.steps[last]
    }

    fn push(&mut self, step: Step) {
        let Surroundings { on, conditional, autocommit, .. } = self.around;
        // What an imported function does happens, for the reader of the script, where it is called.
        let step = match self.call_site {
            Some(site) => Step { statement: site, span: site, marks: Marks::default(), ..step },
            None => step,
        };
        self.steps.push(Step {
            only: on,
            conditional: conditional || step.conditional,
            autocommit: autocommit || step.autocommit,
            ..step
        });
    }

    /// Whether spans of what is being executed are spans of the script.
    pub fn places_are_here(&self) -> bool {
        self.call_site.is_none()
    }

    /// The dialect by whose grammar SQL at this place is read.
    pub(super) fn sql_dialect(&self) -> Option<Dialect> {
        let reached = |dialect: &Dialect| self.around.on.contains(*dialect);
        self.dialects.iter().copied().find(reached).or_else(|| {
            // A guard that names one dialect says it for a project of which nothing else is known.
            // MySQL and MariaDB share one.
            let mut named = Dialect::ALL.into_iter().filter(reached);
            let first = named.next().filter(|_| self.around.on != Dialects::ANY)?;
            named.all(|other| other.is_mysql_like() && first.is_mysql_like()).then_some(first)
        })
    }

    /// Reads SQL that a call sends; every statement in it is a step.
    pub fn sql(&mut self, text: &Text, call: Span) {
        let for_sqlite = self.dialects.contains(&Dialect::Sqlite) && self.around.on.contains(Dialect::Sqlite);
        let reading = sql::read(
            text.as_str(),
            Places::Text(text),
            sql::Reader { dialect: self.sql_dialect(), for_sqlite, delimiter: None },
        );
        let has_holes = text.has_holes();
        let only_constants =
            has_holes && self.places_are_here() && text.holes().all(|hole| is_constant(self.file.source.slice(hole)));
        let several = reading.steps.windows(2).any(|pair| pair[0].statement != pair[1].statement);
        let mut told = false;
        for mut step in reading.steps {
            if let Operation::Opaque { reason } = &mut step.operation
                && has_holes
            {
                "part of the SQL is only known when the script runs".clone_into(reason);
            }
            // Text that comes from elsewhere, or was assembled in pieces, has no one place; the call does.
            if step.statement == Span::default() {
                step.statement = call;
                step.span = call;
                step.marks = Marks::default();
            }
            // Of one call, one statement speaks.
            step.manner.interpolated &= !told && !only_constants;
            told |= step.manner.interpolated;
            step.manner.shares_call = several;
            self.push(step);
        }
    }

    /// Enters a function of the file.
    pub fn enter(&mut self, function: &Rc<Function<'a>>, arguments: Arguments<'a>, span: Span) -> Value<'a> {
        if self.calls >= DEEPEST_CALL {
            // Recursion comes back here many times; once is enough to say.
            if !std::mem::replace(&mut self.recursion_told, true) {
                self.emit(Operation::opaque(format!("calls of `{}` are nested too deeply to follow", function.name)), span);
            }
            return Value::Unknown;
        }
        if !self.spend(span) {
            return Value::Unknown;
        }
        let scope = function.scope.inner();
        let (around, file, site) = (self.around, self.file, self.call_site);
        self.calls += 1;
        let manages_context = std::mem::replace(&mut self.manages_context, function.manages_context);
        self.file = function.file;
        self.bind_parameters(function, arguments, &scope);
        let returns = self.returns.len();
        let leaves = function.file.imported && !file.imported;
        if leaves {
            self.call_site = Some(span);
        }
        let (first, own) = (self.steps.len(), (self.budget, self.exhausted, self.recursion_told));
        let allowed = if leaves { self.budget.min(BUDGET_OF_CALL) } else { self.budget };
        self.budget = allowed;
        let value = match function.body {
            Body::Expression(expression) => self.value(expression, &scope),
            Body::Statements(body) => {
                let flow = self.run(body, &scope);
                self.raised |= only_raises(body);
                if let Flow::Return(value) = flow { value } else { Value::None }
            }
        };
        if leaves {
            let spent = allowed - self.budget;
            (self.budget, self.exhausted, self.recursion_told) = (own.0 - spent, own.1, own.2);
            // What has no way to the database only computes a value; of the rest, once is enough to say.
            let mut told = !reaches_database(function.file.source.text());
            let mut at = 0;
            self.steps.retain(|step| {
                at += 1;
                at <= first || step.operation.is_understood() || !std::mem::replace(&mut told, true)
            });
        }
        self.calls -= 1;
        self.manages_context = manages_context;
        (self.around, self.file, self.call_site) = (around, file, site);
        let earlier = self.returns.split_off(returns);
        join(value, &earlier, around.on)
    }

    fn bind_parameters(&mut self, function: &Rc<Function<'a>>, arguments: Arguments<'a>, scope: &Scope<'a>) {
        let parameters = function.parameters;
        let listed = parameters.posonlyargs.iter().chain(&parameters.args);
        let mut positional = arguments.positional.into_iter();
        let mut keywords = arguments.keywords;
        let mut take_keyword = |name: &str| {
            let at = keywords.iter().position(|(known, _)| known == name)?;
            Some(keywords.remove(at).1.value)
        };
        for parameter in listed {
            let name = parameter.def.arg.as_str();
            let given = positional.next().map(|argument| argument.value).or_else(|| take_keyword(name));
            let value = given.unwrap_or_else(|| self.missing_argument(parameter, arguments.open, function));
            scope.set(name, value);
        }
        for parameter in &parameters.kwonlyargs {
            let name = parameter.def.arg.as_str();
            let value = take_keyword(name).unwrap_or_else(|| self.missing_argument(parameter, arguments.open, function));
            scope.set(name, value);
        }
        if let Some(rest) = &parameters.vararg {
            let rest_values = positional.map(|argument| argument.value).collect();
            scope.set(rest.arg.as_str(), if arguments.open { Value::Unknown } else { Value::list(rest_values) });
        }
        if let Some(rest) = &parameters.kwarg {
            let pairs = keywords.into_iter().map(|(name, argument)| (Value::text(name, argument.span), argument.value)).collect();
            scope.set(
                rest.arg.as_str(),
                if arguments.open { Value::Unknown } else { Value::Dict(Rc::new(std::cell::RefCell::new(pairs))) },
            );
        }
    }

    /// A default, or `op` by its name: some projects hand it to their functions.
    fn missing_argument(&mut self, parameter: &'a ast::ArgWithDefault, open: bool, function: &Rc<Function<'a>>) -> Value<'a> {
        match &parameter.default {
            Some(default) if !open => self.value(default, &function.scope),
            _ if parameter.def.arg.as_str() == "op" => Value::path("alembic.op"),
            _ => Value::Unknown,
        }
    }

    /// Runs `work` with the steps it emits marked as part of a batch.
    pub fn in_batch(&mut self, batch: &Batch, work: impl FnOnce(&mut Self)) {
        let first = self.steps.len();
        work(self);
        for step in &mut self.steps[first..] {
            step.batch = Some(batch.manner.clone());
        }
    }
}
