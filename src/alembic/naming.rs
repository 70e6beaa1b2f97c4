//! The naming convention that env.py's metadata has, where it is written out there: what has no name gets one by it,
//! as `op.create_table` and its kin ask the metadata for names.

use std::collections::HashMap;

use rustpython_parser::ast::{self, Constant, Expr, Stmt};

use super::python;
use crate::migration::{Migration, Origin};
use crate::operation::{Constraint, ConstraintKind, CreateTable, Name, Operation};
use crate::source::Source;

/// Bytes that a name has room for on PostgreSQL.
const LONGEST: usize = 63;

/// The keys of a convention: index, unique, check, foreign key, primary key.
const KEYS: [&str; 5] = ["ix", "uq", "ck", "fk", "pk"];

/// Templates by key.
#[derive(Debug, Default, PartialEq)]
pub struct Convention(HashMap<String, String>);

/// The convention in the text of an env.py; None without one that is plain to see.
pub fn in_env(text: &str) -> Option<Convention> {
    let source = Source::new("env.py", text);
    let module = python::parse(&source).ok()?;
    let mut found = None;
    module.iter().for_each(|statement| look(statement, &mut found));
    found
}

fn look(statement: &Stmt, found: &mut Option<Convention>) {
    let value = match statement {
        Stmt::Assign(node) => Some(&*node.value),
        Stmt::AnnAssign(node) => node.value.as_deref(),
        Stmt::Expr(node) => Some(&*node.value),
        _ => None,
    };
    if let Some(value) = value {
        look_into(value, found);
    }
}

/// The dictionary itself, or one handed to `MetaData(naming_convention=…)`.
fn look_into(value: &Expr, found: &mut Option<Convention>) {
    match value {
        Expr::Dict(node) => {
            let pairs = node.keys.iter().zip(&node.values).map(|(key, value)| Some((string(key.as_ref()?)?, string(value)?)));
            let pairs: Option<HashMap<String, String>> = pairs.collect();
            let known =
                |pairs: &HashMap<String, String>| !pairs.is_empty() && pairs.keys().all(|key| KEYS.contains(&key.as_str()));
            *found = pairs.filter(known).map(Convention).or_else(|| found.take());
        }
        Expr::Call(node) => node.keywords.iter().for_each(|keyword| look_into(&keyword.value, found)),
        _ => {}
    }
}

fn string(value: &Expr) -> Option<String> {
    match value {
        Expr::Constant(ast::ExprConstant { value: Constant::Str(text), .. }) => Some(text.clone()),
        _ => None,
    }
}

impl Convention {
    /// Names what the directives of these scripts leave without a name.
    pub fn apply(&self, migrations: &mut [Migration]) {
        for migration in migrations {
            let scripts = [&mut migration.up, &mut migration.down].into_iter().flatten();
            let steps = scripts.flat_map(|script| &mut script.steps);
            for step in steps.filter(|step| matches!(step.origin, Origin::Directive(_))) {
                match &mut step.operation {
                    Operation::CreateTable(create) => self.name_table(create),
                    Operation::AddConstraint { table, constraint } => self.name_constraint(table, constraint),
                    _ => {}
                }
            }
        }
    }

    fn name_table(&self, create: &mut CreateTable) {
        let table = create.table.clone();
        for column in &mut create.columns {
            let own = || vec![column.name.clone()];
            if column.unique && self.0.contains_key("uq") {
                column.unique = false;
                create.constraints.push(Constraint::new(None, ConstraintKind::Unique { columns: own(), using_index: None }));
            }
            if let Some(reference) = column.references.as_mut().filter(|reference| reference.name.is_none()) {
                let columns = vec![column.name.clone()];
                let kind = ConstraintKind::ForeignKey { columns, reference: reference.clone() };
                reference.name = self.name(&table, &kind);
            }
        }
        let key: Vec<String> =
            create.columns.iter().filter(|column| column.primary_key).map(|column| column.name.clone()).collect();
        if !key.is_empty() && self.0.contains_key("pk") {
            create.columns.iter_mut().for_each(|column| column.primary_key = false);
            create.constraints.push(Constraint::new(None, ConstraintKind::PrimaryKey { columns: key, using_index: None }));
        }
        create.constraints.iter_mut().for_each(|constraint| self.name_constraint(&table, constraint));
    }

    fn name_constraint(&self, table: &Name, constraint: &mut Constraint) {
        if constraint.name.is_none() {
            constraint.name = self.name(table, &constraint.kind);
        }
    }

    /// The name by the convention; None where it has none for the kind, or asks for what is not known.
    fn name(&self, table: &Name, kind: &ConstraintKind) -> Option<String> {
        let nothing = Vec::new();
        let (key, columns, referred) = match kind {
            ConstraintKind::Unique { columns, .. } => ("uq", columns, None),
            ConstraintKind::PrimaryKey { columns, .. } => ("pk", columns, None),
            ConstraintKind::ForeignKey { columns, reference } => ("fk", columns, Some(&reference.table)),
            ConstraintKind::Check { .. } => ("ck", &nothing, None),
            _ => return None,
        };
        let first = columns.first().cloned().unwrap_or_default();
        let mut out = self.0.get(key)?.clone();
        for (token, value) in [
            ("%(table_name)s", Some(table.name.clone())),
            ("%(column_0_name)s", Some(first.clone())),
            ("%(column_0_key)s", Some(first.clone())),
            ("%(column_0_label)s", Some(format!("{}_{first}", table.name))),
            ("%(column_0_N_name)s", Some(columns.join("_"))),
            ("%(column_0N_name)s", Some(columns.concat())),
            ("%(referred_table_name)s", referred.map(|referred| referred.name.clone())),
        ] {
            if out.contains(token) {
                out = out.replace(token, &value?);
            }
        }
        // SQLAlchemy cuts a longer one and ends it with a part of its hash.
        (!out.contains("%(") && out.len() <= LONGEST).then_some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_by_the_template() {
        let text =
            "metadata = MetaData(naming_convention={'uq': 'uq_%(table_name)s_%(column_0_name)s', 'pk': 'pk_%(table_name)s'})";
        let convention = in_env(text).unwrap();
        let unique = ConstraintKind::Unique { columns: vec!["a".to_owned(), "b".to_owned()], using_index: None };
        assert_eq!(convention.name(&Name::new("t"), &unique).as_deref(), Some("uq_t_a"));
        assert_eq!(in_env("x = {'a': 'b'}"), None);
    }
}
