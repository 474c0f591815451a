"""A real Clojure that answers expressions, in a process of its own for a whole test session."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gitflow_runner.lang.collection import Vec
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Keyword

_JARS = ("clojure-1.11.jar", "spec.alpha.jar", "core.specs.alpha.jar")
JARS = tuple(Path("/usr/share/java") / name for name in _JARS)
_PROGRAM = Path(__file__).with_suffix(".clj")


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an expression: its printed value, or the class and message of what was thrown.

    `refused` is what did not even compile, `late` what took longer than two seconds.
    """

    kind: Literal["value", "throws", "refused", "late"]
    text: str = ""
    message: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.text} {self.message}".rstrip()


class Clojure:
    """The process. It is asked for many expressions at once and answers them in order."""

    def __init__(self, java: str) -> None:
        command = [
            java,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
            "-Xmx512m",
            "-Duser.language=en",
            "-Duser.country=US",
            "-Duser.timezone=UTC",
            "-cp",
            ":".join(map(str, JARS)),
            "clojure.main",
            str(_PROGRAM),
        ]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def answers(self, expressions: Sequence[str]) -> list[Answer]:
        """One answer for each expression."""
        asking = threading.Thread(target=self._ask, args=(expressions,))
        asking.start()
        assert self._process.stdout is not None
        found = [_answer(self._process.stdout.readline().decode()) for _ in expressions]
        asking.join()
        return found

    def answer(self, expression: str) -> Answer:
        """The answer to one expression."""
        return self.answers([expression])[0]

    def _ask(self, expressions: Sequence[str]) -> None:
        assert self._process.stdin is not None
        for expression in expressions:
            self._process.stdin.write(write(expression).encode() + b"\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _answer(line: str) -> Answer:
    if not line:
        raise EOFError("the process that runs Clojure has ended")
    found = read_data(line)
    assert isinstance(found, Vec)
    kind, *rest = found
    assert isinstance(kind, Keyword)
    return Answer(kind.text, *rest)  # type: ignore[arg-type]
