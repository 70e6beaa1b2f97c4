"""The operations that whimbrel reads out of Alembic scripts against the SQL that Alembic itself emits for them.

    offline.py WHIMBREL DIALECT PROJECT...

Every revision's upgrade() is run in Alembic's offline mode, alone, and its SQL is given to whimbrel as a SQL file. The
operations of both have to be the same, in order. Prints a JSON object: how many agree, by whether the script is a
straight line, and what differs; scripts that ask the database, or need a module that is not there, are counted apart.
"""

import ast
import collections
import contextlib
import importlib.util
import io
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import sqlalchemy as sa
from alembic import op
from alembic.migration import MigrationContext
from alembic.operations import Operations

warnings.simplefilter("ignore")


def emitted(path, dialect):
    """The SQL of upgrade(), or why there is none."""
    spec = importlib.util.spec_from_file_location("revision_under_test", path)
    module = importlib.util.module_from_spec(spec)
    out = io.StringIO()
    context = MigrationContext.configure(dialect_name=dialect, opts={"as_sql": True, "output_buffer": out, "literal_binds": True})
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), Operations.context(context):
            spec.loader.exec_module(module)
            module.upgrade()
    except ModuleNotFoundError as error:
        return None, f"needs {error.name}"
    except ImportError:
        return None, "needs its application"
    except BaseException as error:  # noqa: BLE001
        return None, f"{type(error).__name__}"
    return out.getvalue(), None


def is_straight(path):
    """Whether upgrade() is nothing but calls of op and of batches."""
    tree = ast.parse(path.read_text())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "upgrade":
            plain = (ast.Expr, ast.With, ast.Pass, ast.Return)
            inner = [inner for statement in node.body if isinstance(statement, ast.With) for inner in statement.body]
            return all(isinstance(statement, plain) for statement in [*node.body, *inner])
    return False


# What Alembic sends along, or leaves to a word of its own.
SIDE = {"alter_column", "begin", "commit", "create_type", "comment", "drop_type"}
ALTERS = {"alter_column_type", "set_not_null", "drop_not_null", "set_default", "drop_default"}


def shape(steps):
    out = []
    for step in steps:
        kind = step["operation"]
        if kind in SIDE:
            continue
        name = step["name"]
        # Names that the database makes up are not in the script; PostgreSQL's DROP INDEX names no table.
        table = None if kind == "drop_index" else step["table"]
        entry = (kind, table, None if kind.startswith("add_") and kind != "add_column" else name)
        # bulk_insert is a statement a row.
        if kind != "insert" or not out or out[-1] != entry:
            out.append(entry)
    # The indexes of one CREATE TABLE come in no order, the changes of one column in one of each dialect.
    def run(entry):
        return entry[:2] if entry[0] == "create_index" else entry[1:] if entry[0] in ALTERS else object()

    return [entry for _, group in itertools.groupby(out, run) for entry in sorted(group, key=str)]


def on_mysql(script, sql):
    """Both as MySQL's grammar can tell them apart: CHANGE and MODIFY say everything of a column again, also its type and its
    new name, and a UNIQUE is dropped as the index that it is."""
    renamed = {table: old for kind, table, old in script if kind == "rename_column"}
    typed = {entry[1:] for entry in script if entry[0] == "alter_column_type"}

    def plain(entry):
        kind, table, name = entry
        if kind in {"drop_index", "drop_constraint"}:
            return ("drop", None, name and name.split(".")[-1])
        return (kind, table, renamed.get(table, name) if kind in ALTERS else name)

    def ordered(entries):
        return [entry for _, group in itertools.groupby(entries, lambda entry: entry[1]) for entry in sorted(group, key=str)]

    script, sql = [plain(entry) for entry in script], [plain(entry) for entry in sql]
    altered = {entry[1:] for entry in script if entry[0] in ALTERS}
    sql = [entry for entry in sql if entry[0] != "alter_column_type" or entry[1:] in typed or entry[1:] not in altered]
    return ordered(script), ordered(sql)


def main():
    binary, dialect, *projects = sys.argv[1:]
    counts = collections.Counter()
    differing, unknown = [], collections.Counter()
    for project in projects:
        sys.path.insert(0, project)
        said = subprocess.run([binary, "plan", "--format", "json", "--dialect", dialect, project], capture_output=True, text=True, check=False)
        if said.returncode:
            continue
        for environment in json.loads(said.stdout)["environments"]:
            if environment["framework"] != "alembic":
                continue
            real, folder = {}, tempfile.TemporaryDirectory()
            for number, migration in enumerate(environment["migrations"]):
                path = pathlib.Path(migration["file"])
                sql, why = emitted(path, dialect)
                if sql is None:
                    unknown[why] += 1
                    continue
                name = f"{number:06}_step.sql"
                pathlib.Path(folder.name, name).write_text(sql or "SELECT 1;")
                real[f"{number:06}"] = (migration, path, sql)
            if not real:
                continue
            lowered = subprocess.run([binary, "plan", "--format", "json", "--dialect", dialect, folder.name], capture_output=True, text=True, check=False)
            for other in json.loads(lowered.stdout)["environments"][0]["migrations"]:
                migration, path, sql = real[other["id"]]
                straight = "straight" if is_straight(path) else "winding"
                steps = [step for step in migration["steps"]]
                if any(not step["understood"] for step in steps):
                    counts[straight + " opaque"] += 1
                    continue
                a, b = shape(steps), shape(other["steps"]) if sql.strip() else []
                if dialect == "mysql":
                    a, b = on_mysql(a, b)
                counts[straight + (" agree" if a == b else " differ")] += 1
                if a != b:
                    differing.append({"file": str(path), "straight": straight == "straight", "script": [x for x in a if x not in b][:6] or a[:6], "sql": [x for x in b if x not in a][:6] or b[:6]})
    print(json.dumps({"counts": counts, "not_run": unknown, "differing": differing}, indent=1))


main()
