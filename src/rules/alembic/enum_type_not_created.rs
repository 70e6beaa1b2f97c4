use crate::migration::{Mark, Origin};
use crate::operation::{DataType, Name, Operation, show_holes};
use crate::rule::Check;
use crate::rules::mend;

pub const CHECK: Check = Check::Step(|step, before, found| {
    if !matches!(step.origin, Origin::Directive(_)) {
        return;
    }
    let (kind, how): (&DataType, &str) = match &step.operation {
        Operation::AddColumn { column, .. } => match &column.data_type {
            Some(kind) => (kind, "add_column"),
            None => return,
        },
        Operation::AlterColumnType { to: Some(kind), .. } => (kind, "alter_column"),
        _ => return,
    };
    let name = Name::new(kind.name.as_str());
    if kind.labels.is_empty() || !name.is_known() || before.schema.enum_type(&name).is_some() {
        return;
    }
    // Where tables come from elsewhere, types may too.
    if before.schema.relations().any(|table| table.created_in.is_none()) {
        return;
    }
    let labels: Vec<String> = kind.labels.iter().map(|label| format!("\"{}\"", show_holes(label))).collect();
    let line = format!("sa.Enum({}, name=\"{name}\").create(op.get_bind(), checkfirst=True)", labels.join(", "));
    let lines = [line.clone()];
    let edits = mend::before(&before.script.source, step.statement, &lines)
        .filter(|_| step.batch.is_none() && mend::speaks_alembic(&before.script.source, &lines));
    found
        .at(step.at(Mark::Name), format!("this fails: the enum type `{name}` does not exist, and {how} does not create it"))
        .note("create_table creates the types of its columns; add_column and alter_column send only their own statement")
        .help(format!("before it:\n{line}"))
        .fix(edits.and_then(|edits| mend::safe("create the type first", edits)));
});
