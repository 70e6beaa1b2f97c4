use crate::migration::Mark;
use crate::operation::{Operation, show_holes};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::RenameColumn { table, column, to } = &step.operation else { return };
    // Where the table itself is renamed, that is what running code trips over.
    if !before.is_upgrade() || before.is_new_column(table, column) || before.is_left_behind(table) {
        return;
    }
    let takes_its_name = |other: &Operation| match other {
        Operation::RenameColumn { table: of, column: other, to: name } if of == table && name == column && other != to => {
            Some(format!("what was `{}`", show_holes(other)))
        }
        Operation::AddColumn { table: of, column: new, .. } if of == table && new.name == *column => {
            Some("a new column".to_owned())
        }
        _ => None,
    };
    if let Some(other) = before.steps().find_map(|(_, step)| takes_its_name(&step.operation)) {
        let known = before.schema.column(table, column);
        let is_required = known.is_some_and(|known| known.nullable == Some(false) && known.default.is_none());
        let drops = |operation: &Operation| matches!(operation, Operation::DropColumn { table: of, column: dropped, .. } if of == table && dropped == to);
        let is_made_anew = before.later().any(|later| drops(&later.operation));
        let column = show_holes(column);
        let consequence = match (is_made_anew, is_required) {
            (true, _) => "whatever it is from now on",
            (false, true) => {
                "its INSERTs fail, as they leave out what is NOT NULL under the new name, and what it reads is wrong"
            }
            (false, false) => "nothing fails, the data is wrong",
        };
        found
            .at(
                step.at(Mark::Name),
                format!("code that is running now says `{table}.{column}` and reads and writes {other}: {consequence}"),
            )
            .note(format!("this script gives the name `{column}` to {other}"))
            .help(format!(
                "in phases: 1. add a column with a new name; 2. write it as well as `{column}`; 3. copy the old rows in batches; 4. read it; 5. drop `{column}` in a later release, and leave its name unused until no old code runs"
            ));
        return;
    }
    let gives_up =
        |other: &Operation| matches!(other, Operation::RenameColumn { table: of, column: name, .. } if of == table && name == to);
    let is_taken = before.steps().any(|(_, step)| gives_up(&step.operation));
    let (column, to) = (show_holes(column), show_holes(to));
    let new = if is_taken { "a column under a name that nobody uses".to_owned() } else { format!("`{to}`") };
    let it = if is_taken { "it" } else { &new };
    found
        .at(step.at(Mark::Name), format!("code that is running now still says `{table}.{column}` and fails once it is called `{to}`"))
        .note("there is no moment at which the old and the new code both work")
        .help(format!(
            "in phases: 1. add {new}; 2. write both columns; 3. copy the old rows in batches; 4. read {it}; 5. drop `{column}` in a later release"
        ));
});
