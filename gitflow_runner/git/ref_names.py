"""What a ref name may look like: its parts, their patterns, and the check that every name passes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gitflow_runner.errors import RefusedError

ROOT = "refs"
SLUG = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,127}")
RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-z]{6}")
WAIT = re.compile(r"[0-9]{5}-[a-z0-9-]{1,40}")
DIGEST = re.compile(r"[0-9a-f]{64}")
RELEASE = re.compile(r"v[1-9][0-9]{0,8}")
MONTH = re.compile(r"[0-9]{4}(?:0[1-9]|1[0-2])")
WORD = re.compile(r"(?!.*\.\.)(?!.*\.(?:lock)?\Z)[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}")
TABLE = re.compile(r"[a-z][a-z0-9_-]{0,63}")  # lower case: no two may differ by case only
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")


def malformed(prefix: str, value: str) -> RefusedError:
    """The error for a value that cannot stand in a ref name."""
    shown = ascii(value[:80])
    return RefusedError(
        "ref.malformed",
        f"{shown} cannot be part of a ref under {prefix}",
        hint="slugs match [a-zA-Z][a-zA-Z0-9_-]*, run ids look like 20251122-131402-7k3m5q",
    )


def check_name(name: str) -> str:
    """The name itself if Git accepts it as a full ref name, else `RefusedError` (`ref.malformed`).

    Full means below `refs/`; so a checked name can never be read as an option or a path upwards.
    """
    parts = name.split("/")
    well_formed = (
        len(parts) > 1
        and parts[0] == ROOT
        and len(name) <= 1024
        and not _FORBIDDEN.search(name)
        and not name.endswith((".", "/"))
        and not any(part == "" or part.startswith(".") or part.endswith(".lock") for part in parts)
    )
    if not well_formed:
        raise malformed(ROOT + "/", name)
    return name


def check_prefix(prefix: str) -> str:
    """The prefix itself if it is `refs/` or a full ref name and a slash, else `RefusedError`."""
    if prefix != ROOT + "/":
        if not prefix.endswith("/"):
            raise malformed(ROOT + "/", prefix)
        check_name(prefix[:-1])
    return prefix


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of ref: a fixed prefix and the pattern of each part after it."""

    prefix: str
    parts: tuple[re.Pattern[str], ...]

    def name(self, *values: str) -> str:
        """The name with these parts; `RefusedError` (`ref.malformed`) if one does not match."""
        for pattern, value in zip(self.parts, values, strict=True):
            if not pattern.fullmatch(value):
                raise malformed(self.prefix, value)
        return self.prefix + "/".join(values)

    def split(self, name: str) -> tuple[str, ...] | None:
        """The parts of a name of this kind, None for any other name."""
        if not name.startswith(self.prefix):
            return None
        values = tuple(name[len(self.prefix) :].split("/"))
        if len(values) != len(self.parts):
            return None
        matches = all(p.fullmatch(v) for p, v in zip(self.parts, values, strict=True))
        return values if matches else None
