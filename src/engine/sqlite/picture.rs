//! `copy_from=`: what a table loses when the script's picture of it takes its place, and what fails.

use super::batch::{altered_column, dropped_column};
use super::{Failure, FailureKind, failure};
use crate::migration::Step;
use crate::operation::{ConstraintKind, Default, show_holes};
use crate::schema::expression::plain;
use crate::schema::{Table, TableColumn};

/// A column that only the picture in `copy_from=` has: its values are asked for when the rows are copied.
pub(super) fn lacks_column(known: &Table, pictured: &Table, steps: &[&Step]) -> Option<Failure> {
    let is_dropped = |name: &str| steps.iter().filter_map(|step| dropped_column(&step.operation)).any(|column| column == name);
    let columns = pictured.columns();
    let lacking = |column: &&&TableColumn| known.column(&column.name.to_lowercase()).is_none() && !is_dropped(&column.name);
    let missing = columns.iter().find(lacking).filter(|_| known.complete)?;
    Some(failure(FailureKind::Contradiction, format!("no such column: {}.{}", known.name, show_holes(&missing.name))))
}

/// What the table has and the picture in `copy_from=` has not: it is gone when the block ends.
pub(super) fn left_out(known: &Table, pictured: &Table, steps: &[&Step]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let is_changed = |name: &str| {
        steps.iter().any(|step| altered_column(&step.operation).is_some_and(|column| column.eq_ignore_ascii_case(name)))
    };
    for column in known.columns() {
        let Some(picture) = pictured.column(&column.name.to_lowercase()) else {
            out.push(format!("column {}", column.name));
            continue;
        };
        if is_changed(&column.name) {
            continue;
        }
        if column.nullable == Some(false) && picture.nullable == Some(true) {
            out.push(format!("NOT NULL of {}", column.name));
        }
        if matches!(column.default, Some(Default::Expression(_))) && picture.default.is_none() {
            out.push(format!("DEFAULT of {}", column.name));
        }
        if let Some(collation) = column.collation.as_ref().filter(|_| picture.collation.is_none()) {
            out.push(format!("COLLATE {collation} of {}", column.name));
        }
    }
    let is_left = |columns: &[String]| columns.iter().all(|column| pictured.column(&column.to_lowercase()).is_some());
    for constraint in known.constraints() {
        if pictured.constraints().iter().any(|other| same(&other.kind, &constraint.kind)) {
            continue;
        }
        out.push(match &constraint.kind {
            ConstraintKind::Check { expression } => format!("CHECK ({})", show_holes(&expression.0)),
            ConstraintKind::Unique { columns, .. } if is_left(columns) => format!("UNIQUE ({})", columns.join(", ")),
            ConstraintKind::PrimaryKey { columns, .. } if is_left(columns) => format!("PRIMARY KEY ({})", columns.join(", ")),
            ConstraintKind::ForeignKey { columns, .. } if is_left(columns) => format!("FOREIGN KEY ({})", columns.join(", ")),
            _ => continue,
        });
    }
    let plain = known.indexes().into_iter().filter(|index| known.constraint(&index.name).is_none());
    let lost = plain.filter(|index| pictured.index(&index.name.to_lowercase()).is_none());
    out.extend(lost.map(|index| format!("index {}", index.name)));
    out.extend(known.ties().triggers.iter().map(|trigger| format!("trigger {}", trigger.name)));
    out
}

/// Whether two constraints say the same, however they are written.
fn same(one: &ConstraintKind, other: &ConstraintKind) -> bool {
    let folded = |columns: &[String]| columns.iter().map(|column| column.to_lowercase()).collect::<Vec<_>>();
    match (one, other) {
        (ConstraintKind::Check { expression: one }, ConstraintKind::Check { expression: other }) => {
            plain(&one.0) == plain(&other.0)
        }
        (ConstraintKind::Unique { columns: one, .. }, ConstraintKind::Unique { columns: other, .. })
        | (ConstraintKind::PrimaryKey { columns: one, .. }, ConstraintKind::PrimaryKey { columns: other, .. })
        | (ConstraintKind::ForeignKey { columns: one, .. }, ConstraintKind::ForeignKey { columns: other, .. }) => {
            folded(one) == folded(other)
        }
        _ => one == other,
    }
}
