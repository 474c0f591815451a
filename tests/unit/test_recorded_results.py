"""Results of steps on their way from a step to the body: printed once, read once, and equal either way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitflow_runner.engine.advance import advance
from gitflow_runner.errors import StepError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.readback import Written, read_again
from gitflow_runner.model.command import Complete
from gitflow_runner.model.event import Recorded, StepSucceeded
from gitflow_runner.model.stored import Stored
from gitflow_runner.runner.encode import stored
from tests.engine_shell import Shell, program

TEXT = '{:a [1 nil true], "b" #{2 :c}, :d (1.5 \\x)}'


def test_a_value_at_hand_is_handed_out_once_and_read_from_its_text_from_then_on() -> None:
    value = read_data(TEXT, loose=True)
    kept = stored(Written(value, TEXT), limit=1_000, what="it")
    assert (kept.text, kept.digest) == (TEXT, Stored(TEXT).digest)
    assert kept.take() is value
    again = kept.take()
    assert again is not value
    assert write(again) == TEXT


def test_a_text_at_hand_is_held_to_the_same_bound() -> None:
    with pytest.raises(StepError) as caught:
        stored(Written(read_data(TEXT), TEXT), limit=len(TEXT) - 1, what="it")
    assert caught.value.code == "value.too_large"


@pytest.mark.parametrize("text", [TEXT, "{:a {}}", '["ü"]', "##NaN", "#a/b {1 2}"])
def test_reading_again_gives_what_reading_gives(text: str) -> None:
    again = read_again(read_data(text), text)
    assert write(again) == text
    assert getattr(again, "loose", None) == getattr(read_data(text, loose=True), "loose", None)


def loading(history: list[Recorded], loaded: list[str]) -> list[Recorded]:
    """The history as it comes from a run's tree, which tells what is looked up there."""

    def lazily(recorded: Recorded) -> Recorded:
        event = recorded.event
        if not isinstance(event, StepSucceeded):
            return recorded
        text, digest = event.output.text, event.output.digest

        def load(path: str, wanted: str) -> str:
            loaded.append(path)
            return text

        output = Stored(path=event.folder, digest=digest, load=load)
        return replace(recorded, event=replace(event, output=output))

    return [lazily(recorded) for recorded in history]


def test_a_result_that_comes_again_is_looked_up_once_and_is_a_value_of_its_own() -> None:
    body = (
        "(let [ask (fn [] (flow/step :function :ask {:ref :f :give {:state :open}}))"
        "      a (ask) b (ask) other (flow/step :function :other {:ref :f :give {:state :done}}) c (ask)]"
        "  [(= a b c) (identical? a b) (identical? b c) (:state other)])"
    )
    shell = Shell(program(body)).run()
    loaded: list[str] = []
    history = loading(shell.history[:-1], loaded)
    (command,) = advance(shell.program, history)
    assert isinstance(command, Complete)
    assert write(command.output) == "[true false false :done]"
    assert len(loaded) == 2
