//! ALTER COLUMN … TYPE: what stays, what is rewritten, what is only looked at again.

use super::types::{Coercion, base, coercion, same_order};
use super::{Model, Stored};
use crate::operation::{ConstraintKind, DataType, Expression, LockMode, Name, Operation};
use crate::schema::expression::{mentions, unwrapped};
use crate::schema::value::Value;
use crate::schema::{Table, TableColumn, TableConstraint, TableIndex};

/// Ends the reason of a rewrite that is only feared.
pub const UNKNOWN_TYPE: &str = "not known, and the change may write each row anew";

/// What the values of the column go through.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    Kept,
    /// The bytes stay, their order may not.
    Reordered,
    /// The reason why each row is written anew.
    Rewritten(String),
}

/// A value that the new type has no room or no form for.
fn is_refused(value: &Value, to: &DataType, cast: bool) -> bool {
    let length = to.modifiers.first().and_then(|length| length.parse::<usize>().ok());
    match (value, to.name.as_str()) {
        _ if to.array => false,
        // A cast in USING cuts it.
        (Value::Text(text), "varchar" | "char") if !cast => {
            length.is_some_and(|length| text.trim_end_matches(' ').chars().count() > length)
        }
        (Value::Text(text), "smallint" | "integer" | "bigint") if cast => !text.contains(|c: char| c.is_ascii_digit()),
        (Value::Text(text), "uuid") if cast => text.chars().filter(char::is_ascii_hexdigit).count() != 32,
        (Value::Integer(number), "smallint") => i16::try_from(*number).is_err(),
        (Value::Integer(number), "integer") => i32::try_from(*number).is_err(),
        _ => false,
    }
}

impl Model<'_> {
    pub(super) fn retype(&mut self, operation: &Operation) {
        let Operation::AlterColumnType { table, column, to, from, using, collation } = operation else { return };
        let (to, using, collation) = (to.as_ref(), using.as_ref(), collation.as_deref());
        let known = self.schema.table(table);
        if known.is_some_and(Table::is_view) {
            return self.fail(format!("`{table}` is a view"));
        }
        let Some((known, old)) = known.and_then(|known| Some((known, known.column(column)?))) else {
            if known.is_some_and(|known| known.complete) {
                return self.fail(format!("`{table}` has no column `{column}`"));
            }
            // Of a column that this history does not create, the script itself may state the old type.
            if let Some(Change::Rewritten(why)) = self.change_of(table, column, (from.as_ref(), None), to, using, collation) {
                self.rewrite_stored(table, &why);
            }
            return;
        };
        if let Some(reason) = self.refusal(known, old) {
            return self.fail(reason);
        }
        let before = (old.data_type.as_ref().or(from.as_ref()), old.collation.as_deref());
        let Some(change) = self.change_of(table, column, before, to, using, collation) else { return };
        let is_cast = |to: &DataType| using.is_none_or(|using| unwrapped(without_cast(&using.0, to)) == column);
        if let Some(to) = to.filter(|to| is_cast(to))
            && known.has_value(column, |value| is_refused(value, to, using.is_some()))
        {
            return self.fail(format!("a row that the history writes has a value in `{column}` that is no {to}"));
        }
        for stored in self.stored(table) {
            self.retype_stored(&stored, column, &change, to, collation);
        }
        self.relink_foreign_keys(known, column, old, to, &change);
        self.cast_default(old, to);
        if let (Some(sequence), Some(_)) = (&old.sequence, to) {
            // An identity column's sequence takes the new type along.
            if matches!(old.default, Some(crate::operation::Default::Identity)) {
                self.lock(&Name::with_schema(known.name.schema.clone(), sequence.as_str()), LockMode::ShareRowExclusive);
            }
        }
    }

    /// Why PostgreSQL does not change the type of this column at all.
    fn refusal(&self, table: &Table, column: &TableColumn) -> Option<String> {
        let name = &column.name;
        if let Some(view) = self.schema.views_using(table, name).first() {
            return Some(format!("the view `{}` uses the column `{name}`", view.name));
        }
        if table.ties().partition_key.iter().any(|key| mentions(key, name)) {
            return Some(format!("`{name}` is part of the partition key of `{}`", table.name));
        }
        if column.inherited {
            return Some(format!("`{name}` is inherited: change it on the parent of `{}`", table.name));
        }
        if self.wording.only && !table.ties().children.is_empty() {
            return Some(format!("the type of `{name}` must be changed in the children of `{}` too", table.name));
        }
        let generated = table.columns().into_iter().find(|other| other.generated_from().is_some_and(|text| mentions(text, name)));
        if let Some(generated) = generated {
            return Some(format!("the generated column `{}` uses `{name}`", generated.name));
        }
        let trigger = table.ties().triggers.iter().find(|trigger| trigger.columns.contains(name));
        trigger.map(|trigger| format!("the trigger `{}` names the column `{name}`", trigger.name))
    }

    /// None after a failure. `before` is the old type and collation.
    fn change_of(
        &mut self,
        table: &Name,
        name: &str,
        before: (Option<&DataType>, Option<&str>),
        to: Option<&DataType>,
        using: Option<&Expression>,
        collation: Option<&str>,
    ) -> Option<Change> {
        let (Some(from), Some(to)) = (before.0, to) else {
            // Text of any length takes what any other string type holds, as it is.
            // A longer varchar does so too, and that is what most changes to one are.
            let is_text = to.is_some_and(|to| !to.array && matches!(to.name.as_str(), "text" | "varchar"));
            if is_text && using.is_none() {
                return Some(Change::Kept);
            }
            let missing = if before.0.is_none() { "old" } else { "new" };
            return Some(Change::Rewritten(format!("the {missing} type of `{table}.{name}` is {UNKNOWN_TYPE}")));
        };
        let rewritten = |why: String| Some(Change::Rewritten(why));
        let (old_base, _) = base(from, self.schema);
        let (new_base, constrained) = base(to, self.schema);
        let same_domain = from.name == to.name;
        if let Some(using) = using {
            let expression = without_cast(&using.0, to);
            if unwrapped(expression) != name && !unwrapped(expression).trim_matches('"').eq(name) {
                return rewritten(format!("USING computes each value of `{name}` anew"));
            }
        }
        let how = coercion(old_base, new_base, self.schema, self.major);
        if constrained && !same_domain {
            return rewritten(format!("each value of `{name}` is checked against the domain `{}`", to.name));
        }
        match how {
            Coercion::None if collation.is_some() || before.1.is_some() => Some(Change::Reordered),
            Coercion::None => Some(Change::Kept),
            Coercion::Relabel => Some(Change::Reordered),
            Coercion::Convert => rewritten(format!("from {from} to {to} each value is converted")),
            Coercion::Impossible if using.is_some() => rewritten(format!("from {from} to {to} each value is converted")),
            Coercion::Impossible => {
                self.fail(format!("`{name}` cannot be cast from {from} to {to} without USING"));
                None
            }
            Coercion::Unknown => rewritten(format!("what it takes from {from} to {to} is not known")),
        }
    }

    fn retype_stored(
        &mut self,
        stored: &Stored<'_>,
        column: &str,
        change: &Change,
        to: Option<&DataType>,
        collation: Option<&str>,
    ) {
        let Some(table) = stored.table else { return };
        if let Change::Rewritten(why) = change {
            self.rewrite(&table.name, why);
        }
        let old = table.column(column);
        let compatible = |index: &TableIndex| {
            let plain = !index.has_expressions() && index.predicate.is_none();
            let ordered = match (old.and_then(|old| old.data_type.as_ref()), to) {
                (Some(from), Some(to)) => same_order(base(from, self.schema).0, base(to, self.schema).0),
                _ => false,
            };
            plain && ordered && collation.is_none() && *change == Change::Kept
        };
        let indexes = table.indexes();
        let mut built = Vec::new();
        for index in indexes.into_iter().filter(|index| index.mentions(column)) {
            if matches!(change, Change::Rewritten(_)) {
                self.recreated.push(index.name.clone());
            } else if !compatible(index) {
                built.push(format!("`{}`", index.name));
                self.recreated.push(index.name.clone());
            }
        }
        let is_checked = |check: &&TableConstraint| {
            matches!(check.kind, ConstraintKind::Check { .. }) && check.validated && check.mentions(column)
        };
        let checked: Vec<String> =
            table.constraints().into_iter().filter(is_checked).map(|check| format!("`{}`", check.name)).collect();
        let reason = |what: &str, names: &[String], done: &str| match names {
            [] => None,
            [name] => Some(format!("the {what} {name} is {done}")),
            [name, others @ ..] => Some(format!("the {what} {name} is {done}, and so are {}", others.join(", "))),
        };
        let reasons = [reason("index", &built, "built anew"), reason("CHECK", &checked, "checked again")];
        let reasons: Vec<String> = reasons.into_iter().flatten().collect();
        if !reasons.is_empty() {
            self.scan(&table.name, &reasons.join(", and "));
        }
    }

    /// Foreign keys on the column, from either side, are made anew: the other table is locked, and read again
    /// where the comparison is another.
    fn relink_foreign_keys(&mut self, table: &Table, column: &str, old: &TableColumn, to: Option<&DataType>, change: &Change) {
        let same_comparison = match (&old.data_type, to) {
            (Some(from), Some(to)) => *change == Change::Kept && same_order(base(from, self.schema).0, base(to, self.schema).0),
            _ => false,
        };
        let mut others: Vec<(Name, Name, bool)> = Vec::new();
        for (key, target) in self.schema.references_from(table) {
            if key.mentions(column) {
                others.push((target.name.clone(), table.name.clone(), key.validated));
            }
        }
        for (from, key) in self.schema.references_to(table) {
            if key.references.as_ref().is_some_and(|(_, columns)| columns.iter().any(|name| name == column)) {
                others.push((from.name.clone(), from.name.clone(), key.validated));
            }
        }
        for (other, referencing, validated) in others {
            self.lock(&other, LockMode::AccessExclusive);
            if !same_comparison && validated {
                let why = "the foreign key is checked again";
                self.scan(&other, why);
                self.scan(&referencing, why);
                self.scan(&table.name, why);
            }
        }
    }

    /// The default has to become a value of the new type as well.
    fn cast_default(&mut self, old: &TableColumn, to: Option<&DataType>) {
        let (Some(crate::operation::Default::Expression(default)), Some(to)) = (&old.default, to) else { return };
        let written = unwrapped(&default.0);
        let is_number = written.parse::<f64>().is_ok();
        let is_truth = written.eq_ignore_ascii_case("true") || written.eq_ignore_ascii_case("false");
        let wants_truth = to.name == "boolean";
        let wants_number =
            matches!(to.name.as_str(), "integer" | "bigint" | "smallint" | "numeric" | "real" | "double precision");
        if (is_number && wants_truth) || (is_truth && wants_number) {
            self.fail(format!("the default {written} of `{}` cannot be cast to {to}: drop it first", old.name));
        }
    }
}

/// `vc::varchar(20)` without the cast to the type itself.
fn without_cast<'e>(expression: &'e str, to: &DataType) -> &'e str {
    let text = unwrapped(expression);
    if let Some((value, cast)) = text.rsplit_once("::")
        && crate::sql::types::data_type(cast) == *to
    {
        return value;
    }
    let inner = text.get(..5).filter(|head| head.eq_ignore_ascii_case("cast(")).and_then(|_| text[5..].strip_suffix(')'));
    match inner.map(|inner| (inner, inner.to_ascii_lowercase().rfind(" as "))) {
        Some((inner, Some(at))) if crate::sql::types::data_type(&inner[at + 4..]) == *to => &inner[..at],
        _ => text,
    }
}
