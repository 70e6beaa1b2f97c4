"""The replayed schema against the catalog of a database on which the migrations really ran.

    catalog.py WHIMBREL DIALECT PROJECT... [--postgres BIN_FOLDER]     (DIALECT: sqlite, postgresql or mariadb)

Runs every Alembic environment (env.py is not run) or folder of SQL files below each PROJECT on an empty database,
reflects it, and compares with `whimbrel schema --format json`. Prints a JSON object by environment: {"differences":
[...]} or {"failed": why the migrations do not run}.
"""

import json
import pathlib
import re
import sqlite3
import subprocess
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import sqlalchemy as sa  # noqa: E402
from alembic.config import Config  # noqa: E402
from alembic.runtime.environment import EnvironmentContext  # noqa: E402
from alembic.script import ScriptDirectory  # noqa: E402

warnings.simplefilter("ignore")
ALIASES = {
    "character varying": "varchar", "character": "char", "timestamp without time zone": "timestamp", "double_precision": "double precision",
    "time without time zone": "time", "float8": "double precision", "int": "integer", "float": "double precision", "datetime": "datetime",
    "double": "double precision", "double unsigned": "double precision unsigned", "bool": "boolean", "decimal": "numeric", "bpchar": "char", "real": "real",
}


def normal(text):
    if text is None:
        return None
    text = re.sub(r"\s+", " ", text.lower()).replace(", ", ",").replace('"', "")
    # How MySQL says where a string's letters come from, and how wide a number is shown.
    text = re.sub(r" (character set|collate) \w+| zerofill", "", text)
    text = re.sub(r"\b((?:tiny|small|medium|big)?int|integer)\(\d+\)", r"\1", text)
    found = re.fullmatch(r"([a-z_ ]+?)(\([^)]*\))?( with(?:out)? time zone)?(\[\])?", text)
    if not found:
        return text
    name, modifiers, zone, array = found.groups()
    name = ALIASES.get(name + (zone or ""), ALIASES.get(name, name) + ((zone or "") if zone and "without" not in zone else ""))
    return name + (modifiers or "") + (array or "")


# MySQL knows a unique constraint only as its index.
MYSQL = ("mysql", "mariadb")


def folded(name):
    return name.lower()


def of_database(engine):
    inspector = sa.inspect(engine)
    tables = {}
    for table in inspector.get_table_names():
        if table in ("alembic_version", "schema_migrations", "__diesel_schema_migrations"):
            continue
        columns = {}
        for column in inspector.get_columns(table):
            try:
                kind = str(column["type"].compile(engine.dialect))
            except Exception:  # noqa: BLE001
                kind = str(column["type"])
            columns[column["name"]] = {"type": normal(kind), "nullable": column["nullable"], "default": column["default"] is not None or bool(column.get("computed"))}
        uniques = {tuple(unique["column_names"]) for unique in inspector.get_unique_constraints(table)}
        tables[table] = {
            "columns": columns,
            "primary_key": inspector.get_pk_constraint(table)["constrained_columns"],
            "indexes": sorted([index["name"], [c for c in index["column_names"]], bool(index["unique"])] for index in inspector.get_indexes(table) if engine.dialect.name in MYSQL or index["name"] and tuple(index["column_names"]) not in uniques or not index.get("duplicates_constraint") and index["name"]),
            "foreign_keys": sorted([key["constrained_columns"], key["referred_table"], key["referred_columns"]] for key in inspector.get_foreign_keys(table)),
            "uniques": [] if engine.dialect.name in MYSQL else sorted(list(unique) for unique in uniques),
            "checks": len(inspector.get_check_constraints(table)),
        }
    enums = {}
    if engine.dialect.name == "postgresql":
        enums = {enum["name"]: enum["labels"] for enum in inspector.get_enums()}
    return tables, enums, sorted(inspector.get_view_names())


def of_replay(environment, dialect):
    tables = {}
    for name, table in environment["tables"].items():
        if name in ("alembic_version", "schema_migrations"):
            continue
        uniques = {} if dialect == "mariadb" else table["unique_constraints"]
        columns = {column: {"type": normal(about["type"]), "nullable": about["nullable"], "default": about["default"] is not None} for column, about in table["columns"].items()}
        tables[name] = {
            "columns": columns,
            "primary_key": table["primary_key"],
            "indexes": sorted([index, about["columns"], about["unique"]] for index, about in table["indexes"].items() if index not in uniques),
            "foreign_keys": sorted([key["columns"], key["table"], key["referenced"]] for key in table["foreign_keys"].values()),
            "uniques": sorted(columns for columns in uniques.values()),
            "checks": len(table["checks"]),
        }
    return tables, environment["enums"], environment["views"]


def affinity(kind):
    return {"integer": "integer", "bigint": "bigint"}.get(kind, kind)


def differences(real, said):
    (tables, enums, views), (said_tables, said_enums, said_views) = real, said
    out = [f"table {name}: only in the database" for name in sorted(set(tables) - set(said_tables))]
    out += [f"table {name}: only said" for name in sorted(set(said_tables) - set(tables))]
    for name in sorted(set(tables) & set(said_tables)):
        there, here = tables[name], said_tables[name]
        for column in sorted(set(there["columns"]) | set(here["columns"])):
            a, b = there["columns"].get(column), here["columns"].get(column)
            if a is None or b is None:
                out.append(f"{name}.{column}: only {'said' if a is None else 'in the database'}")
                continue
            for key in ("type", "nullable"):
                if a[key] != b[key]:
                    out.append(f"{name}.{column} {key}: {a[key]} in the database, {b[key]} said")
            if a["default"] != b["default"]:
                out.append(f"{name}.{column} default: {a['default']} in the database, {b['default']} said")
        for key in ("primary_key", "foreign_keys", "uniques"):
            if there[key] != here[key]:
                out.append(f"{name} {key}: {there[key]} in the database, {here[key]} said")
        indexes = lambda table: sorted([index, [c for c in columns if c and re.fullmatch(r"\w+", c)], unique] for index, columns, unique in table["indexes"])
        if indexes(there) != indexes(here):
            out.append(f"{name} indexes: {[x for x in indexes(there) if x not in indexes(here)]} in the database, {[x for x in indexes(here) if x not in indexes(there)]} said")
    if enums != said_enums:
        out.append(f"enums: {enums} in the database, {said_enums} said")
    if views != said_views:
        out.append(f"views: {views} in the database, {said_views} said")
    return out


def upgrade(engine, root, versions=None):
    config = Config()
    config.set_main_option("script_location", str(root))
    script = ScriptDirectory(str(root), version_locations=versions)
    with EnvironmentContext(config, script, fn=lambda revision, _: script._upgrade_revs("heads", revision)) as environment:
        with engine.connect() as connection:
            environment.configure(connection=connection, transaction_per_migration=True)
            with environment.begin_transaction():
                environment.run_migrations()
            connection.commit()


# Where the way back begins in one file: goose, sql-migrate, dbmate, tern, node-pg-migrate.
DOWN = re.compile(r"^\s*--\s*(\+goose down|\+migrate down|migrate:down|down migration|-+ create above / drop below)", re.IGNORECASE | re.MULTILINE)


def up_part(text):
    found = DOWN.search(text)
    return text[: found.start()] if found else text


def run_sql(engine, files):
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        if engine.dialect.name == "postgresql":
            raw.autocommit = True
            # The runner's own book, which some migrations mention.
            raw.execute("CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)")
        for path in files:
            text = up_part(path.read_text())
            if engine.dialect.name == "sqlite":
                raw.executescript(text)
            elif engine.dialect.name in ("mysql", "mariadb"):
                cursor = raw.cursor()
                cursor.execute(text)
                while cursor.nextset():
                    pass
            else:
                raw.autocommit = True
                raw.execute(text)


def main():
    binary, dialect, *rest = sys.argv[1:]
    server = None
    if "--postgres" in rest:
        at = rest.index("--postgres")
        from server import Server

        server = Server(rest[at + 1])
        del rest[at : at + 2]
    if dialect == "mariadb":
        global pymysql
        import pymysql
        from mariadb import Server

        server = Server()
    out = {}
    try:
        for number, project in enumerate(rest):
            said = subprocess.run([binary, "schema", "--format", "json", "--dialect", dialect, project], capture_output=True, text=True, check=False)
            graph = subprocess.run([binary, "graph", "--format", "json", "--dialect", dialect, project], capture_output=True, text=True, check=False)
            if said.returncode:
                continue
            frameworks = {environment["root"]: environment for environment in json.loads(graph.stdout)["environments"]}
            for at, environment in enumerate(json.loads(said.stdout)["environments"]):
                root = pathlib.Path(environment["root"])
                if dialect == "sqlite":
                    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
                elif dialect == "mariadb":
                    with server.connect() as admin:
                        admin.cursor().execute(f"CREATE DATABASE c{number}_{at}")
                    # Several statements in one message, as golang-migrate sends them with multiStatements=true.
                    multi = {"client_flag": pymysql.constants.CLIENT.MULTI_STATEMENTS}
                    engine = sa.create_engine(f"mysql+pymysql://root@/c{number}_{at}?unix_socket={server.folder}/sock", connect_args=multi)
                else:
                    with server.connect("postgres") as admin:
                        admin.execute(f"CREATE DATABASE c{number}_{at}")
                    engine = sa.create_engine(f"postgresql+psycopg://oracle@/c{number}_{at}?host={server.folder}")
                about = frameworks[environment["root"]]
                try:
                    if about["framework"] == "alembic":
                        folders = sorted({str(pathlib.Path(revision["file"]).parent) for revision in about["revisions"]})
                        upgrade(engine, root, folders)
                    else:
                        files = [pathlib.Path(revision["file"]) for revision in about["revisions"]]
                        run_sql(engine, files)
                except Exception as error:  # noqa: BLE001
                    out[environment["root"]] = {"failed": f"{type(error).__name__}: {str(error).splitlines()[0][:160]}"}
                    continue
                real = of_database(engine)
                out[environment["root"]] = {"tables": len(real[0]), "columns": sum(len(t["columns"]) for t in real[0].values()), "differences": differences(real, of_replay(environment, dialect))}
    finally:
        if server:
            server.stop()
    print(json.dumps(out, indent=1))


main()
