//! How SQL is cut and named, against PostgreSQL's own parser (`tests/oracle/statements.py`).

mod support;

use std::path::Path;
use std::process::Command;

use support::{ROOT, project, python, skip};

/// What hides semicolons, and statements that few parsers read.
const HARD: &str = r#"
SELECT ';', E'it\'s; so', 'it''s; so', $$a;b$$, $tag$a;$$;b$tag$, "a;b", U&'d\0061t;' FROM "x;y" -- a; comment
WHERE a = 1 /* outer; /* inner; */ still; */;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN NEW.a := 1; RETURN NEW; END; $body$;
CREATE FUNCTION g(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a; SELECT a + 1; END;
CREATE PROCEDURE h() LANGUAGE sql AS 'DELETE FROM t; SELECT 1';
DO $$ BEGIN IF true THEN ALTER TABLE t ADD COLUMN z int; END IF; END $$;
DO LANGUAGE 'plpgsql' 'BEGIN NULL; END';
CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; UPDATE u SET a = 1);
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
CREATE TABLE t (a int CHECK (a ISNULL OR a > 0), b text DEFAULT ';', c int GENERATED ALWAYS AS IDENTITY);
UPDATE t SET a = 1 WHERE b NOTNULL AND a ISNULL;
WITH d AS (DELETE FROM t WHERE a ISNULL RETURNING a) INSERT INTO u SELECT a FROM d;
ALTER TABLE p ATTACH PARTITION q FOR VALUES FROM (1) TO (10);
ALTER TABLE p DETACH PARTITION q CONCURRENTLY;
ALTER TABLE t ALTER COLUMN b SET STORAGE EXTERNAL, ALTER COLUMN b SET STATISTICS 500, SET (fillfactor = 70);
ALTER TYPE mood ADD VALUE IF NOT EXISTS 'x' BEFORE 'y';
ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO r;
REINDEX (VERBOSE) TABLE CONCURRENTLY t;
REFRESH MATERIALIZED VIEW CONCURRENTLY m WITH DATA;
CREATE MATERIALIZED VIEW m2 AS SELECT 1 AS a WITH NO DATA;
CREATE STATISTICS st (dependencies) ON a, b FROM t;
CREATE PUBLICATION pub FOR TABLE t, u;
CREATE AGGREGATE agg (int) (SFUNC = int4pl, STYPE = int);
CREATE CAST (text AS mood) WITH INOUT AS ASSIGNMENT;
CREATE EVENT TRIGGER et ON ddl_command_end EXECUTE FUNCTION f();
CREATE POLICY po ON t FOR SELECT TO public USING (a > 0);
COMMENT ON COLUMN t.a IS 'x; y';
CLUSTER t USING t_a;
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY t USING btree (lower(b) text_pattern_ops DESC NULLS LAST) INCLUDE (a) WHERE a > 0;
LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE NOWAIT;
SET LOCAL lock_timeout = '5s';
"#;

#[test]
fn postgres_cuts_and_names_statements_alike() {
    let Some(python) = python("pglast") else { return skip("libpg_query", "pip install pglast") };
    let folder = project(&[("hard/000001_hard.up.sql", HARD), ("hard/000001_hard.down.sql", "SELECT 1;\n")]);
    let generated = folder.path().join("generated");
    let made =
        Command::new(&python).arg(Path::new(ROOT).join("benches/generate.py")).args(["sql", "300"]).arg(&generated).status();
    assert!(made.is_ok_and(|status| status.success()));
    let output = Command::new(&python)
        .arg(Path::new(ROOT).join("tests/oracle/statements.py"))
        .arg(env!("CARGO_BIN_EXE_whimbrel"))
        .arg(folder.path().join("hard"))
        .arg(&generated)
        .arg(Path::new(ROOT).join("fixtures/golang-migrate"))
        .output()
        .expect("Python runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let compared = said.lines().filter(|line| line.contains(" 0 differences in boundaries, 0 in kinds"));
    assert_eq!(compared.count(), 3, "{said}");
    assert!(said.contains("hard: 32 statements, 0 not understood, 0 that PostgreSQL refuses"), "{said}");
}
