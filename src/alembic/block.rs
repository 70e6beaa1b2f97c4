//! `with` blocks: batches, autocommit blocks, and the project's own context managers, whose `yield` is the block's body.

use rustpython_parser::ast::{self, Expr, Stmt};

use super::eval::{Evaluator, Flow};
use super::value::{File, Scope, Value};
use crate::migration::Step;
use crate::source::Span;

/// The body of a `with` block whose context manager is being executed.
pub(super) struct Block<'a> {
    items: &'a [ast::WithItem],
    body: &'a [Stmt],
    scope: Scope<'a>,
    target: Option<&'a Expr>,
    /// Where the block stands.
    file: File<'a>,
    call_site: Option<Span>,
    /// How deep the calls are at the `yield` that means this block.
    calls: usize,
    /// How the body ended; None as long as it was not reached.
    flow: Option<Flow<'a>>,
}

impl<'a> Evaluator<'a> {
    /// `with` these items, from left to right, the body.
    pub(super) fn with(&mut self, items: &'a [ast::WithItem], body: &'a [Stmt], scope: &Scope<'a>) -> Flow<'a> {
        let Some((item, rest)) = items.split_first() else { return self.run(body, scope) };
        let target = item.optional_vars.as_deref();
        if self.is_context_manager(&item.context_expr, scope) {
            self.blocks.push(Block {
                items: rest,
                body,
                scope: scope.clone(),
                target,
                file: self.file,
                call_site: self.call_site,
                calls: self.calls + 1,
                flow: None,
            });
            self.value(&item.context_expr, scope);
            let reached = self.blocks.pop().and_then(|block| block.flow);
            // A context manager that could not be followed to its `yield` still runs the body.
            return reached.unwrap_or_else(|| self.with(rest, body, scope));
        }
        let around = self.around;
        let first = self.steps.len();
        let value = self.value(&item.context_expr, scope);
        let batch = match &value {
            Value::Batch(batch) => Some(batch.manner.block),
            _ => None,
        };
        self.around.batch |= batch.is_some();
        if let Value::Call(call) = &value {
            let opens_autocommit = match &call.callee {
                Value::Attribute(term) => term.1 == "autocommit_block",
                callee => callee.as_path().is_some_and(|path| path.ends_with(".autocommit_block")),
            };
            self.around.autocommit |= opens_autocommit;
        }
        if let Some(target) = target {
            self.assign(target, value, scope);
        }
        let opens_in_batch = around.batch && self.around.autocommit && !around.autocommit;
        let flow = self.with(rest, body, scope);
        if let Some(block) = batch {
            self.flush(first, block);
        }
        if opens_in_batch {
            self.steps[first..].iter_mut().for_each(|step| step.manner.autocommit_in_batch = true);
        }
        (self.around.autocommit, self.around.batch) = (around.autocommit, around.batch);
        flow
    }

    /// A batch block only collects its operations, and runs them when it ends: what the script sends to the database in
    /// between comes first (`BatchOperationsImpl.flush`).
    fn flush(&mut self, first: usize, block: Span) {
        let is_queued = |step: &Step| step.batch.as_ref().is_some_and(|batch| batch.block == block);
        if self.steps[first..].iter().all(is_queued) {
            return;
        }
        let (queued, at_once): (Vec<Step>, Vec<Step>) = self.steps.drain(first..).partition(is_queued);
        self.steps.extend(at_once.into_iter().chain(queued));
    }

    /// Whether an expression calls a function that `contextlib.contextmanager` decorates.
    fn is_context_manager(&mut self, expression: &'a Expr, scope: &Scope<'a>) -> bool {
        let Expr::Call(call) = expression else { return false };
        let callee = match &*call.func {
            Expr::Name(name) => scope.get(&name.id),
            Expr::Attribute(_) => Some(self.value(&call.func, scope)),
            _ => None,
        };
        match callee {
            Some(Value::Function(function)) => function.manages_context,
            Some(Value::Method(bound)) => bound.1.manages_context,
            // `helpers.name`, where the module is one of the project's.
            Some(value) => {
                let path = value.as_path().unwrap_or_default();
                let found = path.rsplit_once('.').and_then(|(module, name)| self.module(module)?.get(name));
                matches!(found, Some(Value::Function(function)) if function.manages_context)
            }
            None => false,
        }
    }

    /// `yield`: the body of the block around the context manager that is being executed, where there is one.
    pub(super) fn suspend(&mut self, value: Value<'a>) {
        let is_own = self.blocks.last().is_some_and(|block| block.calls == self.calls) && self.manages_context;
        let Some(mut block) = (if is_own { self.blocks.pop() } else { None }) else { return };
        let (file, call_site, around) = (self.file, self.call_site, self.around);
        (self.file, self.call_site) = (block.file, block.call_site);
        self.calls -= 1;
        let manages_context = std::mem::replace(&mut self.manages_context, false);
        if let Some(target) = block.target {
            self.assign(target, value, &block.scope);
        }
        let flow = self.with(block.items, block.body, &block.scope.clone());
        self.calls += 1;
        self.manages_context = manages_context;
        (self.file, self.call_site, self.around) = (file, call_site, around);
        // Of several ways to the body the one that goes on behind the block decides.
        block.flow = match block.flow {
            Some(Flow::Next) => Some(Flow::Next),
            // The context manager may swallow it, and what follows is worth a look either way.
            _ if matches!(flow, Flow::Raise(_)) => Some(Flow::Next),
            _ => Some(flow),
        };
        self.blocks.push(block);
    }
}
