"""What differs between two flows in the words of flows: steps, functions, requirements, and the rest."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from gitflow_runner.catalog.lint.calls import STEP, step_calls
from gitflow_runner.catalog.syntax import keyword_text
from gitflow_runner.lang.collection import Map, Vec
from gitflow_runner.lang.forms import (
    Atom,
    Form,
    ListForm,
    MapForm,
    SetForm,
    TagForm,
    VectorForm,
    head,
    value_of,
)
from gitflow_runner.lang.printer import readable
from gitflow_runner.lang.values import Keyword, Value
from gitflow_runner.model.flow import Flow

Kind = Literal["added", "removed", "changed"]
Fields = Mapping[str, str]
Parts = Mapping[tuple[str, str], Fields]

# Top-level keys that hold several things, and what one of them is called.
_SEVERAL = {
    "functions": "function",
    "templates": "template",
    "requires": "requirement",
    "steps": "packaged step",
    "agents": "agent",
    "schedules": "schedule",
    "triggers": "trigger",
    "invocations": "invocation",
}
_NAMED_BY = ("id", "slot", "name", "job-type", "collect", "type")
_ORDER = ("step", "body", "function", "requirement")


@dataclass(frozen=True, slots=True)
class Edit:
    """One setting that differs, as EDN; None where it is not set."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was added, removed or changed; `part` says what it is, `edits` what differs in it."""

    kind: Kind
    part: str
    name: str
    edits: tuple[Edit, ...] = ()


def diff_flows(before: Flow, after: Flow) -> tuple[Change, ...]:
    """All changes, those of steps first; none if both mean the same, however they are written."""
    old, new = dict(_parts(before)), dict(_parts(after))
    found = []
    for key in dict.fromkeys((*old, *new)):
        part, name = key
        if key not in old:
            found.append(Change("added", part, name, _edits({}, new[key])))
        elif key not in new:
            found.append(Change("removed", part, name, _edits(old[key], {})))
        elif old[key] != new[key]:
            found.append(Change("changed", part, name, _edits(old[key], new[key])))
    return tuple(sorted(found, key=lambda change: _rank(change.part)))


def diff_sources(before: Flow, after: Flow, names: tuple[str, str]) -> tuple[str, ...]:
    """The closure's files as a unified diff, file by file; `names` are those of the two sides."""
    old = {file.path: file.text for file in before.files}
    new = {file.path: file.text for file in after.files}
    lines: list[str] = []
    for path in sorted({*old, *new}):
        left, right = (side.get(path, "").splitlines() for side in (old, new))
        heads = [f"{name}/{path}" for name in names]
        lines += difflib.unified_diff(left, right, heads[0], heads[1], lineterm="")
    return tuple(lines)


def _rank(part: str) -> int:
    return _ORDER.index(part) if part in _ORDER else len(_ORDER)


def _edits(before: Fields, after: Fields) -> tuple[Edit, ...]:
    keys = dict.fromkeys((*before, *after))
    return tuple(Edit(k, before.get(k), after.get(k)) for k in keys if before.get(k) != after.get(k))


def _parts(flow: Flow) -> Iterator[tuple[tuple[str, str], Fields]]:
    yield from _steps(flow.body)
    yield ("body", ""), {"text": _skeleton(flow.body)}
    own: dict[str, str] = {}
    for key, value in _items(flow.raw):
        if key == "flow":
            continue
        if key in _SEVERAL:
            yield from _several(_SEVERAL[key], value)
        elif key == "interfaces":
            for category, listed in _items(value):
                yield from _several(f"{category} interface", listed)
        else:
            own[key] = readable(value)
    yield ("flow", ""), own


def _steps(body: Form) -> Iterator[tuple[tuple[str, str], Fields]]:
    seen: dict[str, int] = {}
    for call in step_calls(body):
        name = keyword_text(call.id) or call.type or "step"
        seen[name] = seen.get(name, 0) + 1
        fields = {"type": f":{call.type}"} if call.type is not None else {}
        if isinstance(call.config, MapForm):
            fields |= dict(_fields(value_of(call.config)))
        elif call.config is not None:
            fields["config"] = readable(value_of(call.config))
        yield ("step", name if seen[name] == 1 else f"{name} #{seen[name]}"), fields


def _several(part: str, value: Value) -> Iterator[tuple[tuple[str, str], Fields]]:
    named = _items(value) if isinstance(value, Map) else [("", item) for item in _elements(value)]
    seen: dict[str, int] = {}
    for key, item in named:
        fields = dict(_fields(item)) or {"value": readable(item)}
        name = key or next((fields[k].lstrip(":").strip('"') for k in _NAMED_BY if k in fields), "")
        seen[name] = seen.get(name, 0) + 1
        yield (part, name if seen[name] == 1 else f"{name} #{seen[name]}"), fields


def _fields(value: Value) -> Iterator[tuple[str, str]]:
    for key, inner in _items(value):
        yield key, readable(inner)


def _items(value: object) -> list[tuple[str, Value]]:
    if not isinstance(value, Map):
        return []
    return [(k.text if isinstance(k, Keyword) else readable(k), v) for k, v in value.items()]


def _elements(value: Value) -> tuple[Value, ...]:
    return tuple(value) if isinstance(value, Vec) else ()


def _skeleton(form: Form) -> str:
    """The body without the settings of its steps: which forms, in which order, around which steps."""
    match form:
        case ListForm() if head(form) == STEP:
            calls = [item for item in form.items if not isinstance(item, MapForm)]
            return f"({' '.join(_skeleton(item) for item in calls)})"
        case ListForm():
            return f"({' '.join(_skeleton(item) for item in form.items)})"
        case VectorForm():
            return f"[{' '.join(_skeleton(item) for item in form.items)}]"
        case MapForm():
            return f"{{{' '.join(_skeleton(item) for item in form.items)}}}"
        case SetForm():
            return f"#{{{' '.join(_skeleton(item) for item in form.items)}}}"
        case TagForm():
            return f"#{form.tag.text} {_skeleton(form.form)}"
        case Atom():
            return readable(form.value)
