use crate::migration::{Body, Migration, Script};
use crate::project::Environment;
use crate::project::conventions::{Framework, WayBack};
use crate::rule::{Check, Found};

pub const CHECK: Check = Check::Migration(|migration, environment, found| {
    let Some(up) = migration.up.as_ref().filter(|up| up.body == Body::Present) else { return };
    let used = || environment.migrations.iter().any(|other| other.down.is_some());
    match environment.framework.convention().way_back {
        WayBack::None => return,
        WayBack::WhereUsed if !used() => return,
        WayBack::WhereUsed | WayBack::Expected => {}
    }
    match &migration.down {
        None => absent(migration, up, environment, found),
        Some(down) if down.body == Body::Empty => {
            found.source = down.source.clone();
            let what = if environment.framework == Framework::Alembic { "`downgrade()`" } else { "the way back" };
            found
                .at(down.head, format!("{what} of `{}` does nothing: going back leaves everything as the upgrade made it", migration.id))
                .help(help(environment.framework));
        }
        Some(_) => {}
    }
});

fn absent(migration: &Migration, up: &Script, environment: &Environment, found: &mut Found<'_>) {
    found.source = up.source.clone();
    let (missing, consequence) = match environment.framework {
        Framework::Alembic => ("has no `downgrade()`".to_owned(), "`alembic downgrade` fails on it"),
        Framework::GolangMigrate => {
            let expected = up.source.file_name().replace(".up.sql", ".down.sql");
            (format!("has no `{expected}`"), "`migrate down` stops at it")
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
             def downgrade():\n    raise NotImplementedError(\"the dropped data is gone\")"
        }
        framework if has_files(framework) => "write the file that undoes this one, last statement first",
        _ => "write the section that undoes this one, last statement first",
    }
}

/// Whether the way back is a file of its own.
fn has_files(framework: Framework) -> bool {
    framework.convention().down_marker.is_empty() && framework != Framework::Liquibase
}
