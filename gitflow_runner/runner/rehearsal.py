"""A run that nobody records: commands of the engine answered from mocks and decisions, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

from gitflow_runner.catalog.cases import Case, Mock
from gitflow_runner.errors import GitflowError, NotFoundError, StepError, UsageError
from gitflow_runner.lang.collection import Map, Vec, map_of
from gitflow_runner.lang.values import Keyword, Value, keyword
from gitflow_runner.model.command import Command, Complete, Fail, FinishCancel, OpenWait, RunStep, SetTimer
from gitflow_runner.model.event import (
    Event,
    Recorded,
    RunStarted,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    TimerFired,
    TimerSet,
    WaitOpened,
    WaitOutcome,
    WaitResolved,
)
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.flow import Flow
from gitflow_runner.model.ids import step_folder
from gitflow_runner.model.stored import Stored
from gitflow_runner.net.recorded import RecordedHttp
from gitflow_runner.runner.answers import EXPIRED, NOTHING
from gitflow_runner.runner.attempt import on_error
from gitflow_runner.runner.encode import failure_of, stored
from gitflow_runner.runner.settings import LimitSettings
from gitflow_runner.schemas.packaged import PackagedSchemas
from gitflow_runner.steps.base import Context, Functions, Written
from gitflow_runner.steps.config import parse_config
from gitflow_runner.steps.expect import check_expected, require_expectation
from gitflow_runner.steps.memory import (
    ManualCancel,
    ManualClock,
    MemoryBlobs,
    MemoryKv,
    MemoryLog,
    MemorySource,
    MemoryTables,
)
from gitflow_runner.steps.persist import persist
from gitflow_runner.steps.registry import Steps
from gitflow_runner.steps.sleep import sleep_ms
from gitflow_runner.steps.wait import WaitRequest, wait_request

REAL = ("function",)  # what needs no mock: it reaches nothing
TESTER = "tester"  # who decides, where a case does not say
_ACTION, _BY = keyword("action"), keyword("by")


class Rehearsal:
    """One case under way; `path` are the identities of its steps in the order in which they began."""

    def __init__(
        self, run: str, flow: Flow, case: Case, steps: Steps, functions: Functions, limits: LimitSettings
    ) -> None:
        self.path: list[str] = []
        self._run = run
        self._slug = flow.slug
        self._schemas = PackagedSchemas(flow.steps)
        self._case = case
        self._steps = steps
        self._functions = functions
        self._limits = limits
        self._clock = ManualClock(case.now_ms)
        self._blobs = MemoryBlobs()
        self._kv = MemoryKv(self._clock.now_ms)
        self._tables = MemoryTables()
        self._seq = 0
        self._used: set[str] = set()
        self._feed: Callable[[Iterable[Recorded]], None] = lambda recorded: None

    def begin(self, feed: Callable[[Iterable[Recorded]], None], start: RunStarted) -> None:
        """Begin; `feed` hears of every event."""
        self._feed = feed
        self._add(start)

    def act(self, command: Command) -> Stored | Failure | None:
        """Answer one command; how the run ended, if it did.

        Raises `UsageError` (`test.not_mocked`, `test.not_decided`, `test.action`, `test.steps`) where the
        case says too little.
        """
        match command:
            case RunStep():
                self._step(command)
            case OpenWait():
                self._wait(command)
            case SetTimer():
                self._sleep(command)
            case Complete():
                return self._completed(command)
            case Fail():
                return command.failure
            case FinishCancel():
                return Failure("run.cancelled", "the run was cancelled")
            case _:
                assert_never(command)
        return None

    def unused(self) -> tuple[str, ...]:
        """The mocks and decisions that nothing asked for."""
        return tuple(n for n in (*self._case.steps, *self._case.decisions) if n not in self._used)

    def _add(self, *events: Event) -> None:
        first = self._seq + 1
        self._seq += len(events)
        now = self._clock.now_ms()
        self._feed([Recorded(first + index, now, event) for index, event in enumerate(events)])

    def _begin_step(self, identity: str, step_id: str) -> str:
        if len(self.path) >= self._limits.steps:
            raise UsageError(
                "test.steps", f"a run may take {self._limits.steps} steps; the next is {identity}"
            )
        self.path.append(identity)
        return step_folder(len(self.path), step_id)

    def _step(self, command: RunStep) -> None:
        mock = self._given(self._case.steps, command.identity, command.step_id)
        if mock is None and command.type not in REAL:
            raise UsageError(
                "test.not_mocked",
                f"step {command.identity} (:{command.type}) has no mock",
                hint=f"add :steps {{:{command.step_id} {{:returns …}}}} to the test",
            )
        folder = self._begin_step(command.identity, command.step_id)
        self._add(StepStarted(command.identity, folder, command.type, "pure", command.input_hash, 1, 0, ""))
        try:
            config = self._config(command)
            require_expectation(config.get("expect"))
            self._schemas.check_input(command.packaged)
        except StepError as error:
            self._failed(command.identity, folder, failure_of(error, command.identity), {})
            return
        try:
            value = self._value(command, config, mock)
            output = stored(value, limit=self._limits.inline_bytes, what="the step's result")
        except StepError as error:
            self._failed(command.identity, folder, failure_of(error, command.identity), config)
            return
        self._add(StepSucceeded(command.identity, folder, 1, output, 0))

    def _config(self, command: RunStep) -> Mapping[str, object]:
        """The config, checked where the step type is known here; a mock may stand for one that is not."""
        try:
            spec = self._steps.spec(command.type)
        except NotFoundError:
            return {}
        return parse_config(spec, command.config)

    def _value(self, command: RunStep, config: Mapping[str, object], mock: Mock | None) -> Value:
        context = self._context(command.identity)
        if mock is None:
            answer = self._steps.get(command.type).run(config, context)
            result: Value = answer.value if isinstance(answer, Written) else answer
        elif mock.throws is not None:
            raise _thrown(mock.throws)
        else:
            result = mock.returns
        if config.get("expect") is not None:
            check_expected(config["expect"], result, definite=True)
        self._schemas.check_output(command.packaged, result, definite=True)
        return persist(result, config, context)

    def _failed(self, identity: str, folder: str, failure: Failure, config: Mapping[str, object]) -> None:
        self._add(StepFailed(identity, folder, 1, failure, True, None, 0))
        if on_error(config) == "skip":
            self._add(StepSkipped(identity, folder, failure))

    def _sleep(self, command: SetTimer) -> None:
        folder = self._begin_step(command.identity, command.step_id)
        try:
            self._schemas.check_input(command.packaged)
            length = sleep_ms(command.config)
        except StepError as error:
            self._refused(command, folder, "sleep", error)
            return
        self._add(TimerSet(command.identity, folder, command.input_hash, self._clock.now_ms() + length))
        self._clock.advance(length)
        self._add(TimerFired(command.identity, folder))

    def _wait(self, command: OpenWait) -> None:
        folder = self._begin_step(command.identity, command.step_id)
        try:
            self._schemas.check_input(command.packaged)
            config = parse_config(self._steps.spec("wait"), command.config)
            request = wait_request(config, default_key=command.identity)
        except StepError as error:
            self._refused(command, folder, "wait", error)
            return
        decision = self._given(self._case.decisions, command.identity, command.step_id, request.key)
        if decision is None:
            raise UsageError(
                "test.not_decided",
                f"wait {command.identity} has no decision",
                hint=f"add :decisions {{:{command.step_id} :approve}} to the test",
            )
        self._add(self._opened(command, folder, request))
        outcome, action, by, value = self._decided(command.identity, request, decision)
        if outcome == "expired":
            self._clock.advance(request.timeout_ms + 1)
        self._add(WaitResolved(command.identity, folder, outcome, action, by, (), value))

    def _opened(self, command: OpenWait, folder: str, request: WaitRequest) -> WaitOpened:
        return WaitOpened(
            command.identity,
            folder,
            command.input_hash,
            request.kind,
            request.key,
            request.title or command.step_id,
            "",
            None,
            self._clock.now_ms() + request.timeout_ms,
            request.actions,
            request.need,
            request.roles[0] if len(request.roles) == 1 else None,
            request.human,
            (),
            request.on_timeout,
        )

    def _decided(
        self, identity: str, request: WaitRequest, decision: Value
    ) -> tuple[WaitOutcome, str | None, tuple[str, ...], Stored]:
        if decision is keyword("expired"):
            return "expired", None, (), EXPIRED if request.kind == "approval" else NOTHING
        if request.kind == "event":
            limit = self._limits.inline_bytes
            return "answered", None, (), stored(decision, limit=limit, what="the event")
        given = decision if isinstance(decision, Map) else map_of([(_ACTION, decision)])
        action = given.get(_ACTION, request.actions[0])
        name = action.text if isinstance(action, Keyword) else action
        if name not in request.actions:
            known = ", ".join(f":{each}" for each in (*request.actions, "expired"))
            raise UsageError("test.action", f"wait {identity} has no action {name!r}", hint=f"known: {known}")
        by = given.get(_BY, Vec((TESTER,)))
        value = given.assoc(_ACTION, name).assoc(_BY, by)
        people = tuple(str(each) for each in by) if isinstance(by, Vec) else ()
        text = stored(value, limit=self._limits.inline_bytes, what="the decision")
        return "rejected" if name == "reject" else "approved", name, people, text

    def _refused(self, command: OpenWait | SetTimer, folder: str, kind: str, error: StepError) -> None:
        self._add(StepStarted(command.identity, folder, kind, "pure", command.input_hash, 1, 0, ""))
        self._failed(command.identity, folder, failure_of(error, command.identity), {})

    def _completed(self, command: Complete) -> Stored | Failure:
        try:
            return stored(command.output, limit=self._limits.inline_bytes, what="the flow's result")
        except StepError as error:
            return failure_of(error, "")

    def _given(self, by_name: Mapping[str, Mock] | Mapping[str, Value], *names: str) -> Value:
        for name in names:
            if name in by_name:
                self._used.add(name)
                return by_name[name]
        return None

    def _context(self, identity: str) -> Context:
        return Context(
            self._run,
            self._slug,
            identity,
            1,
            identity,  # each execution writes for itself
            self._clock.now_ms(),
            self._clock.monotonic_ms() + self._limits.step_ms,
            self._clock,
            ManualCancel(),
            MemoryLog(),
            RecordedHttp({}),
            self._functions,
            self._blobs,
            self._kv,
            MemorySource(),
            tables=self._tables,
        )


def _thrown(data: Map) -> GitflowError:
    code, message = data.get(keyword("code")), data.get(keyword("message"))
    name = code.text if isinstance(code, Keyword) else code
    rest = {
        getattr(key, "text", None) or str(key): value
        for key, value in data.items()
        if key not in (keyword("code"), keyword("message"))
    }
    return StepError(
        name if isinstance(name, str) else "test.thrown",
        message if isinstance(message, str) else "the mock throws",
        data=rest,
    )
