"""Secrets that a program prints: pass, op, vault, sops and the like; never through a shell."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Final, cast

from gitflow_runner.connections.records import Record
from gitflow_runner.errors import TransientError, UsageError
from gitflow_runner.model.secret import MAX_BYTES, Secret

TIMEOUT_S: Final = 30.0  # somebody may have to touch a key or type a PIN


class ProgramSource:
    """Runs the command that the record names, with the caller's environment and no input."""

    name = "command"
    cheap = False
    separate = True

    def __init__(self, variables: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> None:
        self._variables = variables
        self._timeout_s = timeout_s

    def find(self, record: Record) -> Secret | None:
        """What it prints, without the line's end; None where the record names no command.

        Raises `UsageError` (`secret.command`) if it cannot be started, fails or prints too much, and
        `TransientError` (`secret.timeout`). What it says on stderr is not repeated: it may tell the secret.
        """
        if not record.command:
            return None
        program = record.command[0]
        try:
            process = subprocess.Popen(
                list(record.command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=dict(self._variables),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise self._failed(record, f"{program} cannot be started: {error}") from None
        late = threading.Event()

        def give_up() -> None:
            late.set()
            _end(process)

        timer = threading.Timer(self._timeout_s, give_up)
        timer.start()
        try:
            with cast("IO[bytes]", process.stdout) as out:
                data = out.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                _end(process)
            code = process.wait()
        finally:
            timer.cancel()
            _end(process)
        if late.is_set():
            raise TransientError(
                "secret.timeout", f"{program} gave no value for {record.name} in {self._timeout_s:g} s"
            )
        if len(data) > MAX_BYTES:
            raise self._failed(record, f"{program} printed more than {MAX_BYTES} bytes")
        if code != 0:
            raise self._failed(record, f"{program} ended with {code}")
        try:
            return Secret(data.decode().removesuffix("\n").removesuffix("\r"))
        except UnicodeDecodeError:
            raise self._failed(record, f"what {program} printed is not UTF-8 text") from None

    def _failed(self, record: Record, why: str) -> UsageError:
        return UsageError(
            "secret.command",
            f"the command for {record.name} gave no value: {why}",
            hint="run it by hand to see what it says",
            fix=(f"gfr secrets test {record.name}",),
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop it with everything that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
