//! What SQLite itself refuses of statements that it can read.

use super::{Effects, Failure, FailureKind, Model, failure};
use crate::migration::Step;
use crate::operation::{Column, ConstraintKind, DataType, Default, Name, Operation, show_holes};
use crate::schema::expression::mentions;
use crate::schema::value;
use crate::schema::{Table, TableConstraint};

impl Model<'_> {
    pub(super) fn statement(&self, step: &Step, effects: &mut Effects) -> Option<Failure> {
        let contradiction = |answer: String| Some(failure(FailureKind::Contradiction, answer));
        match &step.operation {
            Operation::Vacuum { .. } if self.schema.session.begun || self.schema.session.wrote => {
                Some(failure(FailureKind::Contradiction, "cannot VACUUM from within a transaction"))
            }
            Operation::Insert { table, rows } => {
                let taken = self.schema.table(table).filter(|table| !self.schema.is_guarded(table))?.taken_key(rows)?;
                let taken: Vec<String> = taken.iter().map(|column| format!("{table}.{column}")).collect();
                Some(failure(FailureKind::Rows, format!("UNIQUE constraint failed: {}", taken.join(", "))))
            }
            Operation::AddConstraint { table, constraint } => {
                let ConstraintKind::Check { expression } = &constraint.kind else { return None };
                let known = self.schema.table(table)?;
                if let Some(missing) = self.unknown_name(known, &expression.0, &[]) {
                    return Some(missing);
                }
                let breaks = known.breaks(&expression.0);
                breaks.then(|| failure(FailureKind::Rows, "constraint failed"))
            }
            Operation::CreateTable(create) => {
                let before =
                    |at: usize, name: &str| create.columns[..at].iter().any(|other| other.name.eq_ignore_ascii_case(name));
                if let Some((_, twice)) = create.columns.iter().enumerate().find(|(at, column)| before(*at, &column.name)) {
                    return contradiction(format!("duplicate column name: {}", twice.name));
                }
                if let Some(column) = create.columns.iter().find(|column| create.strict && is_lax(column)) {
                    return contradiction(unknown_datatype(&create.table, column));
                }
                if self.schema.table(&create.table).is_some_and(|table| table.created_in.is_some()) && !create.if_not_exists {
                    return contradiction(format!("table {} already exists", create.table));
                }
                None
            }
            Operation::AddColumn { table, column, .. } => self.add_column(table, column),
            Operation::DropColumn { table, column, .. } => self.drop_column(table, column),
            Operation::RenameColumn { table, column, to } => {
                let known = self.schema.table(table)?;
                if known.is_view() {
                    return contradiction(format!("cannot rename columns of view \"{table}\""));
                }
                self.missing_column(known, column).or_else(|| {
                    let taken = known.column(&to.to_lowercase()).is_some() && !to.eq_ignore_ascii_case(column);
                    taken.then(|| failure(FailureKind::Contradiction, format!("duplicate column name: {to}")))
                })
            }
            Operation::RenameTable { table, to } => {
                if let Some(missing) = self.missing_table(table) {
                    return Some(missing);
                }
                if self.schema.table(table).is_some_and(Table::is_view) {
                    return contradiction(format!("view {table} may not be altered"));
                }
                let taken = self.schema.table(to).is_some_and(|table| table.created_in.is_some());
                taken.then(|| {
                    failure(FailureKind::Contradiction, format!("there is already another table or index with this name: {to}"))
                })
            }
            Operation::SetNotNull { table, column } => {
                let known = self.schema.table(table)?;
                let nulls = known.has_null_in(&column.to_lowercase());
                let broken = || nulls.then(|| failure(FailureKind::Rows, "constraint failed: a row has NULL there"));
                self.missing_column(known, column).or_else(broken)
            }
            Operation::DropConstraint { table, constraint: Some(name), .. } => {
                let known = self.schema.table(table).filter(|table| table.complete)?;
                let missing = !known.constraints().iter().any(|constraint| constraint.name.eq_ignore_ascii_case(name));
                missing.then(|| failure(FailureKind::Contradiction, format!("no such constraint: {name}")))
            }
            Operation::CreateIndex(index) => {
                let known = self.schema.table(&index.table);
                let name = index.name.as_deref().map(|name| Name::with_schema(index.table.schema.clone(), name));
                if let Some(name) = name.filter(|name| !index.if_not_exists && self.schema.index(name).is_some()) {
                    return contradiction(format!("index {name} already exists"));
                }
                if let Some(missing) =
                    known.and_then(|known| index.columns.iter().find_map(|column| self.missing_key(known, column)))
                {
                    return Some(missing);
                }
                if known.is_some_and(Table::is_view) {
                    return contradiction("views may not be indexed".to_owned());
                }
                let own_name = index.name.as_deref().map(Name::new);
                if own_name.is_some_and(|name| self.schema.table(&name).is_some_and(Table::is_whole)) {
                    return contradiction(format!(
                        "there is already a table named {}",
                        index.name.as_deref().unwrap_or_default()
                    ));
                }
                let mut texts = index.predicate.iter().map(|predicate| &predicate.0);
                if let Some(missing) = known.and_then(|known| texts.find_map(|text| self.unknown_name(known, text, &[]))) {
                    return Some(missing);
                }
                let columns: Vec<String> = index.columns.iter().map(|column| column.to_lowercase()).collect();
                let predicate = index.predicate.as_ref().map(|predicate| predicate.0.as_str());
                let broken = index.unique && known.is_some_and(|known| known.repeats(&columns, predicate));
                broken.then(|| failure(FailureKind::Rows, "UNIQUE constraint failed: two rows have the same value"))
            }
            Operation::DropIndex { index, .. } if index.name.starts_with("sqlite_autoindex_") => {
                contradiction("index associated with UNIQUE or PRIMARY KEY constraint cannot be dropped".to_owned())
            }
            Operation::DropIndex { index, table, if_exists: false, .. } => {
                let owner = table.as_ref().and_then(|table| self.schema.table(table)).filter(|table| table.complete)?;
                // Which table the call names changes nothing.
                let elsewhere = self.schema.index(index).is_some();
                let gone = index.is_known() && owner.index(&index.name.to_lowercase()).is_none() && !elsewhere;
                gone.then(|| failure(FailureKind::Contradiction, format!("no such index: {index}")))
            }
            Operation::DropTable { table, if_exists, .. } => {
                if !if_exists && let Some(missing) = self.missing_table(table) {
                    return Some(missing);
                }
                if self.schema.table(table).is_some_and(Table::is_view) {
                    return contradiction(format!("use DROP VIEW to delete view {table}"));
                }
                self.dropped_rows(self.schema.table(table)?, effects)
            }
            Operation::Delete { table, has_where: false, .. } => self.dropped_rows(self.schema.table(table)?, effects),
            _ => None,
        }
    }

    /// Only what the history itself took away is certain to be missing.
    fn missing_table(&self, table: &Name) -> Option<Failure> {
        let gone = self.schema.was_dropped(table);
        gone.then(|| failure(FailureKind::Contradiction, format!("no such table: {table}")))
    }

    pub(super) fn missing_column(&self, table: &Table, column: &str) -> Option<Failure> {
        let gone = table.complete && Name::new(column).is_known() && table.column(&column.to_lowercase()).is_none();
        gone.then(|| failure(FailureKind::Contradiction, format!("no such column: \"{}\"", show_holes(column))))
    }

    /// A name in an expression that is no column, nor one of those that come along. In double quotes it would be a text.
    pub(super) fn unknown_name(&self, table: &Table, text: &str, new: &[&str]) -> Option<Failure> {
        const ROW: &[&str] = &["rowid", "oid", "_rowid_", "true", "false"];
        let is_other = |name: &str, quoted: bool| {
            quoted || new.iter().any(|new| new.eq_ignore_ascii_case(name)) || ROW.contains(&name) || name.starts_with("current_")
        };
        let whole = Some(table).filter(|table| table.complete && !table.is_view())?;
        let missing = whole.stranger_in(text, is_other)?;
        Some(failure(FailureKind::Contradiction, format!("no such column: {missing}")))
    }

    fn missing_key(&self, table: &Table, key: &str) -> Option<Failure> {
        let plain = key.chars().all(|c| c.is_alphanumeric() || c == '_');
        if plain { self.missing_column(table, key) } else { None }
    }

    /// `sqlite3AlterFinishAddColumn` in SQLite's source: some columns are never added, some only to an empty table.
    pub(super) fn add_column(&self, table: &Name, column: &Column) -> Option<Failure> {
        let known = self.schema.table(table);
        let refused = |answer: &str| Some(failure(FailureKind::AddColumn, answer));
        if known.is_some_and(Table::is_view) {
            return Some(failure(FailureKind::Contradiction, "Cannot add a column to a view"));
        }
        if known.is_some_and(|table| table.column(&column.name.to_lowercase()).is_some()) {
            return Some(failure(FailureKind::Contradiction, format!("duplicate column name: {}", column.name)));
        }
        if known.is_some_and(|table| table.strict) && is_lax(column) {
            return Some(failure(FailureKind::Contradiction, unknown_datatype(table, column)));
        }
        if column.primary_key && !column.constraints_apart {
            return refused("Cannot add a PRIMARY KEY column");
        }
        if column.unique && !column.constraints_apart {
            return refused("Cannot add a UNIQUE column");
        }
        let texts = column.checks.iter().map(|check| &check.0).chain(match &column.default {
            Some(Default::Generated { expression, .. }) => Some(&expression.0),
            _ => None,
        });
        let missing = |text: &String| self.unknown_name(known?, text, &[&column.name]);
        if let Some(missing) = texts.into_iter().find_map(missing) {
            return Some(missing);
        }
        if column.checks.iter().any(|check| known.is_some_and(|table| table.breaks(&check.0))) {
            return Some(failure(FailureKind::Rows, "CHECK constraint failed"));
        }
        let with_rows = !known.is_some_and(|table| table.has_rows);
        self.add_column_to_rows(column).map(|failure| Failure { with_rows, ..failure })
    }

    fn add_column_to_rows(&self, column: &Column) -> Option<Failure> {
        let refused = |answer: &str| Some(failure(FailureKind::AddColumn, answer));
        let value = match &column.default {
            Some(Default::Expression(value)) if !value.is_null() => Some(value.0.as_str()),
            _ => None,
        };
        // Alembic writes the numbers of a key apart, and here not at all.
        let numbered = matches!(column.default, Some(Default::Sequence)) && !column.constraints_apart;
        let generated = numbered || matches!(column.default, Some(Default::Generated { .. }));
        let hidden = value.is_some_and(|value| value.contains(crate::operation::HOLE));
        if matches!(column.default, Some(Default::Generated { stored: Some(true), .. })) {
            return refused("cannot add a STORED column");
        }
        if (column.nullable == Some(false) || column.primary_key) && value.is_none() && !generated {
            return refused("Cannot add a NOT NULL column with default value NULL");
        }
        if column.references.is_some() && value.is_some() && self.foreign_keys == Some(true) {
            return refused("Cannot add a REFERENCES column with non-NULL default value");
        }
        if value.is_some_and(|value| !hidden && !is_constant(value)) {
            return refused("Cannot add a column with non-constant default");
        }
        let broken = column.checks.iter().any(|check| value::is_false(&check.0, column, value.unwrap_or("NULL")));
        broken.then(|| failure(FailureKind::Rows, "CHECK constraint failed"))
    }

    pub(super) fn drop_column(&self, table: &Name, column: &str) -> Option<Failure> {
        let known = self.schema.table(table)?;
        let name = show_holes(column);
        let folded = column.to_lowercase();
        let dependent = |answer: String| Some(failure(FailureKind::Dependents, answer));
        if known.is_view() {
            return Some(failure(FailureKind::Contradiction, format!("cannot drop column from view \"{table}\"")));
        }
        if let Some(missing) = self.missing_column(known, column) {
            return Some(missing);
        }
        let constraints = known.constraints();
        let mine: Vec<&&TableConstraint> = constraints.iter().filter(|constraint| constraint.mentions(&folded)).collect();
        let has = |wanted: fn(&ConstraintKind) -> bool| mine.iter().find(|constraint| wanted(&constraint.kind));
        if has(|kind| matches!(kind, ConstraintKind::PrimaryKey { .. })).is_some() {
            return dependent(format!("cannot drop PRIMARY KEY column: \"{name}\""));
        }
        if has(|kind| matches!(kind, ConstraintKind::Unique { .. })).is_some() {
            return dependent(format!("cannot drop UNIQUE column: \"{name}\""));
        }
        let own_index = |index: &&&crate::schema::TableIndex| known.constraint(&index.name).is_none();
        if let Some(index) = known.indexes().iter().filter(own_index).find(|index| index.mentions(&folded)) {
            return dependent(format!("error in index {} after drop column: no such column: {name}", index.name));
        }
        let table_level = |constraint: &&&&TableConstraint| !constraint.inline;
        if mine.iter().any(|constraint| table_level(&constraint)) {
            return dependent(format!("error in table {table} after drop column: no such column: {name}"));
        }
        // An inline CHECK goes with its column, unless it is another column's.
        let others = known.columns().into_iter().filter(|other| !other.name.eq_ignore_ascii_case(column));
        if others.filter_map(|other| other.generated_from()).any(|text| mentions(text, column)) {
            return dependent(format!("error in table {table} after drop column: no such column: {name}"));
        }
        if let Some(view) = self.views_over(known, Some(column)).first() {
            return dependent(format!("error in view {view} after drop column: no such column: {name}"));
        }
        let uses = |text: &Option<String>| text.as_deref().is_some_and(|text| mentions(text, column));
        known.ties().triggers.iter().find(|trigger| uses(&trigger.text)).map(|trigger| {
            failure(
                FailureKind::Dependents,
                format!("error in trigger {} after drop column: no such column: {name}", trigger.name),
            )
        })
    }

    /// Views that read a table, or one column of it where one is given.
    pub(super) fn views_over(&self, table: &Table, column: Option<&str>) -> Vec<Name> {
        let reads = |view: &&Table| {
            view.ties().uses.iter().filter(|used| used.relation == table.id).any(|used| match (&used.columns, column) {
                (Some(columns), Some(column)) => columns.iter().any(|name| name.eq_ignore_ascii_case(column)),
                _ => true,
            })
        };
        table
            .ties()
            .used_by
            .iter()
            .filter_map(|id| self.schema.relation(*id))
            .filter(reads)
            .map(|view| view.name.clone())
            .collect()
    }
}

/// The types that a STRICT table has.
const STRICT: &[&str] = &["int", "integer", "real", "text", "blob", "any"];

/// A type that no STRICT table takes, or none at all.
pub(super) fn is_lax(column: &Column) -> bool {
    column.data_type.as_ref().is_none_or(|kind| !is_strict(kind))
}

/// A type of a STRICT table, or one that is not known.
pub(super) fn is_strict(kind: &DataType) -> bool {
    STRICT.contains(&kind.name.as_str()) || !Name::new(kind.name.as_str()).is_known() || !kind.labels.is_empty()
}

pub(super) fn unknown_datatype(table: &Name, column: &Column) -> String {
    let kind = column.data_type.as_ref().map_or_else(String::new, ToString::to_string);
    format!("unknown datatype for {table}.{}: \"{kind}\"", column.name)
}

/// What `ADD COLUMN` takes as a default for existing rows: a literal, also in parentheses or with a sign.
fn is_constant(value: &str) -> bool {
    let mut value = value.trim();
    while let Some(inner) = value.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        value = inner.trim();
    }
    let unsigned = value.trim_start_matches(['-', '+']).trim();
    let quoted = |quote: char| {
        unsigned.len() > 1
            && unsigned.starts_with(quote)
            && unsigned.ends_with(quote)
            && !unsigned[1..unsigned.len() - 1].replace("''", "").contains(quote)
    };
    let blob = unsigned.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("x'"));
    // A bare word is a text.
    let is_word = !unsigned.is_empty()
        && unsigned.len() == value.len()
        && unsigned.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !unsigned.get(..8).is_some_and(|head| head.eq_ignore_ascii_case("current_"));
    is_word
        || unsigned.parse::<f64>().is_ok()
        || unsigned.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("0x"))
        || quoted('\'')
        || quoted('"')
        || blob
        || ["true", "false", "null"].iter().any(|word| unsigned.eq_ignore_ascii_case(word))
}
