"""The record's text form: exact, strict, and readable years later."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from gitflow_runner.errors import DamagedError
from gitflow_runner.ledger import codec, upcast
from gitflow_runner.model.event import Event, Recorded, StepFailed
from gitflow_runner.model.pin import Pin, PinnedFile, ReleaseSource
from gitflow_runner.model.projection import apply
from gitflow_runner.model.stored import Stored
from tests.run_histories import EVERY_KIND, PIN, T0, failure, run_started, step_succeeded


def _same_path(value: Stored, path: str) -> str:
    return path


def _nothing(path: str, digest: str) -> bytes:
    raise AssertionError(f"{path} was read before it was asked for")


def test_the_samples_cover_every_kind() -> None:
    assert {type(event) for event in EVERY_KIND} == set(get_args(Event))


@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda e: e.kind)
def test_every_kind_comes_back_as_it_was(event: Event) -> None:
    line = codec.encode_event(Recorded(7, T0, event), _same_path)
    assert b"\n" not in line
    assert codec.decode_event(line, _nothing) == Recorded(7, T0, event)
    assert codec.encode_event(codec.decode_event(line, _nothing), _same_path) == line


def test_a_line_begins_with_its_number_time_and_kind_and_leaves_out_what_was_not_said() -> None:
    line = codec.encode_event(Recorded(2, T0, step_succeeded(1)), _same_path)
    assert list(json.loads(line)) == [
        "seq",
        "at",
        "kind",
        "identity",
        "folder",
        "attempt",
        "output",
        "took_ms",
    ]


def test_values_lie_in_the_folder_of_their_step_sharded_by_hundred() -> None:
    placed = []

    def place(value: Stored, path: str) -> str:
        placed.append((path, value.text))
        return path

    for event in (
        run_started(),
        step_succeeded(1234),
        StepFailed("f", "00002-f", 1, failure(), True, None, 1),
    ):
        codec.encode_event(Recorded(1, T0, event), place)
    assert placed == [
        ("input.edn", "{:n 1}"),
        ("steps/012/01234-fetch-1234/output.edn", "{:status 200 :id 1234}"),
        ("steps/000/00002-f/error.edn", "{:status 500}"),
    ]


def test_a_value_loads_when_asked_for_and_must_have_its_digest() -> None:
    line = codec.encode_event(Recorded(2, T0, step_succeeded(1, text='"grüße"')), _same_path)
    files = {"steps/000/00001-fetch-1/output.edn": '"grüße"'.encode()}
    event = codec.decode_event(line, lambda path, digest: files[path]).event
    assert event.output.text == '"grüße"'  # type: ignore[union-attr]
    other = codec.decode_event(line, lambda path, digest: b'"other"').event
    with pytest.raises(DamagedError) as caught:
        _ = other.output.text  # type: ignore[union-attr]
    assert caught.value.code == "history.value"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"seq":1,"at":1,"kind":"step.exploded"}', "history.unknown_event"),
        (b'{"seq":1,"at":1,"kind":"timer.fired","identity":"a","folder":"b","x":1}', "history.malformed"),
        (b'{"seq":1,"at":1,"kind":"timer.fired","identity":"a"}', "history.malformed"),
        (b'{"seq":1,"at":1,"kind":"timer.fired","identity":1,"folder":"b"}', "history.malformed"),
        (b'{"seq":true,"at":1,"kind":"timer.fired","identity":"a","folder":"b"}', "history.malformed"),
        (b'{"seq":1,"at":1.0,"kind":"timer.fired","identity":"a","folder":"b"}', "history.malformed"),
        (b'{"seq":1,"at":1,"kind":"run.timed_out","limit_ms":true}', "history.malformed"),
        (b'{"seq":1,"at":1,"kind":"timer.fired","v":2,"identity":"a","folder":"b"}', "history.newer"),
        (b'{"seq":1,"at":1,"kind":"timer.fired","v":"1","identity":"a","folder":"b"}', "history.malformed"),
        (b"[" * 100_000, "history.malformed"),
        (b"[]", "history.malformed"),
        (b"\xff", "history.malformed"),
        (
            b'{"seq":1,"at":1,"kind":"run.succeeded","output":{"sha256":"%s","file":"../input.edn"}}'
            % (b"a" * 64),
            "history.malformed",
        ),
        (
            b'{"seq":1,"at":1,"kind":"run.succeeded","output":{"sha256":"A","file":"output.edn"}}',
            "history.malformed",
        ),
    ],
)
def test_what_could_not_have_been_written_is_refused(line: bytes, code: str) -> None:
    with pytest.raises(DamagedError) as caught:
        codec.decode_event(line, _nothing)
    assert caught.value.code == code


def test_a_turns_events_end_with_a_whole_line() -> None:
    line = codec.encode_event(Recorded(1, T0, run_started()), _same_path)
    assert len(codec.decode_events(line + b"\n", _nothing)) == 1
    for torn in (line, line[:-3] + b"\n", b"", line + b"\n\n"):
        with pytest.raises(DamagedError):
            codec.decode_events(torn, _nothing)


def test_the_state_and_the_pin_come_back_and_say_their_format_first() -> None:
    run = apply(None, Recorded(1, T0, run_started()))
    text = codec.encode_run(run)
    assert text.startswith(b'{\n"format":1,\n"run":')
    assert codec.decode_run(text, _nothing) == run
    release = ReleaseSource("flow/x/v1", "1" * 40, "2" * 40, "3" * 40)
    for pin in (
        PIN,
        Pin(1, "h", "x", "x.edn", release, (PinnedFile("x.edn", "4" * 40, "5" * 64),), "d" * 64, 3),
    ):
        assert codec.decode_pin(codec.encode_pin(pin)) == pin
    assert codec.encode_pin(PIN).startswith(b'{\n"format":1,')


@pytest.mark.parametrize(("document", "code"), [(b'{"format":2}', "newer"), (b'{"run":"x"}', "malformed")])
def test_a_newer_format_is_told_before_anything_else_is_looked_at(document: bytes, code: str) -> None:
    with pytest.raises(DamagedError) as caught:
        codec.decode_run(document, _nothing)
    assert caught.value.code == f"run.{code}"
    with pytest.raises(DamagedError) as caught:
        codec.decode_pin(document)
    assert caught.value.code == f"pin.{code}"


def test_an_old_form_is_brought_to_the_current_one_step_by_step() -> None:
    def renamed(fields: upcast.Fields) -> upcast.Fields:
        return {"identity" if key == "name" else key: value for key, value in fields.items()}

    def foldered(fields: upcast.Fields) -> upcast.Fields:
        return {**fields, "folder": "00001-nap"}

    table = {"timer.fired": (renamed, foldered)}
    current = codec.decode_event(b'{"seq":3,"at":9,"kind":"timer.fired","name":"nap"}', _nothing, table)
    second = codec.decode_event(
        b'{"seq":3,"at":9,"kind":"timer.fired","v":2,"identity":"nap"}', _nothing, table
    )
    assert current == second
    line = codec.encode_event(current, _same_path, table)
    assert json.loads(line)["v"] == 3
    assert codec.decode_event(line, _nothing, table) == current
