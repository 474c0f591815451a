"""The table of what Java's classes answer in Clojure, as tests/java_answers.txt has it."""

from __future__ import annotations

from pathlib import Path

_TABLE = Path(__file__).parent / "java_answers.txt"


def java_answers() -> list[tuple[str, str]]:
    """Expressions with their printed values."""
    lines = [line for line in _TABLE.read_text().splitlines() if line and line[0] != ";"]
    return [(asked, found.strip()) for asked, found in zip(lines[::2], lines[1::2], strict=True)]
