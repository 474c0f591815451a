"""The schedules: shape of `:schedules`, the cron line and the time zone, in both dialects."""

from __future__ import annotations

import functools
import re
import zoneinfo
from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic, Path
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import elements, entries, get, keyword_text, name_text, string_text
from gitflow_runner.lang.forms import Form, MapForm, VectorForm
from gitflow_runner.model.ids import is_name

INVALID = Code(
    "invalid_schedule",
    "error",
    ':schedules is a vector of {:id :nightly :invocation :default :cron "0 3 * * *" :timezone "UTC"}.',
)
UNKNOWN = Code(
    "unknown_schedule_invocation", "error", "A schedule starts an invocation that is not declared."
)
CRON = Code(
    "invalid_cron",
    "error",
    "A cron line has five fields: minute, hour, day of month, month, day of week.",
)
ZONE = Code("invalid_timezone", "error", "A time zone is an IANA name such as Europe/Rome or UTC.")
KEY = Code(
    "schedule_without_key",
    "error",
    "In a keyed flow the schedule's :input must carry the key, since nobody else gives it.",
)

_EXAMPLE = '{:id :nightly :cron "0 3 * * *" :timezone "UTC"}'
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_FIELDS: tuple[tuple[int, int, list[str], int], ...] = (
    (0, 59, [], 0),
    (0, 23, [], 0),
    (1, 31, [], 0),
    (1, 12, _MONTHS, 1),
    (0, 7, _DAYS, 0),
)
_PART = re.compile(r"(\*|[0-9a-z]+)(?:-([0-9a-z]+))?(?:/([0-9]{1,4}))?")


def _check(subject: Subject) -> Iterator[Diagnostic]:
    form = subject.field("schedules")
    if form is None:
        return
    path: Path = (":schedules",)
    if not isinstance(form, VectorForm):
        yield INVALID.at(form, ":schedules must be a vector", hint=f"[{_EXAMPLE}]", path=path)
        return
    declared = frozenset(entries(subject.field("invocations")))
    seen: set[str] = set()
    for index, item in enumerate(form.items):
        here = (*path, index)
        if not isinstance(item, MapForm):
            yield INVALID.at(item, "a schedule must be a map", hint=_EXAMPLE, path=here)
            continue
        yield from _check_names(item, declared, seen, here)
        yield from check_times(item, here)
        yield from _check_key(subject, item, here)


def check_times(form: MapForm, path: Path) -> Iterator[Diagnostic]:
    """Findings about `:cron` and `:timezone` of a schedule's map, in either dialect."""
    cron = get(form, "cron")
    if cron is None:
        yield INVALID.at(form, "the schedule has no :cron", hint=':cron "0 3 * * *"', path=path)
    else:
        problem = cron_problem(string_text(cron))
        if problem is not None:
            yield CRON.at(
                cron, problem, hint=':cron "0 3 * * *" is every night at three', path=(*path, ":cron")
            )
    zone = get(form, "timezone")
    if zone is not None and not _is_zone(string_text(zone)):
        hint = did_you_mean(string_text(zone) or "", _zones()) or ':timezone "UTC"'
        yield ZONE.at(zone, f"{string_text(zone)!r} is no time zone", hint=hint, path=(*path, ":timezone"))


def cron_problem(line: str | None) -> str | None:
    """What is wrong with a cron line, None if nothing is."""
    fields = [] if line is None else line.lower().split()
    if len(fields) != 5:
        return ":cron must be a text of five fields"
    for text, (low, high, names, first) in zip(fields, _FIELDS, strict=True):
        for part in text.split(","):
            match = _PART.fullmatch(part)
            if match is None:
                return f"{part!r} is not a part of a cron line"
            begin, end, step = match.groups()
            ends = [_number(each, names, first) for each in (begin, end) if each not in (None, "*")]
            if any(number is None or not low <= number <= high for number in ends):
                return f"{part!r} lies outside {low} to {high}"
            if step is not None and int(step) == 0:
                return f"{part!r} has a step of 0"
            if begin == "*" and end is not None:
                return f"{part!r} is not a part of a cron line"
            if len(ends) == 2 and (ends[0] or 0) > (ends[1] or 0):
                return f"{part!r} begins after its end"
    return None


def _number(text: str, names: list[str], first: int) -> int | None:
    if text in names:
        return names.index(text) + first
    return int(text) if text.isdigit() and text.isascii() and len(text) < 4 else None


def _is_zone(name: str | None) -> bool:
    return name is not None and name in _zones()


@functools.cache
def _zones() -> frozenset[str]:
    # Every flow that is loaded asks, and each answer walks the folders of the time zone database.
    return frozenset(zoneinfo.available_timezones())


def _check_names(item: MapForm, declared: frozenset[str], seen: set[str], path: Path) -> Iterator[Diagnostic]:
    form = get(item, "id")
    name = name_text(form)
    if form is None or name is None or not is_name(name):
        yield INVALID.at(form or item, "a schedule has an :id", hint=":id :nightly", path=path)
    elif name in seen:
        yield INVALID.at(form, f"a second schedule is named :{name}", hint="rename one of them", path=path)
    else:
        seen.add(name)
    invocation = get(item, "invocation")
    wanted = name_text(invocation)
    if invocation is not None and wanted not in (declared or {"default"}):
        hint = did_you_mean(wanted or "", declared, ":") or f"add :{wanted} to :invocations"
        message = f":invocations has no :{wanted}"
        yield UNKNOWN.at(invocation, message, hint=hint, path=(*path, ":invocation"))


def _check_key(subject: Subject, item: MapForm, path: Path) -> Iterator[Diagnostic]:
    concurrency = subject.field("concurrency")
    if keyword_text(get(concurrency, "type")) != "keyed":
        return
    key = get(concurrency, "key-field")
    names = [name_text(part) for part in (elements(key) if isinstance(key, VectorForm) else (key,))]
    current: Form | None = get(item, "input")
    for name in names:
        if name is None or (current is not None and not isinstance(current, MapForm)):
            return
        current = get(current, name)
    if names and current is None:
        said = " ".join(f":{name}" for name in names)
        message = f"the flow is keyed by {said}, but the schedule's :input does not hold it"
        yield KEY.at(item, message, hint=f":input {{:{names[0]} ...}}", path=path)


RULE = Rule((INVALID, UNKNOWN, CRON, ZONE, KEY), _check, blocks=True)
