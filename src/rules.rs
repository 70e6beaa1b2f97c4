//! The one list of rules. A name here is the module, the page, the id, the ignore comment and a test.

mod concurrently;
mod contradictions;
mod discord;
mod mend;
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
        merge_with_operations
        stale_docstring
        edited_migration
        out_of_order_version
        future_heads
    }
    reversibility {
        missing_downgrade
        irreversible_downgrade
        missing_upgrade
        incomplete_downgrade
        leftover_enum_type
        downgrade_fails
        data_loss_on_downgrade
    }
    locking {
        index_not_concurrent
        drop_index_not_concurrent
        reindex_not_concurrent
        table_rewrite
        table_scan_under_lock
        foreign_key_validated_at_once
        check_validated_at_once
        unique_constraint_builds_index
        exclusion_constraint_builds_index
        set_not_null_scans
        validate_in_same_transaction
        slow_step_under_lock
        many_tables_locked
        referenced_table_locked
        refresh_blocks_reads
        lock_timeout_unset
        primary_key_index_nullable
        partition_attached_without_proof
        partition_detached_blocking
        trigger_blocks_writes
        domain_constraint_scans
        copy_algorithm
    }
    transactions {
        concurrently_in_transaction
        mixed_ddl_dml
        commit_in_migration
        uncommitted_transaction
        autocommit_not_alone
        several_statements_need_one
        enum_value_used_at_once
        set_local_without_transaction
        invalid_index_kept
        statement_timeout_unset
        string_not_executable
        autocommit_in_batch
        breaks_offline_mode
        ddl_not_atomic
    }
    compatibility {
        drop_column
        drop_table
        rename_column
        rename_table
        not_null_without_default
        column_type_changed
        nullability_tightened
        required_constraint_added
        default_dropped
        nullability_loosened
        constraint_dropped
        renamed_as_drop_and_add
        view_dropped
        function_dropped
        type_dropped
        enum_value_renamed
        schema_dropped
        database_dropped
        truncated_table
        drop_cascade
        objects_dropped_silently
        column_used_by_view
        object_already_there
        object_not_there
    }
    data {
        python_default_only
        hardcoded_secret
        update_without_where
        delete_without_where
        unbatched_backfill
        application_import
        environment_dependent
        interpolated_sql
    }
    sqlite {
        batch_required
        sqlite_unsupported
        sqlite_add_column_refused
        batch_unnamed_constraint
        batch_empties_children
        batch_loses_objects
        batch_fails_on_dependents
    }
    alembic {
        enum_type_not_created
        unnamed_constraint
        missing_docstring
        dialect_branch_missing
    }
    schema {
        identifier_too_long
        foreign_key_without_index
        foreign_key_type_mismatch
        redundant_index
        narrow_primary_key
        timestamp_without_zone
        char_column
        varchar_limit
        json_column
        serial_column
        missing_primary_key
        missing_if_exists
        reserved_word
        money_column
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
