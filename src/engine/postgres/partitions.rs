//! Partitions: attached, detached, and what proves that their rows belong there.

use super::Model;
use crate::operation::{Bound, ConstraintKind, HOLE, LockMode, Name, Rows};
use crate::schema::expression::{split_outside, unwrapped};
use crate::schema::{Kind, Table, TableConstraint};

impl<'m> Model<'m> {
    pub(super) fn attach(&mut self, parent: &Name, partition: &Name, bound: Option<&Bound>) {
        let parent_mode = if self.major >= 12 { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive };
        self.lock(parent, parent_mode);
        self.lock(partition, LockMode::AccessExclusive);
        let (table, child) = (self.schema.table(parent), self.schema.table(partition));
        if let (Some(table), Some(child)) = (table, child)
            && let Some(extra) = child.columns().into_iter().find(|column| table.complete && table.column(&column.name).is_none())
        {
            return self.fail(format!("`{partition}` has a column `{}`, which `{parent}` lacks", extra.name));
        }
        let proven = matches!((table, child, bound), (Some(table), Some(child), Some(bound)) if proves(table, child, bound));
        if !proven {
            self.scan_stored(partition, "each row is checked against the bounds of the partition");
        }
        if let Some(child) = child {
            for part in self.schema.descendants(child) {
                self.lock(&part.name, LockMode::AccessExclusive);
            }
        }
        if let (Some(table), Some(child)) = (table, child) {
            for (key, target) in self.schema.references_from(table) {
                let points_alike = |own: &TableConstraint| own.kind == key.kind && own.validated;
                self.lock(&target.name, LockMode::ShareRowExclusive);
                if !child.constraints().into_iter().any(points_alike) {
                    let why = "the parent's foreign key is checked for its rows";
                    self.scan_stored(partition, why);
                    self.scan_stored(&target.name, why);
                }
            }
            let needs_index = table
                .indexes()
                .iter()
                .any(|index| !child.indexes().iter().any(|own| own.columns == index.columns && own.unique == index.unique));
            if needs_index {
                self.scan_stored(partition, "the indexes of the parent are built on it");
            }
        }
        if let Some(table) = table {
            self.check_default_partition(table, bound);
        }
    }

    /// The default partition must not hold rows that the new one takes.
    fn check_default_partition(&mut self, parent: &'m Table, bound: Option<&Bound>) {
        if let Some(other) = bound.and_then(|bound| self.taken_by(parent, bound)) {
            return self.fail(format!("the bounds are those of the partition `{}` too", other.name));
        }
        let Some(default) = default_partition(self, parent) else { return };
        self.lock(&default.name, LockMode::AccessExclusive);
        let proven = bound.is_some_and(|bound| excludes(parent, default, bound));
        if !proven && default.has_storage() {
            self.scan(&default.name, "its rows are checked against the bounds of the new partition");
        }
    }

    pub(super) fn lock_default_partition(&mut self, parent: &'m Table, except: Option<&Table>) {
        if let Some(default) = default_partition(self, parent).filter(|default| except.is_none_or(|table| table.id != default.id))
        {
            self.lock(&default.name, LockMode::AccessExclusive);
        }
    }

    pub(super) fn detach(&mut self, parent: &Name, partition: &Name, concurrently: bool) {
        let table = self.schema.table(parent);
        if concurrently && table.is_some_and(|table| default_partition(self, table).is_some()) {
            return self.fail(format!("`{parent}` has a default partition, so none can be detached CONCURRENTLY"));
        }
        let parent_mode = if concurrently { LockMode::ShareUpdateExclusive } else { LockMode::AccessExclusive };
        let child_mode = if self.major >= 14 { LockMode::AccessExclusive } else { LockMode::ShareUpdateExclusive };
        self.lock(parent, parent_mode);
        self.lock(partition, child_mode);
        if let Some(table) = table.filter(|_| !concurrently) {
            let child = self.schema.table(partition);
            if let Some(child) = child.filter(|child| child.created_in.is_some() && !self.is_child(table, child)) {
                return self.fail(format!("`{}` is no partition of `{parent}`", child.name));
            }
            for (_, target) in self.schema.references_from(table) {
                self.lock(&target.name, LockMode::ShareRowExclusive);
            }
            self.lock_default_partition(table, child);
        }
    }

    fn is_child(&self, parent: &Table, child: &Table) -> bool {
        self.schema.parents(child).any(|known| known.id == parent.id)
    }

    /// The partition that has some of the bounds already, as far as literals show it.
    fn taken_by(&self, parent: &Table, bound: &Bound) -> Option<&'m Table> {
        if bound.is_default {
            return default_partition(self, parent);
        }
        let new = range_of(bound)?;
        let overlaps = |child: &&'m Table| {
            let Some(old) = child.ties().bound.as_ref().and_then(range_of) else { return false };
            let apart = |end: &Option<String>, start: &Option<String>| match (end, start) {
                (Some(end), Some(start)) => !are_plain(end, start) || at_most(end, start),
                _ => false,
            };
            !apart(&old.to, &new.from) && !apart(&new.to, &old.from)
        };
        let children = parent.ties().children.iter().filter_map(|id| self.schema.relation(*id));
        children.into_iter().find(overlaps)
    }

    /// CREATE TABLE … PARTITION OF.
    pub(super) fn create_partition(&mut self, parent: &Name, bound: &Bound) {
        self.lock(parent, LockMode::AccessExclusive);
        if let Some(table) = self.schema.table(parent) {
            self.check_default_partition(table, Some(bound));
        }
    }
}

fn default_partition<'m>(model: &Model<'m>, parent: &Table) -> Option<&'m Table> {
    let children = parent.ties().children.iter().filter_map(|id| model.schema.relation(*id));
    children.into_iter().find(|child| child.ties().bound.as_ref().is_some_and(|bound| bound.is_default))
}

/// One end of what a range or a CHECK allows: the literal as written.
#[derive(Default)]
struct Range {
    from: Option<String>,
    to: Option<String>,
}

/// `FROM ('a') TO ('b')` over one column.
fn range_of(bound: &Bound) -> Option<Range> {
    let text = bound.text.trim();
    let rest = text.get(..4).filter(|head| head.eq_ignore_ascii_case("from")).map(|_| text[4..].trim_start())?;
    let parts = split_outside(rest, "to");
    let [from, to] = parts.as_slice() else { return None };
    let literal = |text: &str| {
        let inner = unwrapped(text);
        let unlimited = inner.eq_ignore_ascii_case("minvalue") || inner.eq_ignore_ascii_case("maxvalue");
        (!inner.contains(',')).then(|| (!unlimited).then(|| inner.to_owned()))
    };
    Some(Range { from: literal(from)?, to: literal(to)? })
}

/// What validated CHECK constraints say about a column: it is at least, and less than.
fn checked_range(table: &Table, column: &str) -> Range {
    let mut range = Range::default();
    for constraint in table.constraints() {
        let ConstraintKind::Check { expression } = &constraint.kind else { continue };
        if !constraint.validated {
            continue;
        }
        for part in split_outside(unwrapped(&expression.0), "and") {
            let part = unwrapped(part);
            let compared = |operator: &str| {
                let (left, right) = part.split_once(operator)?;
                (unwrapped(left).trim_matches('"') == column).then(|| unwrapped(right).to_owned())
            };
            if let Some(value) = compared(">=") {
                range.from = Some(value);
            } else if let Some(value) = compared("<").filter(|value| !value.starts_with('=')) {
                range.to = Some(value);
            }
        }
    }
    range
}

/// Literals in the order of their values: numbers as numbers, dates and other strings as text.
fn at_most(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.split("::").next().unwrap_or(text).trim().trim_matches('\'').to_owned();
    let (a, b) = (plain(a), plain(b));
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a <= b,
        _ => a <= b,
    }
}

/// Numbers, or dates that are written alike: their order is that of the text, whatever the collation.
fn are_plain(a: &str, b: &str) -> bool {
    let number = |text: &str| text.trim().parse::<i64>().is_ok();
    let date = |text: &str| {
        let inner = text.trim().trim_matches('\'');
        inner.len() >= 10 && inner.bytes().all(|byte| byte.is_ascii_digit() || b"-: .+".contains(&byte))
    };
    (number(a) && number(b)) || (date(a) && date(b) && a.trim().len() == b.trim().len())
}

fn only_key(parent: &Table) -> Option<&str> {
    match parent.ties().partition_key.as_slice() {
        [key] if parent.kind == Kind::PartitionedTable => Some(key),
        _ => None,
    }
}

impl<'m> Model<'m> {
    /// The partition, without partitions of its own, whose bounds hold the one row that is written out.
    pub(super) fn partition_of_row(&self, parent: &'m Table, rows: &Rows) -> Option<&'m Table> {
        let key = only_key(parent)?;
        let is_plain = |value: &&str| value.starts_with(|c: char| c == '\'' || c.is_ascii_digit()) && !value.contains(HOLE);
        let value = parent.given(rows, key).filter(is_plain)?;
        let holds = |child: &&'m Table| {
            let range = child.ties().bound.as_ref().and_then(range_of);
            range.is_some_and(|range| {
                range.from.is_none_or(|from| are_plain(&from, value) && at_most(&from, value))
                    && range.to.is_none_or(|to| are_plain(&to, value) && !at_most(&to, value))
            })
        };
        let children: Vec<&'m Table> = parent.ties().children.iter().filter_map(|id| self.schema.relation(*id)).collect();
        let one = children.into_iter().find(holds)?;
        (one.kind != Kind::PartitionedTable).then_some(one)
    }

    /// The bounds of all partitions are known, and the one row that is written out lies in none of them.
    pub(super) fn no_partition_takes(&self, parent: &'m Table, rows: &Rows) -> bool {
        let mut children = parent.ties().children.iter().filter_map(|id| self.schema.relation(*id));
        let value = only_key(parent).and_then(|key| parent.given(rows, key));
        let is_outside = |value: &str, child: &Table| {
            let range = child.ties().bound.as_ref().and_then(range_of);
            range.is_some_and(|range| {
                let below = range.from.is_some_and(|from| are_plain(&from, value) && !at_most(&from, value));
                let above = range.to.is_some_and(|to| are_plain(&to, value) && at_most(&to, value));
                below || above
            })
        };
        value.is_some_and(|value| children.all(|child| is_outside(value, child)))
    }
}

/// Whether constraints of the partition show that all its rows lie within the bounds.
fn proves(parent: &Table, partition: &Table, bound: &Bound) -> bool {
    let (Some(key), Some(bounds)) = (only_key(parent), range_of(bound)) else { return false };
    if partition.column(key).is_none_or(|column| column.nullable != Some(false)) {
        return false;
    }
    let checked = checked_range(partition, key);
    let within = |bound: &Option<String>, check: &Option<String>, lower: bool| match (bound, check) {
        (None, _) => true,
        (Some(bound), Some(check)) => {
            if lower {
                at_most(bound, check)
            } else {
                at_most(check, bound)
            }
        }
        (Some(_), None) => false,
    };
    within(&bounds.from, &checked.from, true) && within(&bounds.to, &checked.to, false)
}

/// Whether constraints of the default partition show that it holds nothing within the bounds.
fn excludes(parent: &Table, default: &Table, bound: &Bound) -> bool {
    let (Some(key), Some(bounds)) = (only_key(parent), range_of(bound)) else { return false };
    let checked = checked_range(default, key);
    let above = matches!((&bounds.to, &checked.from), (Some(end), Some(start)) if at_most(end, start));
    let below = matches!((&bounds.from, &checked.to), (Some(start), Some(end)) if at_most(end, start));
    above || below
}
