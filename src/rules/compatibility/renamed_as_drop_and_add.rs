use crate::migration::{Mark, Origin};
use crate::operation::{Operation, show_holes};
use crate::rule::Check;
use crate::rules::phrase;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::DropColumn { table, column, .. } = &step.operation else { return };
    let Some(added) = phrase::renamed_to(before, table, column) else { return };
    let (old, new) = (show_holes(column), show_holes(added));
    let rename = match step.origin {
        Origin::Sql => format!("ALTER TABLE {} RENAME COLUMN {old} TO {new};", phrase::sql_name(table)),
        Origin::Directive(_) => format!("op.alter_column(\"{table}\", \"{old}\", new_column_name=\"{new}\")"),
    };
    found
        .at(
            step.at(Mark::Name),
            format!("the rows of `{table}` lose what `{old}` holds: `{new}`, of the same type, starts empty"),
        )
        .note("autogenerate cannot see a rename: it drops one column and adds another")
        .help(format!("when it is a rename:\n{rename}\nand, as code that is running now still says `{old}`, better in phases"));
});
