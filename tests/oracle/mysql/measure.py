"""By which algorithm a real MariaDB runs ALTER TABLE.

    measure.py < asked.json     (asked: {"fixture": SQL, "statements": [SQL...]})

Prints {"version": "...", "results": ["instant" | "nocopy" | "inplace" |
"inplace_shared" | "copy" | "error ..."]}: the cheapest algorithm that the server accepts for each statement.
"""

import json
import pathlib
import sys

import pymysql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from mariadb import Server  # noqa: E402

TRIED = [("instant", "ALGORITHM=INSTANT"), ("nocopy", "ALGORITHM=NOCOPY"), ("inplace", "ALGORITHM=INPLACE, LOCK=NONE"), ("inplace_shared", "ALGORITHM=INPLACE, LOCK=SHARED"), ("copy", "ALGORITHM=COPY")]


def main():
    asked = json.load(sys.stdin)
    server = Server()
    try:
        connection = server.connect()
        cursor = connection.cursor()
        cursor.execute("SELECT version()")
        version = cursor.fetchone()[0]
        results = []
        for statement in asked["statements"]:
            result = "error"
            for name, words in TRIED:
                cursor.execute("DROP DATABASE IF EXISTS o")
                cursor.execute("CREATE DATABASE o")
                cursor.execute("USE o")
                for line in asked["fixture"].split("\n"):
                    if line.strip():
                        cursor.execute(line)
                try:
                    cursor.execute(f"{statement}, {words}")
                    result = name
                    break
                except pymysql.err.Error as error:
                    result = f"error {error.args[0]}: {error.args[1][:80]}"
            results.append(result)
        print(json.dumps({"version": version, "results": results}))
    finally:
        server.stop()


main()
