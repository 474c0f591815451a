"""Running one child process with bounded output and time."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gitflow_runner.errors import RefusedError, TransientError

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a child may take and how much it may say on each stream."""

    seconds: float = 120.0
    output_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finished:
    """How a child ended; `code` is negative for a signal."""

    code: int
    stdout: bytes
    stderr: bytes


class _Drain(threading.Thread):
    """Reads one stream to its end; past the limit it stops the child and keeps what it has."""

    def __init__(
        self, stream: IO[bytes], limit: int, process: subprocess.Popen[bytes], grouped: bool
    ) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._limit = limit
        self._process = process
        self._grouped = grouped
        self.data = bytearray()
        self.exceeded = False

    def run(self) -> None:
        with self._stream:
            while chunk := os.read(self._stream.fileno(), _CHUNK):  # what is there, not a full chunk
                if len(self.data) + len(chunk) > self._limit:
                    self.exceeded = True
                    _stop(self._process, self._grouped)
                    return
                self.data += chunk


def run_child(
    call: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    stdin: bytes,
    limits: Limits,
    interactive: bool,
) -> Finished:
    """Run the call to its end; on trouble its whole process group is stopped.

    `TransientError` (`git.timeout`), `RefusedError` (`git.not_installed`, `git.no_folder`,
    `git.output_too_large`).
    An interactive child stays in the terminal's process group, so that it may ask there.
    """
    try:
        process = subprocess.Popen(
            call,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=not interactive,
        )
    except FileNotFoundError as error:
        if error.filename == folder:
            raise RefusedError("git.no_folder", f"the folder {folder} is not there (any more)") from None
        raise not_found(call[0]) from None
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    grouped = not interactive
    drains = [_Drain(s, limits.output_bytes, process, grouped) for s in (process.stdout, process.stderr)]
    feeder = threading.Thread(target=_feed, args=(process.stdin, stdin), daemon=True)
    for thread in (*drains, feeder):
        thread.start()
    try:
        code = process.wait(limits.seconds)
    except subprocess.TimeoutExpired:
        _stop(process, grouped)
        process.wait()
        raise TransientError(
            "git.timeout", f"{Path(call[0]).name} took longer than {limits.seconds:g} s and was stopped"
        ) from None
    except BaseException:
        _stop(process, grouped)
        process.wait()
        raise
    finally:
        for thread in (*drains, feeder):
            thread.join(limits.seconds)
    if any(drain.exceeded for drain in drains):
        raise RefusedError(
            "git.output_too_large",
            f"{Path(call[0]).name} wrote more than {limits.output_bytes} bytes and was stopped",
        )
    return Finished(code, bytes(drains[0].data), bytes(drains[1].data))


def not_found(program: str) -> RefusedError:
    """The error for a program that cannot be started because it is not there."""
    return RefusedError("git.not_installed", f"{program} was not found", hint="install git 2.30 or newer")


def _feed(stream: IO[bytes], data: bytes) -> None:
    try:
        with stream:
            stream.write(data)
    except BrokenPipeError:
        return  # the child ended without reading all: its exit code says why


def _stop(process: subprocess.Popen[bytes], grouped: bool) -> None:
    try:
        if grouped:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:
        return  # it ended by itself
