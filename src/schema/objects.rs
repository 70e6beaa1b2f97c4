//! Types, views, sequences, functions and triggers.

use super::relation::{Kind, Table, Trigger, Use};
use super::{Domain, EnumType, Function, RelationId, Schema};
use crate::history::Index;
use crate::operation::{CreateTrigger, Default, DomainChange, EnumPlace, Name, Operation, Query};

impl Schema {
    /// A default holds the value itself, whatever it is called.
    fn rename_in_defaults(&mut self, of: &Name, value: &str, to: &str) {
        let found: Vec<(Name, String)> =
            self.columns_of_type(of).into_iter().map(|(table, column)| (table.name.clone(), column.name.clone())).collect();
        let (old, new) = (format!("'{value}'"), format!("'{to}'"));
        for (table, column) in found {
            self.change_column(&table, &column, |column| {
                if let Some(Default::Expression(default)) = &mut column.default {
                    default.0 = default.0.replace(&old, &new);
                }
            });
        }
    }

    /// With CASCADE the triggers that execute it go too.
    fn drop_function(&mut self, name: &Name, cascade: bool) {
        self.functions.remove_mut(&*self.key(name));
        let shown = crate::engine::in_public(name).to_string();
        let runs = |trigger: &Trigger| trigger.function.as_ref() == Some(&shown);
        let tables: Vec<Name> = match cascade {
            true => {
                self.tables().filter(|table| table.ties().triggers.iter().any(runs)).map(|table| table.name.clone()).collect()
            }
            false => Vec::new(),
        };
        for table in tables {
            self.change(&table, |table, _| table.ties_mut().triggers.retain(|trigger| !runs(trigger)));
        }
    }

    /// What has nothing to do with a table's own definition.
    pub(super) fn apply_to_object(&mut self, operation: &Operation, migration: Index) {
        match operation {
            Operation::CreateEnum { name, labels } => {
                self.enums.insert_mut(self.key(name).into_owned(), EnumType { labels: labels.clone(), created_in: migration });
            }
            Operation::AddEnumValue { name, value, place, .. } => {
                if let Some(mut known) = self.enum_type(name).cloned()
                    && !known.labels.contains(value)
                {
                    let position = |label: &String| known.labels.iter().position(|other| other == label);
                    let at = match place {
                        EnumPlace::Last => None,
                        EnumPlace::Before(label) => position(label),
                        EnumPlace::After(label) => position(label).map(|at| at + 1),
                    };
                    known.labels.insert(at.unwrap_or(known.labels.len()), value.clone());
                    self.enums.insert_mut(self.key(name).into_owned(), known);
                }
            }
            Operation::RenameEnumValue { name, value, to } => {
                if let Some(mut known) = self.enum_type(name).cloned() {
                    known.labels.iter_mut().filter(|label| *label == value).for_each(|label| to.clone_into(label));
                    self.enums.insert_mut(self.key(name).into_owned(), known);
                    self.rename_in_defaults(name, value, to);
                }
            }
            Operation::DropType { name, cascade, .. } => {
                // Without CASCADE the server would have refused.
                let using = if *cascade { self.columns_of_type(name) } else { Vec::new() };
                let using: Vec<(Name, String)> =
                    using.into_iter().map(|(table, column)| (table.name.clone(), column.name.clone())).collect();
                for (table, column) in using {
                    self.drop_column(&table, &column);
                }
                let key = self.key(name);
                self.enums.remove_mut(&*key);
                self.domains.remove_mut(&*key);
                self.composites.remove_mut(&*key);
            }
            Operation::RenameType { name, to } => self.rename_type(name, to),
            Operation::CreateComposite { name } => {
                self.composites.insert_mut(self.key(name).into_owned(), migration);
            }
            Operation::CreateDomain { name, base, not_null, checks } => {
                let default_name = super::naming::object_name(&name.name, "", "check");
                let mut names: Vec<String> = Vec::new();
                for check in checks {
                    let made = || super::naming::free(default_name.clone(), |name| names.iter().any(|known| known == name));
                    names.push(check.clone().unwrap_or_else(made));
                }
                let domain = Domain { base: base.clone(), not_null: *not_null, checks: names, created_in: migration };
                self.domains.insert_mut(self.key(name).into_owned(), domain);
            }
            Operation::AlterDomain { name, change } => self.alter_domain(name, change),
            Operation::CreateFunction { name, volatility, body, returns_trigger, .. } => {
                self.functions.insert_mut(
                    self.key(name).into_owned(),
                    Function { volatility: *volatility, body: body.clone(), returns_trigger: *returns_trigger },
                );
            }
            Operation::DropFunction { name, cascade, .. } => self.drop_function(name, *cascade),
            Operation::CreateSequence { name, owned_by, .. } | Operation::OwnSequence { name, owned_by } => {
                let owner = owned_by.as_ref().and_then(|(table, column)| Some((self.table(table)?.id, column.clone())));
                self.sequences.insert_mut(self.key(name).into_owned(), owner);
            }
            Operation::DropSequence { name, .. } => {
                self.sequences.remove_mut(&*self.key(name));
            }
            Operation::CreateTrigger(trigger) => {
                let CreateTrigger { name, columns, function, text, on_insert, .. } = &**trigger;
                let entry = Trigger {
                    name: name.clone(),
                    columns: columns.clone(),
                    function: function.clone(),
                    text: text.clone(),
                    on_insert: *on_insert,
                };
                self.change(&trigger.table, |table, _| {
                    let ties = table.ties_mut();
                    ties.triggers.retain(|known| known.name != entry.name);
                    ties.triggers.push(entry);
                });
            }
            Operation::DropTrigger { table: Some(table), trigger, .. } => {
                self.change(table, |table, _| table.ties_mut().triggers.retain(|known| known.name != *trigger));
            }
            // SQLite's triggers have names of their own.
            Operation::DropTrigger { table: None, trigger, .. } => {
                let has = |table: &&Table| table.ties().triggers.iter().any(|known| known.name == *trigger);
                let owner = self.relations().find(has).map(|table| table.name.clone());
                if let Some(table) = owner {
                    self.change(&table, |table, _| table.ties_mut().triggers.retain(|known| known.name != *trigger));
                }
            }
            Operation::DropSchema { name, .. } => {
                let inside: Vec<Name> = self
                    .relations()
                    .map(|table| table.name.clone())
                    .filter(|table| table.schema.as_deref().unwrap_or("public") == name)
                    .collect();
                for table in inside {
                    self.drop_relation(&table);
                }
            }
            _ => {}
        }
    }

    fn alter_domain(&mut self, name: &Name, change: &DomainChange) {
        let key = self.key(name);
        let Some(mut domain) = self.domains.get(&*key).cloned() else { return };
        match change {
            DomainChange::AddCheck { constraint, .. } => {
                let made = || super::naming::object_name(&name.name, "", "check");
                domain.checks.push(constraint.clone().unwrap_or_else(made));
            }
            DomainChange::DropConstraint { constraint, .. } => domain.checks.retain(|known| known != constraint),
            DomainChange::SetNotNull => domain.not_null = true,
            DomainChange::DropNotNull => domain.not_null = false,
            DomainChange::Rename { to } => return self.rename_type(name, to),
            DomainChange::RenameConstraint { constraint, to } => {
                domain.checks.iter_mut().filter(|known| *known == constraint).for_each(|known| to.clone_into(known));
            }
            DomainChange::ValidateConstraint { .. } | DomainChange::Other => return,
        }
        self.domains.insert_mut(key.into_owned(), domain);
    }

    fn rename_type(&mut self, name: &Name, to: &str) {
        let renamed = Name::with_schema(name.schema.clone(), to);
        let (key, new) = (self.key(name), self.key(&renamed));
        if let Some(known) = self.enums.get(&*key).cloned() {
            self.enums.remove_mut(&*key);
            self.enums.insert_mut(new.clone().into_owned(), known);
        }
        if let Some(known) = self.domains.get(&*key).cloned() {
            self.domains.remove_mut(&*key);
            self.domains.insert_mut(new.clone().into_owned(), known);
        }
        if let Some(known) = self.composites.get(&*key).copied() {
            self.composites.remove_mut(&*key);
            self.composites.insert_mut(new.clone().into_owned(), known);
        }
        let using: Vec<(RelationId, String)> =
            self.columns_of_type(name).iter().map(|(table, column)| (table.id, self.fold(&column.name))).collect();
        for (id, column) in using {
            let column = self.relations.get_mut(&id).and_then(|table| table.columns.get_mut(&column));
            if let Some(data_type) = column.and_then(|column| column.data_type.as_mut()) {
                new.as_ref().clone_into(&mut data_type.name);
            }
        }
    }

    pub(super) fn rename_sequence(&mut self, from: &Name, to: &Name) {
        let key = self.key(from);
        let Some(owner) = self.sequences.get(&*key).cloned() else { return };
        self.sequences.remove_mut(&*key);
        self.sequences.insert_mut(self.key(to).into_owned(), owner);
    }

    pub(super) fn create_view(
        &mut self,
        name: &Name,
        materialized: bool,
        replace: bool,
        if_not_exists: bool,
        query: Option<&Query>,
        migration: Index,
    ) {
        if !name.is_known() {
            return;
        }
        let known = self.table(name).map(|view| view.id);
        if known.is_some() && if_not_exists {
            return;
        }
        let used_by = match known.filter(|_| replace).and_then(|id| self.relations.get(&id)).cloned() {
            Some(old) => {
                for used in &old.ties().uses {
                    if let Some(used) = self.relations.get_mut(&used.relation) {
                        used.ties_mut().used_by.retain(|view| *view != old.id);
                    }
                }
                old.ties().used_by.clone()
            }
            None => Vec::new(),
        };
        let id = known.unwrap_or_else(|| self.new_id());
        let mut uses = query.map(|query| self.uses(query)).unwrap_or_default();
        // A view that reads itself through others fails when it is used; here no circle is closed.
        let over: Vec<RelationId> = match self.relations.get(&id) {
            Some(view) => self.views_over(view).iter().map(|over| over.id).collect(),
            None => Vec::new(),
        };
        uses.retain(|used| used.relation != id && !over.contains(&used.relation));
        for used in &uses {
            if let Some(relation) = self.relations.get_mut(&used.relation)
                && !relation.ties().used_by.contains(&id)
            {
                relation.ties_mut().used_by.push(id);
            }
        }
        let kind = if materialized { Kind::MaterializedView } else { Kind::View };
        let mut view = Table::new(id, name.clone(), kind, Some(migration));
        if !uses.is_empty() || !used_by.is_empty() {
            let ties = view.ties_mut();
            ties.uses = uses;
            ties.used_by = used_by;
        }
        if let Some(output) = query.and_then(|query| query.output.as_ref()) {
            for column in output {
                view.add(&crate::operation::Column::new(column.as_str(), None), self.folds, migration);
            }
        }
        self.insert(view);
    }

    /// The relations of a query with the columns that it uses of each.
    fn uses(&mut self, query: &Query) -> Vec<Use> {
        let mut out: Vec<Use> = Vec::new();
        for relation in &query.relations {
            let Some(id) = self.known_or_new(&relation.name) else { continue };
            let Some(table) = self.relations.get(&id) else { continue };
            let columns = if table.complete || table.is_view() && !table.columns.is_empty() {
                let all = table.columns();
                Some(
                    all.iter()
                        .filter(|column| query.uses(&relation.called, &column.name))
                        .map(|column| column.name.clone())
                        .collect(),
                )
            } else if query.wildcards.is_empty() {
                let named =
                    query.columns.iter().filter(|(qualifier, _)| qualifier.as_ref().is_none_or(|name| *name == relation.called));
                Some(named.map(|(_, name)| name.clone()).collect::<Vec<String>>())
            } else {
                None
            };
            out.push(Use { relation: id, columns });
        }
        out
    }
}
