"""Runs for tests: one event of every kind, a signature that costs nothing, and generated histories."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

from hypothesis import strategies as st

from gitflow_runner.git.objects import RawObject
from gitflow_runner.ledger.codec import encode_pin
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.journal import Turn
from gitflow_runner.model.change import ChangeCleared, ChangeOpened, ChangeSeen, DecisionAttested
from gitflow_runner.model.event import (
    BranchTaken,
    CallbackKept,
    CancelAsked,
    DecisionSeen,
    Event,
    LateResult,
    LeaseAcquired,
    Recorded,
    RequestSeen,
    RunAdmitted,
    RunCancelled,
    RunFailed,
    RunPaused,
    RunResumed,
    RunStarted,
    RunSucceeded,
    RunTerminated,
    RunTimedOut,
    StepFailed,
    StepResolved,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepUnknown,
    TimerFired,
    TimerSet,
    WaitOpened,
    WaitReminded,
    WaitResolved,
)
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.ids import step_folder
from gitflow_runner.model.pin import DraftSource, Pin, PinnedFile
from gitflow_runner.model.projection import apply
from gitflow_runner.model.run import Run
from gitflow_runner.model.slot import Admission
from gitflow_runner.model.stored import Stored

RUN = "20251122-131402-7k3m9q"
SLUG = "invoice-sync"
REF = f"refs/runs/{SLUG}/{RUN}"
T0 = 1_763_817_242_000  # 2025-11-22T13:14:02Z
PIN = Pin(
    1,
    "home-1",
    SLUG,
    f"{SLUG}.edn",
    DraftSource("main", "c" * 40, False),
    (PinnedFile(f"{SLUG}.edn", "b" * 40, "5" * 64),),
    "d" * 64,
    1,
)
PIN_BYTES = encode_pin(PIN)
PAYLOAD = b'{:question "Send?"}\n'
REQUEST = RawObject(
    "commit",
    b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a <a> 1 +0000\n"
    b"committer a <a> 1 +0000\n\nstart\n",
)
EMPTY_TREE = RawObject("tree", b"")


def armour(data: bytes) -> str:
    """Looks like a signature, is a digest: whether signatures hold is for `trust` to say."""
    body = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return f"-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----\n"


COMMITTER = Committer("Runner", "runner@example.org", armour)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def run_started(*, request: str | None = None, run: str = RUN, slug: str = SLUG) -> RunStarted:
    return RunStarted(
        run, slug, PIN.label, digest(PIN_BYTES), Stored("{:n 1}"), "anna", "SHA256:key", request, 1, "clone-1"
    )


def first_turn(*, request: str | None = None, run: str = RUN, slug: str = SLUG, at: int = T0) -> Turn:
    files = {
        "pin.json": PIN_BYTES,
        f"flow/{slug}.edn": b"{:slug :invoice-sync}\n",
        "proof/policy.edn": b"{}\n",
    }
    return Turn((run_started(request=request, run=run, slug=slug),), at, files=files)


def step_started(ordinal: int, *, attempt: int = 1, generation: int = 0) -> StepStarted:
    return StepStarted(
        f"fetch-{ordinal}",
        step_folder(ordinal, f"fetch-{ordinal}"),
        "http",
        "keyed",
        "a" * 64,
        attempt,
        generation,
        digest(b"%d %d" % (ordinal, generation)),
        Stored(f'{{:url "https://example.org/{ordinal}"}}') if attempt == 1 else None,
    )


def step_succeeded(ordinal: int, *, attempt: int = 1, text: str | None = None) -> StepSucceeded:
    output = Stored(text if text is not None else f"{{:status 200 :id {ordinal}}}")
    return StepSucceeded(f"fetch-{ordinal}", step_folder(ordinal, f"fetch-{ordinal}"), attempt, output, 12)


def failure(ordinal: int | None = None, *, data: str | None = "{:status 500}") -> Failure:
    step = None if ordinal is None else f"fetch-{ordinal}"
    return Failure("http.status", "status 500 – “no”", step, "f.edn", 3, 7, Stored(data) if data else None)


def wait_opened(ordinal: int, *, need: int = 1, kind: str = "approval") -> WaitOpened:
    return WaitOpened(
        f"send-{ordinal}",
        step_folder(ordinal, f"send-{ordinal}"),
        "e" * 64,
        kind,  # type: ignore[arg-type]
        f"send-{ordinal}",
        "Send the invoices?",
        "sha256:" + digest(PAYLOAD),
        "f" * 40,
        T0 + 86_400_000,
        ("approve", "reject"),
        need,
        "finance",
        True,
        ("anna",),
        remind_at=(T0 + 3_600_000,),
    )


def wait_turn(ordinal: int, at: int, *, need: int = 1, kind: str = "approval") -> Turn:
    files = {"wait/payload.edn": PAYLOAD, "edit/form.edn": b"{}\n"}
    return Turn((wait_opened(ordinal, need=need, kind=kind),), at, files=files)


def decision_seen(ordinal: int, oid: str, *, reason: str | None = None) -> DecisionSeen:
    folder = step_folder(ordinal, f"send-{ordinal}")
    ref = f"refs/approvals/{RUN}/{folder}/x"
    return DecisionSeen(folder, oid, ref, reason, "bob", "SHA256:bob", "approve", reason is None)


def wait_resolved(ordinal: int, *, counted: tuple[str, ...] = (), outcome: str = "approved") -> WaitResolved:
    return WaitResolved(
        f"send-{ordinal}",
        step_folder(ordinal, f"send-{ordinal}"),
        outcome,  # type: ignore[arg-type]
        "approve" if outcome == "approved" else None,
        ("bob",) if outcome == "approved" else (),
        counted,
        Stored('{:action "approve" :by ["bob"]}'),
    )


EVERY_KIND: tuple[Event, ...] = (
    run_started(request="1" * 40),
    replace(run_started(), admission=Admission("b" * 64, "flow/x/v2", "queued", '"key"', (RUN,))),
    RunAdmitted("b" * 64),
    step_started(1),
    step_succeeded(1),
    StepFailed("f", "00002-f", 1, failure(2), True, T0 + 5, 7),
    StepSkipped("f", "00002-f", failure(2, data=None)),
    StepUnknown("f", "00002-f", 1),
    StepResolved("f", "00002-f", "done", "anna", "2" * 40, Stored("nil")),
    TimerSet("nap", "00003-nap", "a" * 64, T0 + 1000),
    TimerFired("nap", "00003-nap"),
    BranchTaken("each[0]/?Big?", "Big?", "yes, it is", True),
    wait_opened(4),
    ChangeOpened("00004-send-4", "github", 7, "https://forge.test/7", 900),
    ChangeSeen("00004-send-4", "closed", "change.closed", ("unmapped_account eve#99",)),
    DecisionAttested("00004-send-4", "5" * 40, "forge-review", "approve", "github", 12),
    CallbackKept(
        "00000-early", "7" * 40, "refs/callbacks/x", "scan", "bot", "SHA256:b", "8" * 64, Stored("{}")
    ),
    WaitReminded("00004-send-4", T0),
    decision_seen(4, "3" * 40, reason="role"),
    wait_resolved(4, counted=("3" * 40,)),
    ChangeCleared("00004-send-4", "closed", "deleted"),
    RequestSeen("4" * 40, f"refs/requests/{RUN}/x", "pause", "anna", "SHA256:a", None, "lunch\u2028break"),
    RunPaused("anna", "4" * 40),
    RunResumed("anna", "5" * 40),
    CancelAsked("anna", "6" * 40, None, T0 + 9),
    CancelAsked(f"run:{RUN}", None, "superseded", T0 + 9),
    RunSucceeded(Stored("{:sent 3}")),
    RunFailed(failure()),
    RunCancelled("anna", "wrong \ud800 month"),
    RunTerminated("anna", None),
    RunTimedOut(1000),
    LateResult("f", "00002-f", 1, False),
    LeaseAcquired("clone-2", 2),
)


def _choices(run: Run, ordinal: int, oid: str, text: str) -> list[Event]:
    """What may come next after `run`, with fresh names from `ordinal`."""
    if run.is_over:
        return [LateResult("f", "00001-f", 1, True)]
    found: list[Event] = [
        step_started(ordinal),
        TimerSet(f"nap-{ordinal}", step_folder(ordinal, "nap"), "a" * 64, run.at + 50),
        RequestSeen(oid, "refs/requests/x/y", "comment", "anna", None, "not_allowed", text),
        RunPaused("anna", oid),
        RunResumed("anna", oid),
        LeaseAcquired(f"clone-{ordinal}", run.epoch + 1),
        RunSucceeded(Stored(text)),
        RunFailed(failure()),
        RunCancelled("anna", text),
    ]
    for step in run.steps:
        if step.unknown:
            found.append(StepResolved(step.identity, step.folder, "done", "anna", oid, Stored(text)))
            found.append(StepResolved(step.identity, step.folder, "retry", "anna", oid))
        elif step.announced:
            value = Stored(text)
            found.append(StepSucceeded(step.identity, step.folder, step.attempt, value, 3))
            found.append(
                StepFailed(step.identity, step.folder, step.attempt, failure(data=text), True, None, 3)
            )
            found.append(
                StepFailed(step.identity, step.folder, step.attempt, failure(data=text), False, 9, 3)
            )
            found.append(StepUnknown(step.identity, step.folder, step.attempt))
        else:
            number = int(step.folder[:5])
            found.append(step_started(number, attempt=step.attempt + 1, generation=step.generation))
    found += [TimerFired(timer.identity, timer.folder) for timer in run.timers]
    for state in run.waits:
        number = int(state.wait.folder[:5])
        found.append(decision_seen(number, oid, reason="payload" if len(text) % 2 else None))
        found.append(WaitReminded(state.wait.folder, run.at))
        found.append(wait_resolved(number, outcome="expired"))
    return found


@st.composite
def histories(draw: st.DrawFn, max_turns: int = 8) -> tuple[Turn, ...]:
    """A run from its start on, cut into turns as a runner may cut it."""
    first = first_turn(at=T0)
    turns = [first]
    run = apply(None, Recorded(1, T0, first.events[0]))
    ordinal = 1
    for _ in range(draw(st.integers(0, max_turns))):
        at = run.at + draw(st.integers(-5, 2000))
        if not run.is_over and draw(st.integers(0, 5)) == 0:
            turn = wait_turn(ordinal, at)
            run = apply(run, Recorded(run.seq + 1, max(at, run.at), turn.events[0]))
            turns.append(turn)
            ordinal += 1
            continue
        events: list[Event] = []
        for _ in range(draw(st.integers(1, 4))):
            text = draw(st.sampled_from(["nil", "{:a 1}", '"grüße"', "[1 2 3]"]))
            oid = draw(st.sampled_from("789a")) * 40
            options = _choices(run, ordinal, oid, text)
            if any(isinstance(e, WaitResolved) for e in events):
                options = [o for o in options if not isinstance(o, WaitResolved)]
            event = draw(st.sampled_from(options))
            run = apply(run, Recorded(run.seq + 1, max(at, run.at), event))
            events.append(event)
            ordinal += 1
        turns.append(Turn(tuple(events), at))
    return tuple(turns)
