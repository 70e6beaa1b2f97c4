"""Whether small histories run on a real engine: standard input is JSON, {"engine": …, "histories": [[script, …], …]}.

    measure.py [BIN_FOLDER]     (programs of a PostgreSQL server)

Prints a JSON list: null where all scripts of a history run, else the first error.
"""

import json
import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))


def on_sqlite(scripts):
    connection = sqlite3.connect(":memory:")
    for script in scripts:
        connection.executescript(script)
    connection.close()


def on_postgresql(server, at, scripts):
    with server.connect("postgres") as connection:
        connection.execute(f"CREATE DATABASE rows_{at}")
    with server.connect(f"rows_{at}") as connection:
        for script in scripts:
            # One message, as golang-migrate sends a file.
            connection.execute(script)


def error_of(run, *arguments):
    try:
        run(*arguments)
    except Exception as error:  # noqa: BLE001, any refusal counts
        return str(error).splitlines()[0]
    return None


def main():
    asked = json.load(sys.stdin)
    if asked["engine"] == "sqlite":
        print(json.dumps([error_of(on_sqlite, scripts) for scripts in asked["histories"]]))
        return
    from server import Server

    server = Server(sys.argv[1])
    try:
        print(json.dumps([error_of(on_postgresql, server, at, scripts) for at, scripts in enumerate(asked["histories"])]))
    finally:
        server.stop()


main()
