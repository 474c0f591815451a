"""May this run begin now: the rules of a concurrency slot, as functions from one slot to the next.

| the slot is held by | `:supersede` | `:drain` | `:coexist` |
| --- | --- | --- | --- |
| another version | they are told to end, it goes next | it queues | it begins beside them |
| the same version | they are told to end, it goes next | it queues | it is rejected, or queues if it may |
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from gitflow_runner.errors import UsageError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.printer import canonical
from gitflow_runner.lang.values import Keyword, Value
from gitflow_runner.model.flow import Concurrency
from gitflow_runner.model.slot import Admission, Decided, Decision, Slot, SlotEntry

MAX_KEY_BYTES = 1_024
MAX_QUEUE = 1_000
_REMEMBERED = 32  # decisions


@dataclass(frozen=True, slots=True)
class Place:
    """What a run is counted by: the slot's digest, and its key as canonical EDN (None for a singleton)."""

    slot: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a start leads to: the slot after it and the run's admission, None if it is rejected."""

    slot: Slot
    admission: Admission | None
    behind: tuple[str, ...] = ()
    is_full: bool = False  # rejected because the queue is as long as it may be


def place_of(concurrency: Concurrency, given: Map, *, draft: bool) -> Place:
    """The slot that a run with this input is counted in; drafts have slots of their own.

    Raises `UsageError`: `input.key_missing` where a keyed flow gets no key, `input.key_too_large`.
    """
    key = None
    if concurrency.type == "keyed":
        key = _key(concurrency, given)
    named = f"{'draft' if draft else 'live'}\n{'' if key is None else key}"
    return Place(hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest(), key)


def _key(concurrency: Concurrency, given: Map) -> str:
    found: Value = given
    for part in concurrency.key_path:
        found = _at(found, part)
    where = " ".join(_shown(part) for part in concurrency.key_path)
    if found is None or found == "":
        raise UsageError(
            "input.key_missing",
            f"the flow is keyed by {where}, and the input has nothing there",
            hint="runs are counted by this value, so every start has to give it",
        )
    text = canonical(found)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES:
        raise UsageError("input.key_too_large", f"the key at {where} takes more than {MAX_KEY_BYTES} bytes")
    return text


def _at(value: Value, part: object) -> Value:
    if not isinstance(value, Map):
        return None
    assert isinstance(part, Keyword | str), "the linter lets names through, no other parts of a path"
    found = value.get(part)
    return found if found is not None or isinstance(part, str) else value.get(part.text)


def _shown(part: object) -> str:
    return f":{part.text}" if isinstance(part, Keyword) else str(part)


def admit(
    slot: Slot,
    place: Place,
    entry: SlotEntry,
    *,
    patient: bool,
    callers: Callable[[], frozenset[str]] = frozenset,
) -> Answer:
    """Decide on a start; the slot's dead entries have been taken out.

    `patient` starts are never rejected: nobody stands there to ask again. `callers` are the runs that
    called one another down to this one, asked for only if the slot is held.
    """
    slot = _without(slot, entry.run)
    if slot.holders and not callers().isdisjoint(each.run for each in slot.holders):
        return _answer(_holding(slot, entry), place, entry, "nested")
    others = [each for each in slot.entries if each.superseded_by is None]
    if not slot.holders and not others:
        return _answer(_holding(slot, entry), place, entry, "started")
    beside = entry.on_new_version == "coexist" and all(each.version != entry.version for each in others)
    if len(slot.queue) >= MAX_QUEUE and not beside:
        return Answer(slot, None, slot.before(entry.run), is_full=True)
    match entry.on_new_version:
        case "supersede":
            ending = insist(slot, entry.run, tuple(each.run for each in slot.entries))
            return _answer(_queueing(ending, entry), place, entry, "superseding")
        case "coexist" if beside:
            return _answer(_holding(slot, entry), place, entry, "coexisted")
        case "coexist" if not patient:
            return Answer(slot, None, tuple(each.run for each in others))
        case _:
            return _answer(_queueing(slot, entry), place, entry, "queued")


def _answer(slot: Slot, place: Place, entry: SlotEntry, decision: Decision) -> Answer:
    behind = slot.before(entry.run)
    admission = Admission(place.slot, entry.version, decision, place.key, behind)
    return Answer(_noted(slot, Decided(entry.run, decision, entry.at)), admission, behind)


def leave(slot: Slot, runs: frozenset[str], at: int) -> Slot:
    """The slot without these runs: whoever may go on now is a holder in it."""
    for run in sorted(runs):
        if slot.entry(run) is not None:
            slot = _noted(_without(slot, run), Decided(run, "left", at))
    while (following := _next(slot)) is not None:
        rest = tuple(each for each in slot.queue if each is not following)
        slot = replace(slot, holders=(*slot.holders, following), queue=rest)
        slot = _noted(slot, Decided(following.run, "admitted", at))
    return slot


def rejoin(slot: Slot, entry: SlotEntry, *, holding: bool) -> Slot:
    """The slot with a run in it that its own history puts there: the record was lost or set back."""
    if slot.entry(entry.run) is not None:
        return slot
    back = _holding(slot, entry) if holding else _queueing(slot, entry)
    return leave(_noted(back, Decided(entry.run, "rejoined", entry.at)), frozenset(), entry.at)


def insist(slot: Slot, by: str, runs: tuple[str, ...]) -> Slot:
    """The slot in which these runs are told to end for `by`, whatever a lost record said."""

    def told(entries: tuple[SlotEntry, ...]) -> tuple[SlotEntry, ...]:
        return tuple(
            replace(e, superseded_by=by) if e.run in runs and e.superseded_by is None else e for e in entries
        )

    return replace(slot, holders=told(slot.holders), queue=told(slot.queue))


def _next(slot: Slot) -> SlotEntry | None:
    """The first in the queue if it may begin beside the holders; whoever is told to end begins nothing."""
    first = next((each for each in slot.queue if each.superseded_by is None), None)
    if first is None or not slot.holders:
        return first
    beside = first.on_new_version == "coexist" and all(each.version != first.version for each in slot.holders)
    return first if beside else None


def _holding(slot: Slot, entry: SlotEntry) -> Slot:
    return replace(slot, holders=(*slot.holders, entry))


def _queueing(slot: Slot, entry: SlotEntry) -> Slot:
    return replace(slot, queue=(*slot.queue, entry))


def _without(slot: Slot, run: str) -> Slot:
    return replace(
        slot,
        holders=tuple(each for each in slot.holders if each.run != run),
        queue=tuple(each for each in slot.queue if each.run != run),
    )


def _noted(slot: Slot, decided: Decided) -> Slot:
    return replace(slot, decisions=(*slot.decisions, decided)[-_REMEMBERED:])
