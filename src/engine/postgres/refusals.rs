//! What PostgreSQL refuses before it does anything: the wrong kind of relation, a name that is not there, an expression
//! that may not stand there. Only what a whole history shows for certain.

use super::{Model, in_public, types, volatility};
use crate::operation::{
    Column, Constraint, ConstraintKind, CreateIndex, CreateTable, CreateTrigger, DataType, Default, EnumPlace, Name, Operation,
    ReindexTarget, Rows,
};
use crate::schema::{Kind, Table, expression};

/// Types without an order of their own, which a B-tree needs.
const UNORDERED: &[&str] = &["json", "xml", "point", "box", "polygon", "circle", "line", "path", "lseg"];

impl<'m> Model<'m> {
    /// The refusal, where there is one.
    pub(super) fn refusal_of(&self, operation: &Operation) -> Option<String> {
        match operation {
            Operation::DropView { name, materialized, .. } => {
                let wanted = if *materialized { Kind::MaterializedView } else { Kind::View };
                let known = self.whole(name).filter(|known| known.is_view() && known.kind != wanted)?;
                let (is, no) = match known.kind {
                    Kind::View => ("a view", "no materialized one: DROP VIEW"),
                    _ => ("a materialized view", "no plain one: DROP MATERIALIZED VIEW"),
                };
                Some(format!("`{name}` is {is}, {no}"))
            }
            Operation::Truncate { table, .. } => {
                if let Some(view) = self.whole(table).filter(|known| known.is_view()) {
                    return Some(format!("`{}` is a view, which holds no rows to be truncated", view.name));
                }
                let parent = self.partitioned(table).filter(|_| self.wording.only)?;
                Some(format!("ONLY leaves nothing of the partitioned table `{}` to be truncated", parent.name))
            }
            Operation::AddColumn { table, column, .. } => self.column_refusal(table, column),
            Operation::AlterColumnType { table, column, to: Some(to), .. } => self.key_refusal(table, column, to),
            Operation::DropColumn { table, column, .. } if self.wording.only => {
                let known = self.partitioned(table).filter(|known| !known.ties().children.is_empty())?;
                Some(format!("`{column}` cannot be dropped from the partitioned table `{}` ONLY", known.name))
            }
            Operation::RenameColumn { table, column, .. } if self.wording.only => {
                let known = self.whole(table).filter(|known| !known.ties().children.is_empty())?;
                Some(format!("`{column}` must be renamed in the children of `{}` too", known.name))
            }
            Operation::RenameConstraint { table, constraint, .. } => {
                // The constraints of NOT NULL, which 18 names, are not replayed.
                let known = self.whole(table).filter(|known| known.constraint(constraint).is_none())?;
                let may_be = known.may_have_constraint(constraint)
                    || !Name::new(constraint.as_str()).is_known()
                    || constraint.contains("not_null");
                (!may_be).then(|| format!("`{}` has no constraint `{constraint}`", known.name))
            }
            Operation::AddConstraint { table, constraint } => match &constraint.kind {
                ConstraintKind::Check { expression } => self.unknown_name(table, &expression.0),
                _ => None,
            }
            .or_else(|| self.constraint_refusal(table, constraint)),
            Operation::Insert { table, rows } => self.row_refusal(table, rows),
            Operation::Other {
                kind: "set_statistics" | "set_storage" | "set_column_options" | "set_compression",
                table: Some(table),
                name: Some(column),
                ..
            } => {
                let known = self.whole(table).filter(|known| known.column(column).is_none() && known.kind == Kind::Table)?;
                Name::new(column.as_str()).is_known().then(|| format!("`{}` has no column `{column}`", known.name))
            }
            Operation::CreateTable(create) => self.table_refusal(create),
            Operation::CreateIndex(index) => self.index_refusal(index),
            Operation::CreateTrigger(trigger) => self.trigger_refusal(trigger),
            Operation::Cluster { table: Some(table), index: Some(index) } => self.missing_index(table, index),
            Operation::Other { kind: "cluster_on", table: Some(table), name: Some(index), .. } => {
                self.missing_index(table, index)
            }
            Operation::Other { kind: "create_policy", table: Some(table), .. } => {
                let view = self.whole(table).filter(|known| known.is_view())?;
                Some(format!("`{}` is a view, and policies are for tables", view.name))
            }
            Operation::RefreshMaterializedView { concurrently: true, with_data: false, .. } => {
                Some("REFRESH … CONCURRENTLY and WITH NO DATA exclude each other".to_owned())
            }
            Operation::CreateEnum { name, labels } => {
                let twice = labels.iter().enumerate().find(|(at, label)| labels[..*at].contains(label))?;
                Some(format!("the value '{}' stands twice in `{name}`", twice.1))
            }
            Operation::RenameEnumValue { name, to, .. } => {
                self.schema.enum_type(name).filter(|known| known.labels.contains(to))?;
                Some(format!("`{name}` has the value '{to}' already"))
            }
            Operation::AddEnumValue { name, place: EnumPlace::Before(other) | EnumPlace::After(other), .. } => {
                self.schema.enum_type(name).filter(|known| !known.labels.contains(other))?;
                Some(format!("`{name}` has no value '{other}' to be put next to"))
            }
            Operation::Other { kind: "alter_constraint", table: Some(table), name: Some(name), .. } => {
                let found = self.whole(table)?.constraint(name)?;
                let is_key = matches!(found.kind, ConstraintKind::ForeignKey { .. } | ConstraintKind::NotNull { .. });
                (!is_key).then(|| format!("`{name}` is no foreign key, and only those can be altered"))
            }
            Operation::Reindex { target: ReindexTarget::System, concurrently: true, .. } => {
                Some("the system catalogs cannot be reindexed concurrently".to_owned())
            }
            Operation::RenameIndex { index, to, .. } => {
                self.schema.index(index)?;
                let taken = Name::with_schema(index.schema.clone(), to.as_str());
                let is_taken = self.schema.index(&taken).is_some() || self.whole(&taken).is_some();
                is_taken.then(|| format!("`{taken}` exists already"))
            }
            Operation::Inherit { table, parent, stops: false } => {
                let (child, parent) = (self.whole(table)?, self.whole(parent)?);
                if self.schema.parents(child).any(|known| known.id == parent.id) {
                    return Some(format!("`{}` inherits from `{}` already", child.name, parent.name));
                }
                let missing = parent.columns().into_iter().find(|column| child.column(&column.name).is_none())?;
                Some(format!("`{}` has no column `{}`, which `{}` has", child.name, missing.name, parent.name))
            }
            Operation::AttachPartition { table, partition, .. } => {
                if let Some(parent) = self.whole(table).filter(|known| known.kind == Kind::Table) {
                    return Some(format!("`{}` is not partitioned", parent.name));
                }
                let child = self.whole(partition)?;
                child.is_partition().then(|| format!("`{}` is a partition already", child.name))
            }
            _ => None,
        }
    }

    /// A name in an expression that is no column of the table, nor of those that the statement adds.
    fn unknown_name(&self, table: &Name, text: &str) -> Option<String> {
        const SYSTEM: &[&str] =
            &["tableoid", "ctid", "xmin", "xmax", "cmin", "cmax", "value", "user", "session_user", "system_user"];
        let known = self.whole(table).filter(|known| known.kind == Kind::Table || known.kind == Kind::PartitionedTable)?;
        let is_other = |name: &str| {
            name == known.name.name || SYSTEM.contains(&name) || name.starts_with("current_") || name.starts_with("local")
        };
        let added = |name: &str| {
            self.statement.iter().any(|other| match other {
                Operation::AddColumn { column, .. } => column.name == name,
                Operation::RenameColumn { to, .. } => to == name,
                _ => false,
            })
        };
        let missing = known.stranger_in(text, |name, _| is_other(name) || added(name))?;
        Some(format!("`{}` has no column `{missing}`", known.name))
    }

    /// The relation, where the history shows all of it.
    fn whole(&self, name: &Name) -> Option<&'m Table> {
        self.schema.table(name).filter(|known| known.is_whole())
    }

    fn partitioned(&self, name: &Name) -> Option<&'m Table> {
        self.whole(name).filter(|known| known.kind == Kind::PartitionedTable)
    }

    fn column_refusal(&self, table: &Name, column: &Column) -> Option<String> {
        let name = &column.name;
        match &column.default {
            Some(Default::Expression(value)) => {
                if expression::has_word(&value.0, "select") {
                    return Some(format!("the default of `{name}` holds a query, and defaults may not"));
                }
                let kind = column.data_type.as_ref().filter(|kind| !kind.array)?;
                if let Some(reason) = self.default_too_long(table, name, kind, &value.0) {
                    return Some(reason);
                }
                let labels = &self.schema.enum_type(&Name::new(kind.name.as_str()))?.labels;
                let literal = value.0.trim().strip_prefix('\'')?.strip_suffix('\'').filter(|text| !text.contains('\''))?;
                let known = labels.iter().all(|label| Name::new(label.as_str()).is_known()) && Name::new(literal).is_known();
                let missing = known && !labels.iter().any(|label| label == literal);
                missing.then(|| format!("`{kind}` has no value '{literal}', which is to be the default of `{name}`"))
            }
            Some(Default::Generated { expression, .. }) => {
                if let Some(reason) = self.unknown_name(table, &expression.0) {
                    return Some(reason);
                }
                let call = volatility::mutable_call(&expression.0, self.schema)?;
                Some(format!("`{call}` is not immutable, so `{table}.{name}` cannot be computed from it"))
            }
            _ => None,
        }
    }

    /// A row that is there already, or that no partition takes.
    fn row_refusal(&self, table: &Name, rows: &Rows) -> Option<String> {
        let known = self.whole(table).filter(|known| !self.schema.is_guarded(known))?;
        if known.kind == Kind::PartitionedTable {
            return self.no_partition_takes(known, rows).then(|| format!("no partition of `{}` takes the row", known.name));
        }
        let taken = known.taken_key(rows)?;
        Some(format!("a row that the history writes has the same {} already", taken.join(", ")))
    }

    /// From 11 on the default of a new column is computed at once, and kept; before, for each row.
    fn default_too_long(&self, table: &Name, column: &str, kind: &DataType, value: &str) -> Option<String> {
        let known = self.schema.table(table).filter(|known| known.has_storage())?;
        let longest: usize =
            kind.modifiers.first().filter(|_| ["varchar", "char"].contains(&kind.name.as_str()))?.parse().ok()?;
        let literal = value.trim().strip_prefix('\'')?.strip_suffix('\'').filter(|text| !text.contains('\''))?;
        let is_long = Name::new(literal).is_known() && literal.trim_end_matches(' ').chars().count() > longest;
        (is_long && (self.major >= 11 || known.has_rows))
            .then(|| format!("'{literal}', the default of `{column}`, is longer than {kind} allows"))
    }

    /// A foreign key compares the column with one of a type that has no equality with the new one.
    fn key_refusal(&self, table: &Name, column: &str, to: &DataType) -> Option<String> {
        let known = self.whole(table)?;
        let new = types::base(to, self.schema).0;
        let differs = |table: &Table, column: &str| {
            let other = table.column(column)?.data_type.as_ref()?;
            (!types::comparable(new, types::base(other, self.schema).0)).then(|| other.clone())
        };
        let place = |columns: &[String]| columns.iter().position(|name| name == column);
        let own = self.schema.references_from(known).find_map(|(key, target)| {
            let ConstraintKind::ForeignKey { columns, reference } = &key.kind else { return None };
            let other = reference.columns.get(place(columns)?)?;
            Some((key, target, other, differs(target, other).filter(|_| target.id != known.id)?))
        });
        let pointing = self.schema.references_to(known).find_map(|(from, key)| {
            let ConstraintKind::ForeignKey { columns, .. } = &key.kind else { return None };
            let (_, referenced) = key.references.as_ref()?;
            let other = columns.get(place(referenced)?)?;
            Some((key, from, other, differs(from, other).filter(|_| from.id != known.id)?))
        });
        let (key, table, other, kind) = own.or(pointing)?;
        Some(format!("the foreign key `{}` compares `{column}` with `{}.{other}`, which is {kind}", key.name, table.name))
    }

    fn constraint_refusal(&self, table: &Name, constraint: &Constraint) -> Option<String> {
        let known = self.whole(table)?;
        match &constraint.kind {
            ConstraintKind::ForeignKey { columns, reference } => {
                if let Some(missing) = columns.iter().find(|column| known.column(column).is_none()) {
                    return Some(format!("`{table}` has no column `{missing}`"));
                }
                if let Some(view) = self.whole(&reference.table).filter(|target| target.is_view()) {
                    return Some(format!("`{}` is a view, and foreign keys point to tables", view.name));
                }
                let only = self.wording.only && known.kind == Kind::PartitionedTable;
                only.then(|| format!("a foreign key cannot be on the partitioned table `{}` ONLY", known.name))
            }
            ConstraintKind::Check { expression } if expression::has_word(&expression.0, "select") => {
                Some("a CHECK may not hold a query".to_owned())
            }
            _ => None,
        }
    }

    fn table_refusal(&self, create: &CreateTable) -> Option<String> {
        let columns = &create.columns;
        let twice = columns.iter().enumerate().find(|(at, column)| {
            Name::new(column.name.as_str()).is_known() && columns[..*at].iter().any(|other| other.name == column.name)
        });
        if let Some((_, column)) = twice {
            return Some(format!("the column `{}` stands twice in `{}`", column.name, create.table));
        }
        let keys = |kind: &ConstraintKind| matches!(kind, ConstraintKind::PrimaryKey { .. });
        let apart = create.constraints.iter().filter(|constraint| keys(&constraint.kind)).count();
        // SQLAlchemy writes one key over all columns that say so.
        let inline = columns.iter().filter(|column| column.primary_key && !column.constraints_apart).count();
        if apart + inline > 1 {
            return Some(format!("`{}` would have two primary keys", create.table));
        }
        let computed = columns.iter().find_map(|column| match &column.default {
            Some(Default::Generated { .. }) => self.column_refusal(&create.table, column),
            _ => None,
        });
        if computed.is_some() {
            return computed;
        }
        let parent = create.parents.first().filter(|_| create.bound.is_some())?;
        let plain = self.whole(parent).filter(|known| known.kind == Kind::Table)?;
        Some(format!("`{}` is not partitioned", plain.name))
    }

    fn index_refusal(&self, index: &CreateIndex) -> Option<String> {
        // A column may have the name of a function.
        let is_expression = |key: &&String| key.chars().any(|c| !(c.is_alphanumeric() || c == '_'));
        let of_key = index.columns.iter().filter(is_expression).find_map(|key| volatility::mutable_call(key, self.schema));
        if let Some(call) = of_key {
            return Some(format!("`{call}` is not immutable, so no index can be built over it"));
        }
        let predicate = index.predicate.as_ref();
        if let Some(call) = predicate.and_then(|predicate| volatility::mutable_call(&predicate.0, self.schema)) {
            return Some(format!("`{call}` is not immutable, so an index cannot be limited by it"));
        }
        let known = self.whole(&index.table)?;
        let method = index.method.as_deref().map_or_else(|| "btree".to_owned(), str::to_ascii_lowercase);
        let kind_of = |key: &String| {
            let kind = known.column(key)?.data_type.as_ref()?;
            (!kind.array).then_some(kind.name.as_str())
        };
        let unfit = |kind: &&str| match method.as_str() {
            "btree" => UNORDERED.contains(kind),
            "gin" => *kind == "json",
            _ => false,
        };
        let kind = index.columns.iter().filter_map(kind_of).find(unfit)?;
        Some(format!("the type {kind} has no operator class for {method} indexes"))
    }

    fn trigger_refusal(&self, trigger: &CreateTrigger) -> Option<String> {
        let known = self.whole(&trigger.table)?;
        let missing = trigger.columns.iter().find(|column| known.column(column).is_none())?;
        Some(format!("`{}` has no column `{missing}`", known.name))
    }

    fn missing_index(&self, table: &Name, index: &str) -> Option<String> {
        let known = self.whole(table).filter(|known| known.index(index).is_none())?;
        Name::new(index).is_known().then(|| format!("`{}` has no index `{index}`", known.name))
    }

    /// Why DROP FUNCTION and DROP SEQUENCE ask for CASCADE: a default, a CHECK or an index stands on it.
    pub(super) fn standing_on(&self, calls: impl Fn(&str) -> bool) -> Vec<(&'m Table, String)> {
        let mut out = Vec::new();
        for table in self.schema.tables() {
            for column in table.columns() {
                if let Some(Default::Expression(value) | Default::Generated { expression: value, .. }) = &column.default
                    && calls(&value.0)
                {
                    out.push((table, format!("the default of `{}.{}`", in_public(&table.name), column.name)));
                }
            }
            for index in table.indexes() {
                if index.columns.iter().any(|key| key.contains('(') && calls(key)) {
                    out.push((table, format!("the index `{}`", index.name)));
                }
            }
            for constraint in table.constraints() {
                if let ConstraintKind::Check { expression } = &constraint.kind
                    && calls(&expression.0)
                {
                    out.push((table, format!("the constraint `{}` of `{}`", constraint.name, in_public(&table.name))));
                }
            }
        }
        out.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        out
    }
}
