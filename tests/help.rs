//! What a help says to paste runs: names that exist, words quoted, steps in an order that the server takes.

mod support;

use support::{check_json, write};

/// The help of the one finding of `rule` in an Alembic script for PostgreSQL that follows the table `orders`.
fn help(rule: &str, upgrade: &str) -> String {
    help_after(rule, "", upgrade)
}

/// The same, where the migration before ends in `before`.
fn help_after(rule: &str, before: &str, upgrade: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "alembic.ini", b"[alembic]\nscript_location = .\nsqlalchemy.url = postgresql://localhost/app\n");
    write(folder.path(), "env.py", b"connection = connectable.connect()\n");
    let head = |revision: &str, down: &str| {
        format!(
            "\"\"\"a step\"\"\"\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = \"{revision}\"\ndown_revision = {down}\n\n\ndef upgrade():\n"
        )
    };
    let first = "    op.create_table(\"users\", sa.Column(\"id\", sa.Integer(), primary_key=True))\n    \
                 op.create_table(\"orders\", sa.Column(\"id\", sa.Integer(), nullable=False), sa.Column(\"group\", sa.Integer()), \
                 sa.PrimaryKeyConstraint(\"id\", name=\"orders_pkey\"))\n";
    write(folder.path(), "versions/a.py", (head("a", "None") + first + before).as_bytes());
    write(folder.path(), "versions/b.py", (head("b", "\"a\"") + upgrade).as_bytes());
    let report = check_json(folder.path(), &["."]);
    let findings = report["findings"].as_array().expect("findings");
    let mut of_rule = findings.iter().filter(|finding| finding["rule"] == rule);
    of_rule.next().unwrap_or_else(|| panic!("no {rule}"))["help"].as_str().expect("a help").to_owned()
}

#[test]
fn reserved_words_are_quoted() {
    let help =
        help("set_not_null_scans", "    op.alter_column(\"orders\", \"group\", existing_type=sa.Integer(), nullable=False)\n");
    assert!(help.contains("CHECK (\"group\" IS NOT NULL)"), "{help}");
    assert!(help.contains("ALTER COLUMN \"group\" SET NOT NULL"), "{help}");
}

#[test]
fn a_foreign_key_without_a_name_gets_one() {
    let help =
        help("foreign_key_validated_at_once", "    op.create_foreign_key(None, \"orders\", \"users\", [\"group\"], [\"id\"])\n");
    assert!(help.contains("name it \"orders_group_fkey\" and add `postgresql_not_valid=True`"), "{help}");
    assert!(help.contains("VALIDATE CONSTRAINT orders_group_fkey"), "{help}");
}

#[test]
fn what_only_the_script_knows_is_said_to_be_so() {
    let help = help("index_not_concurrent", "    op.create_index(name_of(\"orders\"), \"orders\", [\"id\"])\n");
    assert!(!help.contains("\"{…}\"") || help.contains("what only the running script knows"), "{help}");
}

#[test]
fn an_index_that_only_gets_another_name_is_renamed() {
    let upgrade = "    op.drop_index(\"old\", \"orders\")\n    op.create_index(\"new\", \"orders\", [\"id\"])\n";
    let before = "    op.create_index(\"old\", \"orders\", [\"id\"])\n";
    for rule in ["index_not_concurrent", "drop_index_not_concurrent"] {
        let help = help_after(rule, before, upgrade);
        assert!(help.ends_with("op.execute(\"ALTER INDEX old RENAME TO new\")"), "{help}");
    }
    let other = "    op.create_index(\"old\", \"orders\", [\"group\"])\n";
    assert!(help_after("index_not_concurrent", other, upgrade).contains("postgresql_concurrently=True"));
}

#[test]
fn a_key_that_takes_the_place_of_another_is_built_under_another_name() {
    let upgrade = "    op.drop_constraint(\"orders_pkey\", \"orders\", type_=\"primary\")\n    \
                   op.create_primary_key(\"orders_pkey\", \"orders\", [\"id\", \"group\"])\n";
    let help = help("unique_constraint_builds_index", upgrade);
    assert!(help.contains("CONCURRENTLY orders_pkey_new ON orders (id, \"group\")"), "{help}");
    assert!(
        help.contains("DROP CONSTRAINT orders_pkey, ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX orders_pkey_new"),
        "{help}"
    );
}
