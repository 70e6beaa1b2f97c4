//! Words that several rules share: statements rewritten for people to paste, and pictures of table rebuilds.

use crate::alembic::env::OuterTransaction;
use crate::migration::{Mark, Origin, Script, Step};
use crate::operation::{ConstraintKind, CreateIndex, Dialect, Name, Operation, show_holes};
use crate::project::conventions::Framework;
use crate::render::Style;
use crate::rule::{Context, Found};
use crate::schema::Schema;

/// A name as SQL has to write it.
pub fn sql_name(name: &Name) -> String {
    let part = |part: &str| crate::render::sql_name(&show_holes(part));
    match &name.schema {
        Some(schema) => format!("{}.{}", part(schema), part(&name.name)),
        None => part(&name.name),
    }
}

/// The longest name that PostgreSQL keeps whole, in bytes.
const LONGEST_NAME: usize = 63;

/// A name for what a help makes beside what is there: it ends so, also where the whole would be too long.
pub fn name_ending(stem: &str, ending: &str) -> String {
    let mut end = stem.len().min(LONGEST_NAME - ending.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", &stem[..end])
}

/// How this script's statements are written.
pub fn style<'c>(context: &Context<'c>) -> Style<'c> {
    match context.framework() {
        Framework::Alembic => {
            let dialects = context.environment.dialects();
            // The way back ends in the schema that the way forth began with.
            let schema = context.undoes.or(context.stages.first().map(|stage| stage.schema));
            Style::Alembic {
                batch: dialects.contains(&Dialect::Sqlite),
                existing: schema.filter(|_| dialects.iter().any(|dialect| dialect.is_mysql_like())),
            }
        }
        _ => Style::Sql,
    }
}

/// SQL as a script of this project would send it.
pub fn statement(context: &Context<'_>, sql: &str) -> String {
    match context.framework() {
        Framework::Alembic => for_this_dialect(context, &execute(sql)),
        _ => format!("{sql};"),
    }
}

/// A statement as Python has it, of one literal or several in a row, on one line.
fn one_line(text: &str) -> String {
    let line = text.trim_end_matches(';').split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace("\" f\"", "").replace("\" \"", "")
}

/// SQL in the place of steps that do the same on every database; the others keep them.
pub fn in_place_of_steps(context: &Context<'_>, sql: &str) -> String {
    let text = statement(context, sql);
    let is_guarded = context.framework() == Framework::Alembic && guard(context).is_some();
    if is_guarded { format!("{text}\nelse:\n    …  # the steps as they are") } else { text }
}

/// The call that sends SQL.
fn execute(sql: &str) -> String {
    let quote = match (sql.contains('"'), sql.contains('\'')) {
        (false, _) => "\"",
        (true, false) => "'",
        (true, true) => "\"\"\"",
    };
    format!("op.execute({quote}{sql}{quote})")
}

/// Lines of Python that other databases of this project must not see.
fn for_this_dialect(context: &Context<'_>, lines: &str) -> String {
    match guard(context) {
        Some(guard) => format!("{guard}\n    {}", lines.replace('\n', "\n    ")),
        None => lines.to_owned(),
    }
}

/// The line that keeps the other databases of a project away; None where there are none.
fn guard(context: &Context<'_>) -> Option<String> {
    let dialect = context.dialect().filter(|_| context.environment.dialects().len() > 1)?;
    let test = match dialect.is_mysql_like() {
        true => "in (\"mysql\", \"mariadb\")".to_owned(),
        false => format!("== \"{}\"", dialect.as_str()),
    };
    Some(format!("if op.get_context().dialect.name {test}:"))
}

/// How a migration on SQLite turns foreign keys off.
pub fn without_foreign_keys(context: &Context<'_>) -> String {
    // Inside of a transaction the PRAGMA does nothing.
    match context.inside().is_transaction() {
        true if context.framework() != Framework::Alembic => format!(
            "{} has begun a transaction, in which PRAGMA foreign_keys does nothing: migrate over a connection that is opened \
             without foreign keys",
            context.environment.runner()
        ),
        true => "env.py has begun a transaction, in which PRAGMA foreign_keys does nothing: set it where env.py opens the \
                 connection, before it begins:\ndbapi_connection.execute(\"PRAGMA foreign_keys=OFF\")"
            .to_owned(),
        false => format!(
            "as the first thing in the migration, before any row is written:\n{}",
            statement(context, "PRAGMA foreign_keys=OFF")
        ),
    }
}

/// Two statements with a commit between them.
pub fn then_next_migration(context: &Context<'_>, first: &str, next: &str) -> String {
    format!("{}\n{}", in_place_of_steps(context, first), and_once_committed(context, next))
}

/// A statement that has to wait for the commit of what the text before it says.
pub fn and_once_committed(context: &Context<'_>, sql: &str) -> String {
    let statement = if context.is_upgrade() { statement(context, sql) } else { format!("{sql};") };
    format!("and {}:\n{statement}", in_next_migration(context))
}

/// When a later migration is committed apart from this one.
pub fn in_next_migration(context: &Context<'_>) -> String {
    match context.is_upgrade() {
        true => format!("in the next migration, after this one is committed{}", unless_committed_apart(context)),
        // No step of the way back can rely on another: each may be the last that runs.
        false if context.environment.env.sets_search_path => {
            "by hand, once this downgrade is committed, with the search_path that env.py sets".to_owned()
        }
        false => "by hand, once this downgrade is committed".to_owned(),
    }
}

/// What it takes that a later migration is committed apart from this one, in parentheses; nothing where it is.
pub fn unless_committed_apart(context: &Context<'_>) -> &'static str {
    match (context.framework(), context.environment.all_pending_together) {
        (_, false) => "",
        (Framework::Alembic, true) if context.environment.env.outer_transaction.is_some() => {
            " (deployed one by one: env.py begins the transaction before Alembic could, and all pending revisions share it)"
        }
        (Framework::Alembic, true) => {
            " (env.py has to set `transaction_per_migration=True`, or they are deployed one by one: Alembic commits all pending \
             revisions at once)"
        }
        (Framework::NodePgMigrate, true) => " (with `--no-single-transaction`, or deployed one by one)",
        (_, true) => " (deployed on its own: this runner commits all pending ones at once)",
    }
}

/// How this runner is told to run `text` outside of a transaction.
pub fn outside_transaction(context: &Context<'_>, text: &str) -> String {
    let framework = context.framework();
    if framework != Framework::Alembic {
        let how = context.environment.outside_transaction();
        return if text.is_empty() { how.to_owned() } else { format!("{how}:\n{}", terminated(text)) };
    }
    // Calls of Alembic's directives know what to leave out on other databases.
    let is_sql = text.starts_with(|c: char| c.is_ascii_uppercase());
    let call = match is_sql {
        true => execute(&one_line(text)),
        false => text.replace('\n', "\n    "),
    };
    let block = format!("{}\n    {call}", autocommit_block(context));
    let place = match context.is_upgrade() {
        true => "in a migration of its own",
        // What is built then is of the schema that the way back leads to.
        false => "in the place of this step, behind what has to be rolled back together",
    };
    format!("{place}:\n{}", if is_sql { for_this_dialect(context, &block) } else { block })
}

/// The line that opens an autocommit block, behind what ends the transaction where Alembic has begun none.
pub fn autocommit_block(context: &Context<'_>) -> &'static str {
    match context.environment.env.outer_transaction.filter(|_| context.is_in_outer_transaction()) {
        Some(OuterTransaction::Managed) => {
            "# with `.connect()` in the place of `.begin()` in env.py\nwith op.get_context().autocommit_block():"
        }
        Some(_) => "op.get_bind().commit()\nwith op.get_context().autocommit_block():",
        None => "with op.get_context().autocommit_block():",
    }
}

/// With the semicolon that ends it.
pub fn terminated(text: &str) -> String {
    if text.trim_end().ends_with(';') { text.to_owned() } else { format!("{text};") }
}

/// The column that takes the place of a dropped one, where that looks like a rename: one column of `table` is dropped
/// and one of the same type added, and no rows are copied between them.
pub fn renamed_to<'c>(context: &Context<'c>, table: &Name, column: &str) -> Option<&'c str> {
    let old = context.schema.column(table, column)?.data_type.as_ref()?;
    if !context.is_upgrade() || context.is_new(table) {
        return None;
    }
    let (mut drops, mut added) = (0, Vec::new());
    for (_, step) in context.steps() {
        match &step.operation {
            Operation::DropColumn { table: of, .. } if of == table => drops += 1,
            Operation::AddColumn { table: of, column, .. } if of == table => added.push(&**column),
            Operation::Update { table: of, .. } | Operation::Insert { table: of, .. } if of == table || !of.is_known() => {
                return None;
            }
            Operation::Opaque { .. } => return None,
            _ => {}
        }
    }
    let [one] = added.as_slice() else { return None };
    if points_elsewhere(context, table, column, &one.name) {
        return None;
    }
    let same_type = one.data_type.as_ref() == Some(old) && one.references.is_none() && one.default.is_none();
    (drops == 1 && same_type && one.name != column).then_some(one.name.as_str())
}

/// Whether the two columns have foreign keys to different tables: then they mean different things.
fn points_elsewhere(context: &Context<'_>, table: &Name, old: &str, new: &str) -> bool {
    let target = |kind: &ConstraintKind, of: &str| match kind {
        ConstraintKind::ForeignKey { columns, reference } if columns == &[of.to_owned()] => Some(reference.table.clone()),
        _ => None,
    };
    let last = context.stages.last().map(|stage| stage.schema);
    let of_schema = |schema: Option<&Schema>, column: &str| {
        schema
            .and_then(|schema| schema.table(table))?
            .constraints()
            .into_iter()
            .find_map(|constraint| target(&constraint.kind, column))
    };
    // The old key may be dropped before the column.
    let was = context.stages.first().and_then(|stage| of_schema(Some(stage.schema), old));
    let made = context.steps().find_map(|(_, step)| match &step.operation {
        Operation::AddConstraint { table: of, constraint } if of == table => target(&constraint.kind, new),
        _ => None,
    });
    let is = made.or_else(|| of_schema(last, new));
    was.is_some() && is.is_some() && was != is
}

/// What DROP COLUMN takes along that other columns share: indexes, CHECKs, generated columns.
pub fn goes_with_column(context: &Context<'_>, table: &Name, column: &str) -> Vec<String> {
    let Some(known) = context.table(table) else { return Vec::new() };
    // What all of its columns take along goes as it was meant to.
    let dropped: Vec<&str> = context
        .steps()
        .filter_map(|(_, step)| match &step.operation {
            Operation::DropColumn { table: of, column, .. } if of == table => Some(column.as_str()),
            _ => None,
        })
        .collect();
    let stays = |other: &str| other != column && !dropped.contains(&other);
    let others = |columns: &[String]| columns.iter().any(|other| stays(other));
    let mut out: Vec<String> = Vec::new();
    for index in known.indexes() {
        let owned = known.constraint(&index.name).is_some();
        if !owned && index.is_on(column) && others(&index.columns) {
            out.push(format!("the index `{}`", index.name));
        }
    }
    for constraint in known.constraints().into_iter().filter(|constraint| constraint.mentions(column)) {
        let shared = match &constraint.kind {
            ConstraintKind::Check { expression } => known
                .columns()
                .iter()
                .any(|other| stays(&other.name) && crate::schema::expression::mentions(&expression.0, &other.name)),
            ConstraintKind::Unique { columns, .. } | ConstraintKind::PrimaryKey { columns, .. } => others(columns),
            _ => false,
        };
        if shared {
            out.push(format!("the {} `{}`", constraint.kind.title(), constraint.name));
        }
    }
    // From 15 on PostgreSQL refuses instead.
    if context.engine.postgres_major < 15 {
        let generated = known.columns().into_iter().filter(|other| {
            other.name != column && other.generated_from().is_some_and(|text| crate::schema::expression::mentions(text, column))
        });
        out.extend(generated.map(|other| format!("the generated column `{}`", other.name)));
    }
    out
}

/// Whether an upgrade meets rows here that others use, and so many that it takes a while.
pub fn has_live_rows(before: &Context<'_>, table: &Name) -> bool {
    before.is_upgrade() && table.is_known() && before.is_in_use(table) && !before.is_emptied(table) && !before.is_small(table)
}

/// What UPDATE and DELETE without a condition have in common.
pub fn every_row(step: &Step, before: &Context<'_>, found: &mut Found<'_>, table: &Name, verb: &str, help: &str) {
    if !has_live_rows(before, table) {
        return;
    }
    let note = match before.is_postgres() {
        true => "every row stays locked until the end, and leaves a dead copy behind",
        false => "every row stays locked until the end",
    };
    found.at(step.at(Mark::Table), format!("this {verb} every row of `{table}` in one transaction")).note(note).help(help);
}

/// Whether the script gives `table` back under its name: SQLite's way to alter a table is to make a new
/// one, copy the rows, drop the old and rename the new.
pub fn is_rebuilt(context: &Context<'_>, table: &Name) -> bool {
    if !context.outline.made.contains(table) {
        return false;
    }
    let mut names_before: Vec<&Name> = vec![table];
    for (_, step) in context.steps() {
        match &step.operation {
            // The old table was set aside under another name, which is what is dropped later.
            Operation::RenameTable { table: from, to } if to == table => names_before.push(from),
            _ => {}
        }
    }
    context.steps().any(|(_, step)| match &step.operation {
        Operation::RenameTable { to, table: from } => names_before.contains(&to) && from != table && !is_old(context, from),
        Operation::CreateTable(create) => {
            names_before.contains(&&create.table) || create.temporary && create.table.name == table.name
        }
        _ => false,
    })
}

/// Whether the table existed before the script.
fn is_old(context: &Context<'_>, table: &Name) -> bool {
    !context.steps().any(|(_, step)| matches!(&step.operation, Operation::CreateTable(create) if create.table == *table))
}

/// How far from a step the other half of a rename is looked for.
const NEARBY: usize = 64;

/// The steps around the current one.
fn nearby<'c>(context: &Context<'c>) -> impl Iterator<Item = (usize, &'c Step)> {
    let around = context.at.saturating_sub(NEARBY)..context.at.saturating_add(NEARBY);
    let (steps, dialect) = (&context.script.steps, context.dialect());
    around.map_while(move |at| Some((at, steps.get(at)?))).filter(move |(_, step)| step.runs_on(dialect))
}

/// The index that this script drops and that is equal to the one it makes, but for the name.
fn old_name(context: &Context<'_>, made: &CreateIndex) -> Option<Name> {
    nearby(context).find_map(|(at, step)| {
        let Operation::DropIndex { index: old, .. } = &step.operation else { return None };
        let (table, known) = context.stages[at].schema.index(old)?;
        let same_kind = known.unique == made.unique && known.descending == made.descending;
        let same_method = known.method.as_deref().unwrap_or("btree") == made.method.as_deref().unwrap_or("btree");
        let same_rows = known.predicate == made.predicate && known.columns == made.columns && known.include == made.include;
        let renamed = made.name.as_ref().is_some_and(|name| *name != old.name) && old.is_known();
        (table.name == made.table && renamed && same_kind && same_method && same_rows).then(|| old.clone())
    })
}

/// Where an index is only made and dropped to have another name: the statement that renames it.
pub fn rename_instead(context: &Context<'_>, step: &Step) -> Option<String> {
    let (old, new) = match &step.operation {
        Operation::CreateIndex(made) => (old_name(context, made)?, made.name.as_deref()?),
        Operation::DropIndex { index, .. } => nearby(context).find_map(|(_, other)| match &other.operation {
            Operation::CreateIndex(made) if old_name(context, made)? == *index => Some((index.clone(), made.name.as_deref()?)),
            _ => None,
        })?,
        _ => return None,
    };
    let sql = format!("ALTER INDEX {} RENAME TO {}", sql_name(&old), sql_name(&Name::new(new)));
    // In a helper the names are those of one of its calls.
    let in_helper = step.origin != Origin::Sql && !context.text(step.at(Mark::Name)).starts_with(['"', '\'']);
    let place = if in_helper { "in the place of this call of the helper" } else { "in the place of both steps" };
    Some(format!("it only gets another name, for which nothing has to be built; {place}:\n{}", in_place_of_steps(context, &sql)))
}

/// Whether a comment in the place of statements says why there are none. What Alembic's template writes does not.
pub fn is_commented(script: &Script, framework: Framework) -> bool {
    if framework != Framework::Alembic {
        let markers = framework.convention();
        return script.source.text().lines().any(|line| {
            let is_marker = !markers.up_marker.is_empty() && (line.contains('+') || line.contains(markers.up_marker));
            line.trim_start().starts_with("--") && !is_marker
        });
    }
    let is_own = |line: &str| line.starts_with('#') && !line.starts_with("# ###") && !line.contains("whimbrel:");
    body_of(script).lines().map(str::trim).any(is_own)
}

/// The same, or a docstring that does.
pub fn is_explained(script: &Script, framework: Framework) -> bool {
    let docstring = |line: &str| line.starts_with(['"', '\'']) || line.starts_with("r\"");
    is_commented(script, framework) || framework == Framework::Alembic && body_of(script).lines().map(str::trim).any(docstring)
}

/// The text of a function of a script, up to the next.
fn body_of(script: &Script) -> &str {
    let body = script.source.text().get(script.head.end as usize..).unwrap_or_default();
    &body[..body.find("\ndef ").unwrap_or(body.len())]
}
