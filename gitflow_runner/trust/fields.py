"""Typed, strict access to the EDN of a policy: every key is known, every value has its place in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from gitflow_runner.errors import LangError, UsageError
from gitflow_runner.lang.forms import Atom, Form, MapForm, SetForm, VectorForm
from gitflow_runner.lang.reader import read_one
from gitflow_runner.lang.values import Instant, Keyword

T = TypeVar("T")


def problem(code: str, message: str, form: Form, hint: str | None = None) -> UsageError:
    """A `policy.<code>` error at the form's place."""
    return UsageError(f"policy.{code}", message, hint=hint, at=form.source.place(form.start))


def read_map(text: str, file: str) -> Fields:
    """The single map of a text; `policy.syntax` or `policy.duplicate_key` for anything else."""
    try:
        form = read_one(text, file=file)
    except LangError as error:
        code = "policy.duplicate_key" if error.message.startswith("Duplicate") else "policy.syntax"
        raise UsageError(code, error.message, hint=error.hint, at=error.at) from None
    return Fields(form, "the policy")


class Fields:
    """One map of the policy; every key must be asked for before `done`."""

    def __init__(self, form: Form, what: str) -> None:
        if not isinstance(form, MapForm):
            raise problem("type", f"{what} must be a map", form)
        self.form = form
        self.what = what
        self._asked: set[str] = set()
        self._values: dict[str, Form] = {}
        self._keys: dict[str, Form] = {}
        for key, value in form.pairs():
            if not isinstance(key, Atom) or not isinstance(key.value, Keyword):
                raise problem("type", f"the keys of {what} are keywords", key)
            self._values[key.value.text] = value
            self._keys[key.value.text] = key

    def get(self, key: str, read: Callable[[Form, str], T], default: T) -> T:
        """The value of a key by its reader, or the default if the key is not there."""
        self._asked.add(key)
        form = self._values.get(key)
        return default if form is None else read(form, f":{key} of {self.what}")

    def need(self, key: str, read: Callable[[Form, str], T]) -> T:
        """The value of a key that must be there (`policy.missing_key`)."""
        self._asked.add(key)
        if key not in self._values:
            raise problem("missing_key", f"{self.what} has no :{key}", self.form)
        return read(self._values[key], f":{key} of {self.what}")

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._values

    def at(self, key: str) -> Form:
        """The value's form, or the map itself: where to point at."""
        return self._values.get(key, self.form)

    def done(self) -> None:
        """Refuse the keys that nobody asked for (`policy.unknown_key`)."""
        for key, form in self._keys.items():
            if key not in self._asked:
                known = " ".join(f":{name}" for name in sorted(self._asked))
                raise problem(
                    "unknown_key", f"{self.what} has an unknown key :{key}", form, f"known are {known}"
                )


def text(form: Form, what: str) -> str:
    """A string of at least one character."""
    if not isinstance(form, Atom) or not isinstance(form.value, str) or not form.value:
        raise problem("type", f"{what} must be a string", form)
    return form.value


def flag(form: Form, what: str) -> bool:
    """`true` or `false`."""
    if not isinstance(form, Atom) or not isinstance(form.value, bool):
        raise problem("type", f"{what} must be true or false", form)
    return form.value


def count(form: Form, what: str) -> int:
    """A whole number from 1 to a milliard."""
    value = form.value if isinstance(form, Atom) else None
    if type(value) is not int:
        raise problem("type", f"{what} must be a whole number", form)
    if not 1 <= value <= 1_000_000_000:
        raise problem("value", f"{what} must lie between 1 and 1000000000", form)
    return int(value)


def instant(form: Form, what: str) -> int:
    """An `#inst` as ms since the epoch."""
    if not isinstance(form, Atom) or not isinstance(form.value, Instant):
        raise problem("type", f'{what} must be an instant such as #inst "2026-01-31T12:00Z"', form)
    return form.value.micros // 1000


def word(form: Form, what: str) -> str:
    """The text of a keyword without a namespace."""
    if not isinstance(form, Atom) or not isinstance(form.value, Keyword) or "/" in form.value.text:
        raise problem("type", f"{what} must be a keyword", form)
    return str(form.value.text)


def is_word(form: Form, name: str) -> bool:
    """Whether a form is this keyword."""
    return isinstance(form, Atom) and isinstance(form.value, Keyword) and form.value.text == name


def matching(pattern: re.Pattern[str]) -> Callable[[Form, str], str]:
    """A string that fits a pattern as a whole."""

    def read(form: Form, what: str) -> str:
        found = text(form, what)
        if not pattern.fullmatch(found):
            raise problem("value", f"{what} is not of the form {pattern.pattern}", form)
        return found

    return read


def one_of(allowed: Iterable[T]) -> Callable[[Form, str], T]:
    """A keyword that is one of these words."""
    words = {str(name): name for name in allowed}

    def read(form: Form, what: str) -> T:
        found = word(form, what)
        if found not in words:
            known = " ".join(f":{name}" for name in words)
            raise problem("value", f"{what} must be one of {known}", form)
        return words[found]

    return read


def set_of(read: Callable[[Form, str], T]) -> Callable[[Form, str], frozenset[T]]:
    """A set of what `read` reads."""

    def read_set(form: Form, what: str) -> frozenset[T]:
        if not isinstance(form, SetForm):
            raise problem("type", f"{what} must be a set", form)
        return frozenset(read(item, what) for item in form.items)

    return read_set


def list_of(read: Callable[[Form, str], T]) -> Callable[[Form, str], tuple[T, ...]]:
    """A vector of what `read` reads."""

    def read_list(form: Form, what: str) -> tuple[T, ...]:
        if not isinstance(form, VectorForm):
            raise problem("type", f"{what} must be a vector", form)
        return tuple(read(item, what) for item in form.items)

    return read_list


def pairs(form: Form, what: str) -> Iterator[tuple[Form, Form]]:
    """The keys and values of a map whose keys are the user's own."""
    if not isinstance(form, MapForm):
        raise problem("type", f"{what} must be a map", form)
    return form.pairs()
