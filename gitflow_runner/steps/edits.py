"""Exact edits of a text: one place, every place, or whole lines; whatever does not fit is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitflow_runner.errors import StepError


@dataclass(frozen=True, slots=True)
class Edit:
    """Text that stands in a file, to the letter, and what is to stand there."""

    old: str
    new: str


def apply_edits(path: str, text: str, edits: Sequence[Edit]) -> str:
    """Each edit in turn, where its old text stands exactly once.

    `StepError` (`files.no_match`, `files.ambiguous`).
    """
    for number, edit in enumerate(edits, 1):
        found = _count(path, text, edit.old, number)
        if found > 1:
            raise StepError(
                "files.ambiguous",
                f"edit {number}: {edit.old[:60]!r} stands {found} times in {path[:100]!r}",
                hint="take more of the text around it, or use :replace for every place",
            )
        text = text.replace(edit.old, edit.new, 1)
    return text


def replace_all(path: str, text: str, edit: Edit, expected: int | None) -> tuple[str, int]:
    """Every place replaced, and how many there were; `StepError` (`files.no_match`, `files.count`)."""
    found = _count(path, text, edit.old, 1)
    if expected is not None and found != expected:
        raise StepError(
            "files.count", f"{edit.old[:60]!r} stands {found} times in {path[:100]!r}, not {expected} times"
        )
    return text.replace(edit.old, edit.new), found


def replace_lines(path: str, text: str, first: int, last: int, new: str, old: str | None) -> str:
    """Lines `first` to `last`, counted from 1, replaced; `last` one less than `first` inserts before it.

    What is put in ends in a line end unless it comes last. With `old` the lines must be these.
    `StepError` (`files.lines`, `files.no_match`).
    """
    lines = _lines(text)
    if not 1 <= first <= len(lines) + 1 or not first - 1 <= last <= len(lines):
        raise StepError(
            "files.lines", f"{path[:100]!r} has {len(lines)} lines; {first} to {last} are not among them"
        )
    standing = "".join(lines[first - 1 : last])
    if old is not None and standing.rstrip("\r\n") != old.rstrip("\r\n"):
        raise StepError("files.no_match", f"lines {first} to {last} of {path[:100]!r} are others than :old")
    before, after = "".join(lines[: first - 1]), "".join(lines[last:])
    end = "\r\n" if "\r\n" in text else "\n"
    if before and not before.endswith("\n"):
        before += end
    if new and after and not new.endswith("\n"):
        new += end
    return before + new + after


def _lines(text: str) -> list[str]:
    # Not `splitlines`, which takes form feeds and Unicode's separators for ends of lines too.
    parts = text.split("\n")
    lines = [part + "\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def _count(path: str, text: str, old: str, number: int) -> int:
    if not old:
        raise StepError("files.no_match", f"edit {number}: :old is empty, so it says no place")
    found = text.count(old)
    if not found:
        raise StepError(
            "files.no_match",
            f"edit {number}: {old[:60]!r} does not stand in {path[:100]!r}",
            hint="blanks, line ends and case count; read the file again",
        )
    return found
