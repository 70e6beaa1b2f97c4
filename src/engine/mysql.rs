//! MySQL and MariaDB with InnoDB: by which algorithm an ALTER TABLE can run, and whether writers wait for it.
//!
//! Measured on MariaDB 10.11 (`tests/oracle/mysql`). MySQL is modelled as its documentation says, where the two are alike:
//! ("Online DDL Operations" in the manual of 8.0). What is said of one of them alone is marked.

pub mod types;

use super::{Effects, Statement};
use crate::migration::{Origin, Step};
use crate::operation::{Column, ConstraintKind, DataType, Default, Dialect, Name, Operation, show_holes};
use crate::schema::expression::mentions;
use crate::schema::{Schema, Table, TableColumn};

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

/// Bytes of a character in utf8mb4, the default of both.
const BYTES: u32 = 4;

/// A varchar of so many bytes needs a second byte for its length.
const SHORT: u32 = 256;

/// The actions of one ALTER TABLE, and what Alembic writes as one MODIFY.
pub(super) fn belong_together(before: &Step, step: &Step) -> bool {
    let column_of = |step: &Step| step.operation.object();
    let same_origin = match (before.origin, step.origin) {
        (Origin::Sql, Origin::Sql) => true,
        (Origin::Directive(a), Origin::Directive(b)) => a == "alter_column" && a == b && column_of(before) == column_of(step),
        _ => false,
    };
    same_origin && before.statement == step.statement && before.operation.table() == step.operation.table()
}

/// All actions of one ALTER TABLE run by the worst algorithm that one of them needs.
pub(super) fn effects(statement: &Statement<'_>, schema: &Schema) -> Vec<Effects> {
    let mut worst: Option<(Algorithm, String, Name)> = None;
    for (at, step) in statement.steps.iter().enumerate() {
        let Some(table) = step.operation.table() else { continue };
        let known = schema.table(table);
        let Some((algorithm, why)) = algorithm(step, &statement.steps, at, known) else { continue };
        if worst.as_ref().is_none_or(|(known, ..)| algorithm > *known) {
            worst = Some((algorithm, why, table.clone()));
        }
    }
    let mut effects = Effects::default();
    if let Some((algorithm, why, table)) = worst {
        if algorithm == Algorithm::Copy {
            effects.rewrites.insert(table.clone(), why.clone());
        }
        effects.algorithm = Some((algorithm, why));
    }
    vec![effects; statement.operations.len()]
}

fn algorithm(step: &Step, steps: &[&Step], at: usize, known: Option<&Table>) -> Option<(Algorithm, String)> {
    let because = |algorithm: Algorithm, why: &str| Some((algorithm, why.to_owned()));
    // CHANGE renames first.
    let old_name = |name: &str| {
        steps[..at].iter().find_map(|other| match &other.operation {
            Operation::RenameColumn { column, to, .. } if to == name => Some(column.to_lowercase()),
            _ => None,
        })
    };
    let column_of = |name: &str| known.and_then(|table| table.column(&old_name(name).unwrap_or_else(|| name.to_lowercase())));
    match &step.operation {
        Operation::AddColumn { column, if_not_exists: true, .. } if column_of(&column.name).is_some() => {
            because(Algorithm::Instant, "")
        }
        Operation::AddColumn { column, .. } => {
            let drops = steps.iter().any(|other| matches!(other.operation, Operation::DropColumn { .. }));
            let is_virtual =
                |column: &&TableColumn| matches!(column.default, Some(Default::Generated { stored: Some(false), .. }));
            match (column.positioned || drops) && known.is_some_and(|table| table.columns().iter().any(is_virtual)) {
                true => because(Algorithm::Copy, "columns of a table with virtual columns change their places"),
                false => Some(add_column(column)),
            }
        }
        Operation::RenameTable { .. } => because(Algorithm::Instant, ""),
        Operation::DropColumn { column, .. } => {
            let indexed = known.is_some_and(|table| table.indexes().iter().any(|index| index.mentions(&column.to_lowercase())));
            match indexed {
                true => because(Algorithm::NoCopy, "its index goes with it"),
                false => because(Algorithm::Instant, ""),
            }
        }
        Operation::AlterColumnType { column, from: stated, to, collation, .. } => {
            // What the history says comes before what the script takes the column to be.
            let from = column_of(column).and_then(|column| column.data_type.as_ref()).or(stated.as_ref());
            Some(retype(known, from, column, to.as_ref(), collation.is_some()))
        }
        Operation::SetNotNull { column, .. } | Operation::DropNotNull { column, .. } => {
            let wanted = matches!(step.operation, Operation::DropNotNull { .. });
            if column_of(column).is_some_and(|column| column.nullable == Some(wanted)) {
                return because(Algorithm::Instant, "");
            }
            // MODIFY restates a column: of one that is not known, the type says what there is to say.
            let restated = steps[..at]
                .iter()
                .any(|other| matches!(&other.operation, Operation::AlterColumnType { column: of, .. } if of == column));
            if known.is_none() && restated {
                return None;
            }
            let computed = known.is_some_and(|table| feeds_generated(table, column));
            match computed && !wanted {
                true => because(Algorithm::Copy, "a generated column is computed from it"),
                false => because(Algorithm::Inplace, "the rows are written anew with or without their NULL bits"),
            }
        }
        Operation::SetDefault { .. } | Operation::DropDefault { .. } | Operation::RenameColumn { .. } => {
            because(Algorithm::Instant, "")
        }
        Operation::AddConstraint { constraint, .. } => match &constraint.kind {
            ConstraintKind::ForeignKey { .. } => {
                because(Algorithm::Copy, "a foreign key is added while foreign_key_checks is on")
            }
            ConstraintKind::Check { .. } => because(Algorithm::Copy, "a CHECK is added, and every row is read for it"),
            ConstraintKind::Unique { .. } => because(Algorithm::NoCopy, "its index is built"),
            _ => because(Algorithm::Inplace, "the rows are sorted anew by the new primary key"),
        },
        Operation::DropConstraint { constraint, .. } => {
            let kind = constraint
                .as_ref()
                .and_then(|name| known.and_then(|table| table.constraint(name)))
                .map(|constraint| &constraint.kind);
            let adds_key = steps.iter().any(|other| matches!(&other.operation, Operation::AddConstraint { constraint, .. } if matches!(constraint.kind, ConstraintKind::PrimaryKey { .. })));
            match kind {
                Some(ConstraintKind::PrimaryKey { .. }) if !adds_key => {
                    because(Algorithm::Copy, "the primary key goes, by which the rows are sorted")
                }
                Some(ConstraintKind::Unique { .. }) => because(Algorithm::NoCopy, ""),
                _ => because(Algorithm::Instant, ""),
            }
        }
        Operation::CreateIndex(index) => match index.method.as_deref() {
            Some("fulltext" | "spatial") => {
                because(Algorithm::InplaceShared, "a FULLTEXT or SPATIAL index is built, for which writers wait")
            }
            // With a new column beside it, the table is built anew.
            _ if steps.iter().any(|other| matches!(other.operation, Operation::AddColumn { .. })) => {
                because(Algorithm::Inplace, "a column and an index are added at once")
            }
            _ => because(Algorithm::NoCopy, "the index is built"),
        },
        Operation::DropIndex { .. } => because(Algorithm::NoCopy, ""),
        Operation::Other { kind: "convert_charset", .. } => {
            because(Algorithm::Copy, "every text is converted to another character set")
        }
        Operation::Other { kind: "comment" | "auto_increment" | "default_charset", .. } => because(Algorithm::Instant, ""),
        Operation::Other { kind: "engine" | "force" | "row_format" | "key_block_size", .. } => {
            because(Algorithm::Inplace, "the table is rebuilt")
        }
        _ => None,
    }
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

fn add_column(column: &Column) -> (Algorithm, String) {
    let because = |algorithm: Algorithm, why: &str| (algorithm, why.to_owned());
    match &column.default {
        Some(Default::Generated { stored: Some(true), .. }) => {
            because(Algorithm::Copy, "the values of a STORED column are computed and written")
        }
        _ if column.references.is_some() => because(Algorithm::Copy, "a foreign key is added while foreign_key_checks is on"),
        Some(Default::Sequence) => because(Algorithm::InplaceShared, "every row gets a number, for which writers wait"),
        _ if column.unique || column.primary_key => {
            because(Algorithm::Inplace, "the table is rebuilt with the index of the column")
        }
        _ => because(Algorithm::Instant, ""),
    }
}

fn feeds_generated(table: &Table, column: &str) -> bool {
    table.columns().iter().any(|other| other.generated_from().is_some_and(|text| mentions(text, column)))
}

fn retype(
    table: Option<&Table>,
    from: Option<&DataType>,
    column: &str,
    to: Option<&DataType>,
    collated: bool,
) -> (Algorithm, String) {
    let (Some(from), Some(to)) = (from, to) else {
        return (
            Algorithm::Copy,
            format!("the old type of `{}` is not known; if it is another one, each value is converted", show_holes(column)),
        );
    };
    if let Some(algorithm) = grows_in_place(from, to) {
        let indexed =
            collated && table.is_some_and(|table| table.indexes().iter().any(|index| index.mentions(&column.to_lowercase())));
        return match indexed {
            true => (Algorithm::NoCopy, "the indexes are sorted anew by the new collation".to_owned()),
            false => (algorithm, String::new()),
        };
    }
    // SQLAlchemy's Uuid is a type of MariaDB, and 32 characters on MySQL, which has none.
    let shown = |kind: &DataType| match kind.name.as_str() {
        "uuid" => "uuid (char(32) on MySQL)".to_owned(),
        _ => kind.to_string(),
    };
    (Algorithm::Copy, format!("from {} to {} each value is converted", shown(from), shown(to)))
}

/// Types that differ in nothing that the rows show: the same, a longer varchar with as many bytes of length, an enum with
/// labels behind the old ones.
fn grows_in_place(from: &DataType, to: &DataType) -> Option<Algorithm> {
    // Where the two differ in what they make of a type, MySQL's way.
    let stored = |kind: &DataType| types::stored(kind, Dialect::MySql, false).to_string();
    if stored(from) == stored(to) && from.labels == to.labels {
        return Some(Algorithm::Instant);
    }
    if from.name != to.name {
        return None;
    }
    if !from.labels.is_empty() {
        return to.labels.starts_with(&from.labels).then_some(Algorithm::Instant);
    }
    let length = |kind: &DataType| kind.modifiers.first().and_then(|length| length.parse::<u32>().ok());
    let (Some(old), Some(new)) = (length(from), length(to)) else { return None };
    let is_varchar = from.name == "varchar";
    let same_prefix = (old * BYTES < SHORT) == (new * BYTES < SHORT);
    (is_varchar && new >= old && same_prefix).then_some(Algorithm::Instant)
}
