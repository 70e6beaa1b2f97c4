//! Which history has to be read in full when only some files are judged.
//!
//! A pre-commit hook hands over one file of hundreds. What the others do to tables that this file never
//! names cannot change what is said about it, so of those only the metadata is taken.

use std::collections::BTreeSet;

use memchr::memmem;
use rayon::prelude::*;

use crate::migration::Script;
use crate::operation::{ConstraintKind, Name, Operation};

/// A file's place among the candidates of an environment.
pub(super) struct File<'f> {
    pub text: &'f str,
    pub judged: bool,
}

/// How many files a thread takes at once: few, so that no thread has a long rest left when the others are done.
pub(super) const AT_ONCE: usize = 16;

/// Reads judged files, and those that share a name with them, with `full`; the others with `glance`, or in
/// full where a glance does not suffice. Results are in the order of the files.
pub(super) fn read<T: Send>(
    files: &[File<'_>],
    full: impl Fn(usize) -> T + Sync,
    glance: impl Fn(usize) -> Option<T> + Sync,
    scripts: impl Fn(&T) -> Vec<&Script>,
) -> Vec<T> {
    if files.iter().all(|file| file.judged) {
        return (0..files.len()).into_par_iter().with_max_len(AT_ONCE).map(&full).collect();
    }
    let mut read: Vec<Option<T>> = files.iter().map(|_| None).collect();
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut next: Vec<usize> = (0..files.len()).filter(|&index| files[index].judged).collect();
    while !next.is_empty() {
        let done: Vec<(usize, T)> = next.into_par_iter().with_max_len(AT_ONCE).map(|index| (index, full(index))).collect();
        let mut new = BTreeSet::new();
        for (index, result) in done {
            for script in scripts(&result) {
                match files[index].judged {
                    true => script.steps.iter().for_each(|step| new.extend(named(&step.operation))),
                    false => new.extend(script.steps.iter().filter_map(|step| earlier_name(&step.operation, &names))),
                }
            }
            read[index] = Some(result);
        }
        new.retain(|name| names.insert(name.clone()));
        let finders: Vec<memmem::Finder<'_>> = new.iter().map(|name| memmem::Finder::new(name.as_str())).collect();
        let shares = |text: &str| finders.iter().any(|finder| finder.find(text.as_bytes()).is_some());
        next = (0..files.len()).filter(|&index| read[index].is_none() && shares(files[index].text)).collect();
    }
    let missing = |(index, known): (usize, Option<T>)| known.unwrap_or_else(|| glance(index).unwrap_or_else(|| full(index)));
    read.into_par_iter().with_max_len(AT_ONCE).enumerate().map(missing).collect()
}

/// The tables, indexes and types that an operation names.
fn named(operation: &Operation) -> Vec<String> {
    let mut names: Vec<&Name> = operation.table().into_iter().collect();
    match operation {
        Operation::DropIndex { index, .. } | Operation::RenameIndex { index, .. } => names.push(index),
        Operation::Reindex { name, .. } | Operation::AddEnumValue { name, .. } | Operation::DropType { name, .. } => {
            names.push(name)
        }
        Operation::AttachPartition { partition, .. } | Operation::DetachPartition { partition, .. } => names.push(partition),
        Operation::RenameTable { to, .. } => names.push(to),
        Operation::AddConstraint { constraint, .. } => {
            if let ConstraintKind::ForeignKey { reference, .. } = &constraint.kind {
                names.push(&reference.table);
            }
        }
        Operation::AddColumn { column, .. } => names.extend(column.references.iter().map(|reference| &reference.table)),
        _ => {}
    }
    names.into_iter().filter(|name| name.is_known() && !name.name.is_empty()).map(|name| name.name.clone()).collect()
}

/// What a table of interest was called before.
fn earlier_name(operation: &Operation, names: &BTreeSet<String>) -> Option<String> {
    match operation {
        Operation::RenameTable { table, to } if names.contains(&to.name) => Some(table.name.clone()),
        Operation::RenameIndex { index, to, .. } if names.contains(to) => Some(index.name.clone()),
        _ => None,
    }
}
