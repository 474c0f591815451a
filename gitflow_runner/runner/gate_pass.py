"""Whether a gate lets one move of a ref in: a look at what was decided, no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import run_ref, trigger_ref
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.data import read_data
from gitflow_runner.ledger.chain import file_in, head_of, read_history, read_run, turns
from gitflow_runner.ledger.codec import decode_pin
from gitflow_runner.ledger.firings import runs_about
from gitflow_runner.model.event import Recorded, RunStarted, WaitOpened, WaitResolved
from gitflow_runner.model.pin import Pin, ReleaseSource
from gitflow_runner.model.run import Run
from gitflow_runner.runner.gates import Gate
from gitflow_runner.runner.inputs import by_plain_names
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.verify import check_run
from gitflow_runner.triggers.git import Move
from gitflow_runner.trust.verify import prove

TTL_S = 3_600  # how long a pass lasts where the policy does not say
AHEAD_MS = 60_000  # how far the runner's clock may be ahead of this one
MOST_LOOKED_AT = 8

Why = Literal[
    "pass", "no_run", "running", "waiting", "failed", "rejected", "stale", "outdated", "untrusted", "unproven"
]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a gate has to say about a move: `pass`, or why not; `run` is the run it rests on."""

    why: Why
    message: str
    run: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the move may be made."""
        return self.why == "pass"


def look(runtime: Runtime, gate: Gate, move: Move, policy_tip: Oid | None) -> Looked:
    """The newest pass among the gate's runs about this move, else what is wrong with the newest run.

    `policy_tip` is the policy as it will stand: a pass was decided under exactly that one.
    """
    if gate.problem is not None:
        return Looked("unproven", f"{gate.name} (v{gate.version}) is not believed: {gate.problem.message}")
    found: list[Looked] = []
    for run in _runs(runtime, gate, move)[:MOST_LOOKED_AT]:
        looked = _look_at(runtime, gate, move, policy_tip, run)
        if looked.passed:
            return looked
        found.append(looked)
    return found[0] if found else Looked("no_run", f"no run of {gate.name} was asked for this commit yet")


def _runs(runtime: Runtime, gate: Gate, move: Move) -> Sequence[str]:
    tip = runtime.repository.resolve(trigger_ref(gate.slug, gate.trigger.id))
    return () if tip is None else runs_about(runtime.repository, tip, move.digest)[::-1]


def _look_at(runtime: Runtime, gate: Gate, move: Move, policy_tip: Oid | None, run: str) -> Looked:
    ref = run_ref(gate.slug, run)
    try:
        tip = runtime.repository.resolve(ref)
        if tip is None:
            return Looked("running", f"run {run} was asked for and has not begun", run)
        state = read_run(runtime.repository, tip)
        match state.status:
            case "succeeded":
                return _judge(runtime, gate, move, policy_tip, ref, tip, state)
            case "waiting":
                waits = ", ".join(each.wait.folder for each in state.waits)
                return Looked("waiting", f"run {run} waits for a decision ({waits})", run)
            case "failed" | "cancelled" | "terminated" | "timed-out":
                said = f": {state.failure.message}" if state.failure is not None else ""
                return Looked("failed", f"run {run} {state.status}{said}", run)
            case _:
                return Looked("running", f"run {run} is {state.status}", run)
    except GitflowError as error:
        return Looked("untrusted", f"run {run} cannot be believed: {error.message} ({error.code})", run)


def _judge(
    runtime: Runtime, gate: Gate, move: Move, policy_tip: Oid | None, ref: str, tip: Oid, state: Run
) -> Looked:
    """A run that succeeded, held to every condition of a pass (protocol 8.2)."""
    run, reader = state.run, runtime.repository
    pin = decode_pin(file_in(reader, head_of(reader, tip)[0], "pin.json") or b"")
    history = read_history(reader, tip)
    if not _is_asked(gate, move, pin, history):
        return Looked("untrusted", f"run {run} was not started by {gate.name} for this very move", run)
    if not isinstance(pin.source, ReleaseSource) or pin.simulated:
        return Looked("untrusted", f"run {run} is of a draft or simulated, which opens no gate", run)
    if pin.source.tag_oid != gate.release:
        return Looked("outdated", f"run {run} is of {pin.source.tag}; v{gate.version} is live now", run)
    if pin.policy != policy_tip:
        return Looked("outdated", f"the policy has changed since run {run} was started", run)
    policy = runtime.policies.require()
    age = runtime.clock.now_ms() - (state.ended or state.at)
    ttl = policy.gate_ttl_s or TTL_S
    if not -AHEAD_MS <= age <= ttl * 1_000:
        return Looked("stale", f"run {run} ended {age // 1_000} s ago, a pass lasts {ttl} s", run)
    for finding in check_run(runtime, ref, tip=tip):
        return Looked("untrusted", f"run {run} does not verify: {finding.message} ({finding.code})", run)
    _check_signers(runtime, gate, tip)
    left = next(_undecided(history), None)
    if left is not None:
        return Looked("rejected", f"run {run} ended, but {left.folder} was {left.outcome}", run)
    return Looked("pass", f"run {run} of {gate.name} let it in", run)


def _is_asked(gate: Gate, move: Move, pin: Pin, history: Sequence[Recorded]) -> bool:
    started = history[0].event
    if not isinstance(started, RunStarted) or started.starter != gate.starter or pin.origin is not None:
        return False
    given = read_data(started.input.text, loose=True)
    return isinstance(given, Map) and move.given.items() <= by_plain_names(given).items()


def _check_signers(runtime: Runtime, gate: Gate, tip: Oid) -> None:
    """Every turn is signed by a runner that may speak for gates, with a key that is good today."""
    policy, now = runtime.policies.require(), runtime.clock.now_ms()
    for turn in turns(runtime.repository, tip):
        signed = prove(runtime.repository.read(turn.oid))
        name = policy.keyring.who(signed, first_seen=now, now=now)
        policy.check_runner(name, "gate", gate.slug)


def _undecided(history: Sequence[Recorded]) -> Iterator[WaitResolved]:
    """The waits for people that did not end in an approval: a flow that forgets to look lets nothing in."""
    events = [recorded.event for recorded in history]
    for_people = {e.folder for e in events if isinstance(e, WaitOpened) and e.wait == "approval"}
    for event in events:
        if isinstance(event, WaitResolved) and event.folder in for_people and event.outcome != "approved":
            yield event
