"""The tests beside a flow, `<slug>.tests.edn`: input, mocked steps, decisions, and what is expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.sources import Texts, shown
from gitflow_runner.catalog.syntax import entries, get, keyword_text, name_text, place, string_text
from gitflow_runner.errors import LangError, Place
from gitflow_runner.lang.collection import EMPTY_MAP, Map
from gitflow_runner.lang.forms import Atom, Form, MapForm, VectorForm, value_of
from gitflow_runner.lang.reader import read_one
from gitflow_runner.lang.values import Value

SUFFIX = ".tests.edn"
INVALID = "tests_invalid"
DEFAULT_NOW_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z

T = TypeVar("T")
_KEYS = ("name", "input", "steps", "decisions", "now-ms", "expect", "path")


@dataclass(frozen=True, slots=True)
class Mock:
    """What stands for a step: the value that it returns, or the data of the error that it ends in."""

    returns: Value = None
    throws: Map | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """How a run should end: with this output, or failed with this code; neither means: it succeeds."""

    output: Value = None
    has_output: bool = False
    fails: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One test. Steps and waits are named by their identity or, for all of their executions, by their id."""

    name: str
    place: Place
    input: Map = EMPTY_MAP
    steps: Mapping[str, Mock] = field(default_factory=dict)
    decisions: Mapping[str, Value] = field(default_factory=dict)
    now_ms: int = DEFAULT_NOW_MS
    expect: Expectation = Expectation()
    path: tuple[str, ...] | None = None


def read_cases(texts: Texts, slug: str) -> tuple[Case, ...] | None:
    """The cases of a flow; None if it has no tests.

    Raises `LangError` (`tests_invalid` and the reader's codes) with the place.
    """
    name = slug + SUFFIX
    data = texts.read(name)
    if data is None:
        return None
    file = shown(name)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise LangError("encoding_invalid", f"{file} is not UTF-8 text", at=Place(file=file)) from None
    form = read_one(text, file=file)
    if not isinstance(form, VectorForm):
        raise _invalid(form, "the file holds one vector of tests", '[{:name "…" :expect {:output …}}]')
    cases = tuple(_case(item) for item in form.items)
    names = [case.name for case in cases]
    for case in cases:
        if names.count(case.name) > 1:
            raise LangError(INVALID, f"two tests are named {case.name!r}", at=case.place)
    return cases


def _case(form: Form) -> Case:
    if not isinstance(form, MapForm):
        raise _invalid(form, "a test is a map", '{:name "…" :expect {:output …}}')
    _check_keys(form, _KEYS)
    name = string_text(get(form, "name"))
    if not name:
        raise _invalid(form, "a test has no :name", ':name "an order is accepted"')
    now = get(form, "now-ms")
    moment = DEFAULT_NOW_MS if now is None else value_of(now)
    if not isinstance(moment, int) or isinstance(moment, bool) or moment < 0:
        raise _invalid(now or form, ":now-ms is a time in ms", f":now-ms {DEFAULT_NOW_MS}")
    path = get(form, "path")
    if path is not None and not isinstance(path, VectorForm):
        raise _invalid(path, ":path is a vector of step identities", ":path [:fetch :store]")
    return Case(
        name,
        place(form),
        _map(form, "input"),
        _named(form, "steps", _mock),
        _named(form, "decisions", value_of),
        moment,
        _expectation(get(form, "expect")),
        None if path is None else tuple(_identity(item) for item in path.items),
    )


def _map(form: Form, name: str) -> Map:
    found = get(form, name)
    if found is None:
        return EMPTY_MAP
    value = value_of(found)
    if not isinstance(value, Map):
        raise _invalid(found, f":{name} is a map", f":{name} {{}}")
    return value


def _named(form: Form, name: str, read: Callable[[Form], T]) -> dict[str, T]:
    found = get(form, name)
    if found is None:
        return {}
    if not isinstance(found, MapForm):
        raise _invalid(found, f":{name} is a map by step", f":{name} {{:fetch …}}")
    return {_identity(key): read(value) for key, value in found.pairs()}


def _identity(form: Form) -> str:
    name = name_text(form)
    if name is None:
        raise _invalid(
            form, "a step is named by a keyword or, with its scope, by a text", ':fetch or "fetch#1"'
        )
    return name


def _mock(form: Form) -> Mock:
    keys = entries(form)
    if not isinstance(form, MapForm) or len(keys) != 1 or not keys.keys() <= {"returns", "throws"}:
        raise _invalid(form, "a mock says either :returns or :throws", "{:returns {:status 200}}")
    if "returns" in keys:
        return Mock(value_of(keys["returns"].value))
    throws = value_of(keys["throws"].value)
    if not isinstance(throws, Map):
        hint = '{:throws {:code "http.status" :message "404"}}'
        raise _invalid(keys["throws"].value, ":throws is the map of an error", hint)
    return Mock(throws=throws)


def _expectation(form: Form | None) -> Expectation:
    if form is None:
        return Expectation()
    keys = entries(form)
    if not isinstance(form, MapForm) or len(keys) != 1 or not keys.keys() <= {"output", "fails"}:
        raise _invalid(form, ":expect says either :output or :fails", ":expect {:output {:kept true}}")
    if "output" in keys:
        return Expectation(value_of(keys["output"].value), True)
    code = name_text(keys["fails"].value)
    if code is None:
        raise _invalid(keys["fails"].value, ":fails is the code of an error", ':fails "http.status"')
    return Expectation(fails=code)


def _check_keys(form: MapForm, known: tuple[str, ...]) -> None:
    for key in form.items[::2]:
        name = keyword_text(key)
        if name not in known:
            text = key.value if isinstance(key, Atom) else key
            hint = did_you_mean(name or "", known, ":") or "known: " + " ".join(f":{each}" for each in known)
            raise _invalid(key, f"a test has no key {text!r}", hint)


def _invalid(form: Form, message: str, hint: str) -> LangError:
    return LangError(INVALID, message, hint=hint, at=place(form))
