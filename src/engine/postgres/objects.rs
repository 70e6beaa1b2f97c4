//! Views, types, triggers.

use super::Model;
use crate::operation::{CreateTrigger, DomainChange, LockMode, Name, Operation};
use crate::schema::Kind;

use LockMode::{AccessExclusive, AccessShare};

impl Model<'_> {
    pub(super) fn create_view(&mut self, operation: &Operation) {
        let Operation::CreateView { name, materialized, replace, if_not_exists, with_data, query } = operation else { return };
        if let Some(known) = self.schema.table(name).filter(|known| known.created_in.is_some()) {
            if *if_not_exists {
                for relation in query.iter().flat_map(|query| &query.relations) {
                    self.lock(&relation.name, AccessShare);
                }
                return;
            }
            if !replace {
                return self.fail(format!("`{name}` exists already"));
            }
            let old: Vec<&String> = known.columns().iter().map(|column| &column.name).collect();
            if let Some(new) = query.as_ref().and_then(|query| query.output.as_ref()) {
                let keeps = new.len() >= old.len() && old.iter().zip(new).all(|(old, new)| *old == new);
                if !old.is_empty() && !keeps {
                    return self.fail(format!("CREATE OR REPLACE VIEW can only add columns at the end of `{name}`"));
                }
            }
            self.lock(name, AccessExclusive);
        }
        for relation in query.iter().flat_map(|query| &query.relations) {
            if *materialized {
                self.read(&relation.name, AccessShare, *with_data);
            } else if relation.name != *name {
                self.lock(&relation.name, AccessShare);
            }
        }
    }

    pub(super) fn refresh(&mut self, name: &Name, concurrently: bool, with_data: bool) {
        let known = self.schema.table(name);
        if let Some(known) = known {
            if known.kind != Kind::MaterializedView {
                return self.fail(format!("`{name}` is no materialized view"));
            }
            let has_key =
                known.indexes().iter().any(|index| index.unique && index.predicate.is_none() && !index.has_expressions());
            if concurrently && !has_key {
                return self.fail(format!("`{name}` has no unique index, which REFRESH … CONCURRENTLY needs"));
            }
        }
        self.lock(name, if concurrently { LockMode::Exclusive } else { AccessExclusive });
        let why = "the view is computed anew";
        let has_index = known.is_some_and(|known| !known.indexes().is_empty());
        if has_index {
            self.scan(name, why);
        }
        if !concurrently {
            self.effects.rewrites.insert(super::in_public(name), why.to_owned());
        }
        if with_data && let Some(known) = known {
            for below in self.schema.below(known) {
                self.read(&below.name, AccessShare, true);
            }
        }
    }

    pub(super) fn alter_enum(&mut self, operation: &Operation) {
        match operation {
            Operation::AddEnumValue { name, value, if_not_exists: false, .. }
                if self.schema.enum_type(name).is_some_and(|known| known.labels.contains(value)) =>
            {
                self.fail(format!("`{name}` has the value '{value}' already"));
            }
            Operation::RenameEnumValue { name, value, .. }
                if self.schema.enum_type(name).is_some_and(|known| !known.labels.contains(value)) =>
            {
                self.fail(format!("`{name}` has no value '{value}'"));
            }
            _ => {}
        }
    }

    pub(super) fn alter_composite(&mut self, operation: &Operation) {
        let Operation::AlterComposite { name, changes_type, dropped, cascade } = operation else { return };
        let typed: Vec<Name> = self
            .schema
            .tables()
            .filter(|table| table.ties().of_type.as_deref() == Some(name.name.as_str()))
            .map(|table| table.name.clone())
            .collect();
        if let Some(table) = typed.first().filter(|_| !*cascade) {
            return self.fail(format!("`{table}` is a table of the type `{name}`: say CASCADE"));
        }
        if let Some((table, column)) = self.schema.columns_of_type(name).first().filter(|_| *changes_type) {
            return self.fail(format!("the column `{}.{}` is of the type `{name}`", table.name, column.name));
        }
        self.lock(name, AccessExclusive);
        for table in typed {
            self.lock(&table, AccessExclusive);
            if let Some(attribute) = dropped {
                self.drops(format!("col {}.{attribute}", super::in_public(&table)));
            }
        }
    }

    pub(super) fn alter_domain(&mut self, name: &Name, change: &DomainChange) {
        if let (Some(domain), DomainChange::DropConstraint { constraint, if_exists: false }) = (self.schema.domain(name), change)
            && !domain.checks.contains(constraint)
        {
            return self.fail(format!("the domain `{name}` has no constraint `{constraint}`"));
        }
        let checks = matches!(
            change,
            DomainChange::AddCheck { not_valid: false, .. } | DomainChange::ValidateConstraint { .. } | DomainChange::SetNotNull
        );
        if !checks {
            return;
        }
        let mut domains = vec![name.clone()];
        let mut at = 0;
        while let Some(domain) = domains.get(at).cloned() {
            for over in self.schema.domains_over(&domain) {
                if !domains.contains(&over) {
                    domains.push(over);
                }
            }
            at += 1;
        }
        for (table, column) in domains.iter().flat_map(|domain| self.schema.columns_of_type(domain)) {
            self.lock(&table.name, LockMode::Share);
            if table.has_storage() {
                self.scan(&table.name, &format!("each value of `{}` is checked against the domain `{name}`", column.name));
            }
        }
    }

    pub(super) fn create_trigger(&mut self, trigger: &CreateTrigger) {
        let mode = LockMode::ShareRowExclusive;
        let known = self.schema.table(&trigger.table);
        if let Some(table) = known.filter(|table| table.kind == Kind::PartitionedTable && trigger.each_row) {
            let since = if trigger.before { 13 } else { 11 };
            if self.major < since {
                return self.fail(format!("such a trigger on the partitioned table `{}` needs PostgreSQL {since}", table.name));
            }
            for partition in self.schema.descendants(table) {
                self.lock(&partition.name, mode);
            }
        }
        if let Some(table) = known
            && !trigger.or_replace
            && table.ties().triggers.iter().any(|known| known.name == trigger.name)
        {
            return self.fail(format!("`{}` has a trigger `{}` already", trigger.table, trigger.name));
        }
        self.lock(&trigger.table, mode);
    }

    pub(super) fn drop_trigger(&mut self, table: Option<&Name>, trigger: &str, if_exists: bool) {
        let Some(name) = table else { return };
        let known = self.schema.table(name).filter(|table| table.created_in.is_some());
        let missing = known.is_some_and(|table| !table.ties().triggers.iter().any(|known| known.name == trigger));
        match (missing, if_exists) {
            (true, true) => {}
            (true, false) => self.fail(format!("`{name}` has no trigger `{trigger}`")),
            (false, _) => {
                self.lock(name, AccessExclusive);
                if let Some(table) = known.filter(|table| table.kind == Kind::PartitionedTable) {
                    for partition in self.schema.descendants(table) {
                        self.lock(&partition.name, AccessExclusive);
                    }
                }
                self.drops(format!("trg {trigger}"));
            }
        }
    }
}
