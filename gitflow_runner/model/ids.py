"""Names that people and refs share: slugs, run ids, wait folders; their shapes, nothing more."""

from __future__ import annotations

import re
from typing import NewType

from gitflow_runner.errors import UsageError

Slug = NewType("Slug", str)
RunId = NewType("RunId", str)
Millis = NewType("Millis", int)  # milliseconds since the epoch, UTC

EARLY = "00000-early"  # stands in for a wait's folder where an answer comes before its wait

_SLUG = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,127}")
_RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[a-z2-7]{6}")
_FOLDER = re.compile(r"[0-9]{5}-[a-z0-9-]{1,40}")
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,127}")
# What a keyword may hold, less the marks of an identity: `scope/id{key}#1`, `child:slug`.
_LABEL = re.compile(r"""[^\s/#{}\[\]()"',;:@^`~\\]{1,128}""")


def slug(text: str) -> Slug:
    """`text` as a slug; `UsageError` (`slug.malformed`) otherwise."""
    if not _SLUG.fullmatch(text):
        raise UsageError(
            "slug.malformed",
            f"{text[:140]!r} is not a flow slug: a letter, then letters, digits, `_` or `-`, at most 128",
        )
    return Slug(text)


def run_id(text: str) -> RunId:
    """`text` as a full run id; `UsageError` (`run.malformed`) otherwise."""
    if not _RUN_ID.fullmatch(text):
        raise UsageError("run.malformed", f"{text[:80]!r} is not a run id (yyyymmdd-hhmmss-xxxxxx)")
    return RunId(text)


def is_step_folder(text: str) -> bool:
    """Whether `text` has the shape `<nnnnn>-<name>` of a step's folder."""
    return _FOLDER.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether `text` may name an input, an action or whatever else reaches refs and files."""
    return _NAME.fullmatch(text) is not None


def is_label(text: str) -> bool:
    """Whether `text` may name what only flows speak of, a function or a step: `valid?`, `meta-1.5`."""
    return _LABEL.fullmatch(text) is not None and text.isprintable()


def step_folder(ordinal: int, step_id: str) -> str:
    """The folder `<nnnnn>-<name>` of the `ordinal`-th step of a run; the name is for people only."""
    name = re.sub(r"[^a-z0-9-]+", "-", step_id.lower()).strip("-")[:40].strip("-")
    return f"{ordinal:05d}-{name or 'step'}"
