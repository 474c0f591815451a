"""Calls of other flows: a run of its own, started once, driven from here, its value handed back."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from gitflow_runner.engine.keys import idempotency_key
from gitflow_runner.errors import ConflictError, GitflowError, NotFoundError, StepError, TransientError
from gitflow_runner.git.refs import run_ref
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.values import Keyword, keyword
from gitflow_runner.ledger.chain import file_in, head_of, read_history, read_run
from gitflow_runner.ledger.lease import read_lease, wake
from gitflow_runner.ledger.listing import find_run
from gitflow_runner.model.command import RunStep
from gitflow_runner.model.event import Recorded, RunSucceeded, StepFailed, StepStarted, StepSucceeded
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.ids import RunId, Slug, run_id, step_folder
from gitflow_runner.model.pin import Pin
from gitflow_runner.model.projection import CALL
from gitflow_runner.model.run import Run
from gitflow_runner.model.stored import Stored
from gitflow_runner.runner.buffer import Buffer
from gitflow_runner.runner.encode import failure_of, stored
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.settings import LimitSettings

MAX_DEPTH = 5
MAX_CALLS = 25
_RELEASED = re.compile(r"live|v[1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class Called:
    """What a call asks for: a flow as `ref` names it (`live`, `v3`, `draft`), its target, its input."""

    slug: Slug
    ref: str
    installation: str | None
    given: Map


class Launch(Protocol):
    """Starts a called run if there is none yet, and drives it as far as it goes now."""

    def __call__(self, run: RunId, called: Called, parent: Run, depth: int, /) -> None: ...


class Children:
    """The called runs of one driven run."""

    def __init__(
        self,
        *,
        runtime: Runtime,
        buffer: Buffer,
        pin: Pin,
        limits: LimitSettings,
        launch: Launch,
        drive: Callable[[str, Slug], None],
        refuse: Callable[[str, str, str, str, StepError], None],
    ) -> None:
        self._runtime = runtime
        self._buffer = buffer
        self._pin = pin
        self._limits = limits
        self._launch = launch
        self._drive = drive
        self._refuse = refuse

    def run(self, command: RunStep) -> bool:
        """Go on with the call; False while the called run waits for something."""
        folder = command.folder or step_folder(self._buffer.run.steps_begun + 1, command.step_id)
        child = child_id(self._buffer.run.run, command.identity, self._runtime.local.home())
        try:
            called = self._wanted(command.config)
            if not command.started:
                self._check_bounds()
                self._announce(command, folder, child)
            self._launch(child, called, self._buffer.run, self._pin.depth)
        except StepError as error:
            if command.started:
                self._fail(command, folder, failure_of(error, command.identity))
            else:
                self._refuse(command.identity, folder, CALL, command.input_hash, error)
            return True
        except GitflowError as error:
            if error.code in ("lease.run_held", "run.foreign"):
                return False
            if isinstance(error, TransientError | ConflictError) or error.code.startswith("slot."):
                raise  # says nothing about the call: whoever drives next takes it up again
            self._fail(command, folder, Failure(error.code, error.message, command.identity))
            return True
        return self._settle(command, folder, child, called.slug)

    def end(self) -> None:
        """Let the called runs that are open see that this one is being cancelled: each ends by itself."""
        open_calls = {step.identity for step in self._buffer.run.steps if step.type == CALL}
        begun = [r.event for r in self._buffer.history if isinstance(r.event, StepStarted)]
        for child in [e.child for e in begun if e.child is not None and e.identity in open_calls]:
            lease = read_lease(self._runtime.repository, child)
            if lease is not None:
                wake(self._runtime.repository.common_dir, child)
                self._drive(child, Slug(lease.slug))

    def _wanted(self, config: object) -> Called:
        assert isinstance(config, Map), "the engine hands over a map"
        ref = "draft" if self._pin.is_draft else "live"
        named = _text(config, "version") or _text(config, "target")
        if named is not None:
            ref = f"v{named}" if named.isdigit() else named
        if not self._pin.is_draft and not _RELEASED.fullmatch(ref):
            raise StepError(
                "call.unreleased",
                f"the run of a release calls releases only, and not {ref[:60]!r}",
                hint="write :version 3, or leave it out for the live release",
            )
        given = config.get(keyword("input"))
        return Called(
            Slug(config.get(keyword("flow-slug"))),
            ref,
            _text(config, "installation-id") or _text(config, "profile-id"),
            given if isinstance(given, Map) else Map(),
        )

    def _check_bounds(self) -> None:
        if self._pin.depth >= MAX_DEPTH:
            raise StepError("limit.depth", f"flows call one another at most {MAX_DEPTH} deep")
        calls = sum(
            1 for r in self._buffer.history if isinstance(r.event, StepStarted) and r.event.type == CALL
        )
        if calls >= MAX_CALLS:
            raise StepError("limit.calls", f"a run calls other flows at most {MAX_CALLS} times")

    def _announce(self, command: RunStep, folder: str, child: RunId) -> None:
        home = self._runtime.local.home()
        key = idempotency_key(home, self._buffer.run.run, command.identity, 0)
        given = stored(command.config, limit=self._limits.inline_bytes, what="the call's input")
        self._buffer.add(
            StepStarted(command.identity, folder, CALL, "keyed", command.input_hash, 1, 0, key, given, child)
        )
        self._buffer.flush()

    def _settle(self, command: RunStep, folder: str, child: RunId, slug: Slug) -> bool:
        reader = self._runtime.repository
        tip = reader.resolve(run_ref(slug, child))
        if tip is None:
            return False
        state = read_run(reader, tip)
        if not state.is_over:
            return False
        took = max(0, (state.ended or state.at) - state.started)
        if state.status == "succeeded":
            last = [r.event for r in read_history(reader, tip) if isinstance(r.event, RunSucceeded)]
            # The text is taken in whole, so that the parent's tree holds what it went on with.
            output = Stored(last[-1].output.text)
            self._buffer.add(StepSucceeded(command.identity, folder, 1, output, took))
            return True
        why = state.failure.message if state.failure is not None else state.status
        failure = Failure("child.failed", f"run {child} of {slug} {state.status}: {why}", command.identity)
        self._fail(command, folder, failure, took)
        return True

    def _fail(self, command: RunStep, folder: str, failure: Failure, took: int = 0) -> None:
        self._buffer.add(StepFailed(command.identity, folder, 1, failure, True, None, took))


def _text(config: Map, key: str) -> str | None:
    value = config.get(keyword(key))
    return None if value is None else value.name if isinstance(value, Keyword) else str(value)


def child_id(parent: str, identity: str, home: str) -> RunId:
    """The id of a called run: the parent's moment and a name that only this call has."""
    digest = hashlib.sha256(f"{home}\0{parent}\0{identity}".encode()).digest()
    return run_id(f"{parent[:15]}-{base64.b32encode(digest)[:6].decode().lower()}")


def relatives_files(
    reader: ObjectReader, pin: Pin, history: Iterable[Recorded], path: str
) -> Iterator[bytes]:
    """The file at `path` of the run that called this one, then of those that it called."""
    begun = [r.event for r in history if isinstance(r.event, StepStarted)]
    caller = () if pin.origin is None else (pin.origin.partition(" ")[0],)
    for run in (*caller, *(event.child for event in begun if event.child is not None)):
        try:
            tip = find_run(reader, run).tip
        except NotFoundError:
            continue
        found = file_in(reader, head_of(reader, tip)[0], path)
        if found is not None:
            yield found
