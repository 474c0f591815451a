"""How code meets its embedder: calls, thunks, exceptions, interrupts, branches."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import Interrupt, LangError, Unwind
from gitflow_runner.lang.analyzer import analyze
from gitflow_runner.lang.collection import Map, map_of
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.environments import BODY
from gitflow_runner.lang.fuel import Call, Limits
from gitflow_runner.lang.printer import readable
from gitflow_runner.lang.program import Compiled, HostFn
from gitflow_runner.lang.reader import read_one
from gitflow_runner.lang.throwing import FlowThrow
from gitflow_runner.lang.values import ExInfo, Value, keyword

NAMES = {
    "flow/input": HostFn("flow/input", 0, 0),
    "flow/step": HostFn("flow/step", 2, 3),
    "flow/poll": HostFn("flow/poll", 2, 2, thunks=frozenset([1])),
}


class Steps:
    """A host that answers steps with their config and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, call: Call) -> Value:
        if call.name == "flow/input":
            return read_data('{"n" 3, :items [1 2]}', loose=True)
        if call.name == "flow/poll":
            return [call.invoke(call.args[1]) for _ in range(3)][-1]
        self.asked.append(f"{call.args[1]} {call.place()}")
        if call.args[1] is keyword("bad"):
            raise FlowThrow(ExInfo("it failed", map_of([(keyword("step"), call.args[1])])))
        if call.args[1] is keyword("stop"):
            raise Interrupt
        if call.args[1] is keyword("cancel"):
            raise Unwind
        return call.args[2]


def _compiled(text: str) -> Compiled:
    return analyze(read_one(text), BODY, NAMES)


def test_steps_in_a_for_run_in_order_and_give_a_vector() -> None:
    steps = Steps()
    code = _compiled("(for [i (:items (flow/input))] (flow/step :http :get {:n i}))")
    assert readable(code.run(steps)) == "[{:n 1} {:n 2}]"
    assert steps.asked == [":get <input>:1:32"] * 2


def test_input_is_found_by_either_spelling_of_a_key() -> None:
    code = _compiled(
        '(let [{:keys [n items]} (flow/input)] [n (get (flow/input) "items") items (:zzz (flow/input) 0)])'
    )
    assert readable(code.run(Steps())) == "[3 [1 2] [1 2] 0]"


def test_looseness_stays_with_maps_made_from_loose_ones_and_nothing_else_has_it() -> None:
    code = _compiled(
        "[(:n (assoc (flow/input) :a 1)) (:n (merge {} (flow/input)))"
        ' (:n (dissoc (flow/input) :b)) (:n {"n" 1})]'
    )
    assert readable(code.run(Steps())) == "[3 3 3 nil]"


def test_a_failed_step_can_be_caught_and_finally_runs() -> None:
    steps = Steps()
    code = _compiled(
        "(try (flow/step :a :bad {}) (catch Exception e (ex-data e)) (finally (flow/step :a :last {})))"
    )
    assert readable(code.run(steps)) == "{:step :bad}"
    assert [each.split()[0] for each in steps.asked] == [":bad", ":last"]


def test_no_catch_and_no_finally_sees_an_interrupt() -> None:
    steps = Steps()
    code = _compiled(
        "(try (try (flow/step :a :stop {}) (catch Throwable e 1)) (finally (flow/step :a :last {})))"
    )
    with pytest.raises(Interrupt):
        code.run(steps)
    assert [each.split()[0] for each in steps.asked] == [":stop"]


def test_a_cancel_runs_every_finally_once_and_no_catch() -> None:
    steps = Steps()
    code = _compiled(
        "(try (try (flow/step :a :cancel {}) (catch Throwable e 1) (finally (flow/step :a :inner {})))"
        " (finally (flow/step :a :outer {})))"
    )
    with pytest.raises(Unwind):
        code.run(steps)
    assert [each.split()[0] for each in steps.asked] == [":cancel", ":inner", ":outer"]


def test_a_thunk_argument_is_evaluated_as_often_as_the_host_calls_it() -> None:
    steps = Steps()
    code = _compiled("(let [x 5] (flow/poll {:interval 1} (flow/step :http :get {:x x})))")
    assert readable(code.run(steps)) == "{:x 5}"
    assert len(steps.asked) == 3


def test_branches_with_metadata_are_told_to_the_observer() -> None:
    seen: list[tuple[str, bool]] = []

    def observer(meta: Map, taken: bool) -> None:
        seen.append((str(meta.get(keyword("label"))), taken))

    code = _compiled(
        '(let [a ^{:label "first"} (if true 1 2) b (if ^{:label "second"} (= a 2) 1 2)]'
        ' (cond ^{:label "third"} (= b 2) a :else b))'
    )
    assert code.run(Steps(), observer=observer) == 1
    assert seen == [("first", True), ("second", False), ("third", True)]


def test_call_sites_are_listed_with_what_is_around_them() -> None:
    code = _compiled("(do (flow/step :a :b {}) (loop [i 0] (when (< i 1) (flow/step :c :d {}) (recur 1))))")
    assert [(site.name, site.inside) for site in code.sites] == [("flow/step", ()), ("flow/step", ("loop",))]


def test_everything_is_eager_in_the_body() -> None:
    steps = Steps()
    code = _compiled("(let [xs (map-indexed (fn [i x] (flow/step :a :b {:i i :x x})) [7 8])] (count xs) nil)")
    assert code.run(steps) is None
    assert len(steps.asked) == 2


def test_depth_is_that_of_the_call_although_others_run_meanwhile() -> None:
    def host(call: Call) -> Value:
        call.runtime.depth = 900  # as if another branch had been left deep inside its calls
        return call.invoke(call.args[1]) if call.name == "flow/poll" else call.args[2]

    code = _compiled("(let [f (fn [] (flow/step :a :b {}))] (flow/poll {} (f)) (f))")
    assert readable(code.run(host, Limits(depth=10))) == "{}"


def test_code_without_a_host_says_so() -> None:
    with pytest.raises(LangError) as caught:
        _compiled("(flow/input)").run()
    assert caught.value.code == "host_unbound"
