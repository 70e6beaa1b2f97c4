//! Columns, constraints and the actions of ALTER TABLE.

use std::ops::Range;

use sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation as Action, ColumnDef, ColumnOption, DataType as TreeType, Expr,
    ForeignKeyConstraint, GeneratedAs, GeneratedExpressionMode, Ident, IndexColumn, MySQLColumnPosition, RenameTableNameKind,
    TableConstraint,
};

use super::lexeme::Lexemes;
use super::types::data_type;
use super::{Lowered, names};
use crate::migration::Mark;
use crate::operation::{
    Class, Column, ColumnPlace, Constraint, ConstraintKind, CreateIndex, DataType, Default, Dialect, Expression, Name, Operation,
    Reference,
};

fn lower_type(tree: &TreeType, dialect: Option<Dialect>) -> Option<DataType> {
    match tree {
        TreeType::Unspecified => None,
        TreeType::Enum(members, _) => {
            let labels = members
                .iter()
                .map(|member| match member {
                    sqlparser::ast::EnumMember::Name(name) | sqlparser::ast::EnumMember::NamedValue(name, _) => name.clone(),
                })
                .collect();
            Some(DataType { labels, ..DataType::new("enum") })
        }
        // Four bytes there, eight elsewhere.
        TreeType::Float(sqlparser::ast::ExactNumberInfo::None) if dialect.is_some_and(Dialect::is_mysql_like) => {
            Some(DataType::new("float"))
        }
        TreeType::Float(sqlparser::ast::ExactNumberInfo::PrecisionAndScale(digits, scale))
            if dialect.is_some_and(Dialect::is_mysql_like) =>
        {
            Some(DataType::with_modifiers("float", vec![digits.to_string(), scale.to_string()]))
        }
        other => Some(data_type(&other.to_string())),
    }
}

/// A column definition of CREATE TABLE, ADD COLUMN, MODIFY or CHANGE.
pub(super) fn column(tree: &ColumnDef, dialect: Option<Dialect>) -> Column {
    let mut column = Column::new(names::ident(&tree.name, dialect), lower_type(&tree.data_type, dialect));
    if let Some(data_type) = &mut column.data_type {
        let base = match data_type.name.as_str() {
            "serial" => Some("integer"),
            "bigserial" => Some("bigint"),
            "smallserial" => Some("smallint"),
            _ => None,
        };
        // MySQL's SERIAL is a word for this.
        if data_type.name == "serial" && dialect.is_some_and(Dialect::is_mysql_like) {
            data_type.name = "bigint unsigned".to_owned();
            (column.default, column.nullable, column.unique) = (Some(Default::Sequence), Some(false), true);
        }
        if let Some(base) = base.filter(|_| dialect.is_none_or(|dialect| dialect == Dialect::PostgreSql)) {
            data_type.name = base.to_owned();
            column.default = Some(Default::Sequence);
            column.nullable = Some(false);
        }
    }
    for option in &tree.options {
        let name = option.name.as_ref().map(|name| names::ident(name, dialect));
        column_option(&mut column, &option.option, name, dialect);
    }
    column
}

fn column_option(column: &mut Column, option: &ColumnOption, name: Option<String>, dialect: Option<Dialect>) {
    match option {
        ColumnOption::NotNull => column.nullable = Some(false),
        ColumnOption::Null => column.nullable = Some(true),
        ColumnOption::Default(expression) => {
            column.default = Some(Default::Expression(Expression(expression.to_string())));
        }
        ColumnOption::PrimaryKey(_) => {
            (column.primary_key, column.names.key) = (true, name);
            if dialect != Some(Dialect::Sqlite) {
                column.nullable = Some(false);
            }
        }
        ColumnOption::Unique(_) => (column.unique, column.names.unique) = (true, name),
        ColumnOption::Collation(name) => column.collation = Some(name.to_string()),
        // A collation of its own says more.
        ColumnOption::CharacterSet(name) => {
            column.collation.get_or_insert_with(|| name.to_string().to_ascii_lowercase());
        }
        ColumnOption::ForeignKey(key) => column.references = Some(Reference { name, ..reference(key, dialect) }),
        ColumnOption::Check(check) => {
            column.checks.push(Expression(check.expr.to_string()));
            column.names.checks.push(name);
        }
        ColumnOption::Generated { generated_as, generation_expr, generation_expr_mode, .. } => {
            column.default = Some(match (generation_expr, generated_as) {
                (Some(expression), _) => Default::Generated {
                    expression: Expression(expression.to_string()),
                    stored: Some(
                        matches!(generation_expr_mode, Some(GeneratedExpressionMode::Stored))
                            || matches!(generated_as, GeneratedAs::ExpStored),
                    ),
                },
                (None, _) => Default::Identity,
            });
            if generation_expr.is_none() {
                column.nullable = Some(false);
            }
        }
        ColumnOption::Identity(_) => column.default = Some(Default::Identity),
        ColumnOption::DialectSpecific(tokens) => {
            let text: String = tokens.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ").to_ascii_uppercase();
            if text.contains("AUTO_INCREMENT") || text.contains("AUTOINCREMENT") {
                column.default = Some(Default::Sequence);
            }
        }
        _ => {}
    }
}

fn reference(key: &ForeignKeyConstraint, dialect: Option<Dialect>) -> Reference {
    Reference {
        table: names::object(&key.foreign_table, dialect),
        columns: names::idents(&key.referred_columns, dialect),
        on_delete: key.on_delete.as_ref().map(|action| action.to_string().to_uppercase()),
        name: None,
    }
}

/// A plain column by its name, an expression as text.
pub(super) fn index_column(column: &IndexColumn, dialect: Option<Dialect>) -> String {
    match &column.column.expr {
        Expr::Identifier(ident) => names::ident(ident, dialect),
        // MySQL's index on the first letters of a column.
        Expr::Function(function) if dialect.is_some_and(Dialect::is_mysql_like) && counts_letters(function) => {
            names::object(&function.name, dialect).name
        }
        other => other.to_string(),
    }
}

/// `email(20)`
fn counts_letters(function: &sqlparser::ast::Function) -> bool {
    let text = function.args.to_string();
    let inner = text.trim_start_matches('(').trim_end_matches(')');
    !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_digit())
}

/// A table constraint; None for MySQL's inline indexes, which are no constraints.
pub(super) fn constraint(tree: &TableConstraint, dialect: Option<Dialect>) -> Option<Constraint> {
    let columns = |list: &[IndexColumn]| list.iter().map(|column| index_column(column, dialect)).collect();
    let named = |name: &Option<Ident>| name.as_ref().map(|name| names::ident(name, dialect));
    let (name, kind) = match tree {
        TableConstraint::Unique(unique) => {
            let name = named(&unique.name).or_else(|| named(&unique.index_name));
            (name, ConstraintKind::Unique { columns: columns(&unique.columns), using_index: None })
        }
        TableConstraint::PrimaryKey(key) => {
            (named(&key.name), ConstraintKind::PrimaryKey { columns: columns(&key.columns), using_index: None })
        }
        TableConstraint::UniqueUsingIndex(using) => {
            let index = names::ident(&using.index_name, dialect);
            let name = named(&using.name).or_else(|| Some(index.clone()));
            (name, ConstraintKind::Unique { columns: Vec::new(), using_index: Some(index) })
        }
        TableConstraint::PrimaryKeyUsingIndex(using) => {
            let index = names::ident(&using.index_name, dialect);
            let name = named(&using.name).or_else(|| Some(index.clone()));
            (name, ConstraintKind::PrimaryKey { columns: Vec::new(), using_index: Some(index) })
        }
        TableConstraint::ForeignKey(key) => {
            let columns = names::idents(&key.columns, dialect);
            (named(&key.name), ConstraintKind::ForeignKey { columns, reference: reference(key, dialect) })
        }
        TableConstraint::Check(check) => {
            (named(&check.name), ConstraintKind::Check { expression: Expression(check.expr.to_string()) })
        }
        TableConstraint::Exclude(exclude) => (named(&exclude.name), ConstraintKind::Exclusion { columns: Vec::new() }),
        TableConstraint::Index(_) | TableConstraint::FulltextOrSpatial(_) => return None,
    };
    Some(Constraint::new(name, kind))
}

/// MySQL's `KEY ix (a)` inside a table definition.
pub(super) fn inline_index(tree: &TableConstraint, table: &Name, dialect: Option<Dialect>) -> Option<Operation> {
    let (name, columns, method) = match tree {
        TableConstraint::Index(index) => (&index.name, &index.columns, None),
        TableConstraint::FulltextOrSpatial(index) => {
            let method = if index.fulltext { "fulltext" } else { "spatial" };
            (&index.opt_index_name, &index.columns, Some(method.to_owned()))
        }
        _ => return None,
    };
    let name = name.as_ref().map(|name| names::ident(name, dialect));
    let columns = columns.iter().map(|column| index_column(column, dialect)).collect();
    Some(Operation::CreateIndex(Box::new(CreateIndex { method, ..CreateIndex::new(name, table.clone(), columns) })))
}

/// Lowers ALTER TABLE: an operation for each action, which points at its own words.
pub(super) fn alter(alter: &AlterTable, lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Vec<Lowered> {
    let table = names::object(&alter.name, dialect);
    let (at, behind_name) = lexemes.altered_table(dialect).map_or((2, 3), |(_, tokens)| (tokens.start, tokens.end));
    let table_at = lexemes.bytes(at..behind_name);
    let behind_name = if lexemes.is(behind_name, "*") { behind_name + 1 } else { behind_name };
    let parts = lexemes.comma_separated(behind_name);
    let aligned = parts.len() == alter.operations.len();

    let mut out = Vec::new();
    for (index, tree) in alter.operations.iter().enumerate() {
        let tokens = if aligned { parts[index].clone() } else { behind_name..lexemes.len() };
        let whole = (alter.operations.len() > 1 && aligned).then(|| lexemes.bytes(tokens.clone()));
        for mut lowered in action(tree, &table, tokens, lexemes, dialect) {
            lowered.range = lowered.range.or_else(|| whole.clone());
            out.push(lowered.mark(Mark::Table, Some(table_at.clone())));
        }
    }
    out
}

fn action(tree: &Action, table: &Name, tokens: Range<usize>, lexemes: &Lexemes<'_>, dialect: Option<Dialect>) -> Vec<Lowered> {
    let table = table.clone();
    let ident = |one: &Ident| names::ident(one, dialect);
    let place = |name: &Ident| {
        tokens
            .clone()
            .find(|&index| lexemes.identifier(index, dialect).as_deref() == Some(&ident(name)))
            .map(|index| lexemes.range(index))
    };
    let nullable_at = || lexemes.find(tokens.clone(), "not null");
    let default_at = || {
        let start = lexemes.find(tokens.clone(), "default")?;
        let first = tokens.clone().find(|&index| lexemes.range(index).start > start.start)?;
        let last = if lexemes.text(first + 1) == "(" { lexemes.closing(first + 1) } else { first };
        Some(lexemes.bytes(first..last + 1))
    };
    let cascades =
        |behavior: &Option<sqlparser::ast::DropBehavior>| matches!(behavior, Some(sqlparser::ast::DropBehavior::Cascade));
    let other = |kind: &'static str, name: Option<String>| {
        vec![Lowered::new(Operation::Other { kind, table: Some(table.clone()), name, class: Class::Schema })]
    };
    let one = |operation: Operation, name: &Ident| vec![Lowered::new(operation).mark(Mark::Name, place(name))];
    match tree {
        Action::AddColumn { column_def, if_not_exists, column_position, .. } => {
            let place_of = |position: &MySQLColumnPosition| match position {
                MySQLColumnPosition::First => ColumnPlace::First,
                MySQLColumnPosition::After(other) => ColumnPlace::After(names::ident(other, dialect)),
            };
            let column = Box::new(Column { place: column_position.as_ref().map(place_of), ..column(column_def, dialect) });
            let operation = Operation::AddColumn { table, column, if_not_exists: *if_not_exists };
            vec![
                Lowered::new(operation)
                    .mark(Mark::Name, place(&column_def.name))
                    .mark(Mark::Nullable, nullable_at())
                    .mark(Mark::Default, default_at()),
            ]
        }
        Action::AddConstraint { constraint: tree, not_valid } => match constraint(tree, dialect) {
            Some(lowered) => {
                let name_at = lexemes.skip(tokens.start, "add constraint").map(|index| lexemes.range(index));
                let says = |words: &str| lexemes.find(tokens.clone(), words).is_some();
                let constraint = Box::new(Constraint {
                    not_valid: *not_valid,
                    not_enforced: says("not enforced"),
                    no_inherit: says("no inherit"),
                    deferrable: says("deferrable") && !says("not deferrable"),
                    ..lowered
                });
                vec![Lowered::new(Operation::AddConstraint { table, constraint }).mark(Mark::Name, name_at)]
            }
            None => inline_index(tree, &table, dialect).into_iter().map(Lowered::new).collect(),
        },
        Action::DropColumn { column_names, if_exists, drop_behavior, .. } => column_names
            .iter()
            .map(|name| {
                let cascade = cascades(drop_behavior);
                let operation =
                    Operation::DropColumn { table: table.clone(), column: ident(name), if_exists: *if_exists, cascade };
                Lowered::new(operation).mark(Mark::Name, place(name))
            })
            .collect(),
        Action::DropConstraint { if_exists, name, drop_behavior } => {
            let cascade = cascades(drop_behavior);
            one(Operation::DropConstraint { table, constraint: Some(ident(name)), if_exists: *if_exists, cascade }, name)
        }
        Action::DropForeignKey { name, .. } => {
            one(Operation::DropConstraint { table, constraint: Some(ident(name)), if_exists: false, cascade: false }, name)
        }
        Action::DropPrimaryKey { .. } => {
            let constraint = Some("PRIMARY".to_owned());
            vec![Lowered::new(Operation::DropConstraint { table, constraint, if_exists: false, cascade: false })]
        }
        Action::DropIndex { name } => {
            let index = Name::new(ident(name));
            let operation =
                Operation::DropIndex { index, table: Some(table), concurrently: false, if_exists: false, cascade: false };
            one(operation, name)
        }
        Action::RenameColumn { old_column_name, new_column_name } => {
            let (column, to) = (ident(old_column_name), ident(new_column_name));
            one(Operation::RenameColumn { table, column, to }, old_column_name)
        }
        Action::RenameTable { table_name: RenameTableNameKind::As(to) | RenameTableNameKind::To(to) } => {
            let to = Name::with_schema(table.schema.clone(), names::object(to, dialect).name);
            vec![Lowered::new(Operation::RenameTable { table, to })]
        }
        Action::RenameConstraint { old_name, new_name } => {
            let (constraint, to) = (ident(old_name), ident(new_name));
            one(Operation::RenameConstraint { table, constraint, to }, old_name)
        }
        Action::ValidateConstraint { name } => one(Operation::ValidateConstraint { table, constraint: ident(name) }, name),
        Action::AlterColumn { column_name, op } => {
            let column = ident(column_name);
            let operation = match op {
                AlterColumnOperation::SetNotNull => Operation::SetNotNull { table, column },
                AlterColumnOperation::DropNotNull => Operation::DropNotNull { table, column },
                AlterColumnOperation::SetDefault { value } => {
                    let default = Default::Expression(Expression(value.to_string()));
                    Operation::SetDefault { table, column, default }
                }
                AlterColumnOperation::DropDefault => Operation::DropDefault { table, column },
                AlterColumnOperation::SetDataType { data_type, using, .. } => Operation::AlterColumnType {
                    table,
                    column,
                    to: lower_type(data_type, dialect),
                    from: None,
                    using: using.as_ref().map(|using| Expression(using.to_string())),
                    collation: None,
                },
                AlterColumnOperation::AddGenerated { .. } => Operation::SetDefault { table, column, default: Default::Identity },
            };
            let lowered = Lowered::new(operation).mark(Mark::Name, place(column_name));
            vec![lowered.mark(Mark::Nullable, nullable_at()).mark(Mark::Default, default_at())]
        }
        // MySQL's MODIFY and CHANGE restate the whole column: what they leave out is dropped.
        Action::ModifyColumn { col_name, data_type, options, .. } => {
            restate(&table, col_name, None, data_type, options, place(col_name), dialect)
        }
        Action::ChangeColumn { old_name, new_name, data_type, options, .. } => {
            restate(&table, old_name, Some(new_name), data_type, options, place(old_name), dialect)
        }
        Action::EnableRowLevelSecurity => other("enable_row_security", None),
        Action::DisableRowLevelSecurity => other("disable_row_security", None),
        Action::ForceRowLevelSecurity => other("force_row_security", None),
        Action::NoForceRowLevelSecurity => other("no_force_row_security", None),
        Action::EnableTrigger { name } | Action::EnableAlwaysTrigger { name } | Action::EnableReplicaTrigger { name } => {
            other("enable_trigger", Some(ident(name)))
        }
        Action::EnableRule { name }
        | Action::EnableAlwaysRule { name }
        | Action::EnableReplicaRule { name }
        | Action::DisableRule { name } => other("alter_rule", Some(ident(name))),
        Action::DisableTrigger { name } => other("disable_trigger", Some(ident(name))),
        Action::OwnerTo { new_owner } => other("owner", Some(new_owner.to_string().to_lowercase())),
        Action::SetLogged => other("set_logged", None),
        Action::SetUnlogged => other("set_unlogged", None),
        Action::ReplicaIdentity { .. } => other("replica_identity", None),
        Action::SetOptionsParens { .. } => {
            other("set_storage_parameters", lexemes.skip(tokens.start, "set (").map(|at| lexemes.text(at).to_lowercase()))
        }
        // Options of the statement, not actions.
        stated @ (Action::Algorithm { .. } | Action::Lock { .. }) => {
            other("alter_table_option", Some(stated.to_string().replace(' ', "").to_ascii_lowercase()))
        }
        Action::AutoIncrement { .. } => other("auto_increment", None),
        unmodelled => {
            let words: Vec<String> = unmodelled.to_string().split_whitespace().take(3).map(str::to_owned).collect();
            vec![Lowered::new(Operation::opaque(format!("ALTER TABLE … `{}` is not modelled", words.join(" "))))]
        }
    }
}

fn restate(
    table: &Name,
    old: &Ident,
    new: Option<&Ident>,
    tree_type: &TreeType,
    options: &[ColumnOption],
    place: Option<Range<usize>>,
    dialect: Option<Dialect>,
) -> Vec<Lowered> {
    let mut stated = Column::new(names::ident(old, dialect), lower_type(tree_type, dialect));
    for option in options {
        column_option(&mut stated, option, None, dialect);
    }
    let mut operations = Vec::new();
    let mut column = stated.name.clone();
    let renamed = new.map(|new| names::ident(new, dialect)).filter(|new| *new != column);
    if let Some(to) = renamed {
        operations.push(Operation::RenameColumn { table: table.clone(), column: column.clone(), to: to.clone() });
        column = to;
    }
    let mut kinds: Vec<(ConstraintKind, Option<String>)> = Vec::new();
    if stated.primary_key {
        kinds.push((ConstraintKind::PrimaryKey { columns: vec![column.clone()], using_index: None }, None));
    }
    if stated.unique {
        kinds.push((ConstraintKind::Unique { columns: vec![column.clone()], using_index: None }, None));
    }
    let (table, to) = (table.clone(), stated.data_type);
    let keys = kinds
        .into_iter()
        .map(|(kind, name)| Operation::AddConstraint { table: table.clone(), constraint: Box::new(Constraint::new(name, kind)) });
    let keys: Vec<Operation> = keys.collect();
    operations.push(Operation::AlterColumnType {
        table: table.clone(),
        column: column.clone(),
        to,
        from: None,
        using: None,
        collation: stated.collation,
    });
    operations.push(match stated.nullable {
        Some(false) => Operation::SetNotNull { table: table.clone(), column: column.clone() },
        _ => Operation::DropNotNull { table: table.clone(), column: column.clone() },
    });
    operations.push(match stated.default {
        Some(default) => Operation::SetDefault { table, column, default },
        None => Operation::DropDefault { table, column },
    });
    operations.extend(keys);
    operations.into_iter().map(|operation| Lowered::new(operation).mark(Mark::Name, place.clone())).collect()
}
