"""What a trigger comes to: a wish to start a run, as a value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from gitflow_runner.lang.values import Value


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Which flow's trigger asks for a run with which input.

    `delivery` (hex SHA-256) names what came in: it is answered once. `about` names the matter, on which
    there may be several runs one after another; `facts` are for people.
    """

    slug: str
    trigger: str
    delivery: str
    about: str
    given: Mapping[str, Value]
    facts: Mapping[str, str]


def digest_of(*parts: str) -> str:
    """The hex SHA-256 of texts that hold no NUL."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def starter_of(trigger: str) -> str:
    """The starter of a trigger's runs (protocol 4.3); no principal is spelled so."""
    return f"trigger:{trigger}"
