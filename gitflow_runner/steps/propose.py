"""`:propose` of a wait: the files that become a branch and a change, checked before anything is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.values import keyword
from gitflow_runner.steps.config import name_of

MAX_FILES = 100
MAX_FILE_BYTES = 1_000_000
MAX_BYTES = 5_000_000
MARKS = ".breyta/proposals/"  # the proposals' own files, which no flow writes

_PART = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@+ -]{0,99}")
_NEVER = frozenset((".", "..", ".git", ".gitmodules"))
_KEYS = frozenset(("files", "title", "body"))


@dataclass(frozen=True, slots=True)
class ProposeRequest:
    """What a wait proposes: texts by path in the project, sorted; title and body of the change."""

    files: Mapping[str, str]
    title: str | None
    body: str


def propose_request(value: object) -> ProposeRequest | None:
    """The proposal of a checked config; `true` proposes nothing but the payload's own mark.

    `StepError` (`config_type`, `propose.path`, `propose.too_large`).
    """
    if value is None or value is False:
        return None
    if value is True:
        return ProposeRequest({}, None, "")
    if not isinstance(value, Map):
        raise StepError("config_type", ":propose is true or a map of :files :title :body")
    given = {name_of(name): item for name, item in value.items()}
    unknown = sorted(given.keys() - _KEYS)
    if unknown:
        raise StepError("config_type", f":propose has no key :{unknown[0][:60]}; known: :files :title :body")
    files = value.get(keyword("files"))
    return ProposeRequest(_files(files), _text(given, "title"), _text(given, "body") or "")


def _files(value: object) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Map):
        raise StepError("config_type", ":propose :files is a map of path to text")
    found: dict[str, str] = {}
    total = 0
    for path, text in value.items():
        if not isinstance(path, str) or not isinstance(text, str):
            raise StepError("config_type", ":propose :files is a map of path to text")
        size = len(text.encode("utf-8", "surrogatepass"))
        total += size
        if len(found) >= MAX_FILES or size > MAX_FILE_BYTES or total > MAX_BYTES:
            raise StepError(
                "propose.too_large",
                f"a proposal holds at most {MAX_FILES} files of {MAX_FILE_BYTES} bytes, {MAX_BYTES} in all",
            )
        found[_path(path)] = text
    names = {path.casefold() for path in found}
    if len(names) < len(found) or any(
        f"{name}/".startswith(f"{n}/") for name in names for n in names - {name}
    ):
        raise StepError("propose.path", "two proposed paths are one, or one lies below the other")
    return dict(sorted(found.items()))


def _path(path: str) -> str:
    parts = path.split("/")
    usable = all(_PART.fullmatch(part) and part.casefold() not in _NEVER for part in parts)
    if not usable or len(path) > 400:
        raise StepError(
            "propose.path",
            f"{path[:100]!r} cannot be proposed",
            hint="write a path below the project's root, of letters, digits and . _ - + @",
        )
    if f"{path}/".casefold().startswith(MARKS):
        raise StepError("propose.path", f"{MARKS} belongs to the proposals' own files")
    return path


def _text(given: Mapping[str, object], name: str) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 20_000:
        raise StepError("config_type", f":propose :{name} is a text of at most 20000 characters")
    return value
