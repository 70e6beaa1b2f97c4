//! The revision graph: who comes after whom, and where that breaks.
//!
//! Heads, bases, branch and merge points are Alembic's (`RevisionMap`): a head has no child by
//! `down_revision`; `depends_on` orders but does not make a child. Every walk here is a loop over
//! vectors, so a history of a hundred thousand revisions is only long, not deep.

use std::collections::HashMap;

use crate::migration::{Migration, Spanned};

/// Positions in the slice of migrations that the history was built from.
pub type Index = usize;

#[derive(Debug, Default)]
pub struct History {
    pub heads: Vec<Index>,
    pub bases: Vec<Index>,
    pub merge_points: Vec<Index>,
    pub branch_points: Vec<Index>,
    /// Parents before children, dependencies before dependants; members of a cycle come last.
    pub order: Vec<Index>,
    /// Children by `down_revision`.
    pub children: Vec<Vec<Index>>,
    /// Parents by `down_revision`, those that exist.
    pub parents: Vec<Vec<Index>>,
    /// Names in `down_revision` or `depends_on` that nothing answers to.
    pub dangling: Vec<(Index, Spanned)>,
    /// A later file that claims the id of an earlier one.
    pub duplicates: Vec<(Index, Index)>,
    /// The members of each cycle, in file order.
    pub cycles: Vec<Vec<Index>>,
    /// Branch labels that reach each migration from itself or an ancestor.
    labels: Vec<Vec<Index>>,
    label_names: Vec<String>,
    /// Where each migration stands in `order`.
    places: Vec<usize>,
    by_id: HashMap<String, Index>,
}

impl History {
    pub fn new(migrations: &[Migration]) -> Self {
        let mut history = History {
            children: vec![Vec::new(); migrations.len()],
            parents: vec![Vec::new(); migrations.len()],
            ..History::default()
        };
        history.name(migrations);
        let dependencies = history.link(migrations);
        history.sort(&dependencies);
        history.places = vec![0; migrations.len()];
        for (place, &index) in history.order.iter().enumerate() {
            history.places[index] = place;
        }
        history.classify(migrations);
        history.spread_labels(migrations);
        history
    }

    /// The migration with this id; the last one where several claim it, as in Alembic.
    pub fn find(&self, id: &str) -> Option<Index> {
        self.by_id.get(id).copied()
    }

    /// Where a migration stands in `order`.
    pub fn place_of(&self, index: Index) -> usize {
        self.places[index]
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }

    fn name(&mut self, migrations: &[Migration]) {
        self.by_id.reserve(migrations.len());
        for (index, migration) in migrations.iter().enumerate() {
            if let Some(first) = self.by_id.insert(migration.id.clone(), index) {
                self.duplicates.push((first, index));
            }
        }
    }

    /// Resolves names into edges; returns the dependencies of each migration.
    fn link(&mut self, migrations: &[Migration]) -> Vec<Vec<Index>> {
        let mut by_label: HashMap<&str, Index> = HashMap::new();
        for (index, migration) in migrations.iter().enumerate() {
            for label in migration.branch_labels.values() {
                by_label.entry(label).or_insert(index);
            }
        }
        let mut dependencies = vec![Vec::new(); migrations.len()];
        for (index, migration) in migrations.iter().enumerate() {
            // Alembic keeps the last file that claims an id; the others are never linked.
            if self.by_id.get(&migration.id) != Some(&index) {
                continue;
            }
            let resolve = |name: &str| self.by_id.get(name).or_else(|| by_label.get(name)).copied();
            for name in &migration.parents.names {
                // A label is no parent: Alembic stops with KeyError.
                match self.by_id.get(&name.value).copied() {
                    Some(parent) if !self.parents[index].contains(&parent) => {
                        self.parents[index].push(parent);
                        self.children[parent].push(index);
                    }
                    Some(_) => {}
                    None => self.dangling.push((index, name.clone())),
                }
            }
            for name in &migration.depends_on.names {
                match resolve(&name.value) {
                    Some(dependency) => dependencies[index].push(dependency),
                    None => self.dangling.push((index, name.clone())),
                }
            }
        }
        dependencies
    }

    /// Kahn's algorithm over parents and dependencies, lowest index first among those that are ready.
    fn sort(&mut self, dependencies: &[Vec<Index>]) {
        let count = self.parents.len();
        let mut waiting: Vec<usize> = (0..count).map(|index| self.parents[index].len() + dependencies[index].len()).collect();
        let mut dependants = vec![Vec::new(); count];
        for (index, list) in dependencies.iter().enumerate() {
            for &dependency in list {
                dependants[dependency].push(index);
            }
        }
        let mut ready: std::collections::BinaryHeap<_> =
            (0..count).filter(|&index| waiting[index] == 0).map(std::cmp::Reverse).collect();
        while let Some(std::cmp::Reverse(index)) = ready.pop() {
            self.order.push(index);
            for &next in self.children[index].iter().chain(&dependants[index]) {
                waiting[next] -= 1;
                if waiting[next] == 0 {
                    ready.push(std::cmp::Reverse(next));
                }
            }
        }
        if self.order.len() < count {
            let stuck: Vec<Index> = (0..count).filter(|&index| waiting[index] > 0).collect();
            self.cycles = cycles(&stuck, &self.parents, dependencies);
            self.order.extend(stuck);
        }
    }

    fn classify(&mut self, migrations: &[Migration]) {
        for (index, migration) in migrations.iter().enumerate() {
            let named = migration.parents.names.len();
            if self.children[index].is_empty() {
                self.heads.push(index);
            }
            if self.children[index].len() > 1 {
                self.branch_points.push(index);
            }
            if named == 0 && !migration.parents.incomplete {
                self.bases.push(index);
            }
            if named > 1 {
                self.merge_points.push(index);
            }
        }
    }

    fn spread_labels(&mut self, migrations: &[Migration]) {
        self.labels = vec![Vec::new(); migrations.len()];
        if migrations.iter().all(|migration| migration.branch_labels.names.is_empty()) {
            return;
        }
        for &index in &self.order {
            let mut labels: Vec<Index> = Vec::new();
            for &parent in &self.parents[index] {
                labels.extend(&self.labels[parent]);
            }
            for label in migrations[index].branch_labels.values() {
                let known = self.label_names.iter().position(|name| name == label);
                labels.push(known.unwrap_or_else(|| {
                    self.label_names.push(label.to_owned());
                    self.label_names.len() - 1
                }));
            }
            labels.sort_unstable();
            labels.dedup();
            self.labels[index] = labels;
        }
    }

    /// The heads in groups that carry the same branch labels. More than one in a group is a conflict;
    /// heads of differently labelled branches are meant to live side by side.
    pub fn heads_by_label(&self) -> Vec<(Vec<&str>, Vec<Index>)> {
        let mut groups: Vec<(&[Index], Vec<Index>)> = Vec::new();
        for &head in &self.heads {
            let labels = self.labels[head].as_slice();
            match groups.iter_mut().find(|(known, _)| *known == labels) {
                Some((_, heads)) => heads.push(head),
                None => groups.push((labels, vec![head])),
            }
        }
        let name = |labels: &[Index]| labels.iter().map(|&label| self.label_names[label].as_str()).collect();
        groups.into_iter().map(|(labels, heads)| (name(labels), heads)).collect()
    }

    /// The last common ancestor of two migrations in `order`, if they have one.
    pub fn fork_of(&self, one: Index, other: Index) -> Option<Index> {
        let ancestors = self.ancestors(one);
        let others = self.ancestors(other);
        self.order.iter().rev().copied().find(|&index| ancestors[index] && others[index])
    }

    /// Whether each migration is `index` or comes before it by `down_revision`.
    pub fn ancestors(&self, index: Index) -> Vec<bool> {
        let mut seen = vec![false; self.parents.len()];
        let mut open = vec![index];
        while let Some(next) = open.pop() {
            if !std::mem::replace(&mut seen[next], true) {
                open.extend(&self.parents[next]);
            }
        }
        seen
    }
}

/// The strongly connected parts with more than one member, or with an edge to itself (Tarjan, without recursion).
fn cycles(nodes: &[Index], parents: &[Vec<Index>], dependencies: &[Vec<Index>]) -> Vec<Vec<Index>> {
    let position: HashMap<Index, usize> = nodes.iter().enumerate().map(|(at, &node)| (node, at)).collect();
    let edges: Vec<Vec<usize>> = nodes
        .iter()
        .map(|&node| parents[node].iter().chain(&dependencies[node]).filter_map(|next| position.get(next).copied()).collect())
        .collect();
    let count = nodes.len();
    let (mut number, mut low, mut on_stack) = (vec![usize::MAX; count], vec![0; count], vec![false; count]);
    let (mut stack, mut out, mut next_number) = (Vec::new(), Vec::new(), 0);
    for root in 0..count {
        if number[root] != usize::MAX {
            continue;
        }
        let mut walk = vec![(root, 0)];
        while let Some((node, edge)) = walk.pop() {
            if edge == 0 {
                number[node] = next_number;
                low[node] = next_number;
                next_number += 1;
                stack.push(node);
                on_stack[node] = true;
            }
            if let Some(&to) = edges[node].get(edge) {
                walk.push((node, edge + 1));
                if number[to] == usize::MAX {
                    walk.push((to, 0));
                } else if on_stack[to] {
                    low[node] = low[node].min(number[to]);
                }
                continue;
            }
            if let Some(&(parent, _)) = walk.last() {
                low[parent] = low[parent].min(low[node]);
            }
            if low[node] == number[node] {
                let mut members = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    members.push(nodes[member]);
                    if member == node {
                        break;
                    }
                }
                if members.len() > 1 || edges[node].contains(&node) {
                    members.sort_unstable();
                    out.push(members);
                }
            }
        }
    }
    out.sort();
    out
}
