"""Stores one value in a process that kills itself before its N-th write: `python -m` with FOLDER and N.

Python tells its audit hooks of every file that is opened, renamed, touched or made, before it happens.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from gitflow_runner.ledger.store import BlobStore

PIECE = b"a stored value " * 10_000
PIECES = 8
_WRITES = ("open", "os.mkdir", "os.rename", "os.utime", "os.remove")


def main(folder: str, last: str) -> None:
    """Store the value; print its digest if the process lived that long."""
    left = int(last)

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in _WRITES and arguments and folder in str(arguments[0]):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def pieces() -> Any:
        nonlocal left
        for _ in range(PIECES):
            count("open", (folder,))  # as if each piece were a write of its own: it is
            yield PIECE

    sys.addaudithook(count)
    sha256, _ = BlobStore(Path(folder)).put(pieces())
    sys.stdout.write(sha256)


if __name__ == "__main__":
    main(*sys.argv[1:])
