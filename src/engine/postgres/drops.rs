//! DROP: what goes along, what is locked for it, what stands in the way.

use super::{Model, in_public};
use crate::operation::{LockMode, Name, Operation};
use crate::schema::{Kind, Table, TableColumn, expression};

use LockMode::AccessExclusive;

impl<'m> Model<'m> {
    pub(super) fn drop_table(&mut self, name: &Name, cascade: bool) {
        let Some(table) = self.schema.table(name) else { return self.lock_unless_absent(name) };
        if table.is_view() {
            return self.fail(format!("`{name}` is a view, not a table"));
        }
        if !cascade && let Some(reason) = self.table_is_needed(table) {
            return self.fail(reason);
        }
        self.drop_with_children(table);
        for parent in self.schema.parents(table) {
            if table.is_partition() {
                self.lock(&parent.name, AccessExclusive);
                self.lock_default_partition(parent, Some(table));
            }
        }
    }

    /// What IF EXISTS doubts and this history does not create is taken to be absent.
    fn lock_unless_absent(&mut self, name: &Name) {
        if !self.wording.if_exists {
            self.lock(name, AccessExclusive);
        }
    }

    /// Whether the same statement drops that one too.
    fn goes_too(&self, table: &Table) -> bool {
        self.statement.iter().any(|operation| match operation {
            Operation::DropTable { table: name, .. }
            | Operation::DropView { name, .. }
            | Operation::Truncate { table: name, .. } => in_public(name) == in_public(&table.name),
            _ => false,
        })
    }

    /// Why DROP TABLE asks for CASCADE.
    fn table_is_needed(&self, table: &Table) -> Option<String> {
        let name = &table.name;
        let mut pointing = self.schema.references_to(table);
        if let Some((from, key)) = pointing.find(|(from, _)| from.id != table.id && !self.goes_too(from)) {
            return Some(format!(
                "the foreign key `{}` of `{}` points to `{name}`: drop it first, or say CASCADE",
                key.name, from.name
            ));
        }
        let views = self.schema.views_over(table);
        if let Some(view) = views.into_iter().find(|view| !self.goes_too(view)) {
            return Some(format!("the view `{}` is over `{name}`: drop it first, or say CASCADE", view.name));
        }
        let children = self.schema.descendants(table);
        let child = children.into_iter().find(|child| !child.is_partition() && !self.goes_too(child));
        child.map(|child| format!("`{}` inherits from `{name}`: drop it first, or say CASCADE", child.name))
    }

    fn drop_with_children(&mut self, table: &'m Table) {
        self.drop_one(table);
        for child in self.schema.descendants(table) {
            self.drop_one(child);
        }
    }

    /// One table with its keys, indexes, sequences, and the views and foreign keys of others.
    fn drop_one(&mut self, table: &'m Table) {
        self.lock(&table.name, AccessExclusive);
        let shown = in_public(&table.name);
        let letter = match table.kind {
            Kind::PartitionedTable => 'p',
            Kind::MaterializedView => 'm',
            Kind::View => 'v',
            Kind::Table => 'r',
        };
        self.drops(format!("rel {letter} {shown}"));
        if !table.is_view() {
            for column in table.columns() {
                self.drops(format!("col {shown}.{}", column.name));
            }
        }
        for constraint in table.constraints() {
            self.drops(format!("con {} {}", constraint.letter(), constraint.name));
        }
        for index in table.indexes() {
            self.drops(format!("rel {} {}", if letter == 'p' { 'I' } else { 'i' }, index.name));
        }
        for trigger in &table.ties().triggers {
            self.drops(format!("trg {}", trigger.name));
        }
        for policy in &table.ties().policies {
            self.drops(format!("pol {policy}"));
        }
        for sequence in table.columns().into_iter().filter_map(|column| column.sequence.as_ref()) {
            self.drops(format!("rel S {sequence}"));
        }
        self.lock_sequences(table, AccessExclusive);
        for (_, target) in self.schema.references_from(table) {
            self.lock(&target.name, AccessExclusive);
        }
        for (from, key) in self.schema.references_to(table) {
            self.lock(&from.name, AccessExclusive);
            self.drops(format!("con f {}", key.name));
        }
        for view in self.schema.views_over(table) {
            self.drop_with_views(view);
        }
    }

    /// A view with the views over it.
    pub(super) fn drop_with_views(&mut self, view: &'m Table) {
        let mut all = vec![view];
        all.extend(self.schema.views_over(view));
        for view in all {
            self.lock(&view.name, AccessExclusive);
            let letter = if view.kind == Kind::MaterializedView { 'm' } else { 'v' };
            self.drops(format!("rel {letter} {}", in_public(&view.name)));
            for index in view.indexes() {
                self.drops(format!("rel i {}", index.name));
            }
        }
    }

    pub(super) fn drop_view(&mut self, name: &Name, cascade: bool) {
        let Some(view) = self.schema.table(name) else { return self.lock_unless_absent(name) };
        if !view.is_view() && view.created_in.is_some() {
            return self.fail(format!("`{name}` is a table, not a view"));
        }
        let over = self.schema.views_over(view).into_iter().find(|over| !self.goes_too(over));
        if let Some(over) = over.filter(|_| !cascade) {
            return self.fail(format!("the view `{}` is over `{name}`: drop it first, or say CASCADE", over.name));
        }
        self.drop_with_views(view);
    }

    pub(super) fn truncate(&mut self, name: &Name, cascade: bool) {
        let restarts =
            self.statement.iter().any(|operation| matches!(operation, Operation::Truncate { restart_identity: true, .. }));
        self.lock_family(name, AccessExclusive);
        let Some(table) = self.schema.table(name) else {
            self.effects.rewrites.insert(in_public(name), "the rows are removed".to_owned());
            return;
        };
        let mut all: Vec<&'m Table> = self.family(table);
        let mut next = 0;
        while let Some(&table) = all.get(next) {
            next += 1;
            for (from, key) in self.schema.references_to(table) {
                if all.iter().any(|known| known.id == from.id) || self.goes_too(from) {
                    continue;
                }
                if !cascade {
                    return self.fail(format!("the foreign key `{}` of `{}` points to `{}`", key.name, from.name, table.name));
                }
                all.push(from);
            }
        }
        for table in all {
            self.lock(&table.name, AccessExclusive);
            if table.has_storage() {
                let why = "the rows are removed";
                self.effects.rewrites.insert(in_public(&table.name), why.to_owned());
                if !table.indexes().is_empty() {
                    self.scan(&table.name, why);
                }
            }
            if restarts {
                self.lock_sequences(table, AccessExclusive);
            }
            if self.major < 14 && table.is_partition() {
                for parent in self.schema.parents(table) {
                    self.lock(&parent.name, LockMode::AccessShare);
                }
            }
        }
    }

    pub(super) fn drop_type(&mut self, name: &Name, cascade: bool, is_domain: bool) {
        if self.schema.composite(name) {
            self.lock(name, AccessExclusive);
        }
        let using = self.schema.columns_of_type(name);
        for (table, column) in using {
            if !cascade {
                let kind = if is_domain { "domain" } else { "type" };
                return self.fail(format!("the column `{}.{}` is of the {kind} `{name}`", table.name, column.name));
            }
            self.lock(&table.name, AccessExclusive);
            self.drops(format!("col {}.{}", in_public(&table.name), column.name));
        }
    }

    pub(super) fn drop_function(&mut self, name: &Name, cascade: bool) {
        let shown = in_public(name).to_string();
        let mut using: Vec<(&'m Table, String)> = Vec::new();
        for table in self.schema.tables() {
            let triggers = table.ties().triggers.iter().filter(|trigger| trigger.function.as_ref() == Some(&shown));
            using.extend(triggers.map(|trigger| (table, trigger.name.clone())));
        }
        using.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        for (table, trigger) in using {
            if !cascade {
                return self.fail(format!("the trigger `{trigger}` of `{}` executes `{name}`", table.name));
            }
            self.lock(&table.name, AccessExclusive);
            self.drops(format!("trg {trigger}"));
        }
        let calls = |text: &str| expression::calls(text).contains(&name.name);
        for (table, what) in self.standing_on(calls) {
            // Another function of the same name may be the one that is called.
            if !cascade && name.is_known() && self.schema.function(&name.name).is_some() {
                return self.fail(format!("{what} calls `{name}`"));
            }
            self.lock(&table.name, AccessExclusive);
        }
    }

    pub(super) fn drop_sequence(&mut self, name: &Name, if_exists: bool, cascade: bool) {
        let Some(owner) = self.schema.sequence(name) else {
            if !if_exists {
                self.lock(name, AccessExclusive);
            }
            return;
        };
        // A column that was made serial takes its default from the sequence, until the default is dropped.
        let takes_from = |column: &TableColumn| column.sequence.is_some() && column.default.is_some();
        if let Some((table, column)) = owner
            && table.column(column).is_some_and(takes_from)
        {
            if !cascade {
                return self.fail(format!("the default of `{}.{column}` takes its numbers from `{name}`", table.name));
            }
            self.lock(&table.name, AccessExclusive);
        }
        let takes = format!("nextval('{}'", in_public(name));
        for (table, what) in self.standing_on(|text| text.contains(&takes)) {
            if !cascade {
                return self.fail(format!("{what} takes its numbers from `{name}`"));
            }
            self.lock(&table.name, AccessExclusive);
        }
        self.lock(name, AccessExclusive);
        self.drops(format!("rel S {}", in_public(name)));
    }

    pub(super) fn drop_schema(&mut self, name: &str, cascade: bool) {
        let inside = |table: &&Table| table.name.schema.as_deref().unwrap_or("public") == name;
        let mut tables: Vec<&'m Table> = self.schema.relations().filter(inside).collect();
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(table) = tables.first().filter(|_| !cascade) {
            return self.fail(format!("the schema `{name}` holds `{}`: say CASCADE, or drop it first", table.name));
        }
        for table in tables {
            self.drop_one(table);
        }
        if name == "public" {
            let sequences: Vec<String> = self.schema.sequences().filter(|name| !name.contains('.')).map(str::to_owned).collect();
            for sequence in sequences {
                self.lock(&Name::new(sequence.as_str()), AccessExclusive);
                self.drops(format!("rel S {sequence}"));
            }
            let composites: Vec<String> =
                self.schema.composites().filter(|name| !name.contains('.')).map(str::to_owned).collect();
            for composite in composites {
                self.lock(&Name::new(composite), AccessExclusive);
            }
        }
    }
}
