"""Installations put together by commands: slots bound, setup forms filled in, all else of the file left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from gitflow_runner.catalog.installations import installation_path, parse_installation
from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.sources import WorkTreeTexts
from gitflow_runner.connections.document import Document
from gitflow_runner.connections.file import PATH as CONNECTIONS
from gitflow_runner.connections.file import parse_connections
from gitflow_runner.connections.yamledit import Plain, with_entry, without_entry
from gitflow_runner.errors import UsageError
from gitflow_runner.model.flow import Flow, Requirement
from gitflow_runner.runner.configured import reader_of_work_tree, write_in_work_tree
from gitflow_runner.runner.inputs import coerced, setup_fields
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.usages import known_connection, work_dir_of
from gitflow_runner.schemas.jsontext import to_plain

ACTIVATION: Final = "activation"
CONNECTION: Final = ("conn", "connection")
_OLDER: Final = {"llm-provider": "http-api"}  # the older name of one type
_ELSEWHERE: Final = {
    "apikey": "gfr secrets set NAME",
    "secret-ref": "gfr secrets set NAME",
    "url": "gfr connections create NAME --base-url URL",
    "base-url": "gfr connections create NAME --base-url URL",
}

_Change = tuple[tuple[str, ...], Plain]  # where in the file, and what; None takes it out


@dataclass(frozen=True, slots=True)
class Wrote:
    """What was put into which file: places as `bindings.shop`."""

    installation: str
    file: str
    changed: tuple[str, ...]
    enabled: bool


def configure(runtime: Runtime, slug: str, installation: str | None, pairs: Sequence[str]) -> Wrote:
    """Put `slot.conn=NAME`, `slot.secret=NAME`, `activation.FIELD=value` or `enabled=true` into the file.

    An empty value takes the entry out. All pairs are checked before anything is written. Raises `UsageError`
    (`configure.set`, `configure.slot`, `configure.type`, `input.*`, `installation.*`) and `NotFoundError`
    (`flow.unknown`, `connection.unknown`).
    """
    work_dir = work_dir_of(runtime)
    flow = load(WorkTreeTexts(work_dir), slug)
    id = installation or slug
    file = installation_path(id)
    read = reader_of_work_tree(work_dir)
    before = read(file)
    there = parse_installation(before, id)
    if before is not None and there.flow != slug:
        raise UsageError("installation.flow", f"installation {id} is one of {there.flow}, not of {slug}")
    changes: list[_Change] = [] if before is not None or id == slug else [(("flow",), slug)]
    changes += [_change(runtime, flow, pair, read(CONNECTIONS)) for pair in pairs]
    document, after = Document(file, "installation"), before
    for path, value in changes:
        after = (
            without_entry(document, after, path)
            if value is None
            else with_entry(document, after, path, value)
        )
    enabled = parse_installation(after, id).enabled
    if after is not None and after != before:
        write_in_work_tree(work_dir, file, after)
    changed = tuple(".".join(path) for path, _ in changes) if after != before else ()
    return Wrote(id, file, changed, enabled)


def _change(runtime: Runtime, flow: Flow, pair: str, connections: bytes | None) -> _Change:
    key, equals, value = pair.partition("=")
    place, dot, name = key.removeprefix(":").partition(".")
    if equals and key == "enabled" and value in ("true", "false", ""):
        return ("enabled",), value == "true" if value else None
    if not equals or not dot or not place or not name:
        # The value is not repeated: somebody may have typed a secret.
        raise UsageError(
            "configure.set",
            "a setting is slot.conn=NAME, slot.secret=NAME, activation.FIELD=VALUE or enabled=true",
            fix=(f"gfr configure {flow.slug} --set SLOT.conn=NAME",),
        )
    if place == ACTIVATION:
        return _activation(runtime, flow, name, value)
    slot = next((each for each in flow.requires if each.slot == place), None)
    if slot is None:
        slots = [each.slot for each in flow.requires if each.slot is not None]
        raise UsageError(
            "configure.slot",
            f"{flow.slug} has no slot {place[:60]!r}",
            hint=did_you_mean(place, slots)
            or f"its slots: {', '.join(slots) or 'none'}; or {ACTIVATION}.FIELD",
        )
    return _binding(slot, place, name, value, connections)


def _binding(slot: Requirement, place: str, name: str, value: str, connections: bytes | None) -> _Change:
    at = ("bindings", place)
    if name == "secret" and slot.type == "secret":
        return at, {"secret": value} if value else None
    if name not in CONNECTION or slot.type == "secret":
        takes = "secret" if slot.type == "secret" else "conn"
        hint = _ELSEWHERE.get(name, f"write {place}.{takes}=NAME")
        raise UsageError("configure.set", f"slot {place} takes no {name[:40]!r}", hint=hint)
    if not value:
        return at, None
    found = known_connection(parse_connections(connections), value)
    wanted, given = (_OLDER.get(str(kind), str(kind)) for kind in (slot.type, found.type))
    if slot.type is not None and wanted != given:
        raise UsageError("configure.type", f"slot {place} takes a {slot.type}, and {value} is a {found.type}")
    return at, value


def _activation(runtime: Runtime, flow: Flow, name: str, value: str) -> _Change:
    fields = {field.name: field for field in setup_fields(flow)}
    field = fields.get(name)
    if field is None:
        raise UsageError(
            "configure.slot",
            f"no form of {flow.slug} asks for {name[:60]!r}",
            hint=did_you_mean(name, fields) or f"its fields: {', '.join(fields) or 'none'}",
        )
    if not value:
        return (ACTIVATION, name), None

    def known(secret: str) -> bool:
        return runtime.secrets.is_known("live", secret) or runtime.secrets.is_known("draft", secret)

    return (ACTIVATION, name), cast(Plain, to_plain(coerced(field, value, known)))
