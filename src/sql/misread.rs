//! Where PostgreSQL certainly stops in a statement that the parser cannot read either.

use std::ops::Range;

use sqlparser::tokenizer::Tokenizer;

use super::lexeme::Lexemes;
use super::parser_dialect;
use crate::operation::Dialect;

/// The words that begin an action of ALTER TABLE, behind its name or a comma.
const ACTIONS: &[&str] = &[
    "add", "alter", "attach", "cluster", "depends", "detach", "disable", "drop", "enable", "force", "inherit", "merge", "no",
    "not", "of", "options", "owner", "rename", "replica", "reset", "set", "split", "validate",
];

/// The word at which the grammar of ALTER TABLE ends; None where the statement may be right.
pub(super) fn near(sql: &str, dialect: Option<Dialect>) -> Option<Range<usize>> {
    if dialect != Some(Dialect::PostgreSql) || !sql.get(..5)?.eq_ignore_ascii_case("alter") {
        return None;
    }
    let tokens = Tokenizer::new(parser_dialect(sql, dialect), sql).tokenize_with_location().ok()?;
    let lexemes = Lexemes::new(sql, &tokens);
    let (_, name) = lexemes.altered_table(dialect)?;
    let mut begins = false;
    let mut at = name.end;
    while at < lexemes.len() {
        let is_action = ACTIONS.iter().any(|word| lexemes.is(at, word));
        // IF EXISTS stands in front of a name, and these words are none.
        let misplaced = ["column", "constraint"].iter().any(|word| {
            let behind = |words: &str, count: usize| at >= count && lexemes.skip(at - count, words) == Some(at);
            lexemes.is(at, word) && (behind("if exists", 2) || behind("if not exists", 3))
        });
        // No action is a word alone; one with more behind it may be of another server, or a newer one.
        let is_alone = at + 1 >= lexemes.len() || matches!(lexemes.text(at + 1), "," | ";");
        // Between two actions stands a comma.
        let follows = at > name.end && !begins;
        let runs_on =
            follows && ["drop column", "add column", "alter column"].iter().any(|words| lexemes.skip(at, words).is_some());
        if begins && !is_action && is_alone || misplaced || runs_on {
            return Some(lexemes.range(at));
        }
        begins = lexemes.text(at) == ",";
        at = if lexemes.text(at) == "(" { lexemes.closing(at) + 1 } else { at + 1 };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::near;
    use crate::operation::Dialect;

    fn word(sql: &str) -> Option<&str> {
        near(sql, Some(Dialect::PostgreSql)).map(|range| &sql[range])
    }

    #[test]
    fn the_word_in_the_way() {
        assert_eq!(word("ALTER TABLE nodes DROP a, b"), Some("b"));
        assert_eq!(word("ALTER TABLE splits\n    DROP IF EXISTS COLUMN node_id"), Some("COLUMN"));
        assert_eq!(word("ALTER TABLE t ADD IF NOT EXISTS COLUMN a int"), Some("COLUMN"));
        assert_eq!(word("ALTER TABLE t DROP a, b, DROP c"), Some("b"));
        assert_eq!(word("ALTER TABLE t ADD COLUMN a int ADD COLUMN b int"), Some("ADD"));
    }

    #[test]
    fn what_may_be_right() {
        for right in [
            "ALTER TABLE t DROP a, DROP b",
            "ALTER TABLE ONLY a.t ALTER c TYPE numeric(10, 2) USING round(c, 2), ADD UNIQUE (a, b)",
            "ALTER TABLE IF EXISTS t DROP COLUMN IF EXISTS a CASCADE",
            "ALTER TABLE t SET (fillfactor = 70, autovacuum_enabled = off), ALTER c SET STATISTICS 5",
            "ALTER TABLE t ADD EXCLUDE USING gist (a WITH =, b WITH &&)",
            "ALTER INDEX i SET TABLESPACE x",
            "ALTER TABLE t DISTRIBUTE BY a, COMPRESS b",
        ] {
            assert_eq!(word(right), None, "{right}");
        }
    }
}
