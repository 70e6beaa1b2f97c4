//! The one list of rules. A name here is the module, the page, the id, the ignore comment and a test.

mod phrase;

use std::sync::LazyLock;

use crate::page::Page;
use crate::rule::Rule;

macro_rules! rules {
    ($($group:ident { $($name:ident)* })*) => {
        $(mod $group { $(pub mod $name;)* })*

        static ALL: LazyLock<Vec<Rule>> = LazyLock::new(|| vec![$($(rule(
            stringify!($group),
            stringify!($name),
            $group::$name::CHECK,
            include_str!(concat!("../rules/", stringify!($group), "/", stringify!($name), ".md")),
        )),*),*]);

        #[cfg(test)]
        mod pages {
            $(mod $group { $(#[test] fn $name() { crate::page_test::run(stringify!($name)); })* })*
        }
    };
}

rules! {
    graph {
        multiple_heads
        unknown_parent
        duplicate_revision
        revision_cycle
        multiple_bases
        unreadable_metadata
        revision_id_too_long
        version_gap
        unreadable_file
        empty_migration
    }
    reversibility {
        missing_downgrade
        irreversible_downgrade
        missing_upgrade
    }
    locking {
        index_not_concurrent
        drop_index_not_concurrent
    }
    transactions {
        concurrently_in_transaction
        mixed_ddl_dml
    }
    compatibility {
        drop_column
        drop_table
        rename_column
        rename_table
        not_null_without_default
    }
    data {
        python_default_only
        hardcoded_secret
    }
    sqlite {
        batch_required
    }
    ignores {
        unused_ignore
    }
}

fn rule(group: &'static str, name: &'static str, check: crate::rule::Check, page: &'static str) -> Rule {
    let page = Page::parse(page).unwrap_or_else(|error| panic!("rules/{group}/{name}.md: {error}"));
    Rule { name, group, check, page }
}

/// Every rule, in the order of its group.
pub fn all() -> &'static [Rule] {
    &ALL
}

/// The rule with this name.
pub fn find(name: &str) -> Option<&'static Rule> {
    all().iter().find(|rule| rule.name == name)
}

/// Whether `name` is a rule's, a group's, or `all`.
pub fn is_selector(name: &str) -> bool {
    name == "all" || all().iter().any(|rule| rule.name == name || rule.group == name)
}

/// The name most like one that is unknown, if any is close.
pub fn nearest(name: &str) -> Option<&'static str> {
    closest(name, all().iter().flat_map(|rule| [rule.name, rule.group]))
}

/// The candidate most like `name`, if it is close enough to be a slip of the hand.
pub fn closest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(name.len()) / 3).max(2) && *distance < name.len())
        .min()
        .map(|(_, candidate)| candidate)
}
