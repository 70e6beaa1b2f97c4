//! ALTER TYPE … ADD VALUE: the new value waits for the commit.

use crate::history::Index;
use crate::migration::Step;
use crate::operation::{Name, Operation};
use crate::schema::Schema;

/// The step among those that come `later` in the same transaction that uses the value which `step` adds to an enum:
/// SQLSTATE 55P04. `made_here` is the migration that runs; `before` is the schema before `step`.
///
/// `later` begins behind `step` and ends with the transaction.
pub fn use_before_commit<'s>(
    step: &Step,
    later: impl Iterator<Item = (&'s Step, &'s str)>,
    before: &Schema,
    made_here: impl Fn(Index) -> bool,
    major: u32,
) -> Option<&'s Step> {
    let Operation::AddEnumValue { name, value, .. } = &step.operation else { return None };
    // Up to 11 the statement refuses a transaction altogether; a type that the same transaction makes may be used from
    // 17 on.
    let is_new = before.enum_type(name).is_some_and(|known| made_here(known.created_in));
    if major < 12 || (is_new && major >= 17) {
        return None;
    }
    let quoted = [format!("'{value}'"), format!("\"{value}\"")];
    let uses = |later: &Step, text: &str| {
        let names_it = quoted.iter().any(|value| text.contains(value.as_str()));
        let defines = matches!(
            later.operation,
            Operation::AddEnumValue { .. } | Operation::RenameEnumValue { .. } | Operation::CreateEnum { .. }
        );
        later.span != step.span && names_it && !defines && may_concern(&later.operation, text, name, before)
    };
    later.into_iter().find(|(later, text)| uses(later, text)).map(|(later, _)| later)
}

/// Whether a statement over these tables can mean the enum: not where the history shows that none has a column of it.
fn may_concern(operation: &Operation, text: &str, name: &Name, schema: &Schema) -> bool {
    let (Operation::Insert { table, rows } | Operation::Update { table, rows, .. } | Operation::Delete { table, rows, .. }) =
        operation
    else {
        return true;
    };
    let using = schema.columns_of_type(name);
    let may_have = |table: &Name| match schema.table(table) {
        Some(known) if known.complete => using.iter().any(|(table, _)| table.id == known.id),
        _ => true,
    };
    text.contains(name.name.as_str()) || may_have(table) || rows.reads.iter().any(may_have)
}
