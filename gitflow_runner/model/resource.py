"""How a stored value is named: `res://sha256/<64 hex>` and nothing else."""

from __future__ import annotations

import re

from gitflow_runner.errors import StepError

_URI = re.compile(r"res://sha256/([0-9a-f]{64})")


def resource_uri(sha256: str) -> str:
    """The URI of a digest."""
    return f"res://sha256/{sha256}"


def digest_of(uri: str) -> str:
    """The hex digest that a URI names; `StepError` (`res.malformed`) for any other form.

    The digest is all there is: no path, no host and no escape can be spelled.
    """
    found = _URI.fullmatch(uri)
    if found is None:
        raise StepError("res.malformed", f"{uri[:100]!r} is not a stored value", hint="res://sha256/<64 hex>")
    return found[1]
