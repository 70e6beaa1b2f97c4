"""How real runners execute files: what shares a transaction, and what can run outside of one.

    measure.py BIN_FOLDER OUT_FOLDER     (BIN_FOLDER: programs of a PostgreSQL server; $WHIMBREL_RUNNERS: a folder with node_modules)

For each runner that is installed and each way of running that it knows, writes a project into OUT_FOLDER/NAME whose
migrations record the transaction that each statement runs in, runs it, and prints a JSON object:
{NAME: {"files": [in a transaction together?, ...], "concurrently": does CREATE INDEX CONCURRENTLY work?}}.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from server import Server  # noqa: E402

NODE = pathlib.Path(os.environ.get("WHIMBREL_RUNNERS", "."))
FIRST = "CREATE TABLE seen (file int, transaction bigint);\nCREATE TABLE orders (id bigint PRIMARY KEY, qty int);"
TWO = "INSERT INTO seen VALUES (2, txid_current());\nINSERT INTO seen VALUES (2, txid_current());"
THREE = "INSERT INTO seen VALUES (3, txid_current());"
INDEX = "CREATE INDEX CONCURRENTLY orders_qty ON orders (qty);"


def dbmate(at, sql, apart):
    wish = " transaction:false" if apart else ""
    return {f"{at:04}_step.sql": f"-- migrate:up{wish}\n{sql}\n\n-- migrate:down\nSELECT 1;\n"}


def node_pg_migrate(at, sql, _apart):
    return {f"{1700000000000 + at}_step.sql": f"-- Up Migration\n{sql}\n-- Down Migration\nSELECT 1;\n"}


def yoyo(at, sql, apart):
    wish = "-- transactional: false\n" if apart else ""
    return {f"{at:04}_step.sql": wish + sql, f"{at:04}_step.rollback.sql": "SELECT 1;\n"}


def sqlx(at, sql, apart):
    return {f"{at:04}_step.sql": ("-- no-transaction\n" if apart else "") + sql}


def diesel(at, sql, apart):
    folder = f"2026-01-{at:02}-000000_step"
    files = {f"{folder}/up.sql": sql, f"{folder}/down.sql": "SELECT 1;\n"}
    return files | ({f"{folder}/metadata.toml": "run_in_transaction = false\n"} if apart else {})


def refinery(at, sql, _apart):
    return {f"V{at}__step.sql": sql}


def liquibase(at, sql, apart):
    wish = " runInTransaction:false" if apart else ""
    return {f"{at:04}_step.sql": f"--liquibase formatted sql\n\n--changeset ann:{at}{wish}\n{sql}\n--rollback SELECT 1;\n"}


def sql_migrate(at, sql, apart):
    wish = " notransaction" if apart else ""
    return {f"{at:04}_step.sql": f"-- +migrate Up{wish}\n{sql}\n\n-- +migrate Down\nSELECT 1;\n"}


def alembic(at, sql, apart):
    body = "".join(f"op.execute('{statement.strip()}')\n" for statement in sql.split(";") if statement.strip())
    before = "    with op.get_context().autocommit_block():\n        " if apart else "    "
    lines = before + body.strip().replace("\n", "\n        " if apart else "\n    ")
    parent = repr(f"r{at - 1}") if at > 1 else "None"
    return {f"versions/r{at}.py": f"from alembic import op\n\nrevision = 'r{at}'\ndown_revision = {parent}\n\n\ndef upgrade():\n{lines}\n\n\ndef downgrade():\n    op.execute('SELECT 1')\n"}


ENV = """import os
from alembic import context
from sqlalchemy import create_engine, text

with create_engine(os.environ["ORACLE_URL"]{engine}).connect() as connection:
    {before}context.configure(connection=connection{settings})
    with context.begin_transaction():
        context.run_migrations()
    {after}
"""
DRIZZLE = """const { drizzle } = require('drizzle-orm/node-postgres');
const { migrate } = require('drizzle-orm/node-postgres/migrator');
const { Client } = require('pg');
(async () => {
  const client = new Client({ host: process.argv[2], port: Number(process.argv[5]), user: 'oracle', database: process.argv[3] });
  await client.connect();
  try { await migrate(drizzle(client), { migrationsFolder: process.argv[4] }); } finally { await client.end(); }
})().catch(error => { console.error(error); process.exit(1); });
"""


def drizzle(at, sql, _apart):
    return {f"{at:04}_step.sql": sql.replace(";\n", ";\n--> statement-breakpoint\n")}


def journal(folder):
    names = sorted(path.stem for path in folder.glob("*.sql"))
    entries = [{"idx": at, "version": "7", "when": 1700000000000 + at, "tag": name, "breakpoints": True} for at, name in enumerate(names)]
    (folder / "meta").mkdir(exist_ok=True)
    (folder / "meta/_journal.json").write_text(json.dumps({"version": "7", "dialect": "postgresql", "entries": entries}))


def run_dbmate(server, database, folder):
    url = f"postgres://oracle@/{database}?host={server.folder}&port={server.port}&sslmode=disable"
    return [NODE / "node_modules/.bin/dbmate", "--no-dump-schema", "--url", url, "-d", folder, "migrate"]


def run_node_pg_migrate(server, database, folder):
    url = f"postgres://oracle@/{database}?host={server.folder}&port={server.port}"
    return ["env", f"DATABASE_URL={url}", NODE / "node_modules/.bin/node-pg-migrate", "up", "--migrations-dir", folder, "--check-order", "false"]


def run_drizzle(server, database, folder):
    journal(folder)
    (folder / "run.cjs").write_text(DRIZZLE)
    return ["env", f"NODE_PATH={NODE / 'node_modules'}", "node", folder / "run.cjs", server.folder, database, folder, server.port]


def run_yoyo(server, database, folder):
    url = f"postgresql+psycopg://oracle@/{database}?host={server.folder}&port={server.port}"
    return [sys.executable, "-m", "yoyo", "apply", "--batch", "--no-config-file", "--database", url, folder]


def run_sqlx(server, database, folder):
    url = f"postgres://oracle@127.0.0.1:{server.port}/{database}"
    return [shutil.which("sqlx"), "migrate", "run", "--source", folder, "--database-url", url]


def run_diesel(server, database, folder):
    url = f"postgres://oracle@127.0.0.1:{server.port}/{database}"
    return [shutil.which("diesel"), "migration", "run", "--database-url", url, "--migration-dir", folder, "--config-file", folder / "diesel.toml"]


def run_refinery(server, database, folder):
    url = f"postgres://oracle@127.0.0.1:{server.port}/{database}"
    return ["env", f"ORACLE_URL={url}", shutil.which("refinery"), "migrate", "-e", "ORACLE_URL", "-p", folder]


LIQUIBASE = NODE / "node_modules/liquibase/dist"
CHANGELOG = """<?xml version="1.0" encoding="UTF-8"?>
<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-4.1.xsd">
{}
</databaseChangeLog>
"""


def run_liquibase(server, database, folder):
    names = sorted(path.name for path in folder.glob("*.sql"))
    (folder / "root.xml").write_text(CHANGELOG.format("\n".join(f'<include file="{name}"/>' for name in names)))
    driver = next((LIQUIBASE / "drivers").glob("postgresql-*.jar"))
    url = f"jdbc:postgresql://127.0.0.1:{server.port}/{database}"
    return ["sh", LIQUIBASE / "liquibase/liquibase", f"--classpath={driver}:{folder}", "--changeLogFile=root.xml", f"--url={url}", "--username=oracle", "update"]


def run_sql_migrate(server, database, folder):
    source = f"host={server.folder} port={server.port} user=oracle dbname={database} sslmode=disable"
    (folder / "dbconfig.yml").write_text(f"development:\n  dialect: postgres\n  datasource: {source}\n  dir: {folder}\n")
    return [shutil.which("sql-migrate"), "up", "-config=dbconfig.yml"]


def run_alembic(server, database, folder):
    url = f"postgresql+psycopg://oracle@/{database}?host={server.folder}&port={server.port}"
    return ["env", f"ORACLE_URL={url}", sys.executable, "-m", "alembic", "-c", folder / "alembic.ini", "upgrade", "head"]


def environment(settings, engine="", before="", after=""):
    text = ENV.format(settings=settings, engine=engine, before=before, after=after)
    return {"env.py": text, "alembic.ini": "[alembic]\nscript_location = %(here)s\n"}


# name: how a file is written, how it is run, whether its files ask to run without a transaction, files beside them
WAYS = {
    "dbmate": (dbmate, run_dbmate, False, {}),
    "dbmate-transaction-false": (dbmate, run_dbmate, True, {}),
    "node-pg-migrate": (node_pg_migrate, run_node_pg_migrate, False, {}),
    "drizzle": (drizzle, run_drizzle, False, {}),
    "yoyo": (yoyo, run_yoyo, False, {"yoyo.ini": ""}),
    "yoyo-transactional-false": (yoyo, run_yoyo, True, {"yoyo.ini": ""}),
    "sqlx": (sqlx, run_sqlx, False, {"Cargo.toml": "[dependencies]\nsqlx = \"0.8\"\n"}),
    "sqlx-no-transaction": (sqlx, run_sqlx, True, {"Cargo.toml": "[dependencies]\nsqlx = \"0.8\"\n"}),
    "diesel": (diesel, run_diesel, False, {"diesel.toml": ""}),
    "diesel-run-in-transaction-false": (diesel, run_diesel, True, {"diesel.toml": ""}),
    "refinery": (refinery, run_refinery, False, {"Cargo.toml": "[dependencies]\nrefinery = \"0.9\"\n"}),
    "liquibase": (liquibase, run_liquibase, False, {}),
    "liquibase-run-in-transaction-false": (liquibase, run_liquibase, True, {}),
    "sql-migrate": (sql_migrate, run_sql_migrate, False, {}),
    "sql-migrate-notransaction": (sql_migrate, run_sql_migrate, True, {}),
    "alembic": (alembic, run_alembic, False, environment("")),
    "alembic-autocommit-block": (alembic, run_alembic, True, environment("")),
    "alembic-transaction-per-migration": (alembic, run_alembic, False, environment(", transaction_per_migration=True")),
    # SQLAlchemy begins a transaction with the first statement, which Alembic then takes for the caller's.
    "alembic-outer-transaction": (
        alembic,
        run_alembic,
        False,
        environment(
            ", transaction_per_migration=True",
            before="connection.execute(text('SET search_path TO public'))\n    ",
            after="connection.commit()",
        ),
    ),
    "alembic-autocommit": (alembic, run_alembic, False, environment("", ', isolation_level="AUTOCOMMIT"')),
    "alembic-transactional-ddl-false": (alembic, run_alembic, False, environment(", transactional_ddl=False")),
}


def available(run):
    if run is run_dbmate:
        return (NODE / "node_modules/.bin/dbmate").exists()
    if run is run_node_pg_migrate:
        return (NODE / "node_modules/.bin/node-pg-migrate").exists()
    if run is run_drizzle:
        return (NODE / "node_modules/drizzle-orm").exists()
    if run is run_liquibase:
        return (LIQUIBASE / "liquibase").exists() and shutil.which("java") is not None
    # Compiling these takes longer than all of the tests: they are asked where they are installed.
    programs = {run_sqlx: "sqlx", run_diesel: "diesel", run_refinery: "refinery", run_sql_migrate: "sql-migrate"}
    if run in programs:
        return shutil.which(programs[run]) is not None
    module = "yoyo" if run is run_yoyo else "alembic"
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def migrate(server, database, folder, run):
    command = [str(part) for part in run(server, database, folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=folder)


def put(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def measure(server, out, name, way):
    write, run, apart, beside = way
    database = "db_" + name.replace("-", "_")
    admin = server.connect("postgres")
    admin.execute(f"CREATE DATABASE {database}")
    folder = out / name
    files = dict(beside)
    files |= write(1, FIRST, False) | write(2, TWO, apart) | write(3, THREE, apart)
    put(folder, files)
    done = migrate(server, database, folder, run)
    if done.returncode != 0:
        raise SystemExit(f"{name}: {done.stdout}\n{done.stderr}")
    with server.connect(database) as connection:
        rows = connection.execute("SELECT file, transaction FROM seen ORDER BY 1").fetchall()
    second, third = [transaction for file, transaction in rows if file == 2], [transaction for file, transaction in rows if file == 3]
    assert len(second) == 2 and len(third) == 1, (name, rows)
    put(folder, write(4, INDEX, apart))
    done = migrate(server, database, folder, run)
    refused = "transaction block" in done.stdout + done.stderr
    assert refused == (done.returncode != 0), (name, done.stdout, done.stderr)
    return {"together": len(set(second)) == 1, "files_together": set(second) == set(third), "concurrently": not refused}


def main():
    out = pathlib.Path(sys.argv[2])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(sys.argv[1], port)
    try:
        print(json.dumps({name: measure(server, out, name, way) for name, way in WAYS.items() if available(way[1])}))
    finally:
        server.stop()


main()
