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
    /// An INSERT that certainly leaves rows behind: VALUES, or a series.
    pub certain: bool,
    /// It certainly leaves more than one.
    pub several: bool,
    /// Of several rows, the positions at which all have one and the same value.
    pub constant: Vec<usize>,
    /// The positions at which some row has NULL; of UPDATE, those that it sets to NULL.
    pub nulls: Vec<usize>,
    /// The values of a single row, as written.
    pub values: Vec<String>,
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
