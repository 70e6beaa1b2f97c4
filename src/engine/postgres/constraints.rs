//! Constraints: added, dropped, validated.

use super::{Model, types};
use crate::operation::{Column, Constraint, ConstraintKind, LockMode, Name, Operation, Reference};
use crate::schema::expression::mentions;
use crate::schema::{Kind, Table, TableConstraint};

impl<'m> Model<'m> {
    pub(super) fn add_constraint(&mut self, table: &Name, constraint: &Constraint) {
        let known = self.schema.table(table);
        if let (Some(known), Some(name)) = (known, &constraint.name)
            && known.constraint(name).is_some_and(|_| !uses_index(&constraint.kind))
        {
            return self.fail(format!("`{table}` has a constraint `{name}` already"));
        }
        match &constraint.kind {
            ConstraintKind::ForeignKey { columns, reference } => self.add_foreign_key(table, constraint, columns, reference),
            ConstraintKind::Check { .. } => self.add_check(table, constraint),
            ConstraintKind::NotNull { column } => {
                self.lock_family(table, LockMode::AccessExclusive);
                if !constraint.not_valid {
                    self.check_not_null(table, column);
                }
            }
            ConstraintKind::PrimaryKey { columns, using_index } => {
                if known.is_some_and(|known| known.primary_key().is_some()) {
                    return self.fail(format!("`{table}` has a primary key already"));
                }
                self.add_key(table, constraint, columns, using_index.as_deref(), true);
            }
            ConstraintKind::Unique { columns, using_index } => {
                self.add_key(table, constraint, columns, using_index.as_deref(), false);
            }
            ConstraintKind::Exclusion { .. } => {
                self.lock(table, LockMode::AccessExclusive);
                self.scan_stored(table, "the index of the exclusion constraint is built");
            }
        }
    }

    fn add_foreign_key(&mut self, table: &Name, constraint: &Constraint, columns: &[String], reference: &Reference) {
        let known = self.schema.table(table);
        let is_partitioned = |known: Option<&Table>| known.is_some_and(|known| known.kind == Kind::PartitionedTable);
        let referenced = self.schema.table(&reference.table);
        if is_partitioned(known) && self.major < 11 {
            return self.fail("partitioned tables cannot have foreign keys before PostgreSQL 11");
        }
        if is_partitioned(referenced) && self.major < 12 {
            return self.fail("partitioned tables cannot be referenced before PostgreSQL 12");
        }
        if is_partitioned(known) && constraint.not_valid && self.major < 18 {
            return self.fail(format!("a NOT VALID foreign key on the partitioned table `{table}` needs PostgreSQL 18"));
        }
        self.referenced_key(known, &reference.table, &reference.columns, &[]);
        self.compare_key(known, columns, reference);
        let mode = LockMode::ShareRowExclusive;
        self.lock(table, mode);
        if let Some(known) = known.filter(|known| known.kind == Kind::PartitionedTable || self.major >= 18) {
            for child in self.family(known) {
                self.lock(&child.name, mode);
            }
        }
        self.lock_referenced(&reference.table, mode);
        if constraint.not_valid || constraint.not_enforced {
            return;
        }
        let why = "each row's foreign key is checked";
        match known.filter(|known| known.kind == Kind::PartitionedTable) {
            Some(_) => self.scan_stored(table, why),
            // A parent's foreign key says nothing about its children's rows.
            None => self.scan(table, why),
        }
        // Columns that the same statement adds hold NULL, which points nowhere.
        let ConstraintKind::ForeignKey { columns, .. } = &constraint.kind else { return };
        let is_empty = |name: &String| {
            self.statement.iter().any(|operation| matches!(operation, Operation::AddColumn { column, .. } if column.name == *name && column.default.is_none()))
        };
        if columns.is_empty() || !columns.iter().all(is_empty) {
            self.scan_stored(&reference.table, why);
        }
    }

    /// A key of a partitioned table stands on each of its partitions as well.
    pub(super) fn lock_referenced(&mut self, table: &Name, mode: LockMode) {
        self.lock(table, mode);
        let known = self.schema.table(table).filter(|known| known.kind == Kind::PartitionedTable);
        for partition in known.map(|known| self.schema.descendants(known)).unwrap_or_default() {
            self.lock(&partition.name, mode);
        }
    }

    /// A foreign key points to columns that a unique constraint or index covers.
    pub(super) fn referenced_key(&mut self, from: Option<&Table>, table: &Name, columns: &[String], new: &[&Column]) {
        let Some(target) = self.schema.table(table).filter(|target| target.complete) else { return };
        if let Some(missing) = columns.iter().find(|column| target.column(column).is_none()) {
            // A table may point to a column that it gets in the same breath.
            let own = from.is_some_and(|from| from.id == target.id) && new.iter().any(|column| column.name == **missing);
            if !own {
                self.fail(format!("`{table}` has no column `{missing}`"));
            }
            return;
        }
        let covers = |list: &[String]| list.len() == columns.len() && columns.iter().all(|column| list.contains(column));
        let by_index = target.indexes().iter().any(|index| index.unique && index.predicate.is_none() && covers(&index.columns));
        let is_covered = if columns.is_empty() { target.primary_key().is_some() } else { by_index };
        if !is_covered {
            self.fail(format!("no unique constraint of `{table}` covers the referenced columns"));
        }
    }

    fn compare_key(&mut self, known: Option<&Table>, columns: &[String], reference: &Reference) {
        let (Some(known), Some(target)) = (known, self.schema.table(&reference.table)) else { return };
        let referenced = match (reference.columns.as_slice(), target.primary_key().map(|key| &key.kind)) {
            ([], Some(ConstraintKind::PrimaryKey { columns, .. })) => columns.len(),
            ([], _) => columns.len(),
            (named, _) => named.len(),
        };
        if referenced != columns.len() {
            return self.fail(format!("{} columns cannot point to {referenced} of `{}`", columns.len(), target.name));
        }
        for (own, other) in columns.iter().zip(&reference.columns) {
            let types = (known.column(own), target.column(other));
            if let (Some(own), Some(other)) = types
                && let (Some(from), Some(to)) = (&own.data_type, &other.data_type)
                && !types::comparable(types::base(from, self.schema).0, types::base(to, self.schema).0)
            {
                return self.fail(format!("`{}` is {from} and the referenced `{}` is {to}", own.name, other.name));
            }
        }
    }

    fn add_check(&mut self, table: &Name, constraint: &Constraint) {
        let known = self.schema.table(table);
        let has_children = known.is_some_and(|known| !known.ties().children.is_empty());
        if self.wording.only && has_children && !constraint.no_inherit {
            return self.fail(format!("the children of `{table}` must get the constraint too"));
        }
        // NO INHERIT leaves the children alone; 18 locks them all the same.
        if !constraint.no_inherit || self.major >= 18 {
            self.lock_family(table, LockMode::AccessExclusive);
        }
        self.lock(table, LockMode::AccessExclusive);
        if !constraint.not_valid && !constraint.not_enforced {
            if let ConstraintKind::Check { expression } = &constraint.kind
                && let Some(broken) = self
                    .stored(table)
                    .iter()
                    .filter(|stored| !constraint.no_inherit || stored.name == *table)
                    .filter_map(|stored| stored.table)
                    .find(|table| table.breaks(&expression.0))
            {
                return self.fail(format!("a row that the history writes into `{}` breaks the CHECK", broken.name));
            }
            let why = "each row is checked against the new CHECK";
            if constraint.no_inherit { self.scan(table, why) } else { self.scan_stored(table, why) }
        }
    }

    fn add_key(&mut self, table: &Name, constraint: &Constraint, columns: &[String], using: Option<&str>, primary: bool) {
        if constraint.not_valid {
            return self.fail("PRIMARY KEY and UNIQUE cannot be NOT VALID");
        }
        let known = self.schema.table(table);
        self.lock(table, LockMode::AccessExclusive);
        if let Some(using) = using {
            return self.adopt_index(table, using, primary);
        }
        if let Some(known) = known {
            if let Some(missing) = columns.iter().find(|column| known.complete && known.column(column).is_none()) {
                return self.fail(format!("`{table}` has no column `{missing}`"));
            }
            if known.kind == Kind::PartitionedTable && !self.partitioned_key(known, columns) {
                return;
            }
            if primary && let Some(empty) = columns.iter().find(|column| known.has_null_in(column)) {
                return self.fail(format!("rows of `{table}` have NULL in `{empty}`"));
            }
            if known.repeats(columns, None) {
                return self.fail(format!("rows of `{table}` are alike in {}", columns.join(", ")));
            }
            let nullable: Vec<&String> = columns
                .iter()
                .filter(|column| primary && known.column(column).is_none_or(|found| found.nullable != Some(false)))
                .collect();
            let children: Vec<&Table> = self.family(known).into_iter().skip(1).collect();
            for child in children {
                if known.kind == Kind::PartitionedTable {
                    let strong = self.major >= 18 || !nullable.is_empty();
                    self.lock(&child.name, if strong { LockMode::AccessExclusive } else { LockMode::Share });
                } else if !nullable.is_empty() {
                    // The children's columns become NOT NULL as well; the index is the parent's alone.
                    self.lock(&child.name, LockMode::AccessExclusive);
                    for column in &nullable {
                        self.check_not_null(&child.name, column);
                    }
                }
            }
            if known.kind != Kind::PartitionedTable {
                return self.scan(table, "the index of the constraint is built");
            }
        }
        self.scan_stored(table, "the index of the constraint is built");
    }

    /// Whether a partitioned table can have a key over these columns; fails otherwise.
    pub(super) fn partitioned_key(&mut self, table: &Table, columns: &[String]) -> bool {
        let name = &table.name;
        if self.major < 11 {
            self.fail("partitioned tables cannot have keys before PostgreSQL 11");
            return false;
        }
        let missing = table.ties().partition_key.iter().find(|key| !columns.iter().any(|column| mentions(key, column)));
        if let Some(missing) = missing {
            self.fail(format!("a unique key of the partitioned table `{name}` must hold its partition key `{missing}`"));
            return false;
        }
        true
    }

    /// `USING INDEX`: nothing is built; a primary key still reads the rows where a column may be NULL.
    fn adopt_index(&mut self, table: &Name, index: &str, primary: bool) {
        let Some(known) = self.schema.table(table) else { return };
        let Some(found) = known.index(index) else {
            if known.complete {
                self.fail(format!("`{table}` has no index `{index}`"));
            }
            return;
        };
        if !found.unique {
            return self.fail(format!("the index `{index}` is not unique"));
        }
        if found.predicate.is_some() || found.has_expressions() {
            return self.fail(format!("the index `{index}` is partial or over an expression, and no constraint can be"));
        }
        let nullable = found.columns.iter().find(|column| primary && !self.is_never_null(known, column));
        if let Some(column) = nullable {
            self.scan(table, &format!("each row is checked for NULL in `{column}`"));
        }
    }

    /// The constraint, or a failure when the table is known without it.
    fn known_constraint(&mut self, table: &Name, name: &str) -> Option<(&'m Table, &'m TableConstraint)> {
        let known = self.schema.table(table)?;
        match known.constraint(name) {
            Some(found) => Some((known, found)),
            None => {
                // NOT NULL has a constraint of its own in 18, which this model does not name.
                if known.complete && !known.may_have_constraint(name) && !name.contains("_not_null") {
                    self.fail(format!("`{table}` has no constraint `{name}`"));
                }
                None
            }
        }
    }

    pub(super) fn drop_constraint(&mut self, table: &Name, name: Option<&str>, if_exists: bool, cascade: bool) {
        let known = self.schema.table(table);
        let found = known.zip(name).and_then(|(known, name)| Some((known, known.constraint(name)?)));
        let Some((known, constraint)) = found else {
            if let Some(name) = name.filter(|_| !if_exists) {
                self.known_constraint(table, name);
            }
            if self.major < 11 {
                return self.lock(table, LockMode::AccessExclusive);
            }
            return self.lock_family(table, LockMode::AccessExclusive);
        };
        if matches!(constraint.kind, ConstraintKind::Check { .. }) && self.is_inherited(known, &constraint.name) {
            return self.fail(format!("`{}` is inherited: drop it from the parent of `{table}`", constraint.name));
        }
        self.lock_family(table, LockMode::AccessExclusive);
        if matches!(constraint.kind, ConstraintKind::Check { .. }) {
            self.lock_children(known);
        }
        for table in self.family(known) {
            if table.constraint(&constraint.name).is_some() {
                self.drops(format!("con {} {}", constraint.letter(), constraint.name));
            }
        }
        if let Some((target, _)) = &constraint.references
            && let Some(target) = self.schema.relation(*target)
        {
            self.lock_referenced(&target.name, LockMode::AccessExclusive);
        }
        if constraint.has_index() {
            self.drops(format!("rel i {}", constraint.name));
            self.drop_keys_on(known, constraint, cascade);
        }
    }

    fn is_inherited(&self, table: &Table, constraint: &str) -> bool {
        let parents = self.schema.parents(table);
        parents.into_iter().any(|parent| parent.constraint(constraint).is_some())
    }

    /// Foreign keys that rest on a key go with it, when CASCADE allows that.
    fn drop_keys_on(&mut self, table: &'m Table, key: &TableConstraint, cascade: bool) {
        let resting: Vec<(&Table, &TableConstraint)> =
            self.schema.references_to(table).filter(|(_, foreign)| crate::schema::rests_on(table, foreign, key)).collect();
        for (from, foreign) in resting {
            if !cascade {
                return self.fail(format!("the foreign key `{}` of `{}` rests on `{}`", foreign.name, from.name, key.name));
            }
            self.lock(&from.name, LockMode::AccessExclusive);
            self.drops(format!("con f {}", foreign.name));
        }
    }

    pub(super) fn validate_constraint(&mut self, table: &Name, name: &str) {
        let mode = LockMode::ShareUpdateExclusive;
        let Some((known, constraint)) = self.known_constraint(table, name) else {
            if self.schema.table(table).is_none_or(|known| known.constraint(name).is_none()) {
                self.lock(table, mode);
                self.scan(table, "each row is checked");
            }
            return;
        };
        if !constraint.enforced {
            return self.fail(format!("`{name}` is NOT ENFORCED, and what is not enforced cannot be validated"));
        }
        match &constraint.kind {
            ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } | ConstraintKind::Exclusion { .. } => {
                return self.fail(format!("`{name}` is neither a foreign key nor a CHECK"));
            }
            _ => {}
        }
        self.lock(table, mode);
        if constraint.validated {
            return;
        }
        match &constraint.references {
            Some((target, _)) => {
                let why = "each row's foreign key is checked";
                self.scan_stored(table, why);
                if let Some(target) = self.schema.relation(*target) {
                    self.lock(&target.name, LockMode::RowShare);
                    if target.kind == Kind::PartitionedTable {
                        for partition in self.schema.descendants(target) {
                            self.lock(&partition.name, LockMode::AccessShare);
                        }
                    }
                    self.scan_stored(&target.name, why);
                }
            }
            None => {
                for child in self.family(known) {
                    self.lock(&child.name, mode);
                }
                self.scan_stored(table, "each row is checked");
            }
        }
    }
}

fn uses_index(kind: &ConstraintKind) -> bool {
    matches!(kind, ConstraintKind::PrimaryKey { using_index: Some(_), .. } | ConstraintKind::Unique { using_index: Some(_), .. })
}
