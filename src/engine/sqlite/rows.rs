//! What is certain about rows: other tables' rows when one is emptied, and values that break a CHECK.

use super::{Effects, Failure, FailureKind, Model, failure};
use crate::operation::ConstraintKind;
use crate::schema::Table;
use crate::schema::expression::{split_outside, unwrapped};

impl Model<'_> {
    /// What happens to the tables that reference one whose rows all go: SQLite deletes them before it drops a table.
    pub(super) fn dropped_rows(&self, table: &Table, effects: &mut Effects) -> Option<Failure> {
        if self.foreign_keys == Some(false) {
            return None;
        }
        let mut stops = None;
        for (child, name) in &table.ties().referenced_by {
            let Some(child) = self.schema.relation(*child).filter(|child| child.id != table.id) else { continue };
            let Some(constraint) = child.constraint(name) else { continue };
            let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { continue };
            match reference.on_delete.as_deref() {
                Some("CASCADE") => {
                    effects.empties.insert(child.name.clone(), "ON DELETE CASCADE deletes its rows".to_owned());
                }
                Some("SET NULL") => {
                    let why = format!("ON DELETE SET NULL empties `{}`", columns.join("`, `"));
                    effects.empties.entry(child.name.clone()).or_insert(why);
                }
                Some("SET DEFAULT") => {
                    let why = format!("ON DELETE SET DEFAULT overwrites `{}`", columns.join("`, `"));
                    effects.empties.entry(child.name.clone()).or_insert(why);
                }
                _ => {
                    let certain = child.has_rows && self.foreign_keys == Some(true);
                    let answer = format!("FOREIGN KEY constraint failed: rows of {} still point here", child.name);
                    stops = Some(Failure { with_rows: !certain, ..failure(FailureKind::Dependents, answer) });
                }
            }
        }
        stops.filter(|_| self.foreign_keys == Some(true))
    }
}

/// Whether a CHECK is certainly false when the column has this value; NULL breaks none.
pub(super) fn is_false(check: &str, column: &str, value: &str) -> bool {
    let value = unwrapped(value.trim());
    if value.eq_ignore_ascii_case("null") {
        return false;
    }
    split_outside(unwrapped(check.trim()), "and")
        .into_iter()
        .any(|part| comparison_is_false(unwrapped(part.trim()), column, value))
}

fn comparison_is_false(comparison: &str, column: &str, value: &str) -> bool {
    let Some(rest) = comparison
        .get(..column.len())
        .filter(|head| head.eq_ignore_ascii_case(column))
        .map(|_| comparison[column.len()..].trim_start())
    else {
        return false;
    };
    if let Some(list) =
        rest.get(..3).filter(|word| word.eq_ignore_ascii_case("in ") || word.eq_ignore_ascii_case("in(")).map(|_| &rest[2..])
    {
        let list = unwrapped(list.trim());
        return list.split(',').all(|item| is_literal(item.trim()) && item.trim() != value);
    }
    let operator: String = rest.chars().take_while(|c| "<>=!".contains(*c)).collect();
    let (Ok(left), Ok(right)) = (value.parse::<f64>(), rest[operator.len()..].trim().parse::<f64>()) else { return false };
    match operator.as_str() {
        ">" => left <= right,
        ">=" => left < right,
        "<" => left >= right,
        "<=" => left > right,
        "=" | "==" => left != right,
        "<>" | "!=" => left == right,
        _ => false,
    }
}

fn is_literal(text: &str) -> bool {
    text.parse::<f64>().is_ok() || text.starts_with('\'') && text.ends_with('\'')
}

#[cfg(test)]
mod tests {
    use super::is_false;

    #[test]
    fn only_what_is_certain_is_false() {
        assert!(is_false("x > 0", "x", "0"));
        assert!(is_false("(x >= 1 AND x < 5)", "x", "7"));
        assert!(is_false("x IN ('a', 'b')", "x", "'c'"));
        assert!(!is_false("x > 0", "x", "5"));
        assert!(!is_false("x > 0", "x", "NULL"));
        assert!(!is_false("length(x) > 3", "x", "'a'"));
    }
}
