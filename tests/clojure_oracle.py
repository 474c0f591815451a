"""A real Clojure that answers expressions, in a process of its own for a whole test session."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gitflow_runner.lang.collection import Vec
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Keyword

_JARS = ("clojure-1.11.jar", "spec.alpha.jar", "core.specs.alpha.jar")
JARS = tuple(Path("/usr/share/java") / name for name in _JARS)
_LAST_WORDS = "Terminating due to java.lang.OutOfMemoryError"
_PROGRAM = Path(__file__).with_suffix(".clj")


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an expression: its printed value, or the class and message of what was thrown.

    `refused` is what did not even compile, `late` what took longer than two seconds, `ended` what took all
    memory and the process with it.
    """

    kind: Literal["value", "throws", "refused", "late", "ended"]
    text: str = ""
    message: str = ""

    @property
    def is_none(self) -> bool:
        """Whether Clojure came to no answer, so that there is nothing to compare."""
        return self.kind in ("late", "ended")

    def __str__(self) -> str:
        return f"{self.kind} {self.text} {self.message}".rstrip()


class Clojure:
    """The process. It is asked for many expressions at once and answers them in order.

    One that takes all memory ends the process; the next ones get a new one.
    """

    def __init__(self, java: str) -> None:
        self._command = [
            java,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
            "-Xmx512m",
            # Otherwise it is chance which thread finds no memory, and what becomes of the process.
            "-XX:+ExitOnOutOfMemoryError",
            "-Duser.language=en",
            "-Duser.country=US",
            "-Duser.timezone=UTC",
            "-cp",
            ":".join(map(str, JARS)),
            "clojure.main",
            str(_PROGRAM),
        ]
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def answers(self, expressions: Sequence[str]) -> list[Answer]:
        """One answer for each expression."""
        found = self._until_the_end(expressions)
        while len(found) < len(expressions):
            self._begin_anew()
            # Asked again alone: what ended the process may have been a late one before it.
            alone = self._until_the_end(expressions[len(found) : len(found) + 1])
            if not alone:
                self._begin_anew()
            found += alone or [Answer("ended")]
            found += self._until_the_end(expressions[len(found) :])
        return found

    def _until_the_end(self, expressions: Sequence[str]) -> list[Answer]:
        """The answers until the process ends."""
        asking = threading.Thread(target=self._ask, args=(expressions,))
        asking.start()
        assert self._process.stdout is not None
        found = []
        for _ in expressions:
            line = self._process.stdout.readline().decode()
            if not line.endswith("\n") or _LAST_WORDS in line:
                break
            found.append(_answer(line))
        asking.join()
        return found

    def _begin_anew(self) -> None:
        self.close()
        self._process = self._started()
        if not self._until_the_end(["1"]):
            raise EOFError("the process that runs Clojure ends at once")

    def answer(self, expression: str) -> Answer:
        """The answer to one expression."""
        return self.answers([expression])[0]

    def _ask(self, expressions: Sequence[str]) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, as who reads the answers sees
            for expression in expressions:
                self._process.stdin.write(write(expression).encode() + b"\n")
            self._process.stdin.flush()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # closing flushes, and the process may have ended
            self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def _answer(line: str) -> Answer:
    found = read_data(line)
    assert isinstance(found, Vec)
    kind, *rest = found
    assert isinstance(kind, Keyword)
    return Answer(kind.text, *rest)  # type: ignore[arg-type]
