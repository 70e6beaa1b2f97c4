//! PostgreSQL 10 to 18: locks, rewrites, scans, refusals and certain failures.
//!
//! The rules follow the server's own: which lock each ALTER TABLE action takes, in which order its actions run,
//! when a new type lets the old rows stay. All of it is compared with real servers by `tests/postgres.rs`.

mod alter_table;
mod attributes;
mod constraints;
mod drops;
pub mod enums;
mod indexes;
mod objects;
mod partitions;
mod refusals;
pub mod retype;
mod rows;
mod tables;
mod types;
mod volatility;

use super::{Effects, Statement, in_public};
use crate::migration::{Origin, Step, Wording};
use crate::operation::{LockMode, Name, Operation, ReindexTarget, TEMPORARY};
use crate::schema::{Schema, Table};

/// The table that an operation needs, and that the history has for certain no more.
fn gone<'s>(operation: &'s Operation, wording: Wording, schema: &Schema) -> Option<&'s Name> {
    // Of other kinds, some name a view or a function of the same name.
    let is_plain = !matches!(operation, Operation::Other { .. });
    let is_gone = |table: &&Name| !wording.if_exists && !schema.has_gaps && schema.was_made_and_dropped(table);
    operation.needed_table().filter(|_| is_plain).filter(is_gone)
}

/// What a statement does, operation by operation.
pub fn effects(statement: &Statement<'_>, schema: &Schema, major: u32) -> Vec<Effects> {
    let count = statement.operations.len();
    if let Some(needs) = statement.wording.needs.filter(|needs| major < needs.since || major >= needs.below) {
        let since = needs.since;
        let reason = match needs.below {
            u32::MAX if since == u32::MAX => format!("PostgreSQL has no {}", needs.words),
            u32::MAX => format!("PostgreSQL {major} cannot read {}, which came with {since}", needs.words),
            below => format!("PostgreSQL {below} and later cannot read {}", needs.words),
        };
        return vec![Effects { fails_because: Some(reason), ..Effects::default() }; count];
    }
    let is_of_mysql =
        |step: &&Step| step.origin == Origin::Sql && matches!(step.operation, Operation::DropIndex { table: Some(_), .. });
    if statement.steps.iter().any(is_of_mysql) {
        let reason = "PostgreSQL's DROP INDEX names no table: syntax error at or near \"ON\"".to_owned();
        return vec![Effects { fails_because: Some(reason), ..Effects::default() }; count];
    }
    if let Some(gone) = statement.operations.iter().find_map(|operation| gone(operation, statement.wording, schema)) {
        let reason = format!("`{gone}` was dropped or renamed before");
        return vec![Effects { fails_because: Some(reason), ..Effects::default() }; count];
    }
    let refused = statement.operations.iter().any(|operation| refuses_transaction(operation, major));
    if statement.wording.in_block && refused {
        let reason = "a DO block is a transaction, in which this cannot run".to_owned();
        return vec![Effects { fails_because: Some(reason), refuses_transaction: true, ..Effects::default() }; count];
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&index| pass(statement.operations[index]));
    // One operation alone changes nothing for another.
    let mut moved: Option<Schema> = None;
    let mut out = vec![Effects::default(); count];
    let mut recreated: Vec<String> = Vec::new();
    for &index in &order {
        let operation = statement.operations[index];
        let mut model = Model {
            schema: moved.as_ref().unwrap_or(schema),
            major,
            wording: statement.wording,
            statement: &statement.operations,
            effects: Effects { refuses_transaction: refuses_transaction(operation, major), ..Effects::default() },
            recreated: Vec::new(),
        };
        model.operation(operation);
        recreated.append(&mut model.recreated);
        out[index] = model.effects;
        if count > 1 {
            moved.get_or_insert_with(|| schema.clone()).apply(operation, crate::history::Index::MAX);
        }
    }
    finish(&mut out, schema, moved.as_ref(), &recreated);
    out
}

/// Joins what holds for the whole statement: its locks, its failure, the indexes of rewritten tables.
fn finish(effects: &mut [Effects], before: &Schema, after: Option<&Schema>, recreated: &[String]) {
    let refuses = effects.iter().any(|one| one.refuses_transaction);
    if let Some(reason) = effects.iter().find_map(|one| one.fails_because.clone()) {
        for one in effects.iter_mut().filter(|one| !one.fails_late) {
            *one = Effects { fails_because: Some(reason.clone()), refuses_transaction: refuses, ..Effects::default() };
        }
        return;
    }
    let mut locks = effects[0].locks.clone();
    for one in &effects[1..] {
        for (name, mode) in &one.locks {
            let held = locks.entry(name.clone()).or_insert(*mode);
            *held = (*held).max(*mode);
        }
    }
    let comes_back = |dropped: &String| {
        let Some((after, name)) = after.zip(dropped.rsplit(' ').next()) else { return false };
        let tables = || locks.keys().filter_map(|table| after.table(table));
        (dropped.starts_with("con ") && tables().any(|table| table.constraint(name).is_some()))
            || (dropped.starts_with("rel i ") && tables().any(|table| table.index(name).is_some()))
    };
    for one in effects {
        one.drops.retain(|dropped| !comes_back(dropped));
        one.locks.clone_from(&locks);
        one.refuses_transaction = refuses;
        let rewritten: Vec<&Table> = one.rewrites.keys().filter_map(|name| before.table(name)).collect();
        for table in rewritten {
            let now = after.and_then(|after| after.relation(table.id));
            let stays = |name: &str| now.is_none_or(|table| table.index(name).is_some());
            let indexes = table.indexes();
            let rebuilt = indexes.iter().map(|index| &index.name).filter(|name| stays(name) && !recreated.contains(name));
            one.index_rebuilds.extend(rebuilt.cloned());
        }
    }
}

/// The pass in which ALTER TABLE runs an action: drops first, then types, columns, attributes, constraints.
fn pass(operation: &Operation) -> u8 {
    match operation {
        Operation::DropColumn { .. } | Operation::DropConstraint { .. } => 0,
        Operation::AlterColumnType { .. } => 1,
        Operation::AddColumn { .. } => 2,
        Operation::SetNotNull { .. } | Operation::SetDefault { .. } | Operation::DropDefault { .. } => 3,
        Operation::AddConstraint { .. } => 4,
        _ => 5,
    }
}

/// Actions that `ALTER TABLE IF EXISTS` leaves out with its table.
fn is_absent_quietly(operation: &Operation) -> bool {
    matches!(pass(operation), 0..5)
        || matches!(
            operation,
            Operation::RenameTable { .. } | Operation::RenameColumn { .. } | Operation::RenameConstraint { .. }
        )
}

/// The statements that raise SQLSTATE 25001 in a transaction block. PostgreSQL checks this before it looks
/// up names and before `IF [NOT] EXISTS`; what it refuses for partitioned tables is in [`Model`].
pub fn refuses_transaction(operation: &Operation, major: u32) -> bool {
    match operation {
        Operation::CreateIndex(index) => index.concurrently,
        Operation::DropIndex { concurrently, .. } | Operation::DetachPartition { concurrently, .. } => *concurrently,
        Operation::Reindex { target, concurrently, .. } => {
            *concurrently || matches!(target, ReindexTarget::Schema | ReindexTarget::Database | ReindexTarget::System)
        }
        Operation::Vacuum { .. } | Operation::Cluster { table: None, .. } => true,
        // From 12 on only the use of the new value has to wait for the commit.
        Operation::AddEnumValue { .. } => major < 12,
        Operation::Other { kind, .. } => matches!(
            *kind,
            "create_database"
                | "drop_database"
                | "move_database"
                | "create_tablespace"
                | "drop_tablespace"
                | "create_subscription"
                | "drop_subscription"
                | "end_prepared"
                | "vacuum_statistics"
                | "alter_system"
                | "discard"
        ),
        _ => false,
    }
}

/// One operation being worked out over the schema before it.
struct Model<'m> {
    schema: &'m Schema,
    major: u32,
    wording: Wording,
    /// All operations of the statement.
    statement: &'m [&'m Operation],
    effects: Effects,
    /// Indexes that are dropped and made anew instead of rebuilt.
    recreated: Vec<String>,
}

impl<'m> Model<'m> {
    fn lock(&mut self, name: &Name, mode: LockMode) {
        // Nobody else can see it.
        if name.schema.as_deref() == Some(TEMPORARY) {
            return;
        }
        let held = self.effects.locks.entry(in_public(name)).or_insert(mode);
        *held = (*held).max(mode);
    }

    fn rewrite(&mut self, table: &Name, why: &str) {
        if table.schema.as_deref() == Some(TEMPORARY) {
            return;
        }
        self.effects.rewrites.insert(in_public(table), why.to_owned());
        // The rewrite itself reads the old rows.
        self.scan(table, why);
    }

    fn scan(&mut self, table: &Name, why: &str) {
        if table.schema.as_deref() == Some(TEMPORARY) {
            return;
        }
        self.effects.scans.entry(in_public(table)).or_insert_with(|| why.to_owned());
    }

    fn fail(&mut self, why: impl Into<String>) {
        self.effects.fails_because.get_or_insert_with(|| why.into());
    }

    fn drops(&mut self, what: String) {
        self.effects.drops.insert(what);
    }

    /// The table and, unless ONLY is said, its children and partitions.
    fn family(&self, table: &'m Table) -> Vec<&'m Table> {
        let mut out = vec![table];
        if !self.wording.only {
            out.extend(self.schema.descendants(table));
        }
        out
    }

    /// Locks a table and its children.
    fn lock_family(&mut self, name: &Name, mode: LockMode) {
        self.lock(name, mode);
        if let Some(table) = self.schema.table(name) {
            for child in self.family(table) {
                self.lock(&child.name, mode);
            }
        }
    }

    /// What ONLY drops from a parent is the children's own from then on, which is written to each of them.
    fn lock_children(&mut self, table: &Table) {
        for child in table.ties().children.iter().filter_map(|id| self.schema.relation(*id)) {
            self.lock(&child.name, LockMode::AccessExclusive);
        }
    }

    /// Those of the table and its children that hold rows; a stand-in where the table is not known.
    fn stored(&self, name: &Name) -> Vec<Stored<'m>> {
        match self.schema.table(name) {
            Some(table) => {
                let family = self.family(table).into_iter().filter(|table| table.has_storage());
                family.map(|table| Stored { name: table.name.clone(), table: Some(table) }).collect()
            }
            None => vec![Stored { name: name.clone(), table: None }],
        }
    }

    fn scan_stored(&mut self, name: &Name, why: &str) {
        for stored in self.stored(name) {
            self.scan(&stored.name, why);
        }
    }

    fn rewrite_stored(&mut self, name: &Name, why: &str) {
        for stored in self.stored(name) {
            self.rewrite(&stored.name, why);
        }
    }

    fn operation(&mut self, operation: &Operation) {
        let absent = |table: &Name| table.is_known() && self.schema.table(table).is_none();
        if self.wording.if_exists && is_absent_quietly(operation) && operation.table().is_some_and(absent) {
            // ALTER TABLE IF EXISTS, of a table that this history does not create.
            return;
        }
        if let Some(reason) = self.refusal_of(operation) {
            return self.fail(reason);
        }
        use LockMode::{AccessExclusive, AccessShare};
        match operation {
            Operation::AddColumn { table, column, if_not_exists } => self.add_column(table, column, *if_not_exists),
            Operation::DropColumn { table, column, if_exists, cascade } => self.drop_column(table, column, *if_exists, *cascade),
            Operation::RenameColumn { table, column, to } => self.rename_column(table, column, to),
            Operation::AlterColumnType { table, .. } => {
                self.lock_family(table, AccessExclusive);
                self.retype(operation);
            }
            Operation::SetNotNull { table, column } => self.set_not_null(table, column),
            Operation::DropNotNull { table, column } => self.drop_not_null(table, column),
            Operation::SetDefault { table, column, default } => self.set_default(table, column, Some(default)),
            Operation::DropDefault { table, column } => self.set_default(table, column, None),
            Operation::AddConstraint { table, constraint } => self.add_constraint(table, constraint),
            Operation::DropConstraint { table, constraint, if_exists, cascade } => {
                self.drop_constraint(table, constraint.as_deref(), *if_exists, *cascade);
            }
            Operation::ValidateConstraint { table, constraint } => self.validate_constraint(table, constraint),
            Operation::RenameConstraint { table, .. } => self.lock_family(table, AccessExclusive),
            Operation::CreateTable(create) => self.create_table(create),
            Operation::DropTable { table, cascade, .. } => self.drop_table(table, *cascade),
            Operation::RenameTable { table, to } => self.rename_table(table, to),
            Operation::RenameView { name, .. } => self.lock(name, AccessExclusive),
            Operation::CreateIndex(index) => self.create_index(index),
            Operation::DropIndex { index, table, concurrently, cascade, if_exists } => {
                self.drop_index(index, table.as_ref(), *concurrently, *if_exists, *cascade);
            }
            Operation::Reindex { target, name, concurrently } => self.reindex(*target, name, *concurrently),
            Operation::Cluster { table, index } => self.cluster(table.as_ref(), index.as_deref()),
            Operation::Vacuum { table, full } => self.vacuum(table.as_ref(), *full),
            Operation::Analyze { table } => self.analyze(table.as_ref()),
            Operation::Inherit { table, parent, stops } => {
                self.lock(table, AccessExclusive);
                self.lock(parent, if *stops { AccessShare } else { LockMode::ShareUpdateExclusive });
            }
            Operation::AttachPartition { table, partition, bound } => self.attach(table, partition, bound.as_ref()),
            Operation::DetachPartition { table, partition, concurrently } => self.detach(table, partition, *concurrently),
            Operation::CreateView { .. } => self.create_view(operation),
            Operation::DropView { name, cascade, .. } => self.drop_view(name, *cascade),
            Operation::RefreshMaterializedView { name, concurrently, with_data } => {
                self.refresh(name, *concurrently, *with_data);
            }
            Operation::Insert { table, rows } => self.insert(table, rows),
            Operation::Update { table, rows, has_where } => self.update(table, rows, *has_where),
            Operation::Delete { table, rows, has_where } => self.delete(table, rows, *has_where),
            Operation::Truncate { table, cascade, .. } => self.truncate(table, *cascade),
            Operation::Select(query) => self.select(query),
            Operation::LockTable { table, mode } => self.lock_table(table, *mode),
            Operation::CreateEnum { name, .. } | Operation::CreateComposite { name } | Operation::CreateDomain { name, .. }
                if self.schema.has_type(name) =>
            {
                self.fail(format!("the type `{name}` exists already"));
            }
            Operation::AddEnumValue { .. } | Operation::RenameEnumValue { .. } => self.alter_enum(operation),
            Operation::DropType { name, cascade, is_domain, .. } => self.drop_type(name, *cascade, *is_domain),
            Operation::AlterComposite { .. } => self.alter_composite(operation),
            Operation::AlterDomain { name, change } => self.alter_domain(name, change),
            Operation::DropFunction { name, cascade, .. } => self.drop_function(name, *cascade),
            Operation::CreateSequence { owned_by: Some((table, _)), .. } => self.lock(table, AccessShare),
            Operation::OwnSequence { name, owned_by } => {
                self.lock(name, LockMode::ShareRowExclusive);
                if let Some((table, _)) = owned_by {
                    self.lock(table, AccessShare);
                }
            }
            Operation::DropSequence { name, if_exists, cascade } => self.drop_sequence(name, *if_exists, *cascade),
            Operation::CreateTrigger(trigger) => self.create_trigger(trigger),
            Operation::DropTrigger { table, trigger, if_exists, .. } => self.drop_trigger(table.as_ref(), trigger, *if_exists),
            Operation::DropSchema { name, cascade, .. } => self.drop_schema(name, *cascade),
            Operation::Other { kind, table, name, .. } => self.attribute(kind, table.as_ref(), name.as_deref()),
            _ => {}
        }
    }
}

/// A relation that holds rows: known, or only named.
struct Stored<'m> {
    name: Name,
    table: Option<&'m Table>,
}
