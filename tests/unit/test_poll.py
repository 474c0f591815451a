"""`flow/poll`: what it is told to stop at, how long it rests, and what a failed question does."""

from __future__ import annotations

import pytest

from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.model.command import Command, RunStep, SetTimer
from gitflow_runner.model.event import Event, Recorded, TimerFired, TimerSet
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.ids import step_folder
from gitflow_runner.model.stored import Stored
from tests.engine_shell import Shell, program

CAUGHT = (
    "(try {poll} (catch Exception e [(:code (ex-data e)) (:attempts (ex-data e)) (:status (ex-data e))]))"
)


class Clocked(Shell):
    """Time passes only while the run sleeps; `rests` are the lengths that it asked for."""

    rests: list[int]
    now = 0

    def events(self, command: Command) -> tuple[Event, ...]:
        if not isinstance(command, SetTimer):
            return tuple(super().events(command))
        ms = command.config.get(keyword("millis"))  # type: ignore[attr-defined]
        self.rests = [*getattr(self, "rests", []), ms]
        self.now += ms
        folder = step_folder(len(self.history), "s")
        return TimerSet(command.identity, folder, command.input_hash, 0), TimerFired(command.identity, folder)

    def _note(self, event: Event) -> Recorded:
        recorded = Recorded(len(self.history) + 1, self.now, event)
        self.history.append(recorded)
        return recorded


def polled(options: str, answers: list[Value | Failure], behaviour: int = 3) -> Clocked:
    """What became of a poll whose questions are answered in turn, the last answer again and again."""

    def result(_command: RunStep) -> Value | Failure:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    poll = f"(flow/poll {{{options}}} (flow/step :time :ask {{}}))"
    made = program(CAUGHT.format(poll=poll), behaviour=behaviour)
    return Clocked(made, result=result).run()


def status(code: int) -> Failure:
    return Failure("http.status", "no", data=Stored(f"{{:status {code}}}"))


@pytest.mark.parametrize(
    ("backoff", "rests"),
    [
        ("", [1000, 1000, 1000, 1000]),
        (":backoff {:type :constant}", [1000, 1000, 1000, 1000]),
        (':backoff {:type :linear :step "2s"}', [1000, 3000, 5000, 7000]),
        (':backoff {:type :linear :step "2s" :max "4s"}', [1000, 3000, 4000, 4000]),
        (":backoff {:type :exponential}", [1000, 2000, 4000, 8000]),
        (':backoff {:type :exponential :factor 3 :max "10s"}', [1000, 3000, 9000, 10000]),
        (":backoff {:factor 1.5}", [1000, 1500, 2250, 3375]),
    ],
)
def test_it_rests_as_its_backoff_says(backoff: str, rests: list[int]) -> None:
    shell = polled(f':interval "1s" :max-attempts 5 :return-on #(= % 9) {backoff}', [1, 2, 3, 4, 9])
    assert (shell.output, shell.rests) == ("9", rests)


def test_a_bare_interval_counts_milliseconds() -> None:
    assert polled(":interval 250 :max-attempts 2 :return-on even?", [1, 2]).rests == [250]


def test_it_gives_up_after_its_attempts() -> None:
    shell = polled(':interval "1s" :max-attempts 3 :return-on even?', [1])
    assert (shell.output, shell.rests) == ('["poll.exhausted" 3 nil]', [1000, 1000])


def test_it_asks_a_last_time_at_its_timeout_and_never_goes_beyond() -> None:
    options = ':interval "4s" :timeout "10s" :return-on even?'
    shell = polled(options, [1])
    assert (shell.output, shell.rests) == ('["poll.exhausted" 4 nil]', [4000, 4000, 2000])
    assert polled(options, [1], behaviour=2).rests == [4000, 4000, 4000], "as runs meant it that began before"


def test_whichever_bound_is_met_first_ends_it() -> None:
    shell = polled(':interval "1s" :timeout "1h" :max-attempts 2 :return-on even?', [1])
    assert shell.output == '["poll.exhausted" 2 nil]'
    shell = polled(':interval "1s" :timeout "2s" :max-attempts 50 :return-on even?', [1])
    assert shell.output == '["poll.exhausted" 3 nil]'


@pytest.mark.parametrize(("bound", "most"), [(":max-attempts 500", 100), (':timeout "9d"', 61)])
def test_no_bound_goes_beyond_a_hundred_questions_and_an_hour(bound: str, most: int) -> None:
    # Written out such a bound is a finding of the linter; computed it can only be cut.
    computed = f'(let [b (first [{bound.split()[1]}])] (flow/poll {{:interval "1m" {bound.split()[0]} b '
    body = CAUGHT.format(poll=computed + ":return-on even?} (flow/step :time :ask {:give 1})))")
    asked = [name for name in Clocked(program(body)).run().identities if name.startswith("ask")]
    assert len(asked) == most


def test_a_failed_question_ends_it_unless_it_is_told_otherwise() -> None:
    options = ':interval "1s" :max-attempts 3 :return-on even?'
    assert polled(options, [status(500), 2]).output == '["http.status" nil 500]'
    assert (
        polled(f"{options} :abort-on {{:error? true}}", [status(500), 2]).output == '["http.status" nil 500]'
    )
    # `even?` would throw on nil: a question that failed has no result to look at.
    assert polled(f"{options} :abort-on {{:error? false}}", [status(500), 2]).output == "2"


def test_a_status_to_abort_on_ends_it_in_a_result_and_in_a_failure() -> None:
    options = ':interval "1s" :max-attempts 3 :return-on :done :abort-on {:error? false :status #{404}}'
    result = Map().assoc(keyword("status"), 404)
    assert polled(options, [result]).output == '["poll.aborted" nil 404]'
    assert polled(options, [status(500), status(404)]).output == '["poll.aborted" nil 404]'


def test_return_on_may_throw_to_end_it() -> None:
    options = ':interval "1s" :max-attempts 3 :return-on (fn [r] (throw (ex-info "no" {:code r})))'
    assert polled(options, [7]).output == "[7 nil nil]"


def test_the_sleep_step_has_the_id_that_is_asked_for() -> None:
    shell = polled(':interval "1s" :max-attempts 2 :return-on even? :id :rest', [1, 2])
    assert shell.identities == ["ask", "rest", "ask#1"]
    shell = polled(':interval "1s" :max-attempts 2 :return-on even?', [1, 2])
    assert shell.identities == ["ask", "poll-sleep", "ask#1"]


@pytest.mark.parametrize(
    "options",
    [
        ":max-attempts 3 :return-on even?",
        ':interval "1s" :return-on even?',
        ':interval "1s" :max-attempts 3',
    ],
)
def test_a_poll_without_bounds_or_end_fails_before_it_asks(options: str) -> None:
    shell = Shell(program(f"(flow/poll {{{options}}} (flow/step :time :ask {{}}))")).run()
    assert shell.failure is not None
    assert (shell.failure.code, shell.identities) == ("flow_poll_invalid", [])
