"""What the running body may ask: the `flow/*` names, answered from history.

One `BodyHost` serves one evaluation. A step whose result is recorded answers at once; any other one puts
a command out and suspends the evaluation until the shell has fed what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from gitflow_runner.engine.behaviour import check
from gitflow_runner.engine.history import History, StepRecord
from gitflow_runner.engine.keys import input_hash
from gitflow_runner.engine.lane import Lane
from gitflow_runner.engine.parallel import OnError, Parallel, Parked
from gitflow_runner.errors import DamagedError, Place, Unwind
from gitflow_runner.lang.collection import Map, map_of
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.fuel import Call
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.readback import Written, read_again
from gitflow_runner.lang.throwing import FlowThrow
from gitflow_runner.lang.values import ExInfo, Value, keyword
from gitflow_runner.model.command import Command, OpenWait, Packaged, RunStep, SetTimer
from gitflow_runner.model.event import BranchTaken
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.spec import Spec
from gitflow_runner.model.stored import Stored

MAX_KNOWN = 200  # results
_SHORT = 2_000  # characters
_KEY, _LABEL, _ON_TIMEOUT, _CONTINUE = map(keyword, ("key", "label", "on-timeout", "continue"))


class BodyHost:
    """Answers one evaluation of a body; `suspend` hands commands to the shell and returns once fed."""

    def __init__(
        self,
        history: History,
        specs: Mapping[str, Spec],
        behaviour: int,
        suspend: Callable[[tuple[Command, ...]], None],
    ) -> None:
        check(behaviour)
        self._history = history
        self._specs = specs
        self._behaviour = behaviour
        self._put_out = suspend
        self.lane = Lane("", history.started_at)
        self.labels: dict[str, BranchTaken] = {}  # that were taken and are not recorded yet, or lately only
        self._known: dict[str, Written] = {}  # the latest short results by their digests

    @property
    def behaviour(self) -> int:
        """The number of the meanings that this run was started with."""
        return self._behaviour

    @property
    def now_ms(self) -> int:
        """The latest recorded completion among the results already returned here (protocol 2.2)."""
        return self.lane.now

    def input(self) -> Value:
        """The run's input as the body sees it: what was given, the setup's values, and the run's id."""
        started = self._history.started
        assert started is not None, "a body runs only after its run.started"
        given = read_data(started.input.text, loose=True)
        if not given.has(keyword("activation")):
            given = given.assoc(keyword("activation"), Map(loose=True))
        context = map_of([(keyword("workflow-id"), started.run)], loose=True)
        return given.assoc(keyword("flow/ctx"), context)

    def suspend(self, commands: tuple[Command, ...]) -> None:
        """Hand commands to the shell, or to the parallel form around this branch."""
        if self.lane.branch:
            raise Parked(commands)
        self._put_out(commands)

    def note_branch(self, meta: Map, taken: bool) -> None:
        """Remember which way a labelled branch went; told once, however often it is evaluated."""
        label = meta.get(_LABEL)
        if not isinstance(label, str):
            return
        identity = self.lane.label_identity(label)
        if identity in self._history.branches:
            return
        choice = meta.get(keyword("yes" if taken else "no"))
        text = choice if isinstance(choice, str) else ("yes" if taken else "no")
        self.labels[identity] = BranchTaken(identity, label, text, taken)

    def parallel(
        self,
        step_id: str,
        items: Sequence[Value],
        branch: Callable[[Value], Value],
        *,
        at_once: int,
        on_error: OnError,
    ) -> Value:
        """The values of `branch` for every item, in the order of the items."""
        identity = self.lane.scope.identity(step_id)
        form = Parallel(self, self._history, identity, items, branch, at_once=at_once, on_error=on_error)
        return form.run()

    @contextmanager
    def nested(self, step_type: str, step_id: str, config: Map) -> Iterator[str]:
        """A step that is made of steps: its identity, which is the scope of those inside."""
        identity = self.lane.scope.identity(step_id, self._explicit_key(step_type, config))
        with self.lane.nested(identity):
            yield identity

    def step(
        self,
        step_type: str,
        step_id: str,
        config: Map,
        call: Call,
        *,
        continues: tuple[str, int] | None = None,
        packaged: Packaged | None = None,
    ) -> Value:
        """The step's recorded value, asked for first if there is none; `StepThrow` if it failed.

        `continues` is the identity and the generation of a failed step that this one tries again, `packaged`
        what the flow called it as.
        """
        identity = self.lane.scope.identity(step_id, self._explicit_key(step_type, config))
        digest = input_hash(step_type, self._behaviour, config)
        while True:
            record = self._history.steps.get(identity)
            if record is not None and record.input_hash != digest:
                raise _nondeterminism(identity, call.place(), record.input_hash, digest)
            self._strike(record)
            if record is not None and record.complete:
                key_of = continues[0] if continues is not None else identity
                return self._answer(identity, step_type, record, config, key_of)
            commands = self._commands(identity, step_type, step_id, config, digest, record, continues)
            self.suspend(tuple(_called_as(each, packaged) for each in commands))

    def _strike(self, record: StepRecord | None) -> None:
        # What completed after the cancel was taken is recorded but not handed out, so that a replay is
        # cut at the same place whatever was in flight then.
        history = self._history
        if self.lane.cleanup or history.cancel is None:
            return
        if record is None or not record.complete or record.seq > history.cancel_seq:
            self.lane.strike()
            raise Unwind

    def _answer(self, identity: str, step_type: str, record: StepRecord, config: Map, key_of: str) -> Value:
        self.lane.now = max(self.lane.now, record.at)
        match record.state:
            case "failed":
                assert record.failure is not None
                raise step_throw(step_type, identity, record.failure, (key_of, record.generation))
            case "expired" if config.get(_ON_TIMEOUT) is not _CONTINUE:
                failure = Failure("wait.expired", f"wait {identity} ended without a decision", identity)
                raise step_throw(step_type, identity, failure)
            case "cancelled":
                raise Unwind
            case "expired" if record.output is None or record.output.text == "nil":
                # The default of an event wait is part of the body, but it is handed out as stored data is.
                return read_data(write(config.get(keyword("default-value"))), loose=True)
            case _:
                return None if record.output is None else self._result(record.output)

    def _result(self, output: Stored) -> Value:
        """The result as it was recorded.

        Loops and polls get the same answers over and over: one that was read before has the same digest,
        and is not looked up in the run's tree again. Each is a value of its own, as `identical?` may ask.
        """
        known = self._known.get(output.digest)
        if known is not None:
            return read_again(known.value, known.text)
        value = output.take()
        if len(output.text) <= _SHORT:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()  # what goes on coming is soon back
            self._known[output.digest] = Written(value, output.text)
        return value

    def _commands(
        self,
        identity: str,
        step_type: str,
        step_id: str,
        config: Map,
        digest: str,
        record: StepRecord | None,
        continues: tuple[str, int] | None,
    ) -> tuple[Command, ...]:
        if record is not None and record.state in ("open", "unknown"):
            return ()
        match step_type:
            case "wait":
                return (OpenWait(identity, step_id, config, digest),)
            case "sleep":
                return (SetTimer(identity, step_id, config, digest, self.lane.cleanup),)
        key_of, generation = continues or (None, 0)
        if record is None:
            first = RunStep(
                identity,
                step_id,
                step_type,
                config,
                digest,
                generation=generation,
                cleanup=self.lane.cleanup,
                key_of=key_of,
            )
            return (first,)
        command = RunStep(
            identity,
            step_id,
            step_type,
            config,
            digest,
            record.attempt,
            record.generation,
            record.state == "started",
            record.folder,
            record.retry_at,
            self.lane.cleanup,
            key_of,
        )
        return (command,)

    def _explicit_key(self, step_type: str, config: Map) -> str | None:
        # `:key` is an identity only where the type has no `:key` of its own (`:kv` and `:wait` have).
        key = config.get(_KEY)
        if key is None:
            return None
        spec = self._specs.get(step_type)
        if spec is None or any(f.name == "key" for f in spec.fields):
            return None
        return getattr(key, "text", None) or str(key)


def _called_as(command: Command, packaged: Packaged | None) -> Command:
    match command:
        case RunStep() | OpenWait() | SetTimer() if packaged is not None:
            return replace(command, packaged=packaged)
        case _:
            return command


class StepThrow(FlowThrow):
    """A failed step as an exception of the language, with what trying it again goes on from."""

    def __init__(self, info: ExInfo, failure: Failure, continues: tuple[str, int]) -> None:
        super().__init__(info)
        self.failure = failure
        self.continues = continues


def step_throw(
    step_type: str, identity: str, failure: Failure, continues: tuple[str, int] | None = None
) -> StepThrow:
    """The exception that a failed step raises in the body: `ex-data` holds type, step, code, message."""
    shown = {
        keyword("type"): keyword(step_type),
        keyword("step"): identity,
        keyword("code"): failure.code,
        keyword("message"): failure.message,
    }
    extra = None if failure.data is None else read_data(failure.data.text, loose=True)
    if isinstance(extra, Map):
        shown = {**dict(extra.items()), **shown}
    info = ExInfo(failure.message, map_of(shown.items(), loose=True))
    return StepThrow(info, failure, continues or (identity, 0))


def _nondeterminism(identity: str, at: Place, recorded: str, now: str) -> DamagedError:
    return DamagedError(
        "nondeterminism",
        f"step {identity} is called with another input than history records",
        at=replace(at, step=identity),
        details={"recorded": recorded, "now": now},
        hint="the recorded history or this engine was changed; nothing is driven until a person looks",
    )
