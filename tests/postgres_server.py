"""A PostgreSQL of the test's own: a cluster in a new folder, on loopback, with a password."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from gitflow_runner.databases.query import Target
from tests.free_port import free_port

HOME = "/usr/lib/postgresql"  # Debian keeps the programs of each version below it
PASSWORD = "correct-horse-battery"
SETTINGS = "fsync=off\nfull_page_writes=off\nmax_connections=30\nshared_buffers=16MB\n"


class Server:
    """A running server with the database and the user `shop`."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder

    def target(self, **changes: object) -> Target:
        """The way in; `changes` are settings."""
        settings = {"host": "127.0.0.1", "port": self.port, "user": "shop", "database": "shop", **changes}
        origin = f"postgresql://127.0.0.1:{self.port}"
        return Target("shop", settings, {"password": PASSWORD}, lambda asked: asked == origin)


@contextmanager
def running_server(real_part: Callable[[str], str]) -> Iterator[Server]:
    """Make a cluster, start it, stop it, remove it; as another user, since it refuses to run as root."""
    versions = sorted(Path(real_part(HOME)).iterdir(), key=lambda path: int(path.name))
    programs = versions[-1] / "bin"
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="gfr-pg-"))
    if user is not None:
        shutil.chown(folder, user)

    def program(name: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(programs / name), *arguments],
            user=user,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{name}: {done.stdout[-500:]}{done.stderr[-1000:]}"

    data, port = folder / "data", free_port()
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    try:
        program(
            "initdb",
            "-D",
            str(data),
            "-U",
            "shop",
            "-A",
            "scram-sha-256",
            f"--pwfile={password}",
            "-E",
            "UTF8",
        )
        where = f"port={port}\nlisten_addresses='127.0.0.1'\nunix_socket_directories='{folder}'\n"
        (data / "postgresql.auto.conf").write_text(where + SETTINGS)
        log = folder / "log"
        program("pg_ctl", "-D", str(data), "-w", "-t", "60", "-l", str(log), "start")
        try:
            program_sql(port, "CREATE DATABASE shop", "postgres")
            yield Server(port, folder)
        finally:
            program("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def program_sql(port: int, sql: str, database: str = "shop") -> None:
    """Run SQL as whoever sets a test up."""
    with psycopg.connect(
        host="127.0.0.1", port=port, user="shop", password=PASSWORD, dbname=database, autocommit=True
    ) as connection:
        connection.execute(sql.encode())
