use crate::finding::Severity;
use crate::migration::{Mark, Origin};
use crate::operation::{DataType, Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AlterColumnType { table, column, to: Some(to), .. } = &step.operation else { return };
    if let Some(reason) =
        before.effects().fails_because.as_ref().filter(|reason| before.is_upgrade() && reason.contains("cannot be cast"))
    {
        let (name, to) = (show_holes(column), to.to_string());
        let using = match step.origin {
            Origin::Directive(_) => format!("postgresql_using=\"{name}::{to}\""),
            Origin::Sql => format!("USING {name}::{to}"),
        };
        found
            .at(step.at(Mark::Name), format!("this fails: {reason}"))
            .help(format!("say how, where the values allow it: {using}; a default has to be dropped before, and set again"));
        return;
    }
    if !before.is_upgrade() || before.is_new_column(table, column) {
        return;
    }
    // A rewrite, a scan or a view says more than this.
    if before.rewritten().is_some() || before.scanned().is_some() || before.effects().fails_because.is_some() {
        return;
    }
    let Some(from) = before.schema.column(table, column).and_then(|column| column.data_type.as_ref()) else { return };
    let (severity, what) = match change(from, to) {
        Change::None => return,
        Change::Other => (Severity::Warning, "running code still reads and writes the old type"),
        Change::Narrower => (Severity::Error, "values that are there may not fit"),
    };
    let column = show_holes(column);
    let finding = found.at(step.at(Mark::Name), format!("`{table}.{column}` changes from {from} to {to}: {what}"));
    finding.severity = severity;
    finding.help(format!("in phases: 1. add a column of the new type; 2. write both; 3. copy the old rows in batches; 4. read the new one; 5. drop `{column}` in a later release"));
});

enum Change {
    None,
    Narrower,
    Other,
}

fn change(from: &DataType, to: &DataType) -> Change {
    const INTEGERS: &[&str] = &["smallint", "integer", "bigint"];
    const STRINGS: &[&str] = &["char", "varchar", "text"];
    let rank = |list: &[&str], name: &str| list.iter().position(|known| *known == name);
    let length = |data_type: &DataType| data_type.modifiers.first().and_then(|length| length.parse::<u64>().ok());
    if from.array != to.array || !from.labels.is_empty() || !to.labels.is_empty() {
        return if from == to || from.array == to.array { Change::None } else { Change::Other };
    }
    if let (Some(old), Some(new)) = (rank(INTEGERS, &from.name), rank(INTEGERS, &to.name)) {
        return if new < old { Change::Narrower } else { Change::None };
    }
    if rank(STRINGS, &from.name).is_some() && rank(STRINGS, &to.name).is_some() {
        return match (length(from), length(to)) {
            (_, None) => Change::None,
            (None, Some(_)) => Change::Narrower,
            (Some(old), Some(new)) if new < old => Change::Narrower,
            _ => Change::None,
        };
    }
    if from.name == to.name {
        return match (length(from), length(to)) {
            (Some(old), Some(new)) if new < old => Change::Narrower,
            _ => Change::None,
        };
    }
    Change::Other
}
