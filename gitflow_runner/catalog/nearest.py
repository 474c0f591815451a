"""Names that were probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """Up to `count` of the known names that look like `name`, the closest first."""
    return tuple(get_close_matches(name, sorted(set(known)), n=count, cutoff=0.6))


def did_you_mean(name: str, known: Iterable[str], mark: str = "") -> str | None:
    """A hint with the closest known names, each after `mark`; None if nothing is close."""
    found = nearest(name, known)
    return f"did you mean {' or '.join(mark + each for each in found)}?" if found else None
