use crate::migration::{Mark, Origin, Step};
use crate::operation::{Dialect, HOLE, Operation};
use crate::rule::Check;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let (limit, unit, fate): (usize, &str, &str) = match before.dialect() {
        Some(Dialect::PostgreSql) => (63, "bytes", "PostgreSQL cuts the rest off, with a notice that nobody reads"),
        Some(Dialect::MySql | Dialect::MariaDb) => (64, "characters", "the statement fails"),
        _ => return,
    };
    // SQLAlchemy shortens a name from op.f() by itself, to one that it makes again the same.
    let shortened = matches!(step.origin, Origin::Directive(_)) && before.text(step.statement).contains("op.f(");
    if shortened {
        return;
    }
    let length = |name: &str| if unit == "bytes" { name.len() } else { name.chars().count() };
    for name in names(step).into_iter().filter(|name| !name.contains(HOLE)) {
        if length(&name) > limit {
            let mark = if step.operation.object().as_deref() == Some(&name) { Mark::Name } else { Mark::Table };
            found
                .at(step.at(mark), format!("`{name}` has {} {unit}, and a name has room for {limit}: {fate}", length(&name)))
                .help("choose a shorter name, or the next statement that says it in full may meet another object");
        }
    }
});

/// The names that a step gives.
fn names(step: &Step) -> Vec<String> {
    match &step.operation {
        Operation::CreateTable(create) => {
            let columns = create.columns.iter().map(|column| column.name.clone());
            let constraints = create.constraints.iter().filter_map(|constraint| constraint.name.clone());
            std::iter::once(create.table.name.clone()).chain(columns).chain(constraints).collect()
        }
        Operation::AddColumn { column, .. } => vec![column.name.clone()],
        Operation::CreateIndex(index) => index.name.clone().into_iter().collect(),
        Operation::AddConstraint { constraint, .. } => constraint.name.clone().into_iter().collect(),
        Operation::RenameTable { to, .. } => vec![to.name.clone()],
        Operation::RenameColumn { to, .. } | Operation::RenameIndex { to, .. } | Operation::RenameConstraint { to, .. } => {
            vec![to.clone()]
        }
        _ => Vec::new(),
    }
}
