//! What is certain about rows: those of other tables when one is emptied.

use super::{Effects, Failure, FailureKind, Model, failure};
use crate::operation::ConstraintKind;
use crate::schema::Table;

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
