"""A throw-away MariaDB server of Debian's package."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pymysql


class Server:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="whimbrel-maria-"))
        # The `mysql` user may not reach into the TMPDIR of root.
        user = ["--user=root"] if os.geteuid() == 0 else []
        made = subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.folder}/data", "--auth-root-authentication-method=normal", *user], capture_output=True, text=True, check=False)
        if made.returncode:
            raise SystemExit(f"mariadb-install-db: {made.stdout}{made.stderr}")
        self.process = subprocess.Popen(
            ["mariadbd", "--no-defaults", f"--datadir={self.folder}/data", f"--socket={self.folder}/sock", "--skip-networking", f"--pid-file={self.folder}/pid", "--innodb-flush-log-at-trx-commit=0", "--character-set-server=utf8mb4", *user],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(200):
            try:
                self.connect().close()
                return
            except pymysql.err.OperationalError:
                time.sleep(0.1)
        raise SystemExit("the server did not start")

    def connect(self):
        return pymysql.connect(unix_socket=f"{self.folder}/sock", user="root", autocommit=True)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
