"""A throw-away PostgreSQL server."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import psycopg


class Server:
    def __init__(self, bin_folder, port=None):
        """Listens on a socket in its folder, and at `port` of this machine where one is given."""
        self.port = port
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="whimbrel-pg-"))
        self.bin = pathlib.Path(bin_folder)
        self.environment = {**os.environ, "LD_LIBRARY_PATH": str(self.bin.parent / "lib"), "TZ": "UTC", "LC_ALL": "C"}
        data = self.folder / "data"
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            os.chown(self.folder, 65534, 65534)
        self.run("initdb", "-D", data, "-U", "oracle", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        with open(data / "postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(
                f"fsync = off\nfull_page_writes = off\nlisten_addresses = '{'127.0.0.1' if port else ''}'\nport = {port or 5432}\ntimezone = 'UTC'\nautovacuum = off\n"
                f"unix_socket_directories = '{self.folder}'\nmax_wal_senders = 0\nwal_level = minimal\n"
            )
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", data], env=self.environment, stdout=subprocess.DEVNULL, stderr=open(self.folder / "log", "w"), **self.user()
        )
        for _ in range(300):
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError:
                subprocess.run(["sleep", "0.1"], check=False)
        raise SystemExit("the server did not start:\n" + (self.folder / "log").read_text())

    @staticmethod
    def user():
        return {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}

    def run(self, program, *arguments):
        subprocess.run([self.bin / program, *arguments], env=self.environment, check=True, stdout=subprocess.DEVNULL, **self.user())

    def connect(self, database):
        return psycopg.connect(host=str(self.folder), port=self.port or 5432, user="oracle", dbname=database, autocommit=True)

    def stop(self):
        self.process.send_signal(signal.SIGINT)  # fast shutdown
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
