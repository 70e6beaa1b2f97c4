use crate::migration::Step;
use crate::operation::{Class, Dialect, LockMode, Name, Operation};
use crate::rule::Found;
use crate::rule::{Check, Context};
use crate::rules::phrase;
use crate::schema::{Schema, Table};

pub const CHECK: Check = Check::Script(|context, found| {
    // SQLite has one writer at a time: in a transaction nothing is left half done, and nobody waits for longer.
    let rolls_back = context.dialect() == Some(Dialect::Sqlite) && context.inside_at(0).is_transaction();
    if !context.is_upgrade() || rolls_back {
        return;
    }
    let altered: Vec<&Name> = context
        .steps()
        .filter(|(_, step)| step.operation.class() == Class::Schema)
        .filter_map(|(_, step)| step.operation.table())
        .collect();
    let commits = context.dialect().is_some_and(Dialect::is_mysql_like);
    let mut definition: Option<(usize, &Step)> = None;
    let mut changes: Vec<(usize, &Step)> = Vec::new();
    for (at, step) in context.steps() {
        // What stands before a COMMIT and behind it holds nothing up together.
        if step.operation == Operation::Commit && !step.conditional && !commits {
            if definition.is_some() && !changes.is_empty() {
                break;
            }
            (definition, changes) = (None, Vec::new());
            continue;
        }
        // Which tables are new changes as the script goes on.
        let schema = context.stages[at].schema;
        let matters = step.operation.table().is_none_or(|table| !is_new(schema, context, table)) && !step.autocommit;
        match step.operation.class() {
            Class::Schema if matters && locks_a_table(&step.operation) => definition = definition.or(Some((at, step))),
            Class::Data if makes_room(context, at, &step.operation) => {}
            // A row that nobody else can see yet holds nobody up.
            Class::Data if !commits && definition.is_none() && is_one_new_row(&step.operation) => {}
            Class::Data if !commits && is_one_row_elsewhere(&step.operation, &altered, schema) => {}
            Class::Data if matters && writes_existing(&step.operation, schema, context) => changes.push((at, step)),
            _ => {}
        }
    }
    let Some((defined_at, definition)) = definition else { return };
    // The one that holds up most: of every row, while the locks of the schema change are held.
    let weight = |(at, step): &&(usize, &Step)| (*at < defined_at, !changes_every_row(&step.operation), *at);
    if let Some((changed_at, change)) = changes.iter().min_by_key(weight) {
        report(definition, change, defined_at < *changed_at, context, found);
    }
});

fn changes_every_row(operation: &Operation) -> bool {
    matches!(operation, Operation::Update { has_where: false, .. } | Operation::Delete { has_where: false, .. })
}

fn is_new(schema: &Schema, context: &Context<'_>, table: &Name) -> bool {
    schema.table(table).is_some_and(|table| table.created_in == Some(context.index) || table.temporary)
}

/// Changes to tables that others may be using; types, functions, comments and new tables are not.
fn locks_a_table(operation: &Operation) -> bool {
    match operation {
        Operation::CreateTable(_) => false,
        Operation::Other { kind, table, .. } => table.is_some() && *kind != "comment",
        Operation::DropIndex { .. } => true,
        other => other.table().is_some(),
    }
}

fn is_one_new_row(operation: &Operation) -> bool {
    matches!(operation, Operation::Insert { rows, .. } if rows.single().is_some() && rows.reads.is_empty())
}

/// A row of constants in a table that nothing else here touches, such as the order for a job: it holds nothing up, and
/// often has to come or go with the change.
fn is_one_row_elsewhere(operation: &Operation, altered: &[&Name], schema: &Schema) -> bool {
    match operation {
        Operation::Insert { table, .. } => is_one_new_row(operation) && table.is_known() && !altered.contains(&table),
        // One row by its key: a version, a lock, a setting.
        Operation::Update { table, rows, has_where: true } | Operation::Delete { table, rows, has_where: true } => {
            let is_given = |column: &String| rows.narrowed_by.contains(column);
            let by_key = |table: &Table| table.keys().any(|key| key.iter().all(is_given));
            rows.reads.is_empty() && !altered.contains(&table) && schema.table(table).is_some_and(by_key)
        }
        _ => false,
    }
}

/// A table is emptied for a column that no row could fill: rows that come in between would refuse it.
fn makes_room(context: &Context<'_>, at: usize, operation: &Operation) -> bool {
    let emptied = match operation {
        Operation::Delete { table, has_where: false, .. } | Operation::Truncate { table, .. } => table,
        _ => return false,
    };
    context.steps().any(|(later, step)| match &step.operation {
        Operation::AddColumn { table, column, .. } => {
            later > at && table == emptied && column.nullable == Some(false) && column.default.is_none()
        }
        _ => false,
    })
}

fn writes_existing(operation: &Operation, schema: &Schema, context: &Context<'_>) -> bool {
    operation.table().is_none_or(|table| !is_new(schema, context, table))
}

/// The LOCK TABLE … IN ACCESS EXCLUSIVE MODE in front of a change to the table whose schema changes too.
fn taken_by_hand<'c>(change: &Step, altered: Option<&Name>, context: &Context<'c>) -> Option<(&'c Step, &'c Name)> {
    let earlier = context.steps().map(|(_, step)| step).take_while(|step| step.statement != change.statement);
    earlier.filter(|_| context.is_postgres()).find_map(|step| match &step.operation {
        Operation::LockTable { table, mode } if *mode == LockMode::AccessExclusive && Some(table) == altered => {
            Some((step, table))
        }
        _ => None,
    })
}

fn report(definition: &Step, change: &Step, definition_first: bool, context: &Context<'_>, found: &mut Found<'_>) {
    let (kind, table) = (definition.operation.kind(), definition.operation.table());
    let altered = table.map_or_else(|| "a table".to_owned(), |table| format!("`{table}`"));
    let written = change
        .operation
        .table()
        .filter(|table| table.is_known())
        .map_or_else(|| "rows".to_owned(), |table| format!("rows of `{table}`"));
    let verb = change.operation.kind();
    found.statement = change.statement;
    if let Some((lock, locked)) = taken_by_hand(change, table, context) {
        let finding = found.at(
            change.span,
            format!("nobody reads or writes `{locked}` while this migration changes {written} and the schema of {altered}"),
        );
        finding.label(&context.script.source, lock.span, "locked from here to the end of the transaction");
        finding.help("run it while nobody needs the table: apart from each other, new rows could come between the two changes");
        return;
    }
    let message = match context.dialect() {
        Some(dialect) if dialect.is_mysql_like() => {
            format!(
                "this migration changes the schema of {altered} and {written}: each schema change commits, so a failure leaves it half done"
            )
        }
        None if !definition_first => format!(
            "this migration changes {written} and the schema of {altered}: in one transaction the rows it wrote stay locked until both are done, without one a failure leaves it half done"
        ),
        None => format!(
            "this migration changes the schema of {altered} and {written}: in one transaction its locks are held for both, without one a failure leaves it half done"
        ),
        Some(Dialect::PostgreSql) if definition_first => {
            format!("this migration changes the schema of {altered} and {written}: its locks are held until the {verb} is done")
        }
        Some(Dialect::PostgreSql) => {
            format!(
                "this migration changes {written} and the schema of {altered}: the rows it wrote stay locked until the schema change has its lock"
            )
        }
        _ => format!(
            "this migration changes the schema of {altered} and {written}: when one fails, the other is left half done or has to be repeated"
        ),
    };
    let finding = found.at(change.span, message);
    finding.label(&context.script.source, definition.span, format!("the schema change: {}", kind.replace('_', " ")));
    if context.is_postgres() && definition_first {
        finding.note("locks that a schema change takes are released at the end of the transaction, not of the statement");
    }
    let apart = if context.is_postgres() { phrase::unless_committed_apart(context) } else { "" };
    // Only where the rows are those of the changed table is there an order to keep.
    let between = match change.operation.table().is_some_and(|written| Some(written) == table) {
        true => ", between the one that adds and the one that constrains",
        false => "",
    };
    // A copy that has its name in this script only cannot be filled anywhere else.
    let is_passing = |written: &Name| {
        let drops = |operation: &Operation| matches!(operation, Operation::DropTable { table, .. } if table == written);
        let names = |operation: &Operation| matches!(operation, Operation::RenameTable { to, .. } if to == written);
        context.steps().any(|(_, step)| drops(&step.operation)) && context.steps().any(|(_, step)| names(&step.operation))
    };
    finding.help(match change.operation.table().filter(|written| is_passing(written)) {
        Some(written) => format!(
            "`{written}` is there in this migration only: add what is new as a column that takes NULL, fill it in the next \
             migration, and rebuild the table in the one after it, with batch_alter_table"
        ),
        None => format!("move the data change into a migration of its own{between}{apart}"),
    });
}
