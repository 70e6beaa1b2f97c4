use crate::finding::Direction;
use crate::migration::{Body, Origin};
use crate::operation::{Name, Operation};
use crate::rule::Check;
use crate::rules::{mend, phrase};

pub const CHECK: Check = Check::Script(|context, found| {
    let (Some(before), Some(up), Some(last)) = (context.undoes, context.migration.up.as_ref(), context.stages.last()) else {
        return;
    };
    if context.direction != Direction::Down || context.script.body != Body::Present {
        return;
    }
    // SQL that drops types by a name or a way that is not followed may drop this one.
    let drops_unknown = context.steps().any(|(_, step)| match &step.operation {
        Operation::Opaque { .. } => true,
        Operation::DropType { name, .. } => !name.is_known(),
        _ => false,
    });
    if drops_unknown {
        return;
    }
    for step in up.steps.iter().filter(|step| step.runs_on(context.dialect())) {
        for name in made(&step.operation) {
            let stays = Name::new(name.as_str());
            let made_here = last.schema.enum_type(&stays).is_some_and(|known| known.created_in == context.index);
            if before.enum_type(&stays).is_some() || !made_here {
                continue;
            }
            let finding = found.at(
                context.script.head,
                format!(
                    "the enum type `{name}` stays behind: the next upgrade fails with \"type \\\"{name}\\\" already exists\""
                ),
            );
            finding.label(&up.source, step.span, "made here");
            finding.note("dropping a table or a column leaves the enum types of its columns");
            let is_sql = !up.source.path().ends_with(".py");
            let line = match step.origin {
                Origin::Sql => phrase::statement(context, &format!("DROP TYPE {}", phrase::sql_name(&Name::new(name.as_str())))),
                Origin::Directive(_) => format!("sa.Enum(name=\"{name}\").drop(op.get_bind(), checkfirst=True)"),
            };
            finding.help(format!("as the last line of the downgrade:\n{line}"));
            let lines = [line];
            if is_sql || mend::speaks_alembic(&context.script.source, &lines) {
                finding.fix(mend::at_the_end(context.script, &lines).and_then(|edits| mend::with_a_look("drop the type", edits)));
            }
        }
    }
});

/// The types that an operation makes, also on the side.
fn made(operation: &Operation) -> Vec<String> {
    match operation {
        Operation::CreateEnum { name, .. } if name.is_known() => vec![name.name.clone()],
        Operation::CreateTable(create) => {
            let types = create.columns.iter().filter_map(|column| column.data_type.as_ref());
            types
                .filter(|kind| !kind.labels.is_empty() && Name::new(kind.name.as_str()).is_known())
                .map(|kind| kind.name.clone())
                .collect()
        }
        _ => Vec::new(),
    }
}
