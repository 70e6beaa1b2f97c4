"""By which algorithm a real MariaDB runs ALTER TABLE.

    measure.py < asked.json     (asked: {"fixture": SQL, "statements": [SQL...]})

Starts a throw-away server of Debian's package. Prints {"version": "...", "results": ["instant" | "nocopy" | "inplace" |
"inplace_shared" | "copy" | "error ..."]}: the cheapest algorithm that the server accepts for each statement.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import pymysql

TRIED = [("instant", "ALGORITHM=INSTANT"), ("nocopy", "ALGORITHM=NOCOPY"), ("inplace", "ALGORITHM=INPLACE, LOCK=NONE"), ("inplace_shared", "ALGORITHM=INPLACE, LOCK=SHARED"), ("copy", "ALGORITHM=COPY")]


def main():
    asked = json.load(sys.stdin)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="whimbrel-maria-"))
    user = []
    if os.geteuid() == 0:
        # The `mysql` user may not reach into the TMPDIR of root.
        user = ["--user=root"]
    made = subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", "--auth-root-authentication-method=normal", *user], capture_output=True, text=True)
    if made.returncode:
        raise SystemExit(f"mariadb-install-db: {made.stdout}{made.stderr}")
    server = subprocess.Popen(
        ["mariadbd", "--no-defaults", f"--datadir={folder}/data", f"--socket={folder}/sock", "--skip-networking", f"--pid-file={folder}/pid", "--innodb-flush-log-at-trx-commit=0", "--character-set-server=utf8mb4", *user],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                connection = pymysql.connect(unix_socket=f"{folder}/sock", user="root", autocommit=True)
                break
            except pymysql.err.OperationalError:
                time.sleep(0.1)
        else:
            raise SystemExit("the server did not start")
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
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


main()
