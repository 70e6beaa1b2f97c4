"""What real SQLite does with Alembic's directives and with raw statements.

    measure.py < asked.json     (asked: {"fixture": SQL, "directives": [[table, call]...], "statements": [SQL...]})

Prints {"version": "3.40.1", "directives": [{"plain": ..., "batch auto": ..., "batch always": ...} by foreign keys ...]}:
for each directive, mode and setting of foreign_keys "ok" or the error, what is lost, and whose rows go; for each
statement the same. A directive is written as one inside of a batch, without its table; with the columns and constraints
of `copy_from=` behind it, it runs in batches alone.
"""

import contextlib
import io
import json
import re
import sqlite3
import sys
import warnings

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

warnings.simplefilter("ignore")
# Where a plain directive takes the table: behind the first argument for these.
SECOND = {"create_unique_constraint", "create_check_constraint", "create_foreign_key", "create_primary_key", "drop_constraint", "create_index", "drop_index"}
# What a definition says and a copy may not.
WORDS = ("UNIQUE", "CHECK", "COLLATE", "AUTOINCREMENT", "DESC", "MYTYPE")
# What it says besides, where the script pictures the table and asks for no change of it.
PICTURED = ("NOT NULL", "DEFAULT", "REFERENCES", "PRIMARY KEY")


def plain(table, call):
    """The call with its table: op.add_column("plain", ...)."""
    name, arguments = re.fullmatch(r"(\w+)\((.*)\)", call, re.S).groups()
    if name not in SECOND:
        return f'op.{name}("{table}"{", " if arguments else ""}{arguments})'
    first, _, rest = arguments.partition(",")
    keyword = "table_name=" if name == "drop_index" else ""
    return f'op.{name}({first}, {keyword}"{table}"{"," if rest else ""}{rest})'


def script(table, call, mode, picture):
    if mode == "plain":
        return plain(table, call)
    always = ', recreate="always"' if mode == "batch always" else ""
    copy_from = f', copy_from=sa.Table("{table}", sa.MetaData(), {picture})' if picture else ""
    return f'with op.batch_alter_table("{table}"{always}{copy_from}) as batch_op:\n    batch_op.{call}'


def objects(connection):
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    return {(kind, name): sql for kind, name, _, sql in rows}


def columns(connection, table):
    """The columns of a table, and whether some row has a value there."""
    names = [row[1] for row in connection.execute(f"PRAGMA table_xinfo({table})")]
    return {name: bool(connection.execute(f'SELECT count("{name}") FROM {table}').fetchone()[0]) for name in names}


def counts(connection, tables):
    out = {}
    for table in tables:
        with contextlib.suppress(sqlite3.Error):
            out[table] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    for table in ("child", "childset"):
        with contextlib.suppress(sqlite3.Error):
            out[table + ".pid"] = connection.execute(f"SELECT count(pid) FROM {table}").fetchone()[0]
    return out


def observe(fixture, foreign_keys, run, table=None, call=""):
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        raw.executescript(fixture)
        raw.commit()
        raw.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        before, rows = objects(raw), counts(raw, ["child", "childset", "childno"])
        had = columns(raw, table) if table else {}
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                run(connection)
            outcome = "ok"
        except Exception as error:  # noqa: BLE001  (whatever is raised is the answer)
            outcome = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        after = objects(raw)
        after_rows = counts(raw, ["child", "childset", "childno"])
        has = columns(raw, table) if table else {}
    lost = sorted(f"{kind} {name}" for kind, name in set(before) - set(after) if kind in ("index", "trigger", "view"))
    emptied = sorted({name.split(".")[0] for name in rows if name in after_rows and after_rows[name] < rows[name]})
    lost += [f"column {name}" for name in had if name not in has and f'"{name}"' not in call]
    lost += [f"column {name}" for name in had if had[name] and has.get(name) is False]
    for key in set(before) & set(after):
        words = [word for word in WORDS + (PICTURED if table else ()) if count(word, before[key]) > count(word, after[key])]
        lost += [f"{word} of {key[1]}" for word in words]
    return {"outcome": outcome, "lost": lost, "emptied": emptied}


def count(word, sql):
    return len(re.findall(rf"\b{word}\b", sql or "", re.I))


def directive(text):
    def run(connection):
        context = MigrationContext.configure(connection)
        exec(text, {"op": Operations(context), "sa": sa})  # noqa: S102  (our own list of directives)

    return run


def statement(text):
    return lambda connection: connection.connection.driver_connection.execute(text)


def main():
    asked = json.load(sys.stdin)
    fixture = asked["fixture"]
    directives = []
    for table, call, picture in asked["directives"]:
        for mode in ("batch auto", "batch always") if picture else ("plain", "batch auto", "batch always"):
            text = script(table, call, mode, picture)
            for foreign_keys in (False, True):
                seen = observe(fixture, foreign_keys, directive(text), table if picture else None, call)
                directives.append({"table": table, "call": call, "mode": mode, "foreign_keys": foreign_keys, "script": text, **seen})
    statements = []
    for text in asked["statements"]:
        for foreign_keys in (False, True):
            statements.append({"statement": text, "foreign_keys": foreign_keys, **observe(fixture, foreign_keys, statement(text))})
    print(json.dumps({"version": sqlite3.sqlite_version, "directives": directives, "statements": statements}))


main()
