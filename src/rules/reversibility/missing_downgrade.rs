use crate::finding::{Edit, Fix};
use crate::migration::{Body, Migration, Script};
use crate::operation::{Class, DataType, Dialect, Operation};
use crate::project::Environment;
use crate::project::conventions::{Framework, WayBack};
use crate::project::dialect::is_for_one;
use crate::rule::{Check, Context, Found};
use crate::rules::{mend, phrase};
use crate::source::Span;
use crate::undo;

pub const CHECK: Check = Check::Script(|context, found| {
    let (migration, environment, up) = (context.migration, context.environment, context.script);
    if !context.is_upgrade() || up.body != Body::Present {
        return;
    }
    match environment.framework.convention().way_back {
        WayBack::None => return,
        WayBack::WhereUsed if !environment.ways_back.is_used => return,
        WayBack::WhereUsed | WayBack::Expected => {}
    }
    // The others of its kind may go its way back.
    if environment.is_slice(context.index) {
        return;
    }
    // Where hardly a migration has a way back, that is said once, at the newest without.
    let (all, with) = (environment.migrations.len(), environment.ways_back.with_content);
    let with = with.filter(|with| all >= DECIDED && with * HALF <= all || all >= NONE_AT_ALL && *with == 0);
    let newest = || environment.history.order.iter().rev().find(|&&index| lacks_way_back(&environment.migrations[index]));
    if with.is_some() && newest() != Some(&context.index) {
        return;
    }
    // It belongs to the migration, not to one of its ways.
    let direction = found.direction.take();
    match &migration.down {
        // It is written in another language, or in one file for all databases.
        None if environment.unread_versions.contains(&migration.id) || shares_way_back(context) => {
            found.direction = direction;
            return;
        }
        None => absent(migration, up, environment, found),
        // Rows that were mended need not be broken again, where somebody says so.
        Some(down) if changes_rows_alone(up) && says_why(down, environment.framework) => {
            found.direction = direction;
            return;
        }
        Some(down) if is_void(down) => {
            let up_source = std::mem::replace(&mut found.source, down.source.clone());
            let what = if environment.framework == Framework::Alembic { "`downgrade()`" } else { "the way back" };
            found
                .at(
                    down.head,
                    format!(
                        "{what} of `{}` does nothing: going back leaves everything as the upgrade made it",
                        version(migration)
                    ),
                )
                .help(match changes_rows_alone(up) {
                    true => "undo it, or say in a comment in its place why there is nothing to undo",
                    false => help(environment.framework),
                });
            found.source = up_source;
        }
        Some(_) => {
            found.direction = direction;
            return;
        }
    }
    found.direction = direction;
    if let Some(finding) = found.findings.last_mut() {
        if let Some(with) = with {
            let those = if with == 0 { "none".to_owned() } else { format!("only {with}") };
            let have = if with > 1 { "have" } else { "has" };
            finding.note(format!(
                "{those} of the {all} migrations here {have} a way back; where that is meant so, `[severity] missing_downgrade = \"off\"` says it"
            ));
        }
        finding.fix(written(context));
    }
});

/// Nothing there, or a `downgrade()` that prints or logs, and sends nothing to the database.
fn is_void(down: &Script) -> bool {
    let only_talks = down.body == Body::Present && down.steps.is_empty() && down.source.path().ends_with(".py");
    down.body == Body::Empty || only_talks
}

/// Whether an upgrade changes rows and nothing else.
fn changes_rows_alone(up: &Script) -> bool {
    let of = |class: Class| up.steps.iter().any(|step| step.operation.class() == class);
    of(Class::Data) && !of(Class::Schema) && up.is_followed()
}

/// Whether a way back that does nothing says why. In a file of several sections it is not known of which a comment speaks.
fn says_why(down: &Script, framework: Framework) -> bool {
    let own_text = framework == Framework::Alembic || has_files(framework);
    is_void(down) && own_text && phrase::is_commented(down, framework)
}

fn is_enum(kind: &DataType) -> bool {
    !kind.labels.is_empty()
}

/// Of so many migrations, half without a way back are a decision and no oversight.
const DECIDED: usize = 20;
const HALF: usize = 2;
/// Where none has one, fewer are enough.
const NONE_AT_ALL: usize = 5;

/// The version of a migration, which may be told apart from others of that version by its database.
fn version(migration: &Migration) -> &str {
    match migration.id.rsplit_once('.') {
        Some((version, engine)) if engine.parse::<Dialect>().is_ok() => version,
        _ => &migration.id,
    }
}

/// Whether an upgrade that does something cannot be taken back.
fn lacks_way_back(migration: &Migration) -> bool {
    let is_missing = migration.down.as_ref().is_none_or(is_void);
    migration.judged && is_missing && migration.up.as_ref().is_some_and(|up| up.body == Body::Present)
}

/// The way back, where every step of the way forth can be undone for certain.
fn written(context: &Context<'_>) -> Option<Fix> {
    let up = context.script;
    let steps: Vec<_> = context.stages().map(|(step, stage)| (step, stage.schema)).collect();
    let operations = undo::way_back(&steps)?;
    // The type of an enum stays when its table goes, and create_table would make it a second time.
    let types = |operation: &Operation| match operation {
        Operation::CreateTable(create) => create.columns.iter().filter_map(|column| column.data_type.as_ref()).any(is_enum),
        _ => false,
    };
    if context.is_postgres() && operations.iter().any(types) {
        return None;
    }
    let lines: Vec<String> =
        operations.iter().map(|operation| crate::render::operation(operation, phrase::style(context))).collect::<Option<_>>()?;
    if lines.is_empty() {
        return None;
    }
    let framework = context.framework();
    let edits = match (&context.migration.down, framework) {
        (Some(down), _) if down.source.path().ends_with(".py") || !down.steps.is_empty() => mend::at_the_end(down, &lines)?,
        (Some(down), _) if has_files(framework) => {
            let whole = Span::new(0, down.source.text().len());
            vec![mend::edit(&down.source, whole, format!("{}{}\n", down.source.text(), lines.join("\n")))]
        }
        (Some(down), _) => vec![mend::edit(
            &down.source,
            Span::new(down.head.end as usize, down.head.end as usize),
            format!("\n{}", lines.join("\n")),
        )],
        (None, Framework::Alembic) => {
            let end = up.source.text().trim_end().len();
            let returns = if up.source.slice(up.head).contains("-> None") { " -> None" } else { "" };
            let body = lines.join("\n").replace('\n', "\n    ");
            vec![mend::edit(
                &up.source,
                Span::new(end, up.source.text().len()),
                format!("\n\n\ndef downgrade(){returns}:\n    {body}\n"),
            )]
        }
        (None, Framework::Liquibase) => return None,
        (None, _) if has_files(framework) => {
            let path = up.source.path();
            let down = path.strip_suffix("up.sql").map(|stem| format!("{stem}down.sql"))?;
            vec![Edit { file: down, span: Span::default(), text: format!("{}\n", lines.join("\n")) }]
        }
        (None, _) => {
            let end = up.source.text().trim_end().len();
            let marker = framework.convention().down_marker;
            vec![mend::edit(
                &up.source,
                Span::new(end, up.source.text().len()),
                format!("\n\n-- {marker}\n{}\n", lines.join("\n")),
            )]
        }
    };
    if framework == Framework::Alembic && !mend::speaks_alembic(&up.source, &lines) {
        return None;
    }
    // Values that came since may not fit into the old type.
    match operations.iter().any(|operation| matches!(operation, Operation::AlterColumnType { .. })) {
        true => mend::with_a_look("write the way back", edits),
        false => mend::safe("write the way back", edits),
    }
}

/// Whether the file of one database has the way back of its version that is for all of them.
fn shares_way_back(context: &Context<'_>) -> bool {
    let (all, own) = (&context.environment.migrations, context.migration);
    if !is_for_one(&own.source) {
        return false;
    }
    let version = |migration: &Migration| migration.source.file_name().split('_').next().map(str::to_owned);
    let of_version = |other: &&Migration| version(other) == version(own);
    let (before, behind) = all.split_at(context.index);
    let near = before.iter().rev().take_while(of_version).chain(behind.iter().take_while(of_version));
    near.filter_map(|other| other.down.as_ref()).any(|down| !is_for_one(&down.source))
}

fn absent(migration: &Migration, up: &Script, environment: &Environment, found: &mut Found<'_>) {
    let (missing, consequence) = match environment.framework {
        Framework::Alembic => ("has no `downgrade()`".to_owned(), "`alembic downgrade` fails on it"),
        // It makes an empty migration of what is not there (`newMigration` in its migrate.go).
        Framework::GolangMigrate | Framework::MaragudkMigrate => {
            let expected = up.source.file_name().replace(".up.sql", ".down.sql");
            (format!("has no `{expected}`"), "going down passes it by and leaves what it made, which the next up then meets")
        }
        framework if has_files(framework) => {
            let expected = up.source.file_name().replace("up.sql", "down.sql");
            (format!("has no `{expected}`"), "it cannot be taken back")
        }
        Framework::Liquibase => ("has no `--rollback`".to_owned(), "it cannot be taken back"),
        framework => (format!("has no `-- {}` section", framework.convention().down_marker), "it cannot be taken back"),
    };
    found.at(up.head, format!("`{}` {missing}: {consequence}", migration.id)).help(help(environment.framework));
}

fn help(framework: Framework) -> &'static str {
    match framework {
        Framework::Alembic => {
            "undo the upgrade in `downgrade()`; where that cannot be done, say so:\n\
             def downgrade():\n    raise NotImplementedError(\"there is no way back from this\")"
        }
        framework if has_files(framework) => "write the file that undoes this one, last statement first",
        _ => "write the section that undoes this one, last statement first",
    }
}

/// Whether the way back is a file of its own.
fn has_files(framework: Framework) -> bool {
    framework.convention().down_marker.is_empty() && framework != Framework::Liquibase
}
