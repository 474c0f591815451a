"""A MariaDB of the test's own: a data folder made for it, on loopback, with a password."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

from gitflow_runner.databases.query import Target
from tests.free_port import free_port

PASSWORD = "correct-horse-battery"
INIT = f"""CREATE DATABASE shop;
CREATE USER 'shop'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON shop.* TO 'shop'@'127.0.0.1';
"""


class MariaServer:
    """A running server with the database and the user `shop`."""

    def __init__(self, port: int) -> None:
        self.port = port

    def target(self) -> Target:
        """The way in."""
        settings = {"host": "127.0.0.1", "port": self.port, "user": "shop", "database": "shop"}
        origin = f"mysql://127.0.0.1:{self.port}"
        return Target("shop", settings, {"password": PASSWORD}, lambda asked: asked == origin)

    def run(self, sql: str) -> None:
        """Run SQL as whoever sets a test up."""
        connection = pymysql.connect(
            host="127.0.0.1", port=self.port, user="shop", password=PASSWORD, database="shop", autocommit=True
        )
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
        finally:
            connection.close()


@contextmanager
def running_mariadb(real_part: Callable[[str], str]) -> Iterator[MariaServer]:
    """Make a data folder, start a server on it, stop it, remove it; as another user where we are root."""
    program, install = real_part("mariadbd"), real_part("mariadb-install-db")
    user = "mysql" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="gfr-maria-"))
    (folder / "init.sql").write_text(INIT)
    if user is not None:
        shutil.chown(folder, user)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"}
    made = subprocess.run(
        [install, "--no-defaults", f"--datadir={folder}/data", "--skip-test-db"],
        user=user,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stdout[-1000:] + made.stderr[-1000:]
    port = free_port()
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                program,
                "--no-defaults",
                f"--datadir={folder}/data",
                f"--socket={folder}/socket",
                f"--port={port}",
                "--bind-address=127.0.0.1",
                f"--init-file={folder}/init.sql",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-buffer-pool-size=32M",
            ],
            user=user,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        _await(server, MariaServer(port), folder / "log")
        yield MariaServer(port)
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder)


def _await(server: subprocess.Popen[bytes], made: MariaServer, log: Path) -> None:
    pause = threading.Event()
    for _ in range(600):
        try:
            made.run("SELECT 1")
        except pymysql.Error:
            assert server.poll() is None, log.read_text()[-1000:]
            pause.wait(0.1)
        else:
            return
    raise AssertionError(log.read_text()[-1000:])
