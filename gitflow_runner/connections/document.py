"""A YAML file read strictly: bounded, plain values, no key twice, no aliases; every error with its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from gitflow_runner.errors import Place, UsageError

MAX_BYTES = 256 * 1024
_PLAIN = (str, int, float, bool, type(None))


class _Loader(yaml.SafeLoader):
    """The safe loader, save that a map's keys are texts and stand there once."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it open
            raise yaml.constructor.ConstructorError(None, None, "an alias is not read here", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, "a key is not a text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value[:60]} stands there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class Section:
    """One map of the file; what is asked for is checked, what nobody may ask for is refused at the start.

    All errors are `UsageError`s of the file's family: `<family>.unknown_key`, `.type`, `.missing`.
    """

    def __init__(self, value: object, name: str, document: Document, known: frozenset[str] | None) -> None:
        """`known` are the keys that may stand there, None for any."""
        self.name = name
        self._document = document
        if not isinstance(value, dict):
            raise self.error("type", f"{name} is not a map")
        self.values: Mapping[str, object] = value
        for key in value:
            if known is not None and key not in known:
                hint = "known here: " + ", ".join(sorted(known))
                raise self.error("unknown_key", f"{name} has no key {key[:60]!r}", hint)

    def error(self, reason: str, message: str, hint: str | None = None) -> UsageError:
        """An error about this map."""
        return self._document.error(reason, message, hint)

    def text(self, key: str) -> str | None:
        """A text, None if it is not there."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            raise self.error("type", f"{self.name}: {key} is not a text")
        return value

    def needed(self, key: str) -> str:
        """A text that has to be there."""
        value = self.text(key)
        if not value:
            raise self.error("missing", f"{self.name} has no {key}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """A boolean."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.error("type", f"{self.name}: {key} is neither true nor false")
        return value

    def section(self, key: str, known: frozenset[str] | None = None) -> Section:
        """The map under that key, empty if it is not there."""
        value = self.values.get(key)
        return Section({} if value is None else value, f"{self.name}.{key}", self._document, known)


class Document:
    """One file; `family` begins the codes of its errors."""

    def __init__(self, file: str, family: str) -> None:
        self.file = file
        self.family = family

    def read(self, data: bytes, known: frozenset[str] | None) -> Section:
        """The map that the file holds; `UsageError` (`<family>.unreadable`, `.unknown_key`, `.type`).

        `known` are the keys that may stand there, None for any.
        """
        if len(data) > MAX_BYTES:
            raise self.error("unreadable", f"{self.file} is larger than {MAX_BYTES} bytes")
        try:
            value = yaml.load(data, _Loader)  # noqa: S506 - a safe loader of our own
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            place = Place(file=self.file, line=mark.line + 1, col=mark.column + 1) if mark else None
            problem = getattr(error, "problem", None) or "it is not YAML"
            raise self.error("unreadable", f"{self.file} cannot be read: {problem}", at=place) from None
        except (RecursionError, ValueError) as error:
            raise self.error("unreadable", f"{self.file} cannot be read: {error}") from None
        return Section({} if value is None else value, self.file, self, known)

    def error(
        self, reason: str, message: str, hint: str | None = None, *, at: Place | None = None
    ) -> UsageError:
        """An error about this file."""
        return UsageError(f"{self.family}.{reason}", message, hint=hint, at=at or Place(file=self.file))


def is_plain(value: object, depth: int = 8) -> bool:
    """Whether a value is made of texts, numbers, booleans, lists and maps alone, and not too deep."""
    if isinstance(value, list):
        return depth > 0 and all(is_plain(item, depth - 1) for item in value)
    if isinstance(value, dict):
        return depth > 0 and all(is_plain(item, depth - 1) for item in value.values())
    return isinstance(value, _PLAIN)
