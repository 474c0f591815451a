"""A flow in the older spelling, rewritten: `:triggers` become invocations, interfaces, schedules.

The file is edited by spans, so all that is not about triggers stays as it is; comments among the triggers
are carried over. The result is accepted only if it means what the file meant before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gitflow_runner.catalog.includes import Expanded, expand
from gitflow_runner.catalog.lint.rule import Subject
from gitflow_runner.catalog.lint.top_level import OLD
from gitflow_runner.catalog.normalise import DEFAULT, normalise, trigger_category, trigger_names
from gitflow_runner.catalog.sources import MemoryTexts, Texts, shown
from gitflow_runner.catalog.syntax import elements, entries, get, keyword_text, name_text, place
from gitflow_runner.catalog.validate import blocking, require_valid
from gitflow_runner.errors import LangError, Place
from gitflow_runner.lang.editing import Edit, applied, set_entry
from gitflow_runner.lang.forms import Form, MapForm, VectorForm
from gitflow_runner.lang.reader import read_one
from gitflow_runner.lang.values import keyword
from gitflow_runner.model.flow import Flow, SourceFile

_SPACE = " \t\r\n,"
_DROPPED = ("fields", "source")  # what the newer spelling says by an entry's place


@dataclass(frozen=True, slots=True)
class Migration:
    """The text of a flow's file before and after; equal where nothing was to be done."""

    before: str
    after: str


def migrate(texts: Texts, path: str) -> Migration:
    """The file at `path` in the newest spelling.

    Raises what loading raises, `LangError` `gen0_refused` for the first generation, and `migrate.unclear`
    where the triggers do not lie in plain sight (in an include, in a reader conditional).
    """
    expanded = expand(texts, path)
    _require_second(Subject(_slug(expanded), expanded))
    root = expanded.files[0]
    entry = entries(expanded.form).get("triggers")
    if entry is None:
        return Migration(root.text, root.text)
    before = normalise(expanded)
    after = _rewritten(root, before)
    files = {file.path: file.text for file in expanded.files} | {path: after}
    again = _reread(files, path)
    if _meaning(normalise(again)) != _meaning(before):
        raise _unclear(root, "the newer spelling would not mean the same")
    return Migration(root.text, after)


def _require_second(subject: Subject) -> None:
    for found in blocking(subject):
        if found.code == OLD.name:
            at = Place(file=found.file, line=found.line, col=found.col)
            raise LangError(found.code, found.message, hint=found.hint, at=at)
    require_valid(subject)


def _reread(files: Mapping[str, str], path: str) -> Expanded:
    again = expand(MemoryTexts(files), path)
    require_valid(Subject(_slug(again), again))
    return again


def _slug(expanded: Expanded) -> str:
    # How the file is named is not what is rewritten here.
    return name_text(get(expanded.form, "slug")) or ""


def _meaning(flow: Flow) -> object:
    interfaces = sorted((i.category, i.id, i.invocation, i.enabled, i.label or "") for i in flow.interfaces)
    return dict(flow.invocations), interfaces, flow.schedules


def _rewritten(root: SourceFile, flow: Flow) -> str:
    form = read_one(root.text, file=shown(root.path))
    pair = entries(form).get("triggers")
    if not isinstance(form, MapForm) or pair is None:
        raise _unclear(root, "the triggers stand in an include or a reader conditional")
    triggers = _triggers(root, pair.value)
    indent = form.source.line_col(pair.key.start)[1] - 1
    edits: list[Edit] = []
    added: list[str] = []
    for name, text in _fields(form, flow, triggers, indent):
        if name in entries(form):
            edits.append(set_entry(form, keyword(name), text))
        else:
            added.append(f":{name} {text}")
    if added:
        edits.append(Edit(form.source, pair.key.start, pair.value.end, ("\n" + " " * indent).join(added)))
    else:
        edits.append(_without(form, pair.key.start, pair.value.end))
    try:
        return applied(form.source, edits)
    except LangError:
        raise _unclear(root, "the triggers stand in a reader conditional") from None


def _without(form: MapForm, start: int, end: int) -> Edit:
    text = form.source.text
    while text[start - 1] in _SPACE:
        start -= 1
    # A comment before the key would swallow what follows on its line.
    return Edit(
        form.source, start, end, "\n" if text.rfind(";", text.rfind("\n", 0, start) + 1, start) >= 0 else ""
    )


@dataclass(frozen=True, slots=True)
class _Trigger:
    """One trigger: its name and category, the entries of its map and of its `:config`, what stands aside."""

    name: str
    category: str | None  # None for a schedule
    own: Mapping[str, str]
    config: Mapping[str, str]
    asides: tuple[str, ...] = field(default=())

    def entry(self, pairs: Sequence[tuple[str, str]], indent: int) -> str:
        """A map of these keys, then what else the trigger and its config say; comments above it."""
        known = {key for key, _ in pairs}
        rest = [
            (key, text)
            for key, text in (*self.own.items(), *self.config.items())
            if key not in (*known, *_DROPPED, "type", "config")
        ]
        pad = "\n" + " " * indent
        return "".join(each + pad for each in self.asides) + _map_text((*pairs, *rest))


def _map_text(pairs: Sequence[tuple[str, str]]) -> str:
    return "{" + " ".join(f":{key} {text}" for key, text in pairs) + "}"


def _fields(
    form: MapForm, flow: Flow, triggers: Sequence[_Trigger], indent: int
) -> Iterator[tuple[str, str]]:
    """The top-level fields that the triggers stand for, as far as the file does not have them already."""
    if get(form, "invocations") is None or not entries(get(form, "invocations")):
        pad = "\n" + " " * (indent + len(":invocations {"))
        yield "invocations", "{" + pad.join(_invocations(triggers)) + "}"
    declared = entries(get(form, "interfaces"))
    if declared:
        # Triggers of a category that is declared have no effect; of others they must be added by hand.
        left = [t for t in triggers if t.category is not None and t.category not in declared]
        if left:
            raise LangError(
                "migrate.unclear",
                f"the flow declares :interfaces and has a trigger of another category, :{left[0].category}",
                hint=f"move it into :interfaces {{:{left[0].category} [...]}}",
                at=place(form),
            )
    else:
        yield from _interfaces(flow, triggers, indent)
    if not elements(get(form, "schedules")):
        yield from _schedules(triggers, indent)


def _invocations(triggers: Sequence[_Trigger]) -> list[str]:
    found: list[str] = []
    for trigger in triggers:
        fields = trigger.config.get("fields")
        if trigger.category is not None and fields is not None and fields.strip("[]" + _SPACE):
            label = [("label", trigger.own["label"])] if "label" in trigger.own else []
            found.append(f":{trigger.name} {_map_text((*label, ('inputs', fields)))}")
    if not any(each.startswith(f":{DEFAULT} ") for each in found):
        found.append(f":{DEFAULT} {{:inputs []}}")
    return found


def _interfaces(flow: Flow, triggers: Sequence[_Trigger], indent: int) -> Iterator[tuple[str, str]]:
    by_id = {(each.category, each.id): each.invocation for each in flow.interfaces}
    categories: list[str] = []
    for category in ("manual", "webhook", "git"):
        column = indent + len(f":interfaces {{:{category} [")
        lines: list[str] = []
        for trigger in triggers:
            if trigger.category == category:
                name = "manual" if trigger.name == DEFAULT else trigger.name
                own = [(key, trigger.own[key]) for key in ("label", "enabled") if key in trigger.own]
                invocation = by_id[category, name]
                pairs = (("id", f":{name}"), ("invocation", f":{invocation}"), *own)
                lines.append(trigger.entry(pairs, column))
        if lines:
            categories.append(f":{category} [" + ("\n" + " " * column).join(lines) + "]")
    if categories:
        yield "interfaces", "{" + ("\n" + " " * (indent + len(":interfaces {"))).join(categories) + "}"


def _schedules(triggers: Sequence[_Trigger], indent: int) -> Iterator[tuple[str, str]]:
    column = indent + len(":schedules [")
    lines = [
        trigger.entry(
            (
                ("id", f":{trigger.name}"),
                ("invocation", trigger.own.get("invocation", f":{DEFAULT}")),
                *[(key, trigger.own[key]) for key in ("label", "enabled") if key in trigger.own],
            ),
            column,
        )
        for trigger in triggers
        if trigger.category is None
    ]
    if lines:
        yield "schedules", "[" + ("\n" + " " * column).join(lines) + "]"


def _triggers(root: SourceFile, vector: Form) -> list[_Trigger]:
    """The triggers of a literal vector of literal maps, with the comments and discards around them."""
    items = elements(vector)
    plain = isinstance(vector, VectorForm) and all(isinstance(item, MapForm) for item in items)
    configs = [entries(item).get("config") for item in items]
    if not plain or any(c is not None and not isinstance(c.value, MapForm) for c in configs):
        raise _unclear(root, "a trigger or its :config is no literal map")
    found: list[_Trigger] = []
    at = vector.start + 1
    for index, (item, name) in enumerate(zip(items, trigger_names(items), strict=True)):
        last = index + 1 == len(items)
        end = vector.end - 1 if last else _line_end(item.source.text, item.end, items[index + 1].start)
        asides = tuple(_asides(item, at, end))
        found.append(
            _Trigger(name, trigger_category(item), _texts(item), _texts(get(item, "config")), asides)
        )
        at = end
    return found


def _line_end(text: str, start: int, end: int) -> int:
    """Where a line ends that begins its rest at `start`; at `end` if a form comes first."""
    found = text.find("\n", start, end)
    return end if found < 0 else found


def _texts(form: Form | None) -> dict[str, str]:
    """The keyword keys of a map with their values as written."""
    found = entries(form)
    return {name: e.value.source.text[e.value.start : e.value.end] for name, e in found.items()}


def _asides(item: Form, start: int, end: int) -> Iterator[str]:
    """Comments and discards from `start` to `end` that are inside of no value that is carried over."""
    at = start
    for hole_start, hole_end in (*_holes(item), (end, end)):
        piece = item.source.text[at:hole_start].strip(_SPACE)
        if piece:
            yield from (line.strip() for line in piece.split("\n") if line.strip())
        at = max(at, hole_end)


def _holes(item: Form) -> Iterator[tuple[int, int]]:
    """The spans of a trigger's brackets, keys and values; of its `:config` likewise."""
    assert isinstance(item, MapForm), "only maps are asked for"
    yield item.start, item.start + 1
    for key, value in item.pairs():
        yield key.start, key.end
        if keyword_text(key) == "config" and isinstance(value, MapForm):
            yield from _holes(value)
        else:
            yield value.start, value.end
    yield item.end - 1, item.end


def _unclear(root: SourceFile, why: str) -> LangError:
    return LangError(
        "migrate.unclear",
        f"{shown(root.path)} cannot be rewritten by itself: {why}",
        hint="write :invocations, :interfaces and :schedules by hand and drop :triggers",
        at=Place(file=shown(root.path)),
    )
