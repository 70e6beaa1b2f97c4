use crate::migration::{Body, Migration, Script};
use crate::project::Environment;
use crate::project::conventions::Framework;
use crate::rule::{Check, Found};

pub const CHECK: Check = Check::Migration(|migration, environment, found| {
    let Some(up) = migration.up.as_ref().filter(|up| up.body == Body::Present) else { return };
    if !environment.framework.convention().has_down {
        return;
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
        Framework::GolangMigrate => "write the file that undoes this one, last statement first",
        _ => "write the section that undoes this one, last statement first",
    }
}
