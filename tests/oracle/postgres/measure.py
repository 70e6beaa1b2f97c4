"""What a real PostgreSQL does with statements: locks, rewrites, scans, rebuilt indexes, refusals.

    postgres.py BIN_FOLDER < cases.json     (cases: {"fixture": SQL, "cases": [{"setup": [SQL…], "statement": SQL}]})

Starts a throw-away server of the programs in BIN_FOLDER, applies the fixture, and for each case its setup and
then the statement. Prints {"version": MAJOR, "results": [{"outcome", "locks", "rewrites", "scans",
"index_rebuilds", "dropped", "refuses_transaction"}]}. Locks of a statement that refuses a transaction cannot be
read from inside of it: they are null.
"""

import json
import pathlib
import sys
import time

import psycopg

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server import Server  # noqa: E402

STRENGTH = ["AccessShare", "RowShare", "RowExclusive", "ShareUpdateExclusive", "Share", "ShareRowExclusive", "Exclusive", "AccessExclusive"]

RELATIONS = """
SELECT c.oid::int8, CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END, c.relkind::text,
  pg_relation_filenode(c.oid)::int8
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"""

OBJECTS = """
SELECT 'column ' || c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND n.nspname = 'public'
UNION ALL SELECT 'constraint ' || conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal"""


def relations(connection):
    return {oid: (name, kind, filenode) for oid, name, kind, filenode in connection.execute(RELATIONS)}


def objects(connection):
    return {name for (name,) in connection.execute(OBJECTS)}


def scans(connection, function, known):
    tables = [oid for oid, (_, kind, _) in known.items() if kind in "rpm"]
    rows = connection.execute(f"SELECT o, {function}(o::oid) FROM unnest(%s::int8[]) o", [tables])
    return dict(rows)


def locks(connection, known):
    out = {}
    rows = connection.execute(
        "SELECT relation::int8, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    for oid, mode in rows:
        if oid in known and known[oid][1] not in "iI":
            mode = mode.removesuffix("Lock")
            name = known[oid][0]
            if name not in out or STRENGTH.index(mode) > STRENGTH.index(out[name]):
                out[name] = mode
    return out


def difference(before, after, scanned):
    rewrites, rebuilds = [], []
    for oid, (name, kind, filenode) in before.items():
        if oid in after and after[oid][2] != filenode and kind in "rmiIp":
            (rebuilds if kind in "iI" else rewrites).append(name)
    gone = [f"{kind} {name}" for oid, (name, kind, _) in before.items() if oid not in after]
    return {"rewrites": sorted(rewrites), "scans": sorted(scanned), "index_rebuilds": sorted(rebuilds), "dropped": gone}


def measure(server, database, statement):
    """In a transaction that is rolled back; in one of its own where the statement refuses that."""
    with server.connect(database) as connection:
        # The statistics of this very transaction are only kept for tables that it has touched.
        connection.execute("BEGIN")
        before, things = relations(connection), objects(connection)
        counted = scans(connection, "pg_stat_get_xact_numscans", before)
        held = locks(connection, before)
        try:
            connection.execute(statement)
        except psycopg.Error as error:
            if error.sqlstate != "25001":
                connection.rollback()
                return {"outcome": f"{error.sqlstate} {error.diag.message_primary}", "locks": {}, "rewrites": [], "scans": [], "index_rebuilds": [], "dropped": [], "refuses_transaction": False}
        else:
            now = scans(connection, "pg_stat_get_xact_numscans", before)
            taken = {name: mode for name, mode in locks(connection, before).items() if held.get(name) != mode}
            after = relations(connection)
            # An index of a new table is built by reading it, empty as it is.
            made = {oid: about for oid, about in after.items() if oid not in before and about[1] == "r"}
            scanned = [before[oid][0] for oid, count in now.items() if count > counted[oid]]
            scanned += [made[oid][0] for oid, count in scans(connection, "pg_stat_get_xact_numscans", made).items() if count]
            found = difference(before, after, scanned)
            found["dropped"] += sorted(things - objects(connection))
            connection.rollback()
            return {"outcome": "ok", "locks": taken, "refuses_transaction": False, **found}
        connection.rollback()
    return alone(server, database, statement)


def alone(server, database, statement):
    with server.connect("postgres") as admin:
        admin.execute("DROP DATABASE IF EXISTS alone")
        admin.execute(f"CREATE DATABASE alone TEMPLATE {database}")
    with server.connect("alone") as connection:
        before = relations(connection)
        counted = scans(connection, "pg_stat_get_numscans", before)
        outcome = "ok"
        try:
            connection.execute(statement)
        except psycopg.Error as error:
            outcome = f"{error.sqlstate} {error.diag.message_primary}"
        after = relations(connection)
    time.sleep(0.7)
    with server.connect("alone") as connection:
        now = scans(connection, "pg_stat_get_numscans", before)
    found = difference(before, after, [before[oid][0] for oid, count in now.items() if count > counted[oid]])
    return {"outcome": outcome, "locks": None, "refuses_transaction": True, **found}


def main():
    asked = json.load(sys.stdin)
    server = Server(sys.argv[1])
    try:
        results = []
        with server.connect("postgres") as admin:
            version = admin.info.server_version // 10000
            admin.execute("CREATE ROLE rolx")
            admin.execute("CREATE DATABASE fixture")
        with server.connect("fixture") as connection:
            for extension in asked.get("extensions", []):
                connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
            if asked["fixture"].strip():
                connection.execute(asked["fixture"])
            connection.execute("ANALYZE")
        for case in asked["cases"]:
            database = "fixture"
            if case.get("setup"):
                database = "prepared"
                with server.connect("postgres") as admin:
                    admin.execute("DROP DATABASE IF EXISTS prepared")
                    admin.execute("CREATE DATABASE prepared TEMPLATE fixture")
                with server.connect("prepared") as connection:
                    try:
                        for statement in case["setup"]:
                            connection.execute(statement)
                    except psycopg.Error as error:
                        results.append({"outcome": f"setup {error.sqlstate} {error.diag.message_primary}"})
                        continue
            results.append(measure(server, database, case["statement"]))
        json.dump({"version": version, "results": results}, sys.stdout)
    finally:
        server.stop()


main()
