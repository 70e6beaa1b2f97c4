//! What is still different after going there and back.

use super::{column_of, constraint_of, index_of, recreate};
use crate::engine::mysql::types::stored;
use crate::history::Index;
use crate::operation::{ConstraintKind, DataType, Default as ColumnDefault, Dialect, Name, Operation};
use crate::schema::expression::{mentions, plain};
use crate::schema::{Kind, Schema, Table, TableColumn, TableConstraint, TableIndex};

/// One thing that is not as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// In words: ``the column `users.age` ``.
    pub what: String,
    pub how: How,
    /// What would mend it.
    pub repair: Vec<Operation>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum How {
    /// The upgrade made it, and it is still there.
    LeftOver,
    /// It was there before, and is not there any more.
    Missing,
    /// It is there, and not as it was: what is different.
    Changed(String),
    /// The same of a column that the way back adds: only once its rows are filled can it be mended.
    Unfilled(String),
}

/// What is different in the given tables after there and back. Of tables that the history does not show in full, only
/// what the upgrade (`made_in`) itself made counts.
pub fn differences(before: &Schema, after: &Schema, tables: &[Name], made_in: Index) -> Vec<Difference> {
    let mut out = Vec::new();
    let exists =
        |schema: &Schema, name: &Name| schema.table(name).is_some_and(|table| table.created_in.is_some() && !table.is_view());
    for name in tables {
        let made = after.table(name).filter(|view| view.is_view() && view.created_in == Some(made_in));
        if let Some(view) = made.filter(|_| before.table(name).is_none()) {
            let materialized = view.kind == Kind::MaterializedView;
            let repair = vec![Operation::DropView { name: name.clone(), materialized, if_exists: false, cascade: false }];
            out.push(Difference { what: format!("the view `{name}`"), how: How::LeftOver, repair });
            continue;
        }
        match (exists(before, name), exists(after, name)) {
            (false, true) if after.table(name).is_some_and(|table| table.created_in == Some(made_in)) => {
                let repair = vec![Operation::DropTable { table: name.clone(), if_exists: false, cascade: false }];
                out.push(Difference { what: format!("the table `{name}`"), how: How::LeftOver, repair });
            }
            (true, false) => {
                let repair = before.table(name).and_then(|table| recreate(table, before)).unwrap_or_default();
                out.push(Difference { what: format!("the table `{name}`"), how: How::Missing, repair });
            }
            (true, true) | (false, false) => {
                if let Some(now) = after.table(name) {
                    in_table(before, after, before.table(name), now, made_in, &mut out);
                }
            }
            (false, true) => {}
        }
    }
    out
}

fn in_table(before: &Schema, after: &Schema, was: Option<&Table>, now: &Table, made_in: Index, out: &mut Vec<Difference>) {
    let table = &now.name;
    // Indexes and constraints go before the columns that they stand on. One without a name is unnamed_constraint's.
    for constraint in now.constraints().into_iter().filter(|constraint| constraint.named && constraint.created_in == made_in) {
        let same = |other: &&TableConstraint| other.name == constraint.name || other.kind == constraint.kind;
        let new = |column: &TableColumn| column.added_in == Some(made_in);
        let own_column = match &constraint.kind {
            ConstraintKind::Check { expression } => {
                now.columns().iter().any(|column| new(column) && mentions(&expression.0, &column.name))
            }
            kind => columns_of(kind).iter().all(|column| now.column(column).is_some_and(new)),
        };
        if was.is_some_and(|was| was.constraints().iter().any(same)) || own_column {
            continue;
        }
        let repair = vec![Operation::DropConstraint {
            table: table.clone(),
            constraint: Some(constraint.name.clone()),
            if_exists: false,
            cascade: false,
        }];
        out.push(Difference {
            what: format!("the {} `{}` of `{table}`", constraint.kind.title(), constraint.name),
            how: How::LeftOver,
            repair,
        });
    }
    for index in now
        .indexes()
        .into_iter()
        .filter(|index| !index.implied && index.created_in == made_in && now.constraint(&index.name).is_none())
    {
        let own_column =
            index.columns.iter().all(|column| now.column(column).is_some_and(|column| column.added_in == Some(made_in)));
        let is_it = |was: &Table| {
            was.index(&index.name).is_some()
                || !is_known(&index.name) && was.indexes().iter().any(|was| was.columns == index.columns)
        };
        if was.is_some_and(is_it) || own_column {
            continue;
        }
        let repair = vec![Operation::DropIndex {
            index: Name::with_schema(table.schema.clone(), index.name.as_str()),
            table: Some(table.clone()),
            concurrently: false,
            if_exists: false,
            cascade: false,
        }];
        out.push(Difference { what: format!("the index `{}` on `{table}`", index.name), how: How::LeftOver, repair });
    }
    for column in now.columns().into_iter().filter(|column| column.added_in == Some(made_in)) {
        if was.is_some_and(|was| was.column(&column.name).is_some()) {
            continue;
        }
        let repair =
            vec![Operation::DropColumn { table: table.clone(), column: column.name.clone(), if_exists: false, cascade: false }];
        out.push(Difference { what: format!("the column `{table}.{}`", column.name), how: How::LeftOver, repair });
    }
    let Some(was) = was else { return };
    let had = |name: &str| was.ties().triggers.iter().any(|trigger| trigger.name == name);
    for trigger in now.ties().triggers.iter().filter(|trigger| !had(&trigger.name)) {
        let repair = vec![Operation::DropTrigger {
            table: Some(table.clone()),
            trigger: trigger.name.clone(),
            if_exists: false,
            cascade: false,
        }];
        out.push(Difference { what: format!("the trigger `{}` on `{table}`", trigger.name), how: How::LeftOver, repair });
    }
    for column in was.columns() {
        match now.column(&column.name) {
            None if now.complete || was.complete => {
                let repair = vec![Operation::AddColumn {
                    table: table.clone(),
                    column: Box::new(column_of(column)),
                    if_not_exists: false,
                }];
                out.push(Difference { what: format!("the column `{table}.{}`", column.name), how: How::Missing, repair });
            }
            None => {}
            Some(found) => in_column(table, column, found, before.dialect(), out),
        }
    }
    for index in was.indexes().into_iter().filter(|index| !index.implied && was.constraint(&index.name).is_none()) {
        let alike =
            |other: &&TableIndex| other.name == index.name || other.columns == index.columns && other.unique == index.unique;
        // Two names of which little is known may be two.
        if let Some(found) = now.index(&index.name).filter(|found| !found.implied && is_known(&index.name)) {
            changed_index(table, index, found, out);
            continue;
        }
        if now.indexes().iter().any(alike) {
            continue;
        }
        let repair = vec![Operation::CreateIndex(Box::new(index_of(index, table)))];
        out.push(Difference { what: format!("the index `{}` on `{table}`", index.name), how: How::Missing, repair });
    }
    for constraint in was.constraints() {
        let alike = |other: &&TableConstraint| other.name == constraint.name || same_rule(&other.kind, &constraint.kind);
        let points_to_nothing = constraint
            .references
            .as_ref()
            .is_some_and(|(id, _)| before.relation(*id).is_some_and(|table| after.table(&table.name).is_none()));
        if let Some(found) = now.constraint(&constraint.name) {
            changed_constraint(table, (constraint, before), (found, after), out);
            continue;
        }
        if now.constraints().iter().any(alike) || points_to_nothing || matches!(constraint.kind, ConstraintKind::NotNull { .. }) {
            continue;
        }
        // UNIQUE can come back as a unique index.
        let as_index = matches!(&constraint.kind, ConstraintKind::Unique { columns, .. } if now.indexes().iter().any(|index| index.unique && index.columns == *columns));
        if as_index {
            continue;
        }
        let repair =
            vec![Operation::AddConstraint { table: table.clone(), constraint: Box::new(constraint_of(constraint, before)) }];
        out.push(Difference {
            what: format!("the {} `{}` of `{table}`", constraint.kind.title(), constraint.name),
            how: How::Missing,
            repair,
        });
    }
}

fn is_known(name: &str) -> bool {
    Name::new(name).is_known()
}

/// An index of the same name over something else.
fn changed_index(table: &Name, was: &TableIndex, now: &TableIndex, out: &mut Vec<Difference>) {
    // Nearly always nothing has changed, and no words are needed.
    if was.unique == now.unique && was.columns == now.columns && was.method == now.method && was.predicate == now.predicate {
        return;
    }
    let over = |index: &TableIndex| {
        let unique = if index.unique { "unique over " } else { "over " };
        let only = index.predicate.as_ref().map_or_else(String::new, |predicate| format!(" where {predicate}"));
        let method = index
            .method
            .as_deref()
            .filter(|method| *method != "btree")
            .map_or_else(String::new, |method| format!(" by {method}"));
        format!("{unique}{}{method}{only}", index.columns.join(", "))
    };
    let (old, new) = (over(was), over(now));
    if plain(&old) == plain(&new) {
        return;
    }
    let index = Name::with_schema(table.schema.clone(), was.name.as_str());
    let drop = Operation::DropIndex { index, table: Some(table.clone()), concurrently: false, if_exists: false, cascade: false };
    let what = format!("the index `{}` on `{table}`", was.name);
    let repair = vec![drop, Operation::CreateIndex(Box::new(index_of(was, table)))];
    out.push(Difference { what, how: How::Changed(format!("is {new} and was {old}")), repair });
}

/// A constraint of the same name that says something else.
fn changed_constraint(
    table: &Name,
    (was, before): (&TableConstraint, &Schema),
    (now, after): (&TableConstraint, &Schema),
    out: &mut Vec<Difference>,
) {
    if was.kind == now.kind && was.references == now.references {
        return;
    }
    let says = |constraint: &TableConstraint, schema: &Schema| match constraint_of(constraint, schema).kind {
        ConstraintKind::ForeignKey { columns, reference } => {
            let action = reference
                .on_delete
                .filter(|action| action != "NO ACTION")
                .map_or_else(String::new, |action| format!(" ON DELETE {action}"));
            format!("from {} to {}({}){action}", columns.join(", "), reference.table.name, reference.columns.join(", "))
        }
        ConstraintKind::Check { expression } => expression.0,
        // In which order is a question of speed, not of what may be in the table.
        kind => {
            let mut columns = columns_of(&kind).to_vec();
            columns.sort();
            format!("over {}", columns.join(", "))
        }
    };
    let (old, new) = (says(was, before), says(now, after));
    if plain(&old) == plain(&new) || [&old, &new].iter().any(|text| text.contains(crate::operation::HOLE)) {
        return;
    }
    let drop =
        Operation::DropConstraint { table: table.clone(), constraint: Some(was.name.clone()), if_exists: false, cascade: false };
    let add = Operation::AddConstraint { table: table.clone(), constraint: Box::new(constraint_of(was, before)) };
    let what = format!("the {} `{}` of `{table}`", was.kind.title(), was.name);
    out.push(Difference { what, how: How::Changed(format!("is {new} and was {old}")), repair: vec![drop, add] });
}

/// A default the same way; quotes and the other names of the current time go too. None for what may be the same in other
/// words.
fn plain_default(text: &str) -> Option<String> {
    let mut out = plain(text);
    out.retain(|c| c != '\'');
    let simple = out.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '));
    simple.then(|| match out.as_str() {
        "current_timestamp" | "now" | "localtimestamp" | "transaction_timestamp" => "now".to_owned(),
        "true" | "t" | "1" => "1".to_owned(),
        "false" | "f" | "0" => "0".to_owned(),
        _ => out.clone(),
    })
}

/// The same rule, whatever it is called and however the other end of a foreign key is written.
fn same_rule(a: &ConstraintKind, b: &ConstraintKind) -> bool {
    match (a, b) {
        (
            ConstraintKind::ForeignKey { columns: a, reference: to_a },
            ConstraintKind::ForeignKey { columns: b, reference: to_b },
        ) => a == b && to_a.table.name == to_b.table.name,
        (ConstraintKind::Check { .. }, ConstraintKind::Check { .. }) => a == b,
        _ => {
            std::mem::discriminant(a) == std::mem::discriminant(b) && columns_of(a) == columns_of(b) && !columns_of(a).is_empty()
        }
    }
}

fn columns_of(kind: &ConstraintKind) -> &[String] {
    match kind {
        ConstraintKind::PrimaryKey { columns, .. }
        | ConstraintKind::Unique { columns, .. }
        | ConstraintKind::ForeignKey { columns, .. }
        | ConstraintKind::Exclusion { columns } => columns,
        ConstraintKind::Check { .. } | ConstraintKind::NotNull { .. } => &[],
    }
}

/// A type in the catalog's words.
fn shown(kind: &DataType, column: &TableColumn, dialect: Option<Dialect>) -> String {
    match dialect.filter(|dialect| dialect.is_mysql_like()) {
        Some(dialect) => stored(kind, dialect, column.by_sqlalchemy).to_string(),
        None => kind.to_string(),
    }
}

fn in_column(table: &Name, was: &TableColumn, now: &TableColumn, dialect: Option<Dialect>, out: &mut Vec<Difference>) {
    let what = || format!("the column `{table}.{}`", was.name);
    let column = || was.name.clone();
    if let (Some(old), Some(new)) = (&was.data_type, &now.data_type)
        && old != new
        && shown(old, was, dialect) != shown(new, now, dialect)
        && !old.name.contains(crate::operation::HOLE)
        && !new.name.contains(crate::operation::HOLE)
    {
        let repair = Operation::AlterColumnType {
            table: table.clone(),
            column: column(),
            to: Some(old.clone()),
            from: Some(new.clone()),
            using: None,
            collation: None,
        };
        out.push(Difference { what: what(), how: How::Changed(format!("is {new} and was {old}")), repair: vec![repair] });
    }
    if let (Some(old), Some(new)) = (was.nullable, now.nullable)
        && old != new
    {
        let (says, repair) = match old {
            true => ("is NOT NULL and took NULL before", Operation::DropNotNull { table: table.clone(), column: column() }),
            false => ("takes NULL and was NOT NULL", Operation::SetNotNull { table: table.clone(), column: column() }),
        };
        // A column that the way back adds has NULL in every row until somebody fills it.
        let is_empty = !old && now.added_in != was.added_in && now.default.is_none();
        let how = if is_empty { How::Unfilled(says.to_owned()) } else { How::Changed(says.to_owned()) };
        out.push(Difference { what: what(), how, repair: vec![repair] });
    }
    // Numbers come back with the table.
    let numbered = |column: &TableColumn| matches!(column.default, Some(ColumnDefault::Sequence | ColumnDefault::Identity));
    let is_known = was.default.is_some() || was.added_in.is_some();
    // `DEFAULT NULL` is as good as none.
    let [old_default, new_default] = [was, now].map(|column| column.default.as_ref().filter(|default| !default.is_null()));
    // A column that cannot be NULL comes back with a default, which SQLite cannot take away from it again.
    let is_needed = dialect == Some(Dialect::Sqlite) && now.added_in != was.added_in && now.nullable == Some(false);
    let differs = old_default.is_some() != new_default.is_some() && !(is_needed && old_default.is_none());
    if is_known && differs && !numbered(was) && !numbered(now) {
        let (says, repair) = match old_default {
            Some(default) => (
                "has lost its default",
                Operation::SetDefault { table: table.clone(), column: column(), default: default.clone() },
            ),
            None => ("has a default and had none", Operation::DropDefault { table: table.clone(), column: column() }),
        };
        out.push(Difference { what: what(), how: How::Changed(says.to_owned()), repair: vec![repair] });
    }
    if let (Some(ColumnDefault::Expression(old)), Some(ColumnDefault::Expression(new))) = (&was.default, &now.default)
        && old.0 != new.0
        && let (Some(plain_old), Some(plain_new)) = (plain_default(&old.0), plain_default(&new.0))
        && plain_old != plain_new
        && ![old, new].iter().any(|text| text.0.contains(crate::operation::HOLE))
    {
        let default = ColumnDefault::Expression(old.clone());
        let repair = Operation::SetDefault { table: table.clone(), column: column(), default };
        out.push(Difference {
            what: what(),
            how: How::Changed(format!("has the default {new} and had {old}")),
            repair: vec![repair],
        });
    }
}
