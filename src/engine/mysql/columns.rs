//! Columns that come, go or change.

use super::{Algorithm, Model, types};
use crate::operation::{Column, ColumnPlace, DataType, Default, Dialect, Operation, show_holes};
use crate::schema::expression::{calls, mentions};
use crate::schema::{Table, TableColumn};

/// A varchar of so many bytes needs a second byte for its length.
const SHORT: u32 = 256;

/// MariaDB grows a varchar of at most so many bytes to any length, as its length field has room.
const ROOMY: u32 = 127;

/// The character set of a column: its own, that of its collation, that of its table, or the server's usual.
pub(super) fn charset_of<'t>(collation: Option<&'t str>, table: Option<&'t Table>) -> &'t str {
    let own = collation.and_then(|collation| collation.split('_').next());
    own.or_else(|| table.and_then(|table| table.ties().charset.as_deref())).unwrap_or("utf8mb4")
}

/// The collation of a column: its own, or the usual one of its character set.
fn collation_of(own: Option<&str>, table: Option<&Table>, dialect: Dialect) -> String {
    let usual = || match (charset_of(None, table), dialect) {
        ("utf8mb4", Dialect::MySql) => "utf8mb4_0900_ai_ci".to_owned(),
        ("latin1", _) => "latin1_swedish_ci".to_owned(),
        (charset, _) => format!("{charset}_general_ci"),
    };
    own.map_or_else(usual, str::to_ascii_lowercase)
}

/// The most bytes that a character takes.
fn bytes_in(charset: &str) -> u32 {
    match charset {
        "latin1" | "ascii" | "binary" | "latin2" | "latin5" | "latin7" | "cp1250" | "cp1251" | "koi8r" => 1,
        "ucs2" | "gbk" | "sjis" | "big5" => 2,
        "utf8" | "utf8mb3" | "ujis" => 3,
        _ => 4,
    }
}

/// Functions whose value is another one for each row.
const EACH_ROW: &[&str] = &["uuid", "uuid_short", "uuid_v4", "uuid_v7", "sys_guid", "random_bytes", "nextval", "sleep"];

pub(super) fn is_virtual(column: &TableColumn) -> bool {
    matches!(column.default, Some(Default::Generated { stored: Some(false), .. }))
}

pub(super) fn is_stored(column: &TableColumn) -> bool {
    matches!(column.default, Some(Default::Generated { stored: Some(true), .. }))
}

impl Model<'_> {
    pub(super) fn add_column(&self, column: &Column) -> (Algorithm, String) {
        let because = |algorithm: Algorithm, why: &str| (algorithm, why.to_owned());
        let drops = self.steps.iter().any(|other| matches!(other.operation, Operation::DropColumn { .. }));
        let has_virtual = || self.known.is_some_and(|table| table.columns().into_iter().any(is_virtual));
        // Behind the last column it goes to the end.
        let moves = match (&column.place, self.known.and_then(|table| table.columns().last().map(|last| last.name.clone()))) {
            (None, _) => false,
            (Some(ColumnPlace::After(other)), Some(last)) => !other.eq_ignore_ascii_case(&last),
            _ => true,
        };
        match &column.default {
            Some(Default::Generated { stored: Some(true), .. }) => {
                because(Algorithm::Copy, "the values of a STORED column are computed and written")
            }
            Some(Default::Generated { .. }) if column.unique || !self.only_indexed() => {
                because(Algorithm::Copy, "a virtual column comes together with something else")
            }
            _ if column.references.is_some() => self.foreign_key(None),
            Some(Default::Sequence) => because(Algorithm::InplaceShared, "every row gets a number, for which writers wait"),
            _ if column.unique || column.primary_key => {
                because(Algorithm::Inplace, "the table is rebuilt with the index of the column")
            }
            Some(Default::Expression(value)) if is_computed(&value.0) && !self.is_computed_once(&value.0) => {
                because(Algorithm::Copy, "its default is computed for each row")
            }
            _ if (moves || drops) && has_virtual() => {
                because(Algorithm::Copy, "columns of a table with virtual columns change their places")
            }
            _ => because(Algorithm::Instant, ""),
        }
    }

    /// The other actions only make indexes.
    fn only_indexed(&self) -> bool {
        let is_index = |operation: &Operation| matches!(operation, Operation::CreateIndex(index) if index.method.is_none());
        self.steps.iter().enumerate().all(|(at, other)| at == self.at || is_index(&other.operation))
    }

    /// MariaDB computes a default once for all rows that are there, but for one that differs from row to row.
    fn is_computed_once(&self, value: &str) -> bool {
        let calls = calls(value);
        let differs = calls.iter().any(|call| EACH_ROW.contains(&call.to_ascii_lowercase().as_str()));
        let columns = self.known.map(Table::columns).unwrap_or_default();
        self.dialect == Dialect::MariaDb && !differs && !columns.iter().any(|column| mentions(value, &column.name))
    }

    pub(super) fn drop_column(&self, column: &str) -> (Algorithm, String) {
        let name = column.to_lowercase();
        if !self.adds_primary_key() && self.known.and_then(Table::primary_key).is_some_and(|key| key.mentions(&name)) {
            return (Algorithm::Copy, "it is in the primary key, by which the rows are sorted".to_owned());
        }
        let indexes = self.known.map(Table::indexes).unwrap_or_default();
        let own: Vec<_> = indexes.iter().filter(|index| index.mentions(&name)).collect();
        if own.iter().any(|index| index.columns.len() > 1) {
            return (Algorithm::Inplace, "an index over it and other columns is built anew".to_owned());
        }
        match own.is_empty() {
            true => (Algorithm::Instant, String::new()),
            false => (Algorithm::NoCopy, "its index goes with it".to_owned()),
        }
    }

    pub(super) fn set_null(&self, column: &str, takes_null: bool) -> Option<(Algorithm, String)> {
        let because = |algorithm: Algorithm, why: &str| Some((algorithm, why.to_owned()));
        let keyed = self.known.and_then(Table::primary_key).is_some_and(|key| key.mentions(&column.to_lowercase()));
        // The columns of a primary key do not take NULL, whatever MODIFY leaves out.
        if self.column(column).is_some_and(|column| column.nullable == Some(takes_null)) || takes_null && keyed {
            return because(Algorithm::Instant, "");
        }
        let restated = |other: &&&crate::migration::Step| matches!(&other.operation, Operation::AlterColumnType { column: of, .. } if of == column);
        // MODIFY restates a column: of one that is not known, the type says what there is to say.
        if self.known.is_none() && self.steps[..self.at].iter().any(|other| restated(&other)) {
            return None;
        }
        let computed = |table: &Table| {
            table
                .columns()
                .iter()
                .any(|other| is_stored(other) || other.generated_from().is_some_and(|text| mentions(text, column)))
        };
        if !takes_null && self.known.is_some_and(computed) {
            return because(Algorithm::Copy, "the table has computed columns");
        }
        let fills = |operation: &Operation| matches!(operation, Operation::SetDefault { column: of, default: Default::Expression(value), .. } if of == column && (is_computed(&value.0) || is_now(&value.0)));
        if !takes_null && self.steps.iter().any(|other| fills(&other.operation)) {
            return because(Algorithm::Copy, "its default is computed for rows that have NULL");
        }
        because(Algorithm::Inplace, "the rows are written anew with or without their NULL bits")
    }

    /// `to` is the new type and collation; `by_directive`: SQLAlchemy's generic types, which have other names here.
    pub(super) fn retype(
        &self,
        column: &str,
        stated: Option<&DataType>,
        (to, collation): (Option<&DataType>, Option<&str>),
        by_directive: bool,
    ) -> (Algorithm, String) {
        let known = self.column(column);
        // What the history says comes before what the script takes the column to be.
        let from = known.and_then(|column| column.data_type.as_ref()).or(stated);
        let (Some(from), Some(to)) = (from, to) else {
            return (
                Algorithm::Copy,
                format!("the old type of `{}` is not known; if it is another one, each value is converted", show_holes(column)),
            );
        };
        let old_charset = charset_of(known.and_then(|column| column.collation.as_deref()), self.known);
        let new_charset = charset_of(collation, self.known);
        if is_text(from) && is_text(to) && old_charset != new_charset && known.is_some() {
            return (Algorithm::Copy, format!("from {old_charset} to {new_charset} each value is converted"));
        }
        let by_sqlalchemy = known.map_or(by_directive, |column| column.by_sqlalchemy);
        let stored = |kind: &DataType, by_sqlalchemy: bool| types::stored(kind, self.dialect, by_sqlalchemy);
        let (old, new) = (stored(from, by_sqlalchemy), stored(to, by_directive));
        if grows_in_place(&old, &new, bytes_in(new_charset), self.dialect) {
            let by_index = collation_of(collation, self.known, self.dialect)
                != collation_of(known.and_then(|column| column.collation.as_deref()), self.known, self.dialect)
                && self.known.is_some_and(|table| table.indexes().iter().any(|index| index.mentions(&column.to_lowercase())));
            return match by_index {
                true => (Algorithm::NoCopy, "the indexes are sorted anew by the new collation".to_owned()),
                false => (Algorithm::Instant, String::new()),
            };
        }
        // SQLAlchemy's Uuid is a type of MariaDB, and 32 characters on MySQL, which has none.
        let shown = |generic: &DataType, stored: &DataType| match generic.name.as_str() {
            "uuid" => "uuid (char(32) on MySQL)".to_owned(),
            _ => stored.to_string(),
        };
        let (old, new) = (shown(from, &old), shown(to, &new));
        (Algorithm::Copy, format!("from {old} to {new} each value is converted"))
    }
}

pub(super) fn is_text_column(column: &TableColumn) -> bool {
    column.data_type.as_ref().is_none_or(is_text)
}

pub(super) fn is_number(kind: &DataType) -> bool {
    let base = kind.name.split(' ').next().unwrap_or_default();
    matches!(
        base,
        "tinyint" | "smallint" | "mediumint" | "integer" | "bigint" | "numeric" | "float" | "double" | "date" | "datetime"
    )
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind.name.as_str(), "char" | "varchar" | "text" | "tinytext" | "mediumtext" | "longtext" | "set")
        || !kind.labels.is_empty()
}

/// A default in parentheses, or a call of anything but the current time.
fn is_computed(value: &str) -> bool {
    let value = value.trim();
    (value.starts_with('(') || value.contains('(')) && !is_now(value) && !value.starts_with(['\'', '"'])
}

fn is_now(value: &str) -> bool {
    let value = value.trim().trim_matches(['(', ')']).to_ascii_lowercase();
    ["current_timestamp", "now", "localtime", "localtimestamp"].iter().any(|word| value.starts_with(word))
}

/// Types that differ in nothing that the rows show: the same, a longer varchar whose length field has room, an enum or set
/// with labels behind the old ones.
fn grows_in_place(from: &DataType, to: &DataType, bytes: u32, dialect: Dialect) -> bool {
    if from.name != to.name {
        return false;
    }
    if !from.labels.is_empty() || !to.labels.is_empty() {
        return to.labels.starts_with(&from.labels);
    }
    let number = |kind: &DataType| kind.modifiers.first().and_then(|length| length.parse::<u32>().ok());
    match from.name.as_str() {
        "set" => to.modifiers.starts_with(&from.modifiers),
        // How a number is shown is not stored.
        "tinyint" | "float" | "double precision" => true,
        "varchar" | "varbinary" => {
            let (Some(old), Some(new)) = (number(from), number(to)) else { return from.modifiers == to.modifiers };
            let bytes = if from.name == "varbinary" { 1 } else { bytes };
            let roomy = dialect == Dialect::MariaDb && old * bytes <= ROOMY;
            new >= old && (roomy || (old * bytes < SHORT) == (new * bytes < SHORT))
        }
        _ => from.modifiers == to.modifiers,
    }
}
