"""Compares how whimbrel cuts and names SQL statements with libpg_query, PostgreSQL's own parser (PyPI: pglast).

    python tests/oracle/statements.py WHIMBREL FOLDER…

Prints, for each folder, the statements, those that whimbrel does not understand, those that PostgreSQL itself does not
parse, and the differences in boundaries and kinds; exits with 1 when there is a difference.
"""

import json
import re
import subprocess
import sys

from pglast import parse_sql
from pglast.parser import ParseError, scan, split

# PostgreSQL's node, and what whimbrel may call it. A node that is not here may be anything but silence.
KINDS = {
    "CreateStmt": {"create_table", "attach_partition"},
    "IndexStmt": {"create_index"},
    "ViewStmt": {"create_view"},
    "CreateTableAsStmt": {"create_table", "create_table_as", "create_view", "create_materialized_view"},
    "RefreshMatViewStmt": {"refresh_materialized_view"},
    "CreateEnumStmt": {"create_type"},
    "CreateExtensionStmt": {"create_extension"},
    "CreateSchemaStmt": {"create_schema"},
    "CreateSeqStmt": {"create_sequence"},
    "CreateFunctionStmt": {"create_function", "create_procedure"},
    "CreateTrigStmt": {"create_trigger"},
    "CreateDomainStmt": {"create_domain"},
    "InsertStmt": {"insert"},
    "UpdateStmt": {"update"},
    "DeleteStmt": {"delete"},
    "TruncateStmt": {"truncate"},
    "SelectStmt": {"select", "insert", "update", "delete"},
    "VariableSetStmt": {"set"},
    "CommentStmt": {"comment", "comment_on_part"},
    "LockStmt": {"lock_table", "lock"},
    "ReindexStmt": {"reindex"},
    "CreatePolicyStmt": {"create_policy"},
    "TransactionStmt": {"begin", "commit", "rollback", "savepoint", "transaction"},
}


def plain(text):
    """The text with one byte a character, which is what pglast's offsets count."""
    return re.sub(r"[^\x00-\x7f]", "_", text)


def tokens(sql):
    """The words of a statement, without comments."""
    data = plain(sql).encode()
    sql = data.decode()
    kept = [data[token.start : token.end + 1].decode() for token in scan(sql) if token.name not in ("SQL_COMMENT", "C_COMMENT")]
    while kept and kept[-1] == ";":
        kept.pop()
    return kept


def theirs(text):
    """PostgreSQL's statements: their words, and the node where it parses."""
    out = []
    text = plain(text)
    try:
        parts = split(text)
    except ParseError:
        # Not all of it is PostgreSQL's: its scanner alone does not know the bodies of routines.
        parts = split(text, with_parser=False)
    for part in parts:
        words = tokens(part)
        if not words:
            continue
        try:
            node = parse_sql(part)[0].stmt.__class__.__name__
        except ParseError:
            node = None
        out.append((words, node))
    return out


def ours(whimbrel, folder):
    """By file, each statement of the plan: its words, the kinds of its steps, whether all of them are understood."""
    plan = subprocess.run(
        [whimbrel, "plan", "--dialect", "postgresql", "--direction", "both", "--format", "json", folder],
        capture_output=True, text=True, check=True,
    )
    files = {}
    for environment in json.loads(plan.stdout)["environments"]:
        for migration in environment["migrations"]:
            if not migration["file"].endswith(".sql"):
                continue
            statements = files.setdefault(migration["file"], {})
            for step in migration["steps"]:
                statements.setdefault(step["statement"], []).append((step["operation"], step["understood"]))
    return files


def compare(whimbrel, folder):
    statements = opaque = refused = boundaries = kinds = 0
    for file, mine in ours(whimbrel, folder).items():
        with open(file, encoding="utf-8") as handle:
            text = handle.read()
        # Parts in other languages, and templates, are nothing that PostgreSQL parses.
        try:
            reference = theirs(text)
        except (ParseError, UnicodeDecodeError) as error:
            print(f"{file}: PostgreSQL does not scan it: {error}")
            continue
        known = {}
        for words, node in reference:
            known.setdefault(tuple(words), node)
        for statement, steps in mine.items():
            statements += 1
            understood = all(one for _, one in steps)
            opaque += not understood
            words = tuple(tokens(statement)) if not statement.startswith("\\") else None
            if words is None:
                continue
            if words not in known:
                boundaries += 1
                print(f"{file}: PostgreSQL has no such statement: {statement[:90]!r}")
                continue
            node = known[words]
            refused += node is None
            allowed = KINDS.get(node)
            if understood and allowed and not any(kind in allowed for kind, _ in steps):
                kinds += 1
                print(f"{file}: {node} is {[kind for kind, _ in steps]}: {statement[:90]!r}")
        cut = {tuple(tokens(statement)) for statement in mine if not statement.startswith("\\")}
        for words, _ in reference:
            if tuple(words) not in cut:
                boundaries += 1
                print(f"{file}: whimbrel has no such statement: {' '.join(words)[:90]!r}")
    print(f"{folder}: {statements} statements, {opaque} not understood, {refused} that PostgreSQL refuses, "
          f"{boundaries} differences in boundaries, {kinds} in kinds")
    return boundaries + kinds


if __name__ == "__main__":
    sys.exit(1 if sum([compare(sys.argv[1], folder) for folder in sys.argv[2:]]) else 0)
