//! SQLite, by raw SQL and through Alembic's plain and batch operations.
//!
//! From measurements on SQLite 3.40, 3.51 and 3.54 with Alembic 1.20 and SQLAlchemy 2.1, and from the source of both:
//! `ALTER TABLE` only renames, and adds or drops plain columns. Alembic's batch mode copies a table into a new one,
//! drops the old one and renames the new one; what reflection does not see is lost on the way.

mod batch;
mod picture;
mod rows;
mod statements;

use super::{Effects, Engine, Failure, FailureKind, Statement};
use crate::migration::{Origin, SqliteSyntax, Step};
use crate::operation::Operation;
use crate::schema::Schema;

/// The first minor version of SQLite 3 with `ALTER COLUMN … SET NOT NULL`, `ADD CONSTRAINT … CHECK` and
/// `DROP CONSTRAINT`.
pub const ALTERS_CONSTRAINTS: u32 = 53;

/// The operations of one batch block belong together, and so do those of one call; statements of SQL stand alone.
pub(super) fn belong_together(before: &Step, step: &Step) -> bool {
    let same_block = match (&before.batch, &step.batch) {
        (Some(before), Some(batch)) => before.block == batch.block,
        (None, None) => before.statement == step.statement && !matches!(step.origin, Origin::Sql),
        _ => false,
    };
    same_block && before.operation.table() == step.operation.table()
}

pub(super) fn effects(statement: &Statement<'_>, schema: &Schema, engine: &Engine) -> Vec<Effects> {
    let foreign_keys = schema.session.foreign_keys.or(engine.foreign_keys);
    let model = Model { schema, minor: engine.sqlite_minor, foreign_keys, names_constraints: engine.names_constraints };
    match statement.steps.first().and_then(|step| step.batch.as_ref()) {
        Some(batch) if batch.recreates(statement.steps.iter().copied()) => model.recreate(batch, &statement.steps),
        _ => model.one_by_one(&statement.steps),
    }
}

struct Model<'m> {
    schema: &'m Schema,
    minor: u32,
    foreign_keys: Option<bool>,
    names_constraints: bool,
}

fn failure(kind: FailureKind, answer: impl Into<String>) -> Failure {
    Failure { kind, answer: answer.into(), with_rows: false }
}

impl Model<'_> {
    /// Each operation against the schema that those before it leave.
    fn one_by_one(&self, steps: &[&Step]) -> Vec<Effects> {
        let mut moved: Option<Schema> = None;
        let mut out = Vec::with_capacity(steps.len());
        for (at, step) in steps.iter().enumerate() {
            let model = Model { schema: moved.as_ref().unwrap_or(self.schema), ..*self };
            out.push(model.one(step));
            if at + 1 < steps.len() {
                moved.get_or_insert_with(|| self.schema.clone()).apply(&step.operation, 0);
            }
        }
        out
    }

    fn one(&self, step: &Step) -> Effects {
        let mut effects = Effects::default();
        let found = self.syntax(step).or_else(|| match step.origin {
            Origin::Directive(_) => self.directive(step),
            Origin::Sql => None,
        });
        let found = found.or_else(|| self.statement(step, &mut effects));
        if let Some(failure) = found {
            let certain = (!failure.with_rows).then(|| failure.answer.clone());
            effects = Effects { fails_because: certain, failure: Some(failure), ..Effects::default() };
        }
        effects
    }

    fn syntax(&self, step: &Step) -> Option<Failure> {
        let refused = match step.wording.sqlite {
            SqliteSyntax::Accepted => false,
            SqliteSyntax::Since353 => self.minor < ALTERS_CONSTRAINTS,
            SqliteSyntax::Refused => true,
        };
        refused.then(|| failure(FailureKind::Syntax, "syntax error: SQLite has no such statement"))
    }

    /// What Alembic makes of a directive outside of a recreating batch.
    fn directive(&self, step: &Step) -> Option<Failure> {
        const CONSTRAINTS: &str = "NotImplementedError: No support for ALTER of constraints in SQLite dialect";
        let needs_batch = |answer: &str| Some(failure(FailureKind::NeedsBatch, answer));
        let by_alter_column = matches!(step.origin, Origin::Directive("alter_column"));
        match &step.operation {
            Operation::SetNotNull { .. } | Operation::DropNotNull { .. } if self.minor >= ALTERS_CONSTRAINTS => None,
            operation if by_alter_column && operation.alters_column() => needs_batch("near \"ALTER\": syntax error"),
            Operation::AddConstraint { .. } | Operation::DropConstraint { .. } => needs_batch(CONSTRAINTS),
            Operation::AddColumn { if_not_exists: true, .. } | Operation::DropColumn { if_exists: true, .. } => {
                Some(failure(FailureKind::Syntax, "near \"EXISTS\": syntax error"))
            }
            Operation::Other { kind: "comment", .. } => needs_batch("near \"COMMENT\": syntax error"),
            _ => None,
        }
    }
}
