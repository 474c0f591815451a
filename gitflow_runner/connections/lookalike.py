"""Whether a text looks like a secret's value where only its name, or nothing secret, may stand."""

from __future__ import annotations

import math
import re
from collections import Counter

_TOKENS = (
    r"AGE-SECRET-KEY-|eyJ[A-Za-z0-9_-]{10,}\."
    r"|\b(?:sk|pk|rk)[-_](?:live|test|proj|ant|or)?[-_]?[A-Za-z0-9]{16,}"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abposr]-|xapp-|hf_|npm_|pypi-|dop_v1_|shpat_|SG\.)[A-Za-z0-9_.-]{16,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{30,}"
)
_KNOWN = re.compile(rf"-----BEGIN |{_TOKENS}|^(?:Bearer|Basic|Token) +\S{{8,}}")
_IN_TEXT = re.compile(rf"(?:-----BEGIN [A-Z ]*PRIVATE KEY-----|{_TOKENS})".encode())
_USERINFO = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s@]*:[^/\s@]+@", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9+/=_-]{24,}")
_RANDOM_BITS = 3.9  # of entropy a character; words and names stay below


def looks_secret(text: str) -> str | None:
    """What gives it away, in words; None for a text that looks harmless."""
    if _KNOWN.search(text):
        return "it is written like a token or a key"
    if _USERINFO.search(text):
        return "the URL carries a password"
    if any(_is_random(match[0]) for match in _TOKEN.finditer(text)):
        return "it is a long random text"
    return None


def holds_token(line: bytes) -> bool:
    """Whether a line of any file has something in it that is written like a token or a private key."""
    return _IN_TEXT.search(line) is not None


def _is_random(text: str) -> bool:
    kinds = (str.isdigit, str.isupper, str.islower)
    if not all(any(kind(char) for char in text) for kind in kinds):
        return False
    counts = Counter(text)
    bits = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return bits >= _RANDOM_BITS
