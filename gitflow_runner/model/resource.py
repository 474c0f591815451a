"""How a stored value is named: `res://sha256/<64 hex>`, a table `res://table/<name>`, and nothing else."""

from __future__ import annotations

import re

from gitflow_runner.errors import StepError

_URI = re.compile(r"res://sha256/([0-9a-f]{64})")
_TABLE = re.compile(r"res://table/([a-z][a-z0-9_-]{0,63})")


def resource_uri(sha256: str) -> str:
    """The URI of a digest."""
    return f"res://sha256/{sha256}"


def named_digest(text: str) -> str | None:
    """The hex digest that `text` names if it is such a URI, None for any other text.

    The digest is all there is: no path, no host and no escape can be spelled.
    """
    found = _URI.fullmatch(text)
    return None if found is None else found[1]


def digest_of(uri: str) -> str:
    """The hex digest that a URI names; `StepError` (`res.malformed`) for any other form."""
    digest = named_digest(uri)
    if digest is None:
        raise StepError("res.malformed", f"{uri[:100]!r} is not a stored value", hint="res://sha256/<64 hex>")
    return digest


def table_uri(name: str) -> str:
    """The URI of a table: of what it holds now, not of one version."""
    return f"res://table/{name}"


def named_table(text: str) -> str | None:
    """The name of the table that `text` names if it is such a URI, None for any other text."""
    found = _TABLE.fullmatch(text)
    return None if found is None else found[1]
