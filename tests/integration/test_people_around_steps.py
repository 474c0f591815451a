"""Steps that people confirm, review, or take over once they failed: each question is a wait of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gitflow_runner.errors import UsageError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.values import keyword
from gitflow_runner.ledger.chain import file_in
from gitflow_runner.model.event import RunSucceeded, StepFailed, StepStarted, WaitOpened, WaitResolved
from gitflow_runner.runner.decide import decide, find_question
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.verify import check_run
from tests.memory_runs import Bomb, Moment, World, quietly

HEAD = '{:slug :hello :name "People" :concurrency {:type :singleton :on-new-version :coexist} :flow '


def world(folder: Path, body: str) -> World:
    return World(folder / "world", f"{HEAD}'{body}}}")


def go(made: World, *actions: str, moment: Moment = quietly) -> bool:
    """Start, and answer each wait with the next action; False if the process was killed."""
    if not made.process(made.start, moment):
        return False
    for action in actions:
        if not made.process(lambda runtime, chosen=action: made.approve(runtime, chosen), moment):
            return False
        if not made.process(made.drive, moment):
            return False
    return True


def output(made: World) -> str:
    last = made.history()[-1].event
    assert isinstance(last, RunSucceeded), last
    return last.output.text


def asked(made: World) -> list[str]:
    return [r.event.identity for r in made.history() if isinstance(r.event, WaitOpened)]


def payload(made: World) -> Mapping[object, object]:
    """What the open wait asks people to sign."""
    commit = made.repository.commit(made.at().tip)
    text = file_in(made.repository, commit.tree, "wait/payload.edn")
    assert text is not None
    found = read_data(text.decode(), loose=True).get(keyword("payload"))
    return dict(found.items())


CONFIRMED = """(:status (flow/step :http :post {:url "https://api.test/post" :method :post :confirm true}))"""


def test_a_step_that_is_confirmed_runs_only_then(tmp_path: Path) -> None:
    made = world(tmp_path, CONFIRMED)
    go(made)
    assert (made.run().status, made.outside.keys("/post"), asked(made)) == ("waiting", [], ["post-confirm"])
    shown = payload(made)
    assert shown[keyword("step")] == "post"
    assert shown[keyword("config")] == read_data('{:url "https://api.test/post" :method :post}')
    made.process(made.approve)
    made.process(made.drive)
    assert (output(made), len(made.outside.keys("/post"))) == ("200", 1)
    assert check_run(made.runtime(quietly), made.at().ref) == ()


@pytest.mark.parametrize(("terms", "asks"), [("{}", True), ('""', True), ("nil", False), ("false", False)])
def test_only_nil_and_false_ask_nobody(tmp_path: Path, terms: str, asks: bool) -> None:
    made = world(tmp_path, CONFIRMED.replace(":confirm true", f":confirm {terms}"))
    go(made)
    assert (made.run().status, made.outside.keys("/post") == []) == (
        "waiting" if asks else "succeeded",
        asks,
    )


def test_a_step_that_is_not_confirmed_never_runs_and_the_flow_may_catch_that(tmp_path: Path) -> None:
    made = world(tmp_path, f"(try {CONFIRMED} (catch Exception e (:code (ex-data e))))")
    go(made, "reject")
    assert (output(made), made.outside.keys("/post")) == ('"step.rejected"', [])


def test_a_question_may_say_its_own_words_and_terms(tmp_path: Path) -> None:
    terms = '{:title "Post it?" :payload {:to "the shop"} :timeout "2h"}'
    made = world(tmp_path, CONFIRMED.replace(":confirm true", f":confirm {terms}"))
    go(made)
    wait = made.run().waits[0].wait
    assert (wait.title, wait.deadline - made.run().waits[0].opened_at) == ("Post it?", 7_200_000)
    assert payload(made) == {keyword("to"): "the shop"}


def test_a_result_is_reviewed_before_the_flow_has_it(tmp_path: Path) -> None:
    body = '(:status (flow/step :http :read {:url "https://api.test/read" :review "Looks right?"}))'
    made = world(tmp_path, body)
    go(made)
    assert (asked(made), len(made.outside.keys("/read"))) == (["read-review"], 1)
    assert made.run().waits[0].wait.title == "Looks right?"
    assert "/read" in str(payload(made)[keyword("result")])
    made.process(made.approve)
    made.process(made.drive)
    assert (output(made), len(made.outside.keys("/read"))) == ("200", 1)


FAILING = """(let [got (flow/step :http :PATH
                             {:url "https://api.test/PATH" :method :post :on-error :checkpoint})
                   after (flow/step :http :post {:url "https://api.test/post" :method :post})]
               [(:status got) (:status after)])"""


def test_at_a_checkpoint_a_person_may_have_the_step_tried_again(tmp_path: Path) -> None:
    made = world(tmp_path, FAILING.replace("PATH", "busy"))
    go(made)
    assert (made.run().status, asked(made)) == ("waiting", ["busy-failed"])
    wait = made.run().waits[0].wait
    assert (wait.actions, wait.title) == (("retry", "skip", "fail"), "busy failed: http.status")
    made.process(lambda runtime: made.approve(runtime, "retry"))
    made.process(made.drive)
    assert output(made) == "[200 200]"
    begun = [r.event for r in made.history() if isinstance(r.event, StepStarted)]
    assert [(e.identity, e.generation) for e in begun] == [("busy", 0), ("busy#1", 1), ("post", 0)]
    assert len(set(made.outside.keys("/busy"))) == 2, "what surely failed is intended anew"


def test_a_failure_of_unknown_outcome_is_tried_again_with_its_own_key(tmp_path: Path) -> None:
    body = """(flow/step :http :read {:url "https://api.test/read" :method :post :expect {:status 201}
                                      :on-error :checkpoint})"""
    made = world(tmp_path, body)
    go(made, "retry", "fail")
    assert made.run().status == "failed"
    failures = [r.event for r in made.history() if isinstance(r.event, StepFailed)]
    assert [e.failure.code for e in failures] == ["step.unexpected", "step.unexpected"]
    assert len(made.outside.keys("/read")) == 2
    assert len(set(made.outside.keys("/read"))) == 1


@pytest.mark.parametrize(("action", "status"), [("skip", "succeeded"), ("fail", "failed")])
def test_at_a_checkpoint_a_person_may_skip_or_fail(tmp_path: Path, action: str, status: str) -> None:
    made = world(tmp_path, FAILING.replace("PATH", "gone"))
    go(made, "retry", action)
    assert made.run().status == status
    assert (asked(made), len(made.outside.keys("/gone"))) == (["gone-failed", "gone-failed#1"], 2)
    if status == "succeeded":
        assert output(made) == "[nil 200]"
    else:
        assert made.run().failure is not None
        assert made.run().failure.code == "http.status"


def test_a_checkpoint_takes_no_other_decision(tmp_path: Path) -> None:
    made = world(tmp_path, FAILING.replace("PATH", "gone"))
    go(made)
    with pytest.raises(UsageError) as caught:
        made.process(made.approve)
    assert caught.value.code == "approval.decision"


def test_a_checkpoint_that_nobody_answers_leaves_the_step_failed(tmp_path: Path) -> None:
    made = world(tmp_path, FAILING.replace("PATH", "gone"))
    go(made)
    made.now += 86_400_000 + 60_000
    made.process(lambda runtime: made.work(runtime) and None)
    made.process(lambda runtime: made.work(runtime) and None)
    assert made.run().status == "failed"
    assert made.run().failure is not None
    assert made.run().failure.code == "http.status"
    resolved = [r.event.outcome for r in made.history() if isinstance(r.event, WaitResolved)]
    assert resolved == ["expired"]


def test_a_kill_at_any_moment_around_a_checkpoint_changes_nothing(tmp_path: Path) -> None:
    made = world(tmp_path, FAILING.replace("PATH", "busy"))
    counting = Bomb()
    assert go(made.again(tmp_path / "calm"), "retry", moment=counting)
    for number in range(1, len(counting.moments) + 1):
        other = made.again(tmp_path / str(number))
        assert not go(other, "retry", moment=Bomb(number))
        for _ in range(12):
            other.process(lambda runtime, there=other: there.work(runtime) and None)
            if other.is_begun() and other.run().is_over:
                break
            if not other.is_begun():
                other.process(other.start)
            elif other.run().waits and not other.repository.refs("refs/approvals/"):
                other.process(lambda runtime, there=other: there.approve(runtime, "retry"))
        assert output(other) == "[200 200]", counting.moments[number - 1]
        assert len(set(other.outside.keys("/post"))) == 1
        assert len(set(other.outside.keys("/busy"))) == 2


def test_inside_branches_each_step_asks_for_itself(tmp_path: Path) -> None:
    body = """(flow/parallel :all ["read" "post"]
                (fn [at]
                  (:status (flow/step :http :call {:url (str "https://api.test/" at) :confirm true}))))"""
    made = world(tmp_path, body)
    go(made)
    assert len(made.run().waits) == 2
    for _ in range(2):
        made.process(lambda runtime: approve_first(made, runtime))
        made.process(lambda runtime: made.drive(runtime))
    assert output(made) == "[200 200]"


def approve_first(made: World, runtime: Runtime) -> None:
    question = find_question(runtime, made.at().run, made.run().waits[0].wait.folder)
    decide(runtime, question, "approve", note="", payload=question.digest)
