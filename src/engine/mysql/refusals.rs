//! What MySQL and MariaDB refuse, whatever the rows are: names that are not there or there already, columns and indexes
//! that a foreign key needs. Only what a whole history shows for certain; measured on MariaDB 10.11.

use super::{Algorithm, Model, columns};
use crate::migration::Step;
use crate::operation::{ColumnPlace, Constraint, ConstraintKind, DataType, Default, Dialect, Name, Operation, Reference};
use crate::schema::expression::mentions;
use crate::schema::{Table, TableColumn, TableConstraint, TableIndex};

/// A row has no more bytes, so no `varchar` has more characters.
const LONGEST_VARCHAR: u64 = 65_535;

impl<'m> Model<'m> {
    /// The refusal of a statement over whole tables.
    pub(super) fn table_refusal(operation: &Operation, all: &[&Operation], schema: &crate::schema::Schema) -> Option<String> {
        let known =
            |name: &Name| schema.table(name).filter(|known| known.created_in.is_some() && !known.is_view() && !schema.has_gaps);
        match operation {
            Operation::CreateTable(create) if !create.if_not_exists => {
                let goes = |other: &&&Operation| matches!(other, Operation::DropTable { table, .. } if *table == create.table);
                if all.iter().any(|other| goes(&other)) {
                    return None;
                }
                known(&create.table).filter(|known| !known.temporary).map(|known| format!("`{}` exists already", known.name))
            }
            Operation::RenameTable { to, table } if table != to => {
                known(to).map(|known| format!("`{}` exists already", known.name))
            }
            Operation::DropTable { table, .. } | Operation::Truncate { table, .. } if !schema.session.skips_foreign_keys => {
                let known = known(table)?;
                let goes_too = |other: &Table| {
                    all.iter().any(|operation| matches!(operation, Operation::DropTable { table, .. } if *table == other.name))
                };
                let mut pointing = schema.references_to(known);
                let (from, key) = pointing.find(|(from, _)| from.id != known.id && !goes_too(from))?;
                Some(format!("the foreign key `{}` of `{}` points to `{}`", key.name, from.name, known.name))
            }
            _ => None,
        }
    }

    /// The refusal of one action of ALTER TABLE.
    pub(super) fn refusal(&self, step: &Step) -> Option<String> {
        let table = self.known.filter(|table| table.created_in.is_some())?;
        if let Some(reason) = self.key_refusal(step, table) {
            return Some(reason);
        }
        let name = &table.name;
        let absent = |column: &str| {
            let unseen = table.complete && Name::new(column).is_known() && self.column(column).is_none();
            (unseen && !self.adds(column)).then(|| format!("`{name}` has no column `{column}`"))
        };
        match &step.operation {
            Operation::AddColumn { column, if_not_exists, .. } => {
                let kind = column.data_type.as_ref().filter(|kind| kind.name == "varchar");
                let length = kind.and_then(|kind| kind.modifiers.first()?.parse::<u64>().ok());
                if let Some(length) = length.filter(|length| *length > LONGEST_VARCHAR) {
                    return Some(format!("`{}` would be longer than a row: varchar({length})", column.name));
                }
                let taken = table.column(&column.name.to_lowercase()).filter(|known| !if_not_exists && !self.drops_column(known));
                if let Some(taken) = taken {
                    return Some(format!("`{name}` has a column `{}` already", taken.name));
                }
                if column.primary_key && table.primary_key().is_some() && !self.drops_primary_key(table) {
                    return Some(format!("`{name}` has a primary key already"));
                }
                match &column.place {
                    Some(ColumnPlace::After(other)) => absent(other),
                    _ => None,
                }
            }
            Operation::DropColumn { column, if_exists, .. } => {
                if !if_exists && let Some(reason) = absent(column) {
                    return Some(reason);
                }
                if let Some(reason) = self.key_of(table, self.column(column)?) {
                    return Some(reason);
                }
                let goes = |known: &&TableColumn| self.drops_column(known);
                let adds =
                    |operation: &Operation| matches!(operation, Operation::AddColumn { .. } | Operation::RenameColumn { .. });
                let all =
                    table.complete && table.columns().iter().all(goes) && !self.steps.iter().any(|other| adds(&other.operation));
                all.then(|| format!("`{name}` would be left without a column: DROP TABLE"))
            }
            Operation::RenameIndex { index, to, .. } => {
                let Some(found) = table.index(&index.name.to_lowercase()) else {
                    let unseen = table.complete && index.is_known();
                    return unseen.then(|| format!("`{name}` has no index `{index}`"));
                };
                let taken =
                    table.index(&to.to_lowercase()).filter(|taken| taken.name != found.name && !self.drops_index(&taken.name))?;
                Some(format!("`{name}` has an index `{}` already", taken.name))
            }
            Operation::Other {
                kind:
                    kind
                    @ ("add_partition" | "drop_partition" | "truncate_partition" | "reorganize_partition" | "remove_partitioning"),
                ..
            } => {
                let plain = table.is_whole() && table.ties().partition_key.is_empty();
                plain.then(|| format!("`{name}` is not partitioned, so {} has nothing to work on", kind.replace('_', " ")))
            }
            Operation::Other { kind: "repartition", .. } => {
                let key = self.any_foreign_key(table)?;
                Some(format!("the foreign key `{key}` ties `{name}`, and partitioned tables have none"))
            }
            Operation::Other { kind: "engine", name: Some(engine), .. } if !engine.eq_ignore_ascii_case("innodb") => {
                let key = self.any_foreign_key(table)?;
                Some(format!("the foreign key `{key}` ties `{name}`, and {engine} has none"))
            }
            Operation::RenameColumn { column, to, .. } => {
                if let Some(reason) = absent(column) {
                    return Some(reason);
                }
                let taken = table.column(&to.to_lowercase()).filter(|known| !self.drops_column(known))?;
                Some(format!("`{name}` has a column `{}` already", taken.name))
            }
            Operation::AlterColumnType { column, .. } => {
                if let Some(reason) = absent(column) {
                    return Some(reason);
                }
                let known = self.column(column).filter(|known| known.data_type.is_some())?;
                let (algorithm, _) = self.alone(step)?;
                if algorithm == Algorithm::Copy { self.key_of(table, known) } else { None }
            }
            Operation::SetDefault { column, .. } | Operation::DropDefault { column, .. } => {
                absent(column).or_else(|| self.generation_refusal(&step.operation, self.column(column)?))
            }
            Operation::SetNotNull { column, .. } | Operation::DropNotNull { column, .. } => absent(column),
            Operation::DropIndex { index, if_exists, .. } => {
                let Some(found) = table.index(&index.name.to_lowercase()) else {
                    let unseen = table.complete && index.is_known() && !if_exists && !table.may_have_index(&index.name);
                    return unseen.then(|| format!("`{name}` has no index `{index}`"));
                };
                self.rests_on_index(table, &found.name, &found.columns)
            }
            Operation::DropConstraint { constraint: Some(constraint), if_exists, .. } => {
                let Some(found) = table.constraint(constraint) else {
                    // One without a name of its own may have this one.
                    let all_named = table.constraints().into_iter().all(|known| known.named || known.has_index());
                    let all_seen = table.complete && !table.may_have_constraint(constraint);
                    let unseen = all_seen && Name::new(constraint.as_str()).is_known() && !if_exists && all_named;
                    return unseen.then(|| format!("`{name}` has no constraint `{constraint}`"));
                };
                match &found.kind {
                    ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => {
                        self.rests_on_index(table, &found.name, columns)
                    }
                    _ => None,
                }
            }
            Operation::CreateIndex(index) => {
                let taken = index.name.as_ref().and_then(|own| table.index(&own.to_lowercase()));
                // The index that a foreign key has made for itself gives way to one that serves it as well.
                let gives_way = |taken: &&TableIndex| taken.implied && begins(&index.columns, &taken.columns);
                let stays = |taken: &&TableIndex| !index.if_not_exists && !gives_way(taken) && !self.drops_index(&taken.name);
                if let Some(taken) = taken.filter(stays) {
                    return Some(format!("`{name}` has an index `{}` already", taken.name));
                }
                let plain = |key: &&String| key.chars().all(|c| c.is_alphanumeric() || c == '_');
                if let Some(reason) = index.columns.iter().filter(plain).find_map(|key| absent(key)) {
                    return Some(reason);
                }
                let wordless = |key: &&String| {
                    let kind = self.column(key).and_then(|column| column.data_type.as_ref());
                    kind.is_some_and(|kind| kind.labels.is_empty() && columns::is_number(kind))
                };
                if index.method.as_deref() == Some("fulltext")
                    && let Some(key) = index.columns.iter().find(wordless)
                {
                    return Some(format!("`{key}` holds no words, which a FULLTEXT index needs"));
                }
                // MariaDB takes as much of it as fits.
                let long = |key: &&String| self.column(key).and_then(|column| column.data_type.as_ref()).is_some_and(is_long);
                let long = index.columns.iter().find(long).filter(|_| {
                    self.dialect == Dialect::MySql && !matches!(index.method.as_deref(), Some("fulltext" | "spatial"))
                })?;
                Some(format!("`{long}` is a TEXT or BLOB, of which an index needs to know how much: `{long}(100)`"))
            }
            Operation::AddConstraint { constraint, .. } => self.constraint_refusal(table, constraint),
            _ => None,
        }
    }

    /// What concerns AUTO_INCREMENT, a second primary key, and columns that others are computed from.
    fn key_refusal(&self, step: &Step, table: &Table) -> Option<String> {
        let numbers = |column: &TableColumn| matches!(column.default, Some(Default::Sequence));
        match &step.operation {
            Operation::DropConstraint { constraint: Some(name), .. } => {
                let key = table.constraint(name).filter(|known| matches!(known.kind, ConstraintKind::PrimaryKey { .. }))?;
                let numbered =
                    table.columns().into_iter().find(|column| numbers(column) && key.mentions(&column.name.to_lowercase()))?;
                let indexed = |index: &&&TableIndex| index.name != key.name && index.columns.first() == Some(&numbered.name);
                let other =
                    table.indexes().iter().any(|index| indexed(&index)) || self.adds_index(std::slice::from_ref(&numbered.name));
                // MODIFY without the word takes it away.
                let stops = |operation: &Operation| matches!(operation, Operation::DropDefault { column, .. } if column.eq_ignore_ascii_case(&numbered.name));
                let stops = self.steps.iter().any(|other| stops(&other.operation));
                (!other && !stops).then(|| format!("`{}` is AUTO_INCREMENT, and has to be a key", numbered.name))
            }
            Operation::AddColumn { column, .. } if matches!(column.default, Some(Default::Sequence)) => {
                let Some(other) = table.columns().into_iter().find(|column| numbers(column)) else {
                    let keyed = column.unique || column.primary_key || self.adds_index(std::slice::from_ref(&column.name));
                    return (!keyed).then(|| format!("`{}` is AUTO_INCREMENT, and has to be a key", column.name));
                };
                Some(format!("`{}` is AUTO_INCREMENT already, and a table has one such column", other.name))
            }
            Operation::AddConstraint { constraint, .. } if matches!(constraint.kind, ConstraintKind::PrimaryKey { .. }) => {
                let drops = |operation: &Operation| matches!(operation, Operation::DropConstraint { .. });
                let dropped = self.steps.iter().any(|other| drops(&other.operation));
                (table.primary_key().is_some() && !dropped).then(|| format!("`{}` has a primary key already", table.name))
            }
            Operation::DropColumn { column, .. } => {
                let name = column.to_lowercase();
                let uses = |other: &&TableColumn| other.generated_from().is_some_and(|text| mentions(text, &name));
                let computed = table.columns().into_iter().filter(uses).find(|other| !self.drops_column(other));
                computed.map(|other| format!("`{}` is computed from it", other.name))
            }
            _ => None,
        }
    }

    /// A column is computed on reading, on writing or not at all, and only from computed on writing to plain there is a way.
    fn generation_refusal(&self, operation: &Operation, known: &TableColumn) -> Option<String> {
        let restated = self.steps.iter().any(|other| matches!(other.operation, Operation::AlterColumnType { .. }));
        let is_virtual = columns::is_virtual(known);
        let refused = match operation {
            Operation::SetDefault { default: Default::Generated { stored: Some(true), .. }, .. } => is_virtual,
            Operation::SetDefault { default: Default::Generated { .. }, .. } => restated && !is_virtual,
            _ => restated && is_virtual,
        };
        refused.then(|| format!("`{}` cannot be changed between computed on reading and written down", known.name))
    }

    fn drops_primary_key(&self, table: &Table) -> bool {
        table.primary_key().is_some_and(|key| self.drops_constraint(&key.name))
    }

    fn constraint_refusal(&self, table: &'m Table, constraint: &Constraint) -> Option<String> {
        let name = &table.name;
        let taken = constraint.name.as_ref().and_then(|own| table.constraint(own));
        if let Some(taken) = taken.filter(|taken| taken.named && !self.drops_index(&taken.name)) {
            return Some(format!("`{name}` has a constraint `{}` already", taken.name));
        }
        if let ConstraintKind::Unique { columns, .. } | ConstraintKind::PrimaryKey { columns, .. } = &constraint.kind {
            let plain = |key: &&String| key.chars().all(|c| c.is_alphanumeric() || c == '_');
            let missing = |key: &&String| table.complete && self.column(key).is_none() && !self.adds(key);
            let missing = columns.iter().filter(plain).find(missing)?;
            return Some(format!("`{name}` has no column `{missing}`"));
        }
        let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { return None };
        let Reference { table: target, columns: referenced, on_delete, .. } = reference;
        let own = |column: &String| table.column(&column.to_lowercase());
        let is_known = |column: &&String| Name::new(column.as_str()).is_known();
        let missing = |column: &&String| table.complete && own(column).is_none() && !self.adds(column);
        if let Some(missing) = columns.iter().filter(is_known).find(missing) {
            return Some(format!("`{name}` has no column `{missing}`"));
        }
        let required = |column: &&String| own(column).is_some_and(|column| column.nullable == Some(false));
        if on_delete.as_deref().is_some_and(|action| action.eq_ignore_ascii_case("set null"))
            && let Some(column) = columns.iter().find(required)
        {
            return Some(format!("`{column}` is NOT NULL, and ON DELETE would set it to NULL"));
        }
        let whole = |target: &&Table| target.is_whole() && target.id != table.id;
        let target = self.schema.table(target).filter(whole).filter(|_| !self.schema.session.skips_foreign_keys)?;
        if let Some(missing) = referenced.iter().filter(is_known).find(|column| target.column(&column.to_lowercase()).is_none()) {
            return Some(format!("`{}` has no column `{missing}`", target.name));
        }
        let differ = columns.iter().zip(referenced).find_map(|(own, other)| {
            let (from, to) = (table.column(&own.to_lowercase())?, target.column(&other.to_lowercase())?);
            let (a, b) = (from.data_type.as_ref()?, to.data_type.as_ref()?);
            differ(a, b).then(|| format!("`{}` is {a} and the referenced `{}` is {b}", from.name, to.name))
        });
        if differ.is_some() {
            return differ;
        }
        let indexed = referenced.is_empty() || target.indexes().iter().any(|index| begins(&index.columns, referenced));
        (!indexed).then(|| format!("no index of `{}` begins with the referenced columns", target.name))
    }

    /// The name of a foreign key of the table, or of one to it.
    fn any_foreign_key(&self, table: &'m Table) -> Option<&'m str> {
        let own = self.schema.references_from(table).next().map(|(key, _)| key.name.as_str());
        own.or_else(|| self.schema.references_to(table).next().map(|(_, key)| key.name.as_str()))
    }

    /// The foreign key for which a column has to stay as it is, on either side of it.
    fn key_of(&self, table: &'m Table, column: &TableColumn) -> Option<String> {
        // MariaDB refuses this whatever the setting is; MySQL's manual does not say so.
        if self.schema.session.skips_foreign_keys && self.dialect == Dialect::MySql {
            return None;
        }
        let has = |columns: &[String]| columns.iter().any(|name| name.eq_ignore_ascii_case(&column.name));
        let own = self.schema.references_from(table).map(|(key, _)| (table, key));
        let own = own.filter(|(_, key)| has(columns_of(key)) && !self.drops_constraint(&key.name));
        let pointing = self.schema.references_to(table).filter(|(_, key)| key.references.as_ref().is_some_and(|(_, to)| has(to)));
        let pointing = pointing.filter(|(from, key)| from.id != table.id || !self.drops_constraint(&key.name));
        let (from, key) = own.chain(pointing).next()?;
        Some(format!("the foreign key `{}` of `{}` needs `{}` as it is", key.name, from.name, column.name))
    }

    /// The foreign key that has no other index to rest on, on either side of it.
    fn rests_on_index(&self, table: &'m Table, dropped: &str, of: &[String]) -> Option<String> {
        if self.schema.session.skips_foreign_keys {
            return None;
        }
        let stays = |columns: &[String]| {
            let old = table.indexes();
            let mut old = old.iter().filter(|index| index.name != dropped && !self.drops_index(&index.name));
            old.any(|index| begins(&index.columns, columns)) || self.adds_index(columns)
        };
        let needs = |columns: &[String]| begins(of, columns) && !stays(columns);
        let own = self.schema.references_from(table).map(|(key, _)| (table, key));
        let own = own.filter(|(_, key)| needs(columns_of(key)) && !self.drops_constraint(&key.name));
        let pointing =
            self.schema.references_to(table).filter(|(_, key)| key.references.as_ref().is_some_and(|(_, to)| needs(to)));
        let (from, key) = own.chain(pointing.filter(|(from, _)| from.id != table.id)).next()?;
        Some(format!("the foreign key `{}` of `{}` needs the index `{dropped}`", key.name, from.name))
    }

    fn adds(&self, name: &str) -> bool {
        self.steps.iter().any(|other| match &other.operation {
            Operation::AddColumn { column, .. } => column.name.eq_ignore_ascii_case(name),
            Operation::RenameColumn { to, .. } => to.eq_ignore_ascii_case(name),
            _ => false,
        })
    }

    /// The name is free: the column goes, or gets another one.
    fn drops_column(&self, known: &TableColumn) -> bool {
        self.steps.iter().any(|other| match &other.operation {
            Operation::DropColumn { column, .. } | Operation::RenameColumn { column, .. } => {
                column.eq_ignore_ascii_case(&known.name)
            }
            _ => false,
        })
    }

    fn drops_index(&self, name: &str) -> bool {
        self.steps.iter().any(|other| match &other.operation {
            Operation::DropIndex { index, .. } | Operation::RenameIndex { index, .. } => index.name.eq_ignore_ascii_case(name),
            _ => false,
        }) || self.drops_constraint(name)
    }

    fn drops_constraint(&self, name: &str) -> bool {
        self.steps.iter().any(|other| match &other.operation {
            Operation::DropConstraint { constraint: Some(constraint), .. } => constraint.eq_ignore_ascii_case(name),
            _ => false,
        })
    }

    fn adds_index(&self, columns: &[String]) -> bool {
        self.steps.iter().any(|other| match &other.operation {
            Operation::CreateIndex(index) => begins(&index.columns, columns),
            Operation::AddConstraint { constraint, .. } => match &constraint.kind {
                ConstraintKind::PrimaryKey { columns: key, .. } | ConstraintKind::Unique { columns: key, .. } => {
                    begins(key, columns)
                }
                _ => false,
            },
            _ => false,
        })
    }
}

/// Whether an index over `columns` serves a foreign key over `key`.
pub(super) fn begins(columns: &[String], key: &[String]) -> bool {
    !key.is_empty() && columns.len() >= key.len() && columns.iter().zip(key).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

fn columns_of(key: &TableConstraint) -> &[String] {
    match &key.kind {
        ConstraintKind::ForeignKey { columns, .. } => columns,
        _ => &[],
    }
}

/// Types of any length, of which an index holds a part.
pub(super) fn is_long(kind: &DataType) -> bool {
    matches!(
        kind.name.as_str(),
        "text" | "tinytext" | "mediumtext" | "longtext" | "blob" | "tinyblob" | "mediumblob" | "longblob"
    )
}

/// Both sides of a foreign key are integers of one size, or neither is an integer.
fn differ(a: &DataType, b: &DataType) -> bool {
    const INTEGERS: &[&str] = &["smallint", "integer", "bigint"];
    const STRINGS: &[&str] = &["varchar", "char", "text"];
    let place = |list: &[&str], kind: &DataType| list.iter().position(|name| *name == kind.name);
    match (place(INTEGERS, a), place(INTEGERS, b)) {
        (Some(a), Some(b)) => a != b,
        (Some(_), None) => place(STRINGS, b).is_some(),
        (None, Some(_)) => place(STRINGS, a).is_some(),
        (None, None) => false,
    }
}
