"""The engine says the same however it is asked: in one go, event by event, in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.engine.advance import Activation, advance
from gitflow_runner.engine.behaviour import CURRENT
from gitflow_runner.engine.program import Program, make_program
from gitflow_runner.errors import DamagedError
from gitflow_runner.lang.printer import write
from gitflow_runner.model.command import Command, Complete, Fail, FinishCancel, OpenWait, RunStep, SetTimer
from gitflow_runner.model.event import (
    CancelAsked,
    Event,
    Recorded,
    RunCancelled,
    RunFailed,
    RunStarted,
    RunSucceeded,
    StepFailed,
    StepStarted,
    StepSucceeded,
    TimerFired,
    TimerSet,
    WaitOpened,
    WaitResolved,
)
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.ids import step_folder
from gitflow_runner.model.stored import Stored
from gitflow_runner.steps.registry import Steps, built_in

SPECS = {name: Steps().spec(name) for name in built_in()}
ROOT = Path(__file__).resolve().parents[2]
T0 = 1_790_000_000_000

# -- flows made up of the shapes that bodies take ------------------------------------------------------

_NAMES = st.sampled_from(["a", "b", "c"])
_CALLS = st.sampled_from(
    [
        '(flow/step :function :calc {:ref :f :input {:x x :s #{"p" "q" "r"}}})',
        '(flow/step :http :call {:url "https://a.test" :method :post :json {:x x}})',
        '(flow/step :kv :keep {:operation :set :key "k" :value {:b 1 :a x}})',
        "(flow/step :sleep :nap {:seconds 5})",
        '(flow/step :wait :ask {:title "go?"})',
        "(flow/now-ms)",
        "(:n (flow/input))",
    ]
)


def _blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map(lambda p: f"(let [x {p[0]}] {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"(do {p[0]} {p[1]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"(if (= 1 (:n {p[0]})) {p[1]} {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"(try {p[0]} (catch Exception e {p[1]}))"),
        st.tuples(inner, inner).map(lambda p: f"(try {p[0]} (finally {p[1]}))"),
        inner.map(lambda p: f"(loop [i 0 x x] (if (< i 2) (recur (inc i) {p}) x))"),
        inner.map(lambda p: f"(vec (for [x [1 2]] {p}))"),
        inner.map(lambda p: f"(doseq [x #{{:p :q}}] {p})"),
        inner.map(lambda p: f"{{:v {p} :w #{{:k :l :m}}}}"),
    )


_BODIES = st.recursive(_CALLS, _blocks, max_leaves=8)


def program(body: str) -> Program:
    text = f"""{{:slug :made :concurrency {{:type :singleton :on-new-version :coexist}}
      :functions [{{:id :f :code '(fn [m] m)}}]
      :flow '(let [x (flow/input)] {body})}}"""
    return make_program(load(MemoryTexts({"made.edn": text}), "made"), SPECS, behaviour=CURRENT, fuel=100_000)


# -- a shell without an outside: what becomes of each command is drawn ---------------------------------

FATES = ("done", "done", "done", "fail", "again", "cancel")


class Shell:
    """Records what each command leads to; `fates` decide, one a command, and then everything succeeds."""

    def __init__(self, fates: Sequence[str]) -> None:
        self._fates = list(fates)
        self.history: list[Recorded] = []
        self.asked: list[Command] = []
        digest = "0" * 64
        self.record(
            RunStarted(
                "20260921-131402-7k3m9q", "made", "draft", digest, Stored("{:n 1}"), None, None, None, 1, "o"
            )
        )

    def record(self, event: Event) -> None:
        seq = len(self.history) + 1
        self.history.append(Recorded(seq, T0 + 7 * seq, event))

    def play(self, made: Program, *, most: int = 120) -> None:
        """To the end, or as far as `most` events lead."""
        with Activation(made, self.history) as activation:
            while len(self.history) < most:
                before = len(self.history)
                commands = activation.commands()
                self.asked += commands
                for command in commands:
                    self._act(command)
                activation.feed(self.history[before:])
                if len(self.history) == before:
                    return

    def _fate(self) -> str:
        return self._fates.pop(0) if self._fates else "done"

    def _folder(self, step_id: str) -> str:
        begun = sum(isinstance(r.event, StepStarted | TimerSet | WaitOpened) for r in self.history)
        return step_folder(begun + 1, step_id)

    def _act(self, command: Command) -> None:
        match command:
            case RunStep():
                self._step(command)
            case OpenWait():
                self._wait(command)
            case SetTimer(identity=identity, step_id=step_id, input_hash=digest):
                folder = self._folder(step_id)
                self.record(TimerSet(identity, folder, digest, T0))
                self.record(TimerFired(identity, folder))
            case Complete(output=output):
                self.record(RunSucceeded(Stored(write(output))))
            case Fail(failure=failure):
                self.record(RunFailed(failure))
            case FinishCancel(by=by, reason=reason):
                self.record(RunCancelled(by, reason))

    def _wait(self, command: OpenWait) -> None:
        identity, folder = command.identity, self._folder(command.step_id)
        asks = ("approve", "reject")
        terms = (identity, "go?", "", None, T0, asks, 1, None, True, ())
        self.record(WaitOpened(identity, folder, command.input_hash, "approval", *terms))
        approved = self._fate() == "done"
        answer = Stored(f'{{:action "{asks[not approved]}" :n 1}}')
        outcome = "approved" if approved else "rejected"
        self.record(WaitResolved(identity, folder, outcome, asks[not approved], (), (), answer))  # type: ignore[arg-type]

    def _step(self, command: RunStep) -> None:
        folder = command.folder or self._folder(command.step_id)
        identity, attempt = command.identity, command.attempt
        fate = self._fate()
        if not command.started:
            started = StepStarted(
                identity, folder, command.type, "keyed", command.input_hash, attempt, command.generation, "k"
            )
            self.record(started)
        cancelled = any(isinstance(r.event, CancelAsked) for r in self.history)
        if fate == "cancel" and not cancelled:
            self.record(CancelAsked("ann", "5" * 40, None, T0))
        if fate in ("fail", "again"):
            failure = Failure("made.up", "it failed", identity, data=Stored("{:n 2}"))
            retry = T0 if fate == "again" and attempt < 3 else None
            self.record(StepFailed(identity, folder, attempt, failure, attempt % 2 == 1, retry, 1))
        else:
            output = Stored(f'{{:n {attempt % 2} :set #{{"a" "b" "c"}}}}')
            self.record(StepSucceeded(identity, folder, attempt, output, 1))


def played(body: str, fates: Sequence[str]) -> tuple[Program, Shell]:
    made, shell = program(body), Shell(fates)
    shell.play(made)
    return made, shell


def shown(commands: Sequence[Command]) -> list[str]:
    """Commands as text: what is asked, with every value written out."""
    texts = []
    for command in commands:
        match command:
            case RunStep() | OpenWait() | SetTimer():
                texts.append(f"{replace(command, config=None)} {write(command.config)}")
            case Complete(output=output):
                texts.append(f"complete {write(output)}")
            case _:
                texts.append(str(command))
    return texts


@given(body=_BODIES, fates=st.lists(st.sampled_from(FATES), max_size=8))
def test_at_every_prefix_a_fresh_evaluation_asks_what_the_paused_one_asks(
    body: str, fates: list[str]
) -> None:
    made, shell = played(body, fates)
    with Activation(made, shell.history[:1]) as activation:
        for length in range(1, len(shell.history) + 1):
            if length > 1:
                activation.feed(shell.history[length - 1 : length])
            paused = shown(activation.commands())
            assert shown(activation.commands()) == paused, "asking changes nothing"
            assert shown(advance(made, shell.history[:length])) == paused


@given(body=_BODIES, fates=st.lists(st.sampled_from(FATES), max_size=8))
def test_a_recorded_history_decides_the_same_end(body: str, fates: list[str]) -> None:
    made, shell = played(body, fates)
    again = Shell(())
    again.history = list(shell.history)
    again.play(made)
    assert again.history == shell.history


@given(
    body=_BODIES,
    fates=st.lists(st.sampled_from(FATES), max_size=4),
    pick=st.integers(0, 10),
    tail=st.integers(0, 5),
)
def test_a_changed_input_is_noticed(body: str, fates: list[str], pick: int, tail: int) -> None:
    made, shell = played(body, fates)
    steps = [
        i for i, r in enumerate(shell.history) if isinstance(r.event, StepStarted | TimerSet | WaitOpened)
    ]
    if not steps:
        return
    chosen = steps[pick % len(steps)]
    identity = getattr(shell.history[chosen].event, "identity")  # noqa: B009 - each of the three has one
    length = min(len(shell.history), chosen + 1 + tail)
    changed = list(shell.history[:length])
    for position, recorded in enumerate(changed):
        event = recorded.event
        if isinstance(event, StepStarted | TimerSet | WaitOpened) and event.identity == identity:
            changed[position] = replace(recorded, event=replace(event, input_hash="f" * 64))
    if any(type(r.event).__name__.startswith("Run") for r in changed[1:]):
        return  # a run that is over asks for nothing more
    with pytest.raises(DamagedError) as caught:
        advance(made, changed)
    assert caught.value.code == "nondeterminism"
    assert caught.value.at is not None
    assert caught.value.at.step == identity


# -- another process, another order of sets -----------------------------------------------------------

BODY = """(let [all (vec (for [k (seq #{"one" "two" "three" "four"})]
                   (flow/step :http :call {:url "https://a.test" :method :post
                                           :json {:k k :s #{:a :b :c "d" 5} :m {:z 1 :y 2}}})))
      kept (flow/step :kv :keep {:operation :set :key "k"
                                 :value {:all all :keys (keys (hash-map :a 1 :b 2 :c 3 :d x))}})]
  {:all (count all) :kept kept :set (into #{} (keys (first all)))})"""
FATE = ("done", "again", "done")


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_another_process_with_another_hash_seed_asks_for_what_was_recorded(seed: str) -> None:
    made, shell = played(BODY, FATE)
    assert isinstance(shell.history[-1].event, RunSucceeded)
    code = (
        "import json, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import test_engine_replay as t\n"
        "made, shell = t.played(t.BODY, t.FATE)\n"
        "fresh = [t.shown(t.advance(made, shell.history[:n])) for n in range(1, len(shell.history) + 1)]\n"
        "print(json.dumps([t.shown(shell.asked), fresh, [repr(r) for r in shell.history]]))\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    asked, fresh, history = json.loads(done.stdout)
    assert asked == shown(shell.asked)
    assert fresh == [shown(advance(made, shell.history[:n])) for n in range(1, len(shell.history) + 1)]
    assert history == [repr(recorded) for recorded in shell.history]
