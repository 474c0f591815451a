"""The one tree of deliberate errors, and the interrupt that no user code may catch.

Every error that this project raises on purpose is a `GitflowError` with a stable `code`. The subclass
says which exit code a command ends with and whether repeating it can help; the code says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """Where something went wrong: a position in a file, a ref, a step, or several of these."""

    file: str | None = None
    line: int | None = None  # from 1
    col: int | None = None  # from 1, in code points
    ref: str | None = None
    step: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = []
        if self.file is not None or self.line is not None:
            position = f":{self.line}:{self.col}" if self.line is not None else ""
            parts.append(f"{self.file or '<input>'}{position}")
        if self.ref is not None:
            parts.append(self.ref)
        if self.step is not None:
            parts.append(f"step {self.step}")
        return ", ".join(parts)

    def as_json(self) -> dict[str, object]:
        """Only the known parts, ready for an envelope."""
        known: dict[str, object] = {
            "file": self.file,
            "line": self.line,
            "col": self.col,
            "ref": self.ref,
            "step": self.step,
        }
        return {key: value for key, value in known.items() if value is not None} | dict(self.context)


class GitflowError(Exception):
    """A deliberate error: `code` is stable, `message` names the thing, `fix` are the next commands."""

    exit_code = 1
    retryable = False

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        fix: tuple[str, ...] = (),
        at: Place | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.fix = fix
        self.at = at
        self.details: Mapping[str, object] = details or {}

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class UsageError(GitflowError):
    """The command or its input is malformed; exit 2."""

    exit_code = 2


class NotFoundError(GitflowError):
    """No such flow, run, wait, ref or resource, or an ambiguous name; exit 3."""

    exit_code = 3


class RefusedError(GitflowError):
    """Keys or policy do not allow it, or what was read is not to be trusted; exit 4."""

    exit_code = 4


class ConflictError(GitflowError):
    """Something moved in between: a ref, a lease, a decision already taken; exit 5."""

    exit_code = 5
    retryable = True


class TransientError(GitflowError):
    """Network, lock, full or read-only disk: the same call may work later; exit 6."""

    exit_code = 6
    retryable = True


class LangError(GitflowError):
    """A flow's text cannot be read, analysed or evaluated; `at` holds file, line and column."""


class DamagedError(GitflowError):
    """A recorded run contradicts itself; nothing is driven until a person looks."""


class StepError(GitflowError):
    """A step did not reach its result; `definite` says that the effect surely did not happen or is over.

    `retry_after_ms` is the wait that the other side asked for, `data` is what the flow's `catch` sees.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        definite: bool = True,
        retryable: bool = False,
        retry_after_ms: int | None = None,
        data: Mapping[str, object] | None = None,
        hint: str | None = None,
        at: Place | None = None,
    ) -> None:
        super().__init__(code, message, hint=hint, at=at, details=data)
        self.definite = definite
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms


class Interrupt(BaseException):
    """Control flow of the engine (suspend, close); no user `catch` and no user `finally` sees it."""


class Unwind(BaseException):
    """A cooperative cancel passing through: no user `catch` sees it, every user `finally` runs once."""
