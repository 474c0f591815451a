"""Name patterns: `*` and `?` over short names, and OpenSSH's comma lists with `!` before exceptions."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c) or re.escape(c) for c in re.sub(r"\*+", "*", pattern)), re.DOTALL)


def matches(pattern: str, name: str) -> bool:
    """Whether all of `name` fits `pattern`, case counting."""
    return _compiled(pattern).fullmatch(name) is not None


def any_matches(patterns: tuple[str, ...], name: str) -> bool:
    """Whether one of `patterns` fits and none that begins with `!` does."""
    if any(p.startswith("!") and matches(p[1:], name) for p in patterns):
        return False
    return any(not p.startswith("!") and matches(p, name) for p in patterns)
