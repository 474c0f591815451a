"""What is to be said of one code."""

from __future__ import annotations

from typing import NamedTuple


class Meaning(NamedTuple):
    """What a code says and what causes it, and the next command; words in capitals are to be filled in."""

    text: str
    next: str
