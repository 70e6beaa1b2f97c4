//! Columns: added, dropped, renamed, required, given defaults.

use super::{Model, types, volatility};
use crate::operation::{Column, ConstraintKind, Default, Expression, LockMode, Name};
use crate::schema::expression::{mentions, proves_not_null};
use crate::schema::{Kind, Table, TableColumn, value};

impl<'m> Model<'m> {
    pub(super) fn add_column(&mut self, table: &Name, column: &Column, if_not_exists: bool) {
        let known = self.schema.table(table);
        if let Some(known) = known {
            if known.column(&column.name).is_some() {
                if if_not_exists {
                    return self.lock(table, LockMode::AccessExclusive);
                }
                return self.fail(format!("`{table}` has a column `{}` already", column.name));
            }
            if known.is_partition() {
                return self.fail(format!("`{table}` is a partition: add the column to its parent"));
            }
            if known.is_view() {
                return self.fail(format!("`{table}` is a view"));
            }
            if self.wording.only && !known.ties().children.is_empty() {
                return self.fail(format!("the children of `{table}` must get the column too"));
            }
            if column.primary_key && known.primary_key().is_some() {
                return self.fail(format!("`{table}` has a primary key already"));
            }
        }
        self.lock_family(table, LockMode::AccessExclusive);
        if let Some(Default::Expression(expression)) = &column.default {
            self.take_numbers(&expression.0);
        }
        let rewrite = self.added_column_rewrites(column);
        let filled = column.default.as_ref().is_some_and(|default| !default.is_null());
        for stored in self.stored(table) {
            if let Some(why) = &rewrite {
                self.rewrite(&stored.name, why);
            }
            let constant = matches!(&column.default, Some(Default::Expression(value)) if !value.0.contains(['(', '\u{e000}']));
            if column.unique && filled && constant && stored.table.is_some_and(Table::has_several_rows) {
                return self.fail(format!("each row of `{}` would have the same `{}`", stored.name, column.name));
            }
            if column.primary_key || column.unique {
                self.scan(&stored.name, "the index of the new constraint is built");
            }
            let value = match &column.default {
                None => Some("NULL"),
                Some(Default::Expression(value)) => Some(value.0.as_str()),
                Some(_) => None,
            };
            let has_rows = stored.table.is_some_and(|table| table.has_rows) || known.is_some_and(|table| table.has_rows);
            let is_broken = |check: &Expression| value.is_some_and(|given| value::is_false(&check.0, column, given));
            if has_rows && column.checks.iter().any(is_broken) {
                return self.fail(format!("the rows of `{}` would break the CHECK of `{}`", stored.name, column.name));
            }
            if !column.checks.is_empty() {
                self.scan(&stored.name, "each row is checked against the new CHECK");
            }
            if column.nullable == Some(false) && !filled {
                self.scan(&stored.name, "each row is checked for NULL");
                // A domain may have a default of its own.
                let of_domain =
                    column.data_type.as_ref().is_some_and(|kind| self.schema.domain(&Name::new(kind.name.as_str())).is_some());
                if of_domain {
                    continue;
                }
                if stored.table.is_some_and(|table| table.has_rows) || known.is_some_and(|table| table.has_rows) {
                    self.fail(format!("`{}` holds rows, which would have NULL in `{}`", stored.name, column.name));
                }
            }
        }
        if let Some(reference) = &column.references {
            if self.major < 11 && known.is_some_and(|known| known.kind == Kind::PartitionedTable) {
                return self.fail("partitioned tables cannot have foreign keys before PostgreSQL 11");
            }
            self.referenced_key(known, &reference.table, &reference.columns, &[column]);
            self.lock(&reference.table, LockMode::ShareRowExclusive);
            // DEFAULT NULL too is a default, whose rows are read.
            if column.default.is_some() {
                self.scan_stored(table, "the foreign key is checked");
            }
            if filled {
                self.scan(&reference.table, "the foreign key is checked");
            }
        }
    }

    /// `nextval('s')` locks the sequence.
    pub(super) fn take_numbers(&mut self, expression: &str) {
        for function in ["nextval('", "setval('"] {
            if let Some((_, rest)) = expression.split_once(function)
                && let Some((sequence, _)) = rest.split_once('\'')
            {
                self.lock(&Name::new(sequence), LockMode::RowExclusive);
            }
        }
    }

    /// Why each row is written anew when the column comes.
    fn added_column_rewrites(&self, column: &Column) -> Option<String> {
        let name = &column.name;
        let domain = column.data_type.as_ref().filter(|data_type| types::base(data_type, self.schema).1);
        match &column.default {
            Some(Default::Sequence | Default::Identity) => Some(format!("each row gets a number of its own in `{name}`")),
            Some(Default::Generated { stored: None | Some(true), .. }) => {
                Some(format!("`{name}` is computed and stored for each row"))
            }
            Some(Default::Generated { stored: Some(false), .. }) => None,
            _ if domain.is_some() => {
                let domain = domain.map(|data_type| data_type.name.as_str()).unwrap_or_default();
                Some(format!("the domain `{domain}` has constraints, which are checked for each row"))
            }
            Some(Default::Expression(expression)) if !expression.is_null() => {
                match volatility::volatile_call(&expression.0, self.schema, self.major) {
                    Some(call) => {
                        Some(format!("the default calls `{call}()`, which is volatile: each row gets a value of its own"))
                    }
                    None if self.major < 11 => Some("before PostgreSQL 11 any default is written into each row".to_owned()),
                    None => None,
                }
            }
            _ => None,
        }
    }

    /// The column, or a failure when the table is known without it.
    pub(super) fn known_column(&mut self, table: &Name, column: &str) -> Option<(&'m Table, &'m TableColumn)> {
        let known = self.schema.table(table)?;
        match known.column(column) {
            Some(found) => Some((known, found)),
            None => {
                if known.complete {
                    self.fail(format!("`{table}` has no column `{column}`"));
                }
                None
            }
        }
    }

    pub(super) fn drop_column(&mut self, table: &Name, column: &str, if_exists: bool, cascade: bool) {
        let Some(known) = self.schema.table(table) else { return self.lock(table, LockMode::AccessExclusive) };
        let Some(found) = known.column(column) else {
            if known.complete && !if_exists {
                return self.fail(format!("`{table}` has no column `{column}`"));
            }
            return self.lock_family(table, LockMode::AccessExclusive);
        };
        if found.inherited {
            return self.fail(format!("`{column}` is inherited: drop it from the parent of `{table}`"));
        }
        if known.ties().partition_key.iter().any(|key| mentions(key, column)) {
            return self.fail(format!("`{column}` is part of the partition key of `{table}`"));
        }
        self.lock_family(table, LockMode::AccessExclusive);
        if !cascade && let Some(reason) = self.column_is_needed(known, column) {
            return self.fail(reason);
        }
        for view in self.schema.views_using(known, column) {
            self.drop_with_views(view);
        }
        self.lock_children(known);
        for table in self.family(known) {
            if table.column(column).is_some_and(|found| table.id == known.id || found.inherited) {
                self.drop_column_of(table, column);
            }
        }
    }

    /// Why DROP COLUMN asks for CASCADE.
    fn column_is_needed(&self, table: &Table, column: &str) -> Option<String> {
        if let Some(view) = self.schema.views_using(table, column).first() {
            return Some(format!("the view `{}` uses `{column}`: drop it first, or say CASCADE", view.name));
        }
        let mut pointing = self
            .schema
            .references_to(table)
            .filter(|(_, key)| key.references.as_ref().is_some_and(|(_, columns)| columns.iter().any(|name| name == column)));
        if let Some((from, key)) = pointing.find(|(from, key)| from.id != table.id || !key.mentions(column)) {
            return Some(format!("the foreign key `{}` of `{}` points to `{column}`", key.name, from.name));
        }
        let generated = table
            .columns()
            .into_iter()
            .find(|other| other.name != column && other.generated_from().is_some_and(|expression| mentions(expression, column)));
        if let Some(generated) = generated.filter(|_| self.major >= 15) {
            return Some(format!("the generated column `{}` uses `{column}`", generated.name));
        }
        let trigger = table.ties().triggers.iter().find(|trigger| trigger.columns.iter().any(|name| name == column));
        trigger.map(|trigger| format!("the trigger `{}` names `{column}`", trigger.name))
    }

    pub(super) fn drop_column_of(&mut self, table: &'m Table, column: &str) {
        self.drops(format!("col {}.{column}", super::in_public(&table.name)));
        for (from, key) in self.schema.references_to(table) {
            if key.references.as_ref().is_some_and(|(_, columns)| columns.iter().any(|name| name == column)) {
                self.lock(&from.name, LockMode::AccessExclusive);
                self.drops(format!("con f {}", key.name));
            }
        }
        for constraint in table.constraints().into_iter().filter(|constraint| constraint.mentions(column)) {
            self.drops(format!("con {} {}", constraint.letter(), constraint.name));
            if let Some((target, _)) = constraint.references.as_ref()
                && let Some(target) = self.schema.relation(*target)
            {
                self.lock(&target.name, LockMode::AccessExclusive);
            }
        }
        for index in table.indexes().into_iter().filter(|index| index.mentions(column)) {
            let letter = if table.kind == Kind::PartitionedTable { 'I' } else { 'i' };
            self.drops(format!("rel {letter} {}", index.name));
        }
        if let Some(sequence) = table.column(column).and_then(|column| column.sequence.clone()) {
            self.lock(&Name::with_schema(table.name.schema.clone(), sequence.as_str()), LockMode::AccessExclusive);
            self.drops(format!("rel S {sequence}"));
        }
        let generated: Vec<String> = table
            .columns()
            .into_iter()
            .filter(|other| other.name != column && other.generated_from().is_some_and(|text| mentions(text, column)))
            .map(|other| other.name.clone())
            .collect();
        for other in generated {
            self.drop_column_of(table, &other);
        }
    }

    pub(super) fn rename_column(&mut self, table: &Name, column: &str, to: &str) {
        if let Some((known, found)) = self.known_column(table, column) {
            if found.inherited {
                return self.fail(format!("`{column}` is inherited: rename it on the parent of `{table}`"));
            }
            if known.column(to).is_some() {
                return self.fail(format!("`{table}` has a column `{to}` already"));
            }
        }
        self.lock_family(table, LockMode::AccessExclusive);
    }

    pub(super) fn rename_table(&mut self, table: &Name, to: &Name) {
        if self.schema.table(table).is_none() && self.schema.index(table).is_some() {
            // Only the index is locked, and its table goes on.
            return;
        }
        if self.schema.table(to).is_some() {
            return self.fail(format!("`{to}` exists already"));
        }
        self.lock(table, LockMode::AccessExclusive);
        if table.schema != to.schema
            && let Some(known) = self.schema.table(table)
        {
            self.lock_sequences(known, LockMode::AccessExclusive);
        }
    }

    /// The sequences of a table's serial and identity columns.
    pub(super) fn lock_sequences(&mut self, table: &'m Table, mode: LockMode) {
        for sequence in table.columns().into_iter().filter_map(|column| column.sequence.as_ref()) {
            self.lock(&Name::with_schema(table.name.schema.clone(), sequence.as_str()), mode);
        }
    }

    pub(super) fn set_not_null(&mut self, table: &Name, column: &str) {
        self.known_column(table, column);
        self.lock_family(table, LockMode::AccessExclusive);
        self.check_not_null(table, column);
    }

    /// Reads the rows, unless nothing can be NULL already.
    pub(super) fn check_not_null(&mut self, table: &Name, column: &str) {
        for stored in self.stored(table) {
            if stored.table.is_some_and(|table| table.has_null_in(column)) {
                return self.fail(format!("rows of `{}` have NULL in `{column}`", stored.name));
            }
            if !stored.table.is_some_and(|table| self.is_never_null(table, column)) {
                self.scan(&stored.name, &format!("each row is checked for NULL in `{column}`"));
            }
        }
    }

    /// Whether the column is NOT NULL, or a validated CHECK proves it so (from 12 on).
    pub(super) fn is_never_null(&self, table: &Table, column: &str) -> bool {
        let required = table.column(column).is_some_and(|column| column.nullable == Some(false));
        let proven = |check: &&crate::schema::TableConstraint| match &check.kind {
            ConstraintKind::Check { expression } => check.validated && proves_not_null(&expression.0, column),
            _ => false,
        };
        required || (self.major >= 12 && table.constraints().iter().any(proven))
    }

    pub(super) fn drop_not_null(&mut self, table: &Name, column: &str) {
        if let Some((known, found)) = self.known_column(table, column) {
            if known.primary_key().is_some_and(|key| key.mentions(column)) {
                return self.fail(format!("`{column}` is in the primary key of `{table}`"));
            }
            if matches!(found.default, Some(Default::Identity)) {
                return self.fail(format!("`{column}` is an identity column"));
            }
            // From 18 on NOT NULL is a constraint, which children inherit as such.
            if (known.is_partition() || self.major >= 18) && found.inherited && found.nullable == Some(false) {
                let parents = self.schema.parents(known);
                let required = |parent: &Table| parent.column(column).is_some_and(|column| column.nullable == Some(false));
                if parents.into_iter().any(required) {
                    return self.fail(format!("the parent of `{table}` has NOT NULL on `{column}`"));
                }
            }
        }
        self.lock_family(table, LockMode::AccessExclusive);
    }

    pub(super) fn set_default(&mut self, table: &Name, column: &str, default: Option<&Default>) {
        if let Some((known, found)) = self.known_column(table, column)
            && !known.is_view()
        {
            match (default, &found.default) {
                (Some(Default::Identity), Some(_)) => return self.fail(format!("`{column}` has a default already")),
                (Some(Default::Identity), None) if found.nullable != Some(false) => {
                    return self.fail(format!("`{column}` must be NOT NULL to become an identity column"));
                }
                (Some(Default::Expression(_)) | None, Some(Default::Identity)) => {
                    return self.fail(format!("`{column}` is an identity column"));
                }
                (_, Some(Default::Generated { .. })) => return self.fail(format!("`{column}` is a generated column")),
                _ => {}
            }
        }
        self.lock_family(table, LockMode::AccessExclusive);
    }
}
