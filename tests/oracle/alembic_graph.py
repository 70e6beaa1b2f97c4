"""What Alembic itself makes of an environment: the graph as JSON, or the error it stops with.

    alembic_graph.py [--recursive] VERSIONS_FOLDER…     (a line of JSON for each)

Scripts are not imported: they may need an application. Their metadata is read with Python's own parser,
and given to Alembic's own RevisionMap.
"""

import ast
import json
import pathlib
import sys
import warnings

from alembic.script.revision import Revision, RevisionMap


def constants(tree):
    values = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                try:
                    values[target.id] = ast.literal_eval(value)
                except ValueError:
                    if isinstance(value, ast.Name):
                        values[target.id] = values.get(value.id)
    return values


def revisions(folder, recursive):
    for path in sorted(folder.rglob("*.py") if recursive else folder.glob("*.py")):
        if path.name.startswith(("__init__", ".#")):
            continue
        found = constants(ast.parse(path.read_text(encoding="utf-8-sig")))
        if "revision" in found:
            yield Revision(
                found["revision"],
                found.get("down_revision"),
                dependencies=found.get("depends_on"),
                branch_labels=found.get("branch_labels"),
            )


def graph(folder, recursive):
    warnings.simplefilter("ignore")
    try:
        scripts = list(revisions(folder, recursive))
        history = RevisionMap(lambda: scripts)
        history._revision_map
    except Exception as error:
        return {"error": type(error).__name__}
    as_tuple = lambda value: [] if value is None else [value] if isinstance(value, str) else list(value)
    return {
        "heads": sorted(history.heads),
        "bases": sorted(history.bases),
        "merge_points": sorted(one.revision for one in scripts if one.is_merge_point),
        "branch_points": sorted(one.revision for one in scripts if one.is_branch_point),
        "parents": {one.revision: sorted(as_tuple(one.down_revision)) for one in scripts},
        "depends_on": {one.revision: sorted(as_tuple(one.dependencies)) for one in scripts},
    }


for argument in sys.argv[1:]:
    if argument != "--recursive":
        print(json.dumps(graph(pathlib.Path(argument), "--recursive" in sys.argv)))
