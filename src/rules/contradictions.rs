//! What a step says against the schema before it.

use crate::engine::FailureKind;
use crate::history::Index;
use crate::migration::{Origin, Step};
use crate::operation::{Column, Constraint, ConstraintKind, DataType, Name, Operation, show_holes};
use crate::rule::Context;
use crate::schema::Table;

/// What the step names and the history shows not to be there; None where the history is not complete.
pub fn not_there(step: &Step, before: &Context<'_>) -> Option<String> {
    if step.conditional || step.wording.if_exists || step.manner.tried {
        return None;
    }
    // Asked last: it looks at every step before.
    missing(step, before).filter(|_| !follows_unknown(before))
}

fn missing(step: &Step, before: &Context<'_>) -> Option<String> {
    if let Some(gone) = gone(step, before) {
        return Some(format!("`{gone}` was dropped or renamed before"));
    }
    if let Some(column) = column_of(&step.operation) {
        let table = whole(step.operation.table()?, before)?;
        let there = !Name::new(column).is_known() || before.schema.column(&table.name, column).is_some();
        return (!there).then(|| format!("`{}` has no column `{}`", table.name, show_holes(column)));
    }
    // What Alembic's batch mode looks for in the table and does not find.
    if let Some(failure) = before.effects().failure.as_ref().filter(|failure| failure.kind == FailureKind::Contradiction)
        && failure.answer.starts_with("ValueError: No such")
        && !may_be_named(step, before)
    {
        return Some(format!("Alembic raises {}", failure.answer));
    }
    match &step.operation {
        Operation::DropIndex { index, table: Some(table), if_exists: false, .. } if index.is_known() => {
            let table = whole(table, before)?;
            let there = table.indexes().iter().any(|known| known.name.eq_ignore_ascii_case(&index.name))
                || table.constraint(&index.name).is_some()
                || table.may_have_index(&index.name)
                || before.environment.env.has_naming_convention;
            (!there).then(|| format!("`{}` has no index `{index}`", table.name))
        }
        // A name may be the application's own; one that differs in the case of its letters alone is meant for the other.
        Operation::DropConstraint { table, constraint: Some(name), if_exists: false, .. }
        | Operation::RenameConstraint { table, constraint: name, .. }
            if before.is_postgres() =>
        {
            let table = whole(table, before).filter(|table| table.constraint(name).is_none())?;
            let meant = table.constraints().into_iter().find(|known| known.name.eq_ignore_ascii_case(name))?;
            Some(format!("`{}` has no constraint `{name}`, but `{}`", table.name, meant.name))
        }
        _ => None,
    }
}

/// The table that a step needs, and that the history has dropped or renamed.
fn gone<'s>(step: &'s Step, before: &Context<'_>) -> Option<&'s Name> {
    let referenced = if before.is_postgres() { referenced(&step.operation) } else { Vec::new() };
    step.operation.needed_table().into_iter().chain(referenced).find(|name| before.schema.was_made_and_dropped(name))
}

/// The tables that new foreign keys point to.
fn referenced(operation: &Operation) -> Vec<&Name> {
    match operation {
        Operation::AddColumn { column, .. } => of_column(column).into_iter().collect(),
        Operation::AddConstraint { constraint, .. } => of_constraint(constraint).into_iter().collect(),
        Operation::CreateTable(create) => {
            let targets = create.columns.iter().filter_map(of_column).chain(create.constraints.iter().filter_map(of_constraint));
            targets.filter(|target| **target != create.table).collect()
        }
        _ => Vec::new(),
    }
}

fn of_column(column: &Column) -> Option<&Name> {
    column.references.as_ref().map(|reference| &reference.table)
}

fn of_constraint(constraint: &Constraint) -> Option<&Name> {
    match &constraint.kind {
        ConstraintKind::ForeignKey { reference, .. } => Some(&reference.table),
        _ => None,
    }
}

/// The application's metadata may have a naming convention, by which a constraint without a name has this one.
fn may_be_named(step: &Step, before: &Context<'_>) -> bool {
    let Operation::DropConstraint { table, constraint: Some(name), .. } = &step.operation else { return false };
    let Some(known) = before.table(table) else { return true };
    if known.may_have_constraint(name) {
        return true;
    }
    let columns = known.columns();
    let speaks_of = |constraint: &&crate::schema::TableConstraint| {
        columns.iter().any(|column| constraint.mentions(&column.name) && name.contains(&column.name))
    };
    known.constraints().into_iter().filter(|constraint| !constraint.named).any(|constraint| speaks_of(&constraint))
}

/// An earlier step of the script, or a file that cannot be read or is not, may have done anything.
fn follows_unknown(before: &Context<'_>) -> bool {
    !before.environment.unreadable.is_empty()
        || before.environment.follows_unread(before.index)
        || before.steps().take_while(|(at, _)| *at < before.at).any(|(_, step)| !step.operation.is_understood())
}

/// The column that has to be there.
pub fn column_of(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::DropColumn { column, if_exists: false, .. }
        | Operation::RenameColumn { column, .. }
        | Operation::AlterColumnType { column, .. }
        | Operation::SetNotNull { column, .. }
        | Operation::DropNotNull { column, .. }
        | Operation::SetDefault { column, .. }
        | Operation::DropDefault { column, .. } => Some(column),
        _ => None,
    }
}

/// The table, where the history shows all of its columns.
pub fn whole<'c>(table: &Name, before: &Context<'c>) -> Option<&'c Table> {
    before.table(table).filter(|table| table.is_whole() && !table.is_view())
}

/// Alembic remembers for one run which types its create_table has made, and makes each once.
fn is_remembered(kind: &str, before: &Context<'_>) -> bool {
    let earlier = before.steps().take_while(|(at, _)| *at < before.at);
    let mut tables = earlier.filter_map(|(_, step)| match &step.operation {
        Operation::CreateTable(create) if matches!(step.origin, Origin::Directive(_)) => Some(create),
        _ => None,
    });
    let has = |column: &Column| column.data_type.as_ref().is_some_and(|own| own.name == kind && !own.labels.is_empty());
    tables.any(|create| create.columns.iter().any(has))
}

/// What the step makes and is there already, and the migration that made it.
pub fn already_there(step: &Step, before: &Context<'_>) -> Option<(String, Index)> {
    // Behind a condition, or with IF NOT EXISTS, the script asks by itself.
    if step.conditional || step.manner.tried {
        return None;
    }
    let made_in = |name: &Name| before.table(name).filter(|table| !table.temporary).and_then(|table| table.created_in);
    let (what, made_in) = match &step.operation {
        Operation::CreateTable(create) if !create.if_not_exists && !create.temporary && made_in(&create.table).is_some() => {
            (format!("`{}`", create.table), made_in(&create.table)?)
        }
        // SQLAlchemy makes the enum types of a new table's columns, whether they are there or not.
        Operation::CreateTable(create) if made_in(&create.table).is_none() => {
            let of_directive = matches!(step.origin, Origin::Directive(_)) && before.is_postgres() && !create.if_not_exists;
            let mut types = create.columns.iter().filter_map(|column| column.data_type.as_ref());
            let known = |kind: &DataType| {
                let name = Name::new(kind.name.as_str());
                let known = before.schema.enum_type(&name).filter(|_| !kind.labels.is_empty() && name.is_known())?;
                (!is_remembered(&kind.name, before)).then(|| (format!("the type `{name}`"), known.created_in))
            };
            types.find_map(known).filter(|_| of_directive)?
        }
        Operation::AddColumn { table, column, if_not_exists: false } => {
            let known = before.schema.column(table, &column.name)?;
            (format!("`{table}.{}`", show_holes(&column.name)), known.added_in?)
        }
        Operation::CreateIndex(index) if !index.if_not_exists => {
            let name = Name::with_schema(index.table.schema.clone(), index.name.as_deref()?);
            // MySQL has names of indexes for each table.
            let own = before.table(&index.table).filter(|_| before.dialect().is_some_and(|dialect| dialect.is_mysql_like()));
            let known = match own {
                Some(table) => (table, table.index(&name.name).filter(|index| !index.implied)?),
                None => before.schema.index(&name)?,
            };
            known.0.created_in?;
            (format!("`{name}`"), known.1.created_in)
        }
        _ => return None,
    };
    (!follows_unknown(before)).then(|| (format!("{what} is there already"), made_in))
}

/// The table that a name without a table is meant for: the upgrade makes one that is called nearly the same, or changes
/// one where the step only changes it, and no step of the way back names it.
pub fn meant<'c>(step: &Operation, before: &Context<'c>) -> Option<&'c Name> {
    let table = step.table()?;
    let is_unknown = before.table(table).is_none_or(|known| known.created_in.is_none());
    if !is_unknown || !table.is_known() || !before.environment.naming(table).is_empty() {
        return None;
    }
    // Most databases find an index without its table.
    if matches!(step, Operation::DropIndex { .. } | Operation::RenameIndex { .. }) {
        return None;
    }
    let is_change = !matches!(step, Operation::DropTable { .. } | Operation::CreateTable(_));
    let names = |name: &Name| {
        before.steps().any(|(_, other)| {
            let counts = is_change || matches!(other.operation, Operation::DropTable { .. });
            counts && other.operation.table() == Some(name)
        })
    };
    let made = before.migration.up.iter().flat_map(|up| &up.steps).filter_map(|step| match &step.operation {
        Operation::CreateTable(create) => Some(&create.table),
        other => other.table().filter(|table| is_change && before.table(table).is_some_and(|known| known.created_in.is_some())),
    });
    let is_alike = |made: &&Name| {
        made.schema == table.schema && strsim::damerau_levenshtein(&made.name, &table.name) <= SLIPS && !names(made)
    };
    made.filter(is_alike).min_by_key(|made| strsim::damerau_levenshtein(&made.name, &table.name))
}

/// So many letters make one name another by mistake.
const SLIPS: usize = 2;
