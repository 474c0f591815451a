"""`flow/parallel`: order, identities, failures, limits."""

from __future__ import annotations

from gitflow_runner.model.event import BranchTaken, CancelAsked, RunCancelled, StepStarted
from gitflow_runner.model.failure import Failure
from tests.engine_shell import Shell, program

EACH = """(flow/parallel :each {} [3 1 2]
            (fn [n] (let [a (flow/step :time :first {:give n})
                          b (flow/step :time :second {:give (* 10 a)})]
                      [n b])))"""


def test_results_come_in_the_order_of_the_items_whatever_ends_first() -> None:
    for pick in (lambda n: 0, lambda n: n - 1, lambda n: n // 2):
        assert Shell(program(EACH), pick=pick).run().output == "[[3 30] [1 10] [2 20]]"


def test_every_branch_has_a_scope_of_its_own() -> None:
    shell = Shell(program(EACH), pick=lambda n: n - 1).run()
    expected = {f"each[{i}]/{name}" for i in range(3) for name in ("first", "second")}
    assert set(shell.identities) == expected


def test_a_second_use_of_the_form_is_another_scope() -> None:
    body = """(let [f (fn [n] (flow/step :time :s {:give n}))]
                [(flow/parallel :p [1] f) (flow/parallel :p [2] f)])"""
    shell = Shell(program(body)).run()
    assert shell.output == "[[1] [2]]"
    assert shell.identities == ["p[0]/s", "p#1[0]/s"]


def test_no_more_branches_are_under_way_than_allowed() -> None:
    body = "(flow/parallel :p {:max 2} [1 2 3 4 5] (fn [n] (flow/step :time :s {:give n})))"
    shell = Shell(program(body))
    assert [c.identity for c in shell.activation.commands()] == ["p[0]/s", "p[1]/s"]
    assert shell.run().output == "[1 2 3 4 5]"


def test_the_failure_of_the_lowest_item_is_the_forms_failure() -> None:
    def result(command: object) -> object:
        index = int(command.identity[2])  # type: ignore[attr-defined]
        return Failure("x.broken", f"item {index}") if index in (1, 3) else index

    body = "(flow/parallel :p {:max 2} [0 1 2 3 4] (fn [n] (flow/step :time :s {})))"
    for pick in (lambda n: 0, lambda n: n - 1):
        failure = Shell(program(body), result=result, pick=pick).run().failure  # type: ignore[arg-type]
        assert failure is not None
        assert (failure.code, failure.message) == ("x.broken", "item 1")


def test_collect_keeps_every_result_and_every_failure() -> None:
    def result(command: object) -> object:
        return Failure("x.broken", "no") if "[1]" in command.identity else 7  # type: ignore[attr-defined]

    body = """(let [rs (flow/parallel :p {:on-error :collect} [0 1] (fn [n] (flow/step :time :s {})))]
                [(:value (first rs)) (:message (:error (second rs)))])"""
    assert Shell(program(body), result=result).run().output == '[7 "no"]'  # type: ignore[arg-type]


def test_a_parallel_form_may_stand_in_a_branch() -> None:
    body = """(flow/parallel :o [1 2]
                (fn [a] (flow/parallel :i [10 20] (fn [b] (flow/step :time :s {:give (+ a b)})))))"""
    shell = Shell(program(body), pick=lambda n: n - 1)
    assert len(shell.activation.commands()) == 4
    assert shell.run().output == "[[11 21] [12 22]]"
    assert "o[1]/i[0]/s" in shell.identities


def test_a_branch_without_steps_is_a_plain_call() -> None:
    assert Shell(program("(flow/parallel :p [1 2] (fn [n] (inc n)))")).run().output == "[2 3]"


def test_a_catch_in_a_branch_does_not_see_that_the_branch_is_parked() -> None:
    body = """(flow/parallel :p [1 2]
                (fn [n] (try (flow/step :time :s {:give n})
                             (catch Exception e :caught)
                             (finally (inc 1)))))"""
    assert Shell(program(body)).run().output == "[1 2]"


def test_a_cancel_runs_the_cleanup_of_every_branch_under_way() -> None:
    body = """(flow/parallel :p [1 2]
                (fn [n] (try (flow/step :time :s {}) (finally (flow/step :time :undo {:give n})))))"""
    shell = Shell(program(body))
    assert len(shell.activation.commands()) == 2
    shell.feed(CancelAsked("ann", "0" * 40, None, 10**15))
    shell.run()
    begun = [r.event.identity for r in shell.history if isinstance(r.event, StepStarted)]
    assert begun == ["p[0]/cleanup/undo"]
    assert isinstance(shell.history[-1].event, RunCancelled)


def test_a_labelled_branch_is_told_once() -> None:
    body = """(let [a (flow/step :time :s {:give 1})
                    b (flow/step :time :t {:give 2})]
                ^{:label "Bigger?" :yes "yes, it is" :no "no"} (if (< a b) :more :less))"""
    shell = Shell(program(body))
    shell.run(2)
    shell.activation.commands()
    branches = shell.activation.branches()
    assert branches == (BranchTaken("?Bigger?", "Bigger?", "yes, it is", True),)
    shell.feed(*branches)
    assert shell.activation.branches() == ()
    assert shell.run().output == ":more"
