//! What statements over rows read and write.

use super::Name;

/// What INSERT, UPDATE and DELETE touch besides their table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The columns that INSERT names or UPDATE sets; empty when all, or when not known.
    pub columns: Vec<String>,
    /// Columns that the condition compares with a value, so that an index on one of them can narrow it.
    pub narrowed_by: Vec<String>,
    /// Whether the condition was read, so that an empty `narrowed_by` means something.
    pub condition_known: bool,
    /// Other relations that the statement reads.
    pub reads: Vec<Name>,
    /// The rows that an INSERT certainly leaves behind, or the one with what UPDATE sets.
    pub written: Option<Written>,
    /// `INSERT OR IGNORE`, `REPLACE`: a row that is there already is no failure.
    pub gives_way: bool,
}

/// Rows as the text of a statement has them: their expressions, in the order of the columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Those of VALUES, and of a series the formulas for each of its rows. Of many only the first [`MOST_WRITTEN`].
    pub rows: Vec<Vec<String>>,
    /// `SELECT … FROM generate_series(1, 500) g`.
    pub series: Option<Series>,
    /// How many there are in truth.
    pub count: usize,
}

/// The whole numbers of `generate_series`, by the name that formulas have for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    pub variable: String,
    pub first: i64,
    pub last: i64,
}

/// So many rows of VALUES are kept.
pub const MOST_WRITTEN: usize = 64;

impl Rows {
    /// The one row, where there is one and no more.
    pub fn single(&self) -> Option<&[String]> {
        let written = self.written.as_ref().filter(|written| written.count == 1 && written.series.is_none())?;
        written.rows.first().map(Vec::as_slice)
    }
}

/// A relation in a FROM clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    pub name: Name,
    /// What the query calls it: its alias, or its own name.
    pub called: String,
}

/// What a query reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub relations: Vec<Relation>,
    /// Columns with what stands before the dot, if anything.
    pub columns: Vec<(Option<String>, String)>,
    /// `*` or `name.*`.
    pub wildcards: Vec<Option<String>>,
    /// Sequences that `nextval` or `setval` takes numbers from.
    pub sequences: Vec<Name>,
    /// `FOR UPDATE` and its kin.
    pub locks_rows: bool,
    /// Those of `OF`, as the query calls them; empty when all.
    pub locked: Vec<String>,
    /// It calls functions that may change rows.
    pub calls: bool,
    /// It is only planned, as by EXPLAIN and PREPARE: its relations are locked, and no row is read.
    pub planned: bool,
    pub narrowed_by: Vec<String>,
    /// The names of the output, where each is plain to see.
    pub output: Option<Vec<String>>,
}

impl Query {
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.relations.iter().map(|relation| &relation.name)
    }

    /// Whether the query uses a column of the relation called `called`; an unqualified name may be any relation's.
    pub fn uses(&self, called: &str, column: &str) -> bool {
        let of = |qualifier: &Option<String>| qualifier.as_deref().is_none_or(|qualifier| qualifier == called);
        self.wildcards.iter().any(of) || self.columns.iter().any(|(qualifier, name)| of(qualifier) && name == column)
    }
}
