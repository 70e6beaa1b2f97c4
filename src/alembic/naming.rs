//! The naming convention of the metadata that env.py hands to Alembic: `op.create_table` and its kin ask it for names, of
//! what has none, and of what has one that is to be put into a template (`ck_%(table_name)s_%(constraint_name)s`).

use std::collections::HashMap;

use rustpython_parser::ast::{self, Constant, Expr, Stmt};

use super::python;
use crate::migration::{Migration, Origin};
use crate::operation::{Constraint, ConstraintKind, CreateTable, HOLE, Name, Operation};
use crate::source::Source;

/// Bytes that a name has room for on PostgreSQL.
const LONGEST: usize = 63;

/// The keys of a convention: index, unique, check, foreign key, primary key.
const KEYS: [&str; 5] = ["ix", "uq", "ck", "fk", "pk"];

/// Templates by key.
#[derive(Debug, Default, PartialEq)]
pub struct Convention(HashMap<String, String>);

/// The conventions that a module writes out, wherever in it.
pub fn in_module(text: &str) -> Vec<Convention> {
    let source = Source::new("", text);
    let mut found = Vec::new();
    if let Ok(module) = python::parse(&source) {
        module.iter().for_each(|statement| look(statement, &mut found));
    }
    found
}

fn look(statement: &Stmt, found: &mut Vec<Convention>) {
    let value = match statement {
        Stmt::Assign(node) => Some(&*node.value),
        Stmt::AnnAssign(node) => node.value.as_deref(),
        Stmt::Expr(node) => Some(&*node.value),
        Stmt::Return(node) => node.value.as_deref(),
        _ => None,
    };
    let inner: &[Stmt] = match statement {
        Stmt::ClassDef(node) => &node.body,
        Stmt::FunctionDef(node) => &node.body,
        Stmt::If(node) => &node.body,
        Stmt::Try(node) => &node.body,
        _ => &[],
    };
    value.into_iter().for_each(|value| look_into(value, found));
    inner.iter().for_each(|statement| look(statement, found));
}

/// The dictionary itself, or one handed to `MetaData(naming_convention=…)` and to what wraps it.
fn look_into(value: &Expr, found: &mut Vec<Convention>) {
    match value {
        Expr::Dict(node) => {
            let keys = || node.keys.iter().map(|key| key.as_ref().and_then(string));
            // Beside templates stand tokens of the project's own, each with a function.
            let templates: HashMap<String, String> = keys()
                .zip(&node.values)
                .filter_map(|(key, value)| Some((key.filter(|key| KEYS.contains(&key.as_str()))?, string(value)?)))
                .collect();
            let named = keys().flatten().filter(|key| KEYS.contains(&key.as_str())).count();
            let is_plain = keys().all(|key| key.is_some()) && named == templates.len();
            if is_plain && templates.values().any(|template| template.contains("%(")) {
                let convention = Convention(templates);
                if !found.contains(&convention) {
                    found.push(convention);
                }
            }
        }
        Expr::Call(node) => {
            node.args.iter().for_each(|argument| look_into(argument, found));
            node.keywords.iter().for_each(|keyword| look_into(&keyword.value, found));
        }
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
        let (key, columns, referred) = parts(kind)?;
        let template = self.0.get(key)?;
        // Without a name there is none to put into it.
        (!template.contains(GIVEN)).then(|| made(template, table, columns, referred))
    }

    /// The name of a constraint that is given one: put into the template, where that asks for it.
    pub fn given(&self, table: &Name, kind: &ConstraintKind, name: String) -> String {
        let Some((key, columns, referred)) = parts(kind) else { return name };
        match self.0.get(key).filter(|template| template.contains(GIVEN)) {
            Some(template) => made(&template.replace(GIVEN, &name), table, columns, referred),
            None => name,
        }
    }

    /// The name of an index that is given none.
    pub fn index(&self, table: &Name, columns: &[String]) -> String {
        let is_column = |text: &String| text.chars().all(|c| c.is_alphanumeric() || c == '_');
        match columns.iter().all(is_column) {
            true => made(self.0.get("ix").map_or(INDEX, String::as_str), table, columns, None),
            // Whether an expression has a name, it says itself.
            false => HOLE.to_string(),
        }
    }
}

/// What SQLAlchemy calls an index without a word of the project.
const INDEX: &str = "ix_%(column_0_label)s";
/// The token for the name that is given.
const GIVEN: &str = "%(constraint_name)s";

/// A constraint's key in a convention, its columns, and the table that it points to.
fn parts(kind: &ConstraintKind) -> Option<(&'static str, &[String], Option<&Name>)> {
    Some(match kind {
        ConstraintKind::Unique { columns, .. } => ("uq", columns, None),
        ConstraintKind::PrimaryKey { columns, .. } => ("pk", columns, None),
        ConstraintKind::ForeignKey { columns, reference } => ("fk", columns, Some(&reference.table)),
        ConstraintKind::Check { .. } => ("ck", &[], None),
        _ => return None,
    })
}

/// A template with its tokens filled in. What only the project's code knows is a hole.
fn made(template: &str, table: &Name, columns: &[String], referred: Option<&Name>) -> String {
    let first = columns.first().cloned().unwrap_or_default();
    let mut out = template.to_owned();
    for (token, value) in [
        ("%(table_name)s", &table.name),
        ("%(column_0_name)s", &first),
        ("%(column_0_key)s", &first),
        ("%(column_0_label)s", &format!("{}_{first}", table.name)),
        ("%(column_0_N_name)s", &columns.join("_")),
        ("%(column_0N_name)s", &columns.concat()),
        ("%(referred_table_name)s", referred.map_or(&table.name, |referred| &referred.name)),
    ] {
        out = out.replace(token, value);
    }
    while let Some(start) = out.find("%(") {
        let end = out[start..].find(")s").map_or(out.len(), |length| start + length + 2);
        out.replace_range(start..end, HOLE.encode_utf8(&mut [0; 4]));
    }
    // SQLAlchemy cuts a longer one and ends it with a part of its hash.
    if out.len() > LONGEST { HOLE.to_string() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_by_the_template() {
        let text =
            "metadata = MetaData(naming_convention={'uq': 'uq_%(table_name)s_%(column_0_name)s', 'pk': 'pk_%(table_name)s'})";
        let convention = in_module(text).remove(0);
        let unique = ConstraintKind::Unique { columns: vec!["a".to_owned(), "b".to_owned()], using_index: None };
        assert_eq!(convention.name(&Name::new("t"), &unique).as_deref(), Some("uq_t_a"));
        assert_eq!(in_module("x = {'a': 'b'}"), []);
    }
}
