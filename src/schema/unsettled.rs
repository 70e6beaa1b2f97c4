//! Constraints and indexes whose names are not known in full: a script computes them, or the application's naming convention
//! has a token of its own. They are kept under what is known of the name, and a later statement that names one settles it.

use super::Schema;
use super::relation::Table;
use crate::operation::{HOLE, Name};

/// Whether something whose name has holes may be called this.
fn may_be(known: &str, name: &str) -> bool {
    if is_cut_from(known, name) {
        return true;
    }
    if !known.contains(HOLE) || name.contains(HOLE) {
        return false;
    }
    let mut pieces = known.split(HOLE);
    let first = pieces.next().unwrap_or_default();
    let last = pieces.next_back().unwrap_or_default();
    let Some(rest) = name.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else { return false };
    pieces.try_fold(rest, |rest, piece| rest.split_once(piece).map(|(_, behind)| behind)).is_some()
}

/// Whether a name is one that was too long: PostgreSQL keeps 63 bytes of it, and SQLAlchemy puts four digits of a hash behind
/// the beginning of those of `op.f()` and of conventions (`_truncate_and_render_maxlen_name`).
fn is_cut_from(known: &str, name: &str) -> bool {
    let hashed = || {
        let (head, hash) = name.rsplit_once('_')?;
        let is_hash = hash.len() == 4 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(is_hash && matches!(head.len(), 55 | 56) && known.starts_with(head))
    };
    known.len() > 63 && (name.len() == 63 && known.starts_with(name) || hashed().unwrap_or_default())
}

/// Whether anything is known of a name.
fn says_something(name: &str) -> bool {
    name.chars().any(|c| c != HOLE)
}

/// A name under which there is nothing yet: what is not known of two names does not make them one.
pub(super) fn apart(name: String, taken: impl Fn(&str) -> bool) -> String {
    let mut name = name;
    while name.contains(HOLE) && taken(&name) {
        name.push(HOLE);
    }
    name
}

impl Table {
    /// The name under which a constraint is kept that goes by a template of this one.
    pub(super) fn unsettled_constraint(&self, name: &str) -> Option<&str> {
        let mut names = self.constraints().into_iter().map(|constraint| constraint.name.as_str());
        names.find(|known| says_something(known) && may_be(known, name))
    }

    /// The name under which an index is kept that goes by a template of this one.
    pub(super) fn unsettled_index(&self, name: &str) -> Option<&str> {
        let mut names = self.indexes().into_iter().map(|index| index.name.as_str());
        names.find(|known| says_something(known) && may_be(known, name))
    }

    /// Whether a constraint of this name, which is not seen, may be there all the same: under a name that is not known, or as
    /// the CHECK of a type of the application's own.
    pub fn may_have_constraint(&self, name: &str) -> bool {
        // What PostgreSQL calls the other kinds.
        let is_check = !["_fkey", "_pkey", "_key"].iter().any(|ending| name.ends_with(ending));
        self.constraints().into_iter().any(|known| may_be(&known.name, name))
            || is_check && self.columns().into_iter().any(|column| column.data_type.is_none())
    }

    /// Whether an index of this name, which is not seen, may be there all the same.
    pub fn may_have_index(&self, name: &str) -> bool {
        self.indexes().into_iter().any(|known| may_be(&known.name, name))
    }
}

impl Schema {
    /// A statement that names a constraint tells what one is called that was not known in full.
    pub(super) fn settle_constraint(&mut self, table: &Name, name: &str) {
        let of = self.table(table).filter(|known| known.constraint(name).is_some_and(|constraint| constraint.name != name));
        if let Some(known) = of.and_then(|known| known.unsettled_constraint(name)).map(str::to_owned) {
            self.rename_constraint(table, &known, name);
        }
    }

    /// A statement that names an index tells what one is called that was not known in full.
    pub(super) fn settle_index(&mut self, index: &Name, table: Option<&Name>) {
        let Some(table) = table else { return };
        let of =
            self.table(table).filter(|known| known.index(&self.fold(&index.name)).is_some_and(|known| known.name != index.name));
        if let Some(known) = of.and_then(|known| known.unsettled_index(&index.name)).map(str::to_owned) {
            let known = Name::with_schema(index.schema.clone(), known);
            self.rename_index(&known, Some(table), &index.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_name_stands_around_its_holes() {
        let known = format!("fk_t_{HOLE}_users");
        assert!(may_be(&known, "fk_t_owner_id_users"));
        assert!(!may_be(&known, "fk_t_owner_id_teams"));
        assert!(!may_be("fk_t_users", "fk_t_users"));
        assert!(may_be(&HOLE.to_string(), "anything"));
        assert!(!may_be(&known, "fk_t_users"));
    }

    #[test]
    fn long_names_are_known_by_what_is_left_of_them() {
        let long = "ix_onepassword_credential_parameters_onepassword_credential_parameter_id";
        assert!(may_be(long, "ix_onepassword_credential_parameters_onepassword_creden_aba8"));
        assert!(may_be(long, &long[..63]));
        assert!(!may_be(long, "ix_onepassword_credential_parameters_onepassword_creden_id"));
        assert!(!may_be("ix_short_aba8", "ix_short_aba8e"));
    }
}
