//! MySQL and MariaDB with InnoDB: by which algorithm an ALTER TABLE can run, and whether writers wait for it.
//!
//! Measured on MariaDB 10.11 (`tests/oracle/mysql`). MySQL is modelled as its documentation says, where the two are alike:
//! ("Online DDL Operations" in the manual of 8.0). What is said of one of them alone is marked.

mod columns;
mod refusals;
pub mod types;

use super::{Effects, Statement};
use crate::migration::{Origin, Step};
use crate::operation::{Column, ConstraintKind, DataType, Default, Dialect, Name, Operation};
use crate::schema::{Schema, Table, TableColumn, TableIndex};

/// How the server changes a table, cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// Only the dictionary changes.
    Instant,
    /// Indexes are built or dropped; the rows stay where they are. MySQL calls it INPLACE as well.
    NoCopy,
    /// The table may be rebuilt, and takes writes meanwhile.
    Inplace,
    /// The same with `LOCK=SHARED`: writers wait.
    InplaceShared,
    /// Every row is copied, and writers wait.
    Copy,
}

impl Algorithm {
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Instant => "instant",
            Algorithm::NoCopy => "nocopy",
            Algorithm::Inplace => "inplace",
            Algorithm::InplaceShared => "inplace_shared",
            Algorithm::Copy => "copy",
        }
    }

    pub fn blocks_writes(self) -> bool {
        self >= Algorithm::InplaceShared
    }
}

/// The actions of one ALTER TABLE, and what Alembic writes as one MODIFY.
pub(super) fn belong_together(before: &Step, step: &Step) -> bool {
    let column_of = |step: &Step| step.operation.object();
    // CHANGE says all of the column under its new name.
    let is_new_name =
        || matches!(&before.operation, Operation::RenameColumn { to, .. } if column_of(step).is_some_and(|column| column == *to));
    let is_constraint =
        |step: &Step| matches!(step.operation, Operation::AddConstraint { .. } | Operation::DropConstraint { .. });
    let same_origin = match (before.origin, step.origin) {
        (Origin::Sql, Origin::Sql) => true,
        (Origin::Directive(a), Origin::Directive(b)) => {
            let same_column = column_of(before) == column_of(step) || is_new_name();
            a == "alter_column" && a == b && same_column && !is_constraint(before) && !is_constraint(step)
        }
        _ => false,
    };
    same_origin && before.statement == step.statement && before.operation.table() == step.operation.table()
}

/// All actions of one ALTER TABLE run by the worst algorithm that one of them needs, or by the one that it asks for.
pub(super) fn effects(statement: &Statement<'_>, schema: &Schema, dialect: Dialect) -> Vec<Effects> {
    if let Some(words) = statement.wording.foreign {
        let reason = format!("{} does not read {words}", dialect.title());
        return vec![Effects { fails_because: Some(reason), ..Effects::default() }; statement.operations.len()];
    }
    // What the statement itself creates is empty.
    let made = |table: &Name| statement.operations.iter().any(|operation| operation.creates(table));
    let mut worst: Option<(Algorithm, String, Name)> = None;
    for operation in &statement.operations {
        if let Some(reason) = Model::table_refusal(operation, &statement.operations, schema) {
            return vec![Effects { fails_because: Some(reason), ..Effects::default() }; statement.operations.len()];
        }
    }
    for (at, step) in statement.steps.iter().enumerate() {
        let Some(table) = step.operation.table().filter(|table| !made(table)) else { continue };
        let model = Model { steps: &statement.steps, at, known: schema.table(table), schema, dialect };
        let certain = !schema.has_gaps && !step.conditional;
        if let Some(reason) = model.refusal(step).filter(|_| certain) {
            let effects = Effects { fails_because: Some(reason), ..Effects::default() };
            return vec![effects; statement.operations.len()];
        }
        let Some((algorithm, why)) = model.algorithm(step) else { continue };
        if worst.as_ref().is_none_or(|(known, ..)| algorithm > *known) {
            worst = Some((algorithm, why, table.clone()));
        }
    }
    if let Some((algorithm, why, table)) = &mut worst
        && moves_beside_virtual(&statement.operations, *algorithm, schema.table(table))
    {
        (*algorithm, *why) = (Algorithm::Copy, "columns of a table with virtual columns change their places".to_owned());
    }
    let mut effects = Effects::default();
    if let Some((algorithm, why, table)) = worst {
        let asked = Asked::of(statement);
        if let Some(refused) = asked.refused(algorithm) {
            effects.fails_because = Some(format!("{refused} is not to be had: {why}"));
            return vec![effects; statement.operations.len()];
        }
        let (algorithm, why) = match asked.at_least() {
            Some((asked, words)) if asked > algorithm => (asked, format!("the statement says {words}")),
            _ => (algorithm, why),
        };
        if algorithm == Algorithm::Copy {
            effects.rewrites.insert(table.clone(), why.clone());
        }
        effects.algorithm = Some((algorithm, why));
    }
    vec![effects; statement.operations.len()]
}

/// A column goes, and more than that is to be done in place, while a virtual column stays.
fn moves_beside_virtual(operations: &[&Operation], algorithm: Algorithm, known: Option<&Table>) -> bool {
    let goes = |column: &TableColumn| {
        let is_it = |operation: &Operation| matches!(operation, Operation::DropColumn { column: dropped, .. } if dropped.eq_ignore_ascii_case(&column.name));
        operations.iter().any(|operation| is_it(operation))
    };
    let stays = |table: &Table| table.columns().into_iter().any(|column| columns::is_virtual(column) && !goes(column));
    let drops = |operation: &&&Operation| matches!(operation, Operation::DropColumn { .. });
    let along = |operation: &&Operation| matches!(operation, Operation::DropColumn { .. } | Operation::DropIndex { .. });
    operations.iter().any(|operation| drops(&operation))
        && (algorithm > Algorithm::NoCopy || !operations.iter().all(along))
        && known.is_some_and(stays)
}

/// `ALGORITHM=…` and `LOCK=…`, lower case, without spaces.
struct Asked<'s> {
    words: Vec<&'s str>,
}

impl<'s> Asked<'s> {
    fn of(statement: &Statement<'s>) -> Self {
        let option = |operation: &&'s Operation| match operation {
            Operation::Other { kind: "alter_table_option", name: Some(words), .. } => Some(words.as_str()),
            _ => None,
        };
        Asked { words: statement.operations.iter().filter_map(option).collect() }
    }

    /// What the statement asks for and the server cannot give, so that it refuses instead of blocking.
    fn refused(&self, needed: Algorithm) -> Option<&'s str> {
        let allows = |words: &str| match words {
            "algorithm=instant" => Algorithm::Instant,
            "algorithm=nocopy" => Algorithm::NoCopy,
            "algorithm=inplace" => Algorithm::InplaceShared,
            "lock=none" => Algorithm::Inplace,
            "lock=shared" if needed == Algorithm::Copy => Algorithm::Copy,
            _ => Algorithm::Copy,
        };
        self.words.iter().find(|words| needed > allows(words)).copied()
    }

    fn at_least(&self) -> Option<(Algorithm, &'s str)> {
        let blocks = |words: &&'s str| match *words {
            "algorithm=copy" => Some((Algorithm::Copy, *words)),
            "lock=shared" | "lock=exclusive" => Some((Algorithm::InplaceShared, *words)),
            _ => None,
        };
        self.words.iter().filter_map(blocks).max()
    }
}

/// One action among those of its statement.
struct Model<'m> {
    steps: &'m [&'m Step],
    at: usize,
    known: Option<&'m Table>,
    schema: &'m Schema,
    dialect: Dialect,
}

impl<'m> Model<'m> {
    fn algorithm(&self, step: &Step) -> Option<(Algorithm, String)> {
        let (algorithm, why) = self.alone(step)?;
        // A table with a FULLTEXT index is rebuilt, and columns come and go, only while writers wait.
        let touches_rows = algorithm == Algorithm::Inplace
            || matches!(step.operation, Operation::AddColumn { .. } | Operation::DropColumn { .. });
        if touches_rows && algorithm < Algorithm::InplaceShared && self.has_fulltext() {
            return Some((Algorithm::InplaceShared, "the table has a FULLTEXT index, with which writers wait".to_owned()));
        }
        Some((algorithm, why))
    }

    fn has_fulltext(&self) -> bool {
        let is_fulltext = |index: &&TableIndex| index.method.as_deref() == Some("fulltext");
        self.known.is_some_and(|table| table.indexes().iter().any(is_fulltext))
    }

    /// The name that CHANGE has taken from a column in this statement.
    fn old_name(&self, name: &str) -> Option<String> {
        self.steps[..self.at].iter().find_map(|other| match &other.operation {
            Operation::RenameColumn { column, to, .. } if to == name => Some(column.to_lowercase()),
            _ => None,
        })
    }

    fn column(&self, name: &str) -> Option<&'m TableColumn> {
        self.known?.column(&self.old_name(name).unwrap_or_else(|| name.to_lowercase()))
    }

    fn alone(&self, step: &Step) -> Option<(Algorithm, String)> {
        let because = |algorithm: Algorithm, why: &str| Some((algorithm, why.to_owned()));
        match &step.operation {
            Operation::AddColumn { column, if_not_exists: true, .. } if self.column(&column.name).is_some() => {
                because(Algorithm::Instant, "")
            }
            Operation::AddColumn { column, .. } => Some(self.add_column(column)),
            Operation::RenameTable { .. } | Operation::RenameIndex { .. } => because(Algorithm::Instant, ""),
            Operation::DropColumn { column, .. } => Some(self.drop_column(column)),
            Operation::AlterColumnType { column, from, to, collation, .. } => {
                let by_directive = matches!(step.origin, Origin::Directive(_));
                Some(self.retype(column, from.as_ref(), (to.as_ref(), collation.as_deref()), by_directive))
            }
            Operation::SetNotNull { column, .. } => self.set_null(column, false),
            Operation::DropNotNull { column, .. } => self.set_null(column, true),
            Operation::SetDefault { column, default: Default::Sequence, .. } => {
                let numbered = self.column(column).is_some_and(|column| matches!(column.default, Some(Default::Sequence)));
                match numbered || self.known.is_none() {
                    true => because(Algorithm::Instant, ""),
                    false => because(Algorithm::Copy, "the column begins to number the rows"),
                }
            }
            Operation::SetDefault { column, default: Default::Generated { expression, stored }, .. } => {
                let same = self.column(column).is_some_and(|known| known.generated_from() == Some(expression.0.as_str()));
                match same || *stored != Some(true) {
                    true => because(Algorithm::Instant, ""),
                    false => because(Algorithm::Copy, "the values of a STORED column are computed and written"),
                }
            }
            Operation::SetDefault { column, .. } | Operation::DropDefault { column, .. }
                if self.column(column).is_some_and(columns::is_stored) =>
            {
                because(Algorithm::Copy, "a STORED column becomes one that is written to")
            }
            Operation::SetDefault { .. } | Operation::DropDefault { .. } | Operation::RenameColumn { .. } => {
                because(Algorithm::Instant, "")
            }
            Operation::AddConstraint { constraint, .. } => match &constraint.kind {
                ConstraintKind::ForeignKey { columns, .. } => Some(self.foreign_key(Some(columns))),
                ConstraintKind::Check { .. } => because(Algorithm::Copy, "a CHECK is added, and every row is read for it"),
                ConstraintKind::Unique { columns, .. } if self.dialect == Dialect::MariaDb && self.is_hashed(columns) => {
                    because(Algorithm::Copy, "the key is over a whole TEXT or BLOB, which is hashed into a column of its own")
                }
                ConstraintKind::Unique { columns, .. } if self.drops_same_index(columns, true) => because(Algorithm::Instant, ""),
                ConstraintKind::Unique { .. } if self.moves_columns() => {
                    because(Algorithm::Inplace, "a column and an index change at once")
                }
                ConstraintKind::Unique { .. } => because(Algorithm::NoCopy, "its index is built"),
                ConstraintKind::PrimaryKey { columns, .. } if self.has_primary_key(columns) => because(Algorithm::Instant, ""),
                ConstraintKind::PrimaryKey { columns, .. } if self.is_clustered_by(columns) => {
                    because(Algorithm::NoCopy, "the rows are sorted by it already")
                }
                _ => because(Algorithm::Inplace, "the rows are sorted anew by the new primary key"),
            },
            Operation::DropConstraint { constraint, .. } => {
                let known = constraint.as_ref().and_then(|name| self.known.and_then(|table| table.constraint(name)));
                match known.map(|constraint| &constraint.kind) {
                    Some(ConstraintKind::PrimaryKey { .. }) if !self.adds_primary_key() => {
                        because(Algorithm::Copy, "the primary key goes, by which the rows are sorted")
                    }
                    Some(ConstraintKind::Unique { columns, .. }) => Some(self.drop_index(columns)),
                    _ => because(Algorithm::Instant, ""),
                }
            }
            Operation::CreateIndex(index) if index.if_not_exists && self.has_index(index.name.as_deref()) => {
                because(Algorithm::Instant, "")
            }
            Operation::CreateIndex(index) => match index.method.as_deref() {
                Some("fulltext") if self.steps.iter().filter(|other| is_fulltext(&other.operation)).count() > 1 => {
                    because(Algorithm::Copy, "one FULLTEXT index at a time can be built in place")
                }
                Some("fulltext" | "spatial") => {
                    because(Algorithm::InplaceShared, "a FULLTEXT or SPATIAL index is built, for which writers wait")
                }
                // With a column that comes or goes beside it, the table is built anew.
                _ if self.drops_same_index(&index.columns, index.unique) => because(Algorithm::Instant, ""),
                _ if self.moves_columns() => because(Algorithm::Inplace, "a column and an index change at once"),
                _ => because(Algorithm::NoCopy, "the index is built"),
            },
            Operation::DropIndex { index, if_exists, .. } => {
                let found = self.known.and_then(|table| table.index(&index.name.to_lowercase()));
                let stays = found.is_none() && *if_exists && self.known.is_some_and(Table::is_whole);
                if stays || found.is_some_and(|index| self.adds_same_index(index)) {
                    return because(Algorithm::Instant, "");
                }
                Some(self.drop_index(found.filter(|index| index.unique).map_or(&[], |index| &index.columns)))
            }
            Operation::Other { kind: "convert_charset" | "convert_collation", .. }
                if self
                    .known
                    .is_some_and(|table| table.is_whole() && !table.columns().into_iter().any(columns::is_text_column)) =>
            {
                because(Algorithm::Instant, "")
            }
            Operation::Other { kind: "convert_collation", .. } => {
                because(Algorithm::Copy, "every text is sorted by another collation")
            }
            Operation::Other { kind: "convert_charset", name, .. } => {
                let kept = |table: &Table| {
                    name.as_deref() == Some(columns::charset_of(None, Some(table)))
                        && table.columns().iter().all(|column| column.collation.is_none())
                };
                match self.known.is_some_and(kept) {
                    true => because(Algorithm::Instant, ""),
                    false => because(Algorithm::Copy, "every text is converted to another character set"),
                }
            }
            Operation::Other {
                kind:
                    "add_system_versioning"
                    | "drop_system_versioning"
                    | "order_rows"
                    | "repartition"
                    | "reorganize_partition"
                    | "remove_partitioning",
                ..
            } => because(Algorithm::Copy, "the rows are written anew"),
            Operation::Other {
                kind:
                    "index_visibility" | "comment" | "auto_increment" | "default_charset" | "table_option" | "enable_keys"
                    | "disable_keys",
                ..
            } => because(Algorithm::Instant, ""),
            Operation::Other { kind: "engine", name, .. }
                if name.as_deref().is_some_and(|to| !to.eq_ignore_ascii_case("innodb")) =>
            {
                because(Algorithm::Copy, "the rows move to another engine")
            }
            Operation::Other { kind: "engine" | "force" | "row_format" | "key_block_size", .. } => {
                because(Algorithm::Inplace, "the table is rebuilt")
            }
            _ => None,
        }
    }

    /// Whether MariaDB keeps the key as a hash, since no index can hold the values.
    fn is_hashed(&self, columns: &[String]) -> bool {
        columns.iter().any(|name| self.column(name).and_then(|column| column.data_type.as_ref()).is_some_and(refusals::is_long))
    }

    fn adds_primary_key(&self) -> bool {
        let adds = |operation: &Operation| matches!(operation, Operation::AddConstraint { constraint, .. } if matches!(constraint.kind, ConstraintKind::PrimaryKey { .. }));
        self.steps.iter().any(|other| adds(&other.operation))
    }

    /// The statement drops an index over the same columns: the new one only has another name.
    fn drops_same_index(&self, columns: &[String], unique: bool) -> bool {
        let same =
            |index: &TableIndex| index.unique == unique && index.columns == columns && index.method.is_none() && !index.implied;
        let Some(table) = self.known else { return false };
        self.steps.iter().any(|other| match &other.operation {
            Operation::DropIndex { index, .. } => table.index(&index.name.to_lowercase()).is_some_and(same),
            _ => false,
        })
    }

    fn adds_same_index(&self, old: &TableIndex) -> bool {
        self.steps.iter().any(|other| match &other.operation {
            Operation::CreateIndex(index) => {
                let plain = index.method.is_none() && old.method.is_none() && !old.implied;
                plain && index.unique == old.unique && index.columns == old.columns
            }
            Operation::AddConstraint { constraint, .. } => {
                matches!(&constraint.kind, ConstraintKind::Unique { columns, .. } if old.unique && *columns == old.columns)
            }
            _ => false,
        })
    }

    fn has_index(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.known.is_some_and(|table| table.index(&name.to_lowercase()).is_some()))
    }

    fn has_primary_key(&self, wanted: &[String]) -> bool {
        let key = self.known.and_then(Table::primary_key);
        key.is_some_and(|key| matches!(&key.kind, ConstraintKind::PrimaryKey { columns, .. } if columns == wanted))
    }

    fn moves_columns(&self) -> bool {
        let is_virtual = |column: &Column| matches!(column.default, Some(Default::Generated { stored: Some(false), .. }));
        let moves = |operation: &Operation| match operation {
            Operation::AddColumn { column, .. } => !is_virtual(column),
            Operation::DropColumn { .. } => true,
            _ => false,
        };
        self.steps.iter().any(|other| moves(&other.operation))
    }

    /// `columns` are those of the key, where they are there already.
    fn foreign_key(&self, columns: Option<&[String]>) -> (Algorithm, String) {
        if !self.schema.session.skips_foreign_keys {
            return (Algorithm::Copy, "a foreign key is added while foreign_key_checks is on".to_owned());
        }
        let indexed = |columns: &[String]| {
            self.known.is_some_and(|table| table.indexes().iter().any(|index| refusals::begins(&index.columns, columns)))
        };
        match columns {
            Some(columns) if indexed(columns) => (Algorithm::Instant, String::new()),
            Some(_) => (Algorithm::NoCopy, "its index is built".to_owned()),
            None => (Algorithm::Inplace, "the rows are not looked at".to_owned()),
        }
    }

    /// Without a primary key the first unique index over columns that are NOT NULL stands for it.
    fn is_clustered_by(&self, columns: &[String]) -> bool {
        let Some(table) = self.known.filter(|table| table.primary_key().is_none() && !columns.is_empty()) else { return false };
        let required = |name: &String| table.column(&name.to_lowercase()).is_some_and(|column| column.nullable == Some(false));
        let is_it = |index: &&TableIndex| index.unique && index.columns.iter().all(required);
        let mut candidates = table.indexes().into_iter().filter(|index| is_it(index));
        candidates.next().is_some_and(|index| index.columns == columns) && candidates.next().is_none()
    }

    /// `columns` are those of a unique index.
    fn drop_index(&self, columns: &[String]) -> (Algorithm, String) {
        match self.is_clustered_by(columns) && !self.adds_primary_key() {
            true => (Algorithm::Copy, "the rows are sorted by it, as there is no primary key".to_owned()),
            false => (Algorithm::NoCopy, String::new()),
        }
    }
}

fn is_fulltext(operation: &Operation) -> bool {
    matches!(operation, Operation::CreateIndex(index) if index.method.as_deref() == Some("fulltext"))
}

/// A varchar without a length, which SQLAlchemy refuses to write for MySQL, and MySQL to read.
pub fn has_no_length(operation: &Operation) -> bool {
    let bare = |kind: Option<&DataType>| kind.is_some_and(|kind| kind.name == "varchar" && kind.modifiers.is_empty());
    match operation {
        Operation::CreateTable(create) => create.columns.iter().any(|column| bare(column.data_type.as_ref())),
        Operation::AddColumn { column, .. } => bare(column.data_type.as_ref()),
        Operation::AlterColumnType { to, .. } => bare(to.as_ref()),
        _ => false,
    }
}
