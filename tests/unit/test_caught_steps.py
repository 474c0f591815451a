"""What a `catch` in the body sees of a failed step: the first time, and whenever it is evaluated again."""

from __future__ import annotations

import pytest

from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.model.command import Complete
from gitflow_runner.model.event import StepFailed
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.stored import Stored
from tests.engine_shell import Shell, program

SEEN = "[(ex-message e) (ex-data e) (ex-cause e)]"
FAILURE = Failure(
    "http.status", "answered 503", "call", data=Stored('{:status 503 "raw" [1.5M] :type :mine}')
)


def failing(body: str) -> Shell:
    return Shell(program(body), result=lambda command: FAILURE if command.step_id == "call" else 1).run()


@pytest.mark.parametrize("cls", ["Exception", "Throwable", "clojure.lang.ExceptionInfo", ":default"])
def test_it_sees_type_step_code_message_and_the_steps_own_data(cls: str) -> None:
    shell = failing(f"(try (flow/step :time :call {{}}) (catch {cls} e {SEEN}))")
    data = (
        '{:status 503, "raw" [1.5M], :type :time, :step "call", :code "http.status", :message "answered 503"}'
    )
    assert shell.output == f'["answered 503" {data} nil]'


def test_an_evaluation_from_history_sees_the_same_at_every_prefix() -> None:
    caught = f"(try (flow/step :time :call {{}}) (catch Exception e {SEEN}))"
    body = f"(let [seen {caught}] (flow/step :time :use {{:give seen}}))"
    shell = failing(body)
    failed = next(n for n, each in enumerate(shell.history) if isinstance(each.event, StepFailed))
    asked = [shell.replayed(upto) for upto in range(failed + 1, len(shell.history))]
    assert [type(commands[0]).__name__ for commands in asked] == ["RunStep", "RunStep", "Complete"]
    configs = {write(commands[0].config) for commands in asked[:2]}
    assert configs == {f"{{:give {read_back(shell)}}}"}
    (last,) = asked[-1]
    assert isinstance(last, Complete)


def read_back(shell: Shell) -> str:
    """What the second step was given, as it was asked for while the run lived."""
    data = (
        '{:status 503, "raw" [1.5M], :type :time, :step "call", :code "http.status", :message "answered 503"}'
    )
    assert shell.output == "1"
    return write(read_data(f'["answered 503" {data} nil]'))


def test_what_nothing_catches_fails_the_run_with_the_steps_own_code() -> None:
    found = failing("(flow/step :time :call {})").failure
    assert found is not None
    assert (found.code, found.message, found.step) == ("http.status", "answered 503", "call")
    assert (found.file, found.line) == (".breyta/flows/t.edn", 1), "where the body calls the step"
    caught = failing('(try (flow/step :time :call {}) (catch Exception e (throw (ex-info "mine" {:n 1} e))))')
    assert caught.failure is not None
    assert (caught.failure.code, caught.failure.message) == ("flow.thrown", "mine")
