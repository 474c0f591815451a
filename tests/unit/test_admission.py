"""Who may begin: the table of a slot's rules, its queue, and the key that runs are counted by."""

from __future__ import annotations

import pytest

from gitflow_runner.engine.admission import (
    MAX_KEY_BYTES,
    MAX_QUEUE,
    Answer,
    Place,
    admit,
    insist,
    leave,
    place_of,
    rejoin,
)
from gitflow_runner.errors import UsageError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.values import keyword
from gitflow_runner.model.flow import Concurrency, OnNewVersion
from gitflow_runner.model.slot import Slot, SlotEntry

PLACE = Place("a" * 64, None)


def entry(run: str, version: str = "v1", policy: OnNewVersion = "drain", at: int = 1) -> SlotEntry:
    return SlotEntry(run, version, policy, at)


def asked(slot: Slot, new: SlotEntry, *, patient: bool = False, callers: tuple[str, ...] = ()) -> Answer:
    return admit(slot, PLACE, new, patient=patient, callers=lambda: frozenset(callers))


def held(version: str = "v1") -> Slot:
    return asked(Slot(), entry("a", version)).slot


def names(slot: Slot) -> tuple[list[str], list[str]]:
    return [each.run for each in slot.holders], [each.run for each in slot.queue]


@pytest.mark.parametrize("policy", ["supersede", "drain", "coexist"])
def test_a_free_slot_is_taken_at_once(policy: OnNewVersion) -> None:
    answer = asked(Slot(), entry("a", policy=policy))
    assert answer.admission is not None
    assert (answer.admission.decision, answer.admission.behind) == ("started", ())
    assert names(answer.slot) == (["a"], [])


@pytest.mark.parametrize(
    ("policy", "version", "decision", "after"),
    [
        ("supersede", "v1", "superseding", (["a"], ["b"])),
        ("supersede", "v2", "superseding", (["a"], ["b"])),
        ("drain", "v1", "queued", (["a"], ["b"])),
        ("drain", "v2", "queued", (["a"], ["b"])),
        ("coexist", "v1", None, (["a"], [])),
        ("coexist", "v2", "coexisted", (["a", "b"], [])),
    ],
)
def test_what_a_busy_slot_answers(
    policy: OnNewVersion, version: str, decision: str | None, after: tuple[list[str], list[str]]
) -> None:
    answer = asked(held(), entry("b", version, policy))
    assert (answer.admission and answer.admission.decision) == decision
    assert names(answer.slot) == after
    assert answer.behind == (() if decision == "coexisted" else ("a",))
    told = answer.slot.entry("a")
    assert told is not None
    assert told.superseded_by == ("b" if policy == "supersede" else None)


def test_a_start_that_nobody_would_repeat_queues_instead_of_being_rejected() -> None:
    answer = asked(held(), entry("b", policy="coexist"), patient=True)
    assert answer.admission is not None
    assert answer.admission.decision == "queued"


def test_a_called_run_begins_under_the_caller_that_holds_its_slot() -> None:
    for policy in ("supersede", "drain", "coexist"):
        answer = asked(held(), entry("b", policy=policy), patient=True, callers=("a", "x"))
        assert answer.admission is not None
        assert answer.admission.decision == "nested"
        assert answer.slot.entries[0].superseded_by is None


def test_the_queue_is_first_come_first_served() -> None:
    slot = held()
    for run in "bcd":
        slot = asked(slot, entry(run)).slot
    assert slot.before("d") == ("a", "b", "c")
    for last, following in (("a", "b"), ("b", "c"), ("c", "d")):
        slot = leave(slot, frozenset(last), 9)
        assert names(slot)[0] == [following]
    assert leave(slot, frozenset("d"), 9).is_empty


def test_whoever_leaves_the_queue_lets_nobody_pass_the_holder() -> None:
    slot = asked(asked(held(), entry("b")).slot, entry("c")).slot
    assert names(leave(slot, frozenset("b"), 9)) == (["a"], ["c"])


def test_a_newer_run_supersedes_all_that_are_there_and_the_newest_goes_next() -> None:
    slot = asked(asked(held(), entry("b")).slot, entry("c", "v2", "supersede")).slot
    slot = asked(slot, entry("d", "v3", "supersede")).slot
    assert [(each.run, each.superseded_by) for each in slot.entries] == [
        ("a", "c"),
        ("b", "c"),
        ("c", "d"),
        ("d", None),
    ]
    # The queued ones have not begun anything: only the holder's end is waited for.
    assert names(leave(slot, frozenset("a"), 9)) == (["d"], ["b", "c"])


def test_another_version_in_the_queue_begins_once_its_own_has_left() -> None:
    slot = asked(held(), entry("b", "v1", "coexist"), patient=True).slot
    slot = asked(slot, entry("c", "v2", "coexist")).slot
    assert names(slot) == (["a", "c"], ["b"])
    assert names(leave(slot, frozenset("c"), 9)) == (["a"], ["b"])
    assert names(leave(slot, frozenset("a"), 9)) == (["c", "b"], [])


def test_asking_again_takes_no_second_place() -> None:
    slot = asked(held(), entry("b")).slot
    assert names(asked(slot, entry("b")).slot) == (["a"], ["b"])


def test_a_run_that_its_own_history_puts_there_is_put_back() -> None:
    assert names(rejoin(Slot(), entry("a"), holding=True)) == (["a"], [])
    assert names(rejoin(held(), entry("b"), holding=False)) == (["a"], ["b"])
    assert names(rejoin(Slot(), entry("b"), holding=False)) == (["b"], []), "nobody else is there"
    assert rejoin(held(), entry("a"), holding=True) == held()
    told = insist(held(), "b", ("a",)).entry("a")
    assert told is not None
    assert told.superseded_by == "b"


def test_a_queue_has_an_end() -> None:
    slot = held()
    waiting = tuple(entry(f"q{number}") for number in range(MAX_QUEUE))
    full = Slot(slot.holders, waiting)
    answer = asked(full, entry("last"))
    assert (answer.admission, answer.is_full, answer.behind[0]) == (None, True, "a")
    assert asked(full, entry("last"), patient=True).is_full
    assert asked(full, entry("other", "v2", "coexist")).admission is not None
    assert asked(Slot(slot.holders, waiting[1:]), entry("last")).admission is not None


def test_only_the_last_decisions_are_remembered() -> None:
    slot = Slot()
    for number in range(50):
        slot = asked(slot, entry(f"r{number}")).slot
    assert len(slot.decisions) == 32
    assert slot.decisions[-1].run == "r49"


def keyed(*path: object) -> Concurrency:
    return Concurrency("keyed", "drain", path)


def data(text: str) -> Map:
    found = read_data(text, loose=True)
    assert isinstance(found, Map)
    return found


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ('{"event" {"id" 7}}', "7"),
        ("{:event {:id 7}}", "7"),
        ('{:event {:id "7"}}', '"7"'),
        ("{:event {:id false}}", "false"),
        ("{:event {:id {:b 1 :a 2}}}", "{:a 2, :b 1}"),
    ],
)
def test_the_key_lies_where_the_flow_says(given: str, key: str) -> None:
    place = place_of(keyed(keyword("event"), keyword("id")), data(given), draft=False)
    assert place.key == key
    assert len(place.slot) == 64


def test_equal_keys_share_a_slot_and_drafts_have_their_own() -> None:
    path = keyed(keyword("id"))
    live = place_of(path, data('{:id "x"}'), draft=False)
    assert live == place_of(path, data('{"id" "x", "more" 1}'), draft=False)
    assert live.slot != place_of(path, data('{:id "y"}'), draft=False).slot
    assert live.slot != place_of(path, data('{:id "x"}'), draft=True).slot
    alone = Concurrency("singleton", "drain")
    assert place_of(alone, data("{:id 1}"), draft=False) == place_of(alone, data("{}"), draft=False)


@pytest.mark.parametrize("given", ["{}", "{:id nil}", '{:id ""}'])
def test_a_keyed_flow_wants_its_key(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        place_of(keyed(keyword("id")), data(given), draft=False)
    assert caught.value.code == "input.key_missing"
    assert ":id" in caught.value.message


def test_a_key_has_a_length() -> None:
    longest = "k" * (MAX_KEY_BYTES - 2)
    assert place_of(keyed(keyword("id")), data(f'{{:id "{longest}"}}'), draft=False).key is not None
    with pytest.raises(UsageError) as caught:
        place_of(keyed(keyword("id")), data(f'{{:id "{longest}k"}}'), draft=False)
    assert caught.value.code == "input.key_too_large"
