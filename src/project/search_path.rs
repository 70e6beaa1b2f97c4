//! Names without a schema, as the session of their script means them: by `search_path`, or as temporary tables.
//!
//! Read once over a whole history in its order, since which schema an unqualified name means depends on what is there.

use std::collections::HashSet;

use crate::history::History;
use crate::migration::{Migration, Script};
use crate::operation::{ConstraintKind, HOLE, Name, Operation, TEMPORARY};

/// Names as they are known: schema and name.
type Known = HashSet<(String, String)>;

/// Gives the names of each script the schemas that the session's path gives them. Histories without `SET search_path` and
/// temporary tables, which are most, are left as they are.
pub(super) fn resolve(migrations: &mut [Migration], history: &History) {
    let concerned = |operation: &Operation| match operation {
        Operation::Set { name, .. } => matches!(name.as_str(), "search_path" | "schema"),
        Operation::CreateTable(create) => create.temporary,
        _ => false,
    };
    let is_concerned = |script: &Script| script.steps.iter().any(|step| concerned(&step.operation));
    if !migrations.iter().any(|migration| migration.scripts().any(|(_, script)| is_concerned(script))) {
        return;
    }
    let mut known = Known::new();
    for &index in &history.order {
        let migration = &mut migrations[index];
        // The way back starts from what the way up leaves.
        for script in [&mut migration.up, &mut migration.down].into_iter().flatten() {
            session(script, &mut known);
        }
    }
}

/// Where env.py puts a schema in front of every table, the schema that a script computes for its own SQL is that one:
/// `{schema}.users` is `users`.
pub(super) fn forget_computed_schemas(migrations: &mut [Migration]) {
    let scripts = migrations.iter_mut().flat_map(|migration| migration.up.iter_mut().chain(&mut migration.down));
    for step in scripts.flat_map(|script| &mut script.steps) {
        for name in names(&mut step.operation) {
            name.schema.take_if(|schema| schema.chars().all(|c| c == HOLE));
        }
    }
}

/// What one session says about names.
#[derive(Default)]
struct Path {
    schemas: Vec<String>,
    /// Until the transaction ends.
    local: bool,
}

fn session(script: &mut Script, known: &mut Known) {
    let mut path = Path::default();
    let mut temporary: HashSet<String> = HashSet::new();
    for step in &mut script.steps {
        match &step.operation {
            Operation::Set { name, value, local } if matches!(name.as_str(), "search_path" | "schema") => {
                path = Path { schemas: schemas(value.as_deref()), local: *local };
                continue;
            }
            Operation::Commit | Operation::Rollback if path.local => path = Path::default(),
            _ => {}
        }
        let made = made(&step.operation);
        if let Operation::CreateTable(create) = &mut step.operation
            && create.temporary
            && create.table.schema.is_none()
        {
            temporary.insert(create.table.name.clone());
        }
        for name in names(&mut step.operation) {
            if name.schema.is_some() || !name.is_known() {
                continue;
            }
            name.schema = match temporary.contains(&name.name) {
                true => Some(TEMPORARY.to_owned()),
                false => meant(name, &path.schemas, known, made.as_deref() == Some(name.name.as_str())),
            };
        }
        match &step.operation {
            Operation::DropTable { table, .. } if table.schema.as_deref() == Some(TEMPORARY) => {
                temporary.remove(&table.name);
            }
            operation => remember(operation, known),
        }
    }
}

/// The schema of an unqualified name: where it is made, the first of the path; else the first that has it, or the first
/// when none is known to.
fn meant(name: &Name, path: &[String], known: &Known, is_made: bool) -> Option<String> {
    let has = |schema: &&String| known.contains(&((*schema).clone(), name.name.clone()));
    let found = if is_made { None } else { path.iter().find(has) };
    found.or(path.first()).cloned()
}

/// `app, "$user", public`, without what names no schema of its own.
fn schemas(value: Option<&str>) -> Vec<String> {
    let parts = value.unwrap_or_default().split(',').map(|part| part.trim().trim_matches(['\'', '"']).to_owned());
    parts
        .filter(|part| {
            !part.is_empty() && !part.starts_with('$') && part != "pg_catalog" && !part.eq_ignore_ascii_case("default")
        })
        .collect()
}

/// What the operation makes, by its name.
fn made(operation: &Operation) -> Option<String> {
    match operation {
        Operation::CreateTable(create) => Some(create.table.name.clone()),
        Operation::CreateView { name, .. }
        | Operation::CreateEnum { name, .. }
        | Operation::CreateDomain { name, .. }
        | Operation::CreateComposite { name }
        | Operation::CreateFunction { name, .. }
        | Operation::CreateSequence { name, .. } => Some(name.name.clone()),
        _ => None,
    }
}

fn remember(operation: &Operation, known: &mut Known) {
    let key = |name: &Name| (name.schema.clone().unwrap_or_else(|| "public".to_owned()), name.name.clone());
    match operation {
        Operation::CreateTable(create) => {
            known.insert(key(&create.table));
        }
        Operation::CreateIndex(index) => {
            let schema = index.table.schema.clone();
            known.extend(index.name.as_ref().map(|name| key(&Name::with_schema(schema, name.as_str()))));
        }
        Operation::CreateView { name, .. }
        | Operation::CreateEnum { name, .. }
        | Operation::CreateDomain { name, .. }
        | Operation::CreateComposite { name }
        | Operation::CreateSequence { name, .. } => {
            known.insert(key(name));
        }
        Operation::RenameTable { table, to } => {
            known.remove(&key(table));
            known.insert(key(to));
        }
        Operation::DropTable { table: name, .. } | Operation::DropView { name, .. } => {
            known.remove(&key(name));
        }
        _ => {}
    }
}

/// The relations, types and functions that an operation names.
fn names(operation: &mut Operation) -> Vec<&mut Name> {
    match operation {
        Operation::CreateTable(create) => {
            let by_column = create.columns.iter_mut().filter_map(|column| column.references.as_mut());
            let by_constraint = create.constraints.iter_mut().filter_map(|constraint| match &mut constraint.kind {
                ConstraintKind::ForeignKey { reference, .. } => Some(reference),
                _ => None,
            });
            let mut out: Vec<&mut Name> = by_column.chain(by_constraint).map(|reference| &mut reference.table).collect();
            out.push(&mut create.table);
            out.extend(create.parents.iter_mut().chain(&mut create.reads));
            out.extend(create.of_type.as_mut());
            out.extend(create.likes.iter_mut().map(|like| &mut like.table));
            out
        }
        Operation::CreateIndex(index) => vec![&mut index.table],
        Operation::AddColumn { table, column, .. } => {
            std::iter::once(table).chain(column.references.as_mut().map(|reference| &mut reference.table)).collect()
        }
        Operation::AddConstraint { table, constraint } => match &mut constraint.kind {
            ConstraintKind::ForeignKey { reference, .. } => vec![table, &mut reference.table],
            _ => vec![table],
        },
        Operation::RenameTable { table, to } => vec![table, to],
        Operation::Inherit { table, parent: other, .. }
        | Operation::AttachPartition { table, partition: other, .. }
        | Operation::DetachPartition { table, partition: other, .. } => vec![table, other],
        Operation::DropTable { table, .. }
        | Operation::DropColumn { table, .. }
        | Operation::RenameColumn { table, .. }
        | Operation::AlterColumnType { table, .. }
        | Operation::SetNotNull { table, .. }
        | Operation::DropNotNull { table, .. }
        | Operation::SetDefault { table, .. }
        | Operation::DropDefault { table, .. }
        | Operation::DropConstraint { table, .. }
        | Operation::ValidateConstraint { table, .. }
        | Operation::RenameConstraint { table, .. }
        | Operation::Truncate { table, .. }
        | Operation::LockTable { table, .. } => vec![table],
        Operation::Insert { table, rows } | Operation::Update { table, rows, .. } | Operation::Delete { table, rows, .. } => {
            std::iter::once(table).chain(&mut rows.reads).collect()
        }
        Operation::Select(query) => query.relations.iter_mut().map(|relation| &mut relation.name).collect(),
        Operation::CreateView { name, query, .. } => {
            let reads = query.iter_mut().flat_map(|query| &mut query.relations).map(|relation| &mut relation.name);
            std::iter::once(name).chain(reads).collect()
        }
        Operation::DropIndex { index, table, .. } | Operation::RenameIndex { index, table, .. } => {
            std::iter::once(index).chain(table.as_mut()).collect()
        }
        Operation::DropView { name, .. }
        | Operation::RenameView { name, .. }
        | Operation::RefreshMaterializedView { name, .. }
        | Operation::Reindex { name, .. }
        | Operation::CreateEnum { name, .. }
        | Operation::AddEnumValue { name, .. }
        | Operation::RenameEnumValue { name, .. }
        | Operation::DropType { name, .. }
        | Operation::RenameType { name, .. }
        | Operation::CreateComposite { name }
        | Operation::AlterComposite { name, .. }
        | Operation::CreateDomain { name, .. }
        | Operation::AlterDomain { name, .. }
        | Operation::CreateFunction { name, .. }
        | Operation::DropFunction { name, .. }
        | Operation::DropSequence { name, .. } => vec![name],
        Operation::CreateSequence { name, owned_by, .. } | Operation::OwnSequence { name, owned_by } => {
            std::iter::once(name).chain(owned_by.as_mut().map(|(table, _)| table)).collect()
        }
        Operation::CreateTrigger(trigger) => vec![&mut trigger.table],
        Operation::DropTrigger { table, .. }
        | Operation::Other { table, .. }
        | Operation::Vacuum { table, .. }
        | Operation::Analyze { table }
        | Operation::Cluster { table, .. } => table.iter_mut().collect(),
        _ => Vec::new(),
    }
}
