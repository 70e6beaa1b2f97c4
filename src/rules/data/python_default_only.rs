use crate::migration::Mark;
use crate::operation::{Operation, show_holes};
use crate::rule::Check;
use crate::rules::mend;

pub const CHECK: Check = Check::Step(|step, before, found| {
    let Operation::AddColumn { table, column, .. } = &step.operation else { return };
    // A NOT NULL column without a default in the database is told as `not_null_without_default`.
    if !column.client_default || column.default.is_some() || column.nullable == Some(false) || before.is_new(table) {
        return;
    }
    // Filled by what follows.
    let is_filled = before.later().any(|later| match &later.operation {
        Operation::Update { table: written, .. } => written == table || !written.is_known(),
        Operation::SetNotNull { table: of, column: name } => of == table && *name == column.name,
        _ => false,
    });
    if is_filled {
        return;
    }
    let name = show_holes(&column.name);
    found
        .at(step.at(Mark::Default), format!("rows that `{table}` already has keep NULL in `{name}`: `default=` is applied by the application, never by the database"))
        .fix(mend::server_default(before, step))
        .help("use `server_default=` if existing rows should have the value; leave `default=` to the model otherwise");
});
