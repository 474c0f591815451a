"""One finding about a flow's text: the same record from lint, the receive hook and a failed run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gitflow_runner.errors import GitflowError, Place

Severity = Literal["error", "warning", "hint"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What is wrong where; lines and columns count from 1 and the end is exclusive.

    `path` leads through the definition (`[:functions 3 :code]`), `form` is the text that is meant, short.
    """

    code: str
    severity: Severity
    message: str
    hint: str | None = None
    file: str | None = None
    line: int | None = None
    col: int | None = None
    end_line: int | None = None
    end_col: int | None = None
    path: Path = ()
    form: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether a release with this finding is refused."""
        return self.severity == "error"

    def as_json(self) -> dict[str, object]:
        """The record of `language.md` 10, hyphenated, without what is not known."""
        known: dict[str, object] = {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
            "file": self.file,
            "line": self.line,
            "col": self.col,
            "end-line": self.end_line,
            "end-col": self.end_col,
            "path": list(self.path) or None,
            "form": self.form,
        }
        return {key: value for key, value in known.items() if value is not None}

    def line_text(self) -> str:
        """`path:line:col CODE text`, as a terminal without frames shows it."""
        where = self.file or "<input>"
        if self.line is not None:
            where += f":{self.line}:{self.col}"
        return f"{where} {self.code} {self.message}"


def spanning(
    code: str,
    severity: Severity,
    message: str,
    begin: Place,
    end: Place,
    *,
    hint: str | None,
    path: Path,
    form: str,
) -> Diagnostic:
    """A finding about what stands from `begin` to `end`; an end in another file is left out."""
    same = end.file == begin.file
    return Diagnostic(
        code=code,
        severity=severity,
        message=message,
        hint=hint,
        file=begin.file,
        line=begin.line,
        col=begin.col,
        end_line=end.line if same else None,
        end_col=end.col if same else None,
        path=path,
        form=form,
    )


def from_error(error: GitflowError) -> Diagnostic:
    """A refusal of the reader, the analyzer or a loader as a finding."""
    at = error.at
    return Diagnostic(
        code=error.code,
        severity="error",
        message=error.message,
        hint=error.hint,
        file=at.file if at else None,
        line=at.line if at else None,
        col=at.col if at else None,
    )


def in_order(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sorted by file and position, each finding once; those without a position come first."""
    unique = dict.fromkeys(found)
    return tuple(
        sorted(unique, key=lambda d: (d.file or "", d.line or 0, d.col or 0, d.code, d.message)),
    )


def frame(text: str, found: Diagnostic) -> str:
    """The finding with the line before it, the line itself and a caret under what is meant.

    `text` is the file's text. Without a position, or where the file is not the one given, the one-line
    form stands alone.
    """
    head = found.line_text()
    lines = text.split("\n")
    if found.line is None or found.col is None or not 1 <= found.line <= len(lines):
        return head if found.hint is None else f"{head}\n   fix: {found.hint}"
    width = len(str(found.line))
    shown = [head]
    if found.line > 1:
        shown.append(f"   {found.line - 1:>{width}} | {_plain(lines[found.line - 2])}")
    current = lines[found.line - 1]
    shown.append(f"   {found.line:>{width}} | {_plain(current)}")
    last = found.end_col if found.end_line == found.line and found.end_col else len(current) + 1
    carets = "^" * max(1, min(last, len(current) + 1) - found.col)
    shown.append(f"   {' ' * width} | {' ' * (found.col - 1)}{carets}")
    fix = f"   fix: {found.hint}" if found.hint else "  "
    shown.append(f"{fix}     (gfr explain {found.code})")
    return "\n".join(shown)


def _plain(line: str) -> str:
    """The line without what a terminal would act on; every character stays one column wide."""
    return "".join(c if c.isprintable() else " " if c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line)
