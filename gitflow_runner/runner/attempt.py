"""One attempt of a step, by the rules for effects: announce, act, record (protocol 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitflow_runner.engine.keys import idempotency_key
from gitflow_runner.errors import NotFoundError, StepError, UsageError
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Value
from gitflow_runner.model.command import OpenWait, RunStep, SetTimer
from gitflow_runner.model.event import (
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepUnknown,
)
from gitflow_runner.model.ids import step_folder
from gitflow_runner.model.spec import Effect
from gitflow_runner.model.stored import Stored
from gitflow_runner.runner.buffer import Buffer
from gitflow_runner.runner.clock import Clock, Jitter
from gitflow_runner.runner.encode import failure_of, stored
from gitflow_runner.runner.ports import Ports
from gitflow_runner.runner.settings import LimitSettings
from gitflow_runner.schemas.packaged import PackagedSchemas
from gitflow_runner.steps.base import Step, Written
from gitflow_runner.steps.config import parse_config, retry_policy, timeout_ms
from gitflow_runner.steps.expect import check_expected, require_expectation
from gitflow_runner.steps.persist import persist


@dataclass(frozen=True, slots=True)
class _Intent:
    """One intended effect: its idempotency key, and when that was first announced (ms)."""

    key: str
    at: int


class Attempts:
    """Runs attempts for one driver."""

    def __init__(
        self,
        *,
        buffer: Buffer,
        step: Callable[[str], Step],
        ports: Ports,
        clock: Clock,
        jitter: Jitter,
        home: str,
        limits: LimitSettings,
        before_effect: Callable[[Effect], None],
        schemas: PackagedSchemas,
    ) -> None:
        self._buffer = buffer
        self._step = step
        self._ports = ports
        self._clock = clock
        self._jitter = jitter
        self._home = home
        self._limits = limits
        self._before_effect = before_effect
        self._schemas = schemas

    def run(self, command: RunStep) -> bool:
        """Run the attempt and record what came of it; an effect in doubt is left to a person.

        False if the run was paused just before, so that nothing is begun now.
        """
        run = self._buffer.run
        folder = command.folder or step_folder(run.steps_begun + 1, command.step_id)
        try:
            step = self._known_step(command.type)
            config = parse_config(step.spec, command.config)
            require_expectation(config.get("expect"))
            self._schemas.check_input(command.packaged)
            given = None if command.started else self._given(command)
        except StepError as error:
            self.refuse(command.identity, folder, command.type, command.input_hash, error)
            return True
        effect = "unsafe" if config.get("unsafe") is True else step.spec.effect_of(config)
        if command.started and effect == "unsafe":
            self._buffer.add(StepUnknown(command.identity, folder, command.attempt))
            self._buffer.flush()
            return True
        key = idempotency_key(self._home, run.run, command.key_of or command.identity, command.generation)
        at: int | None = None
        if not command.started:
            self._before(effect)
            now = self._buffer.run
            if (now.cancel, now.status == "paused") != (run.cancel, run.status == "paused"):
                # What came in just before the effect holds it back: the body is asked again, or nobody is.
                return now.status != "paused" or now.cancel is not None
            at = self._announce(command, folder, effect, key, given)
        if at is None or command.attempt > 1 or command.key_of is not None:
            at = self._first_announced(key)
        self._perform(command, folder, step, effect, config, _Intent(key, at))
        return True

    def _before(self, effect: Effect) -> None:
        if effect in ("keyed", "unsafe"):
            self._before_effect(effect)
        elif effect == "read" and self._buffer.holds_effect_result:
            # A read may take long; the result of an effect should not hang in memory meanwhile.
            self._buffer.flush()

    def _known_step(self, step_type: str) -> Step:
        try:
            return self._step(step_type)
        except (NotFoundError, UsageError) as error:
            raise StepError(error.code, error.message, hint=error.hint) from None

    def _given(self, command: RunStep) -> Stored | None:
        """The step's input as its first attempt records it; `StepError` (`value.*`)."""
        if command.attempt > 1:
            return None
        return stored(command.config, limit=self._limits.inline_bytes, what="the step's input")

    def takes(self, command: RunStep | OpenWait | SetTimer, step_type: str) -> bool:
        """Whether a step without attempts takes what it is given; one that does not is recorded as failed."""
        try:
            self._schemas.check_input(command.packaged)
        except StepError as error:
            folder = step_folder(self._buffer.run.steps_begun + 1, command.step_id)
            self.refuse(command.identity, folder, step_type, command.input_hash, error)
            return False
        return True

    def refuse(self, identity: str, folder: str, step_type: str, digest: str, error: StepError) -> None:
        """Record a step that could not even begin: begun and failed in one turn."""
        self._buffer.add(StepStarted(identity, folder, step_type, "pure", digest, 1, 0, ""))
        failure = failure_of(error, identity)
        self._buffer.add(StepFailed(identity, folder, 1, failure, True, None, 0))

    def _announce(self, command: RunStep, folder: str, effect: Effect, key: str, given: Stored | None) -> int:
        """Record that the attempt begins; the recorded time (ms)."""
        (recorded,) = self._buffer.add(
            StepStarted(
                command.identity,
                folder,
                command.type,
                effect,
                command.input_hash,
                command.attempt,
                command.generation,
                key,
                given,
            )
        )
        if effect in ("keyed", "unsafe"):
            self._buffer.flush()
        return recorded.at

    def _perform(
        self,
        command: RunStep,
        folder: str,
        step: Step,
        effect: Effect,
        config: Mapping[str, object],
        intent: _Intent,
    ) -> None:
        began = self._clock.monotonic_ms()
        limit = timeout_ms(config, self._limits.step_ms)
        with self._ports.attempt(
            command.identity, folder, command.attempt, intent.key, began + limit, intent.at
        ) as context:
            if config.get("metering") is not None:
                context.log.line(f"metering {write(config['metering'])}")
            try:
                answer = step.run(config, context)
                result: Value = answer.value if isinstance(answer, Written) else answer
                if config.get("expect") is not None:
                    # An unsafe effect that came back is over, however its result looks.
                    check_expected(config["expect"], result, definite=effect == "unsafe")
                self._schemas.check_output(command.packaged, result, definite=effect == "unsafe")
                value: Value = persist(result, config, context)
                kept = answer if value is result else value
                output = stored(kept, limit=self._limits.inline_bytes, what="the step's result")
            except StepError as error:
                if effect == "unsafe" and not error.definite:
                    # Nobody knows whether it happened: as after a crash, a person decides.
                    self._buffer.add(StepUnknown(command.identity, folder, command.attempt))
                    return
                self._failed(command, folder, config, error, self._clock.monotonic_ms() - began)
            else:
                took = self._clock.monotonic_ms() - began
                self._buffer.add(
                    StepSucceeded(
                        command.identity, folder, command.attempt, output, took, repeated=command.started
                    )
                )
        if self._buffer.is_stale:
            self._buffer.flush()

    def _first_announced(self, key: str) -> int:
        """When an effect of this key was first announced, by this process or one before it."""
        return next(
            recorded.at
            for recorded in self._buffer.history
            if isinstance(recorded.event, StepStarted) and recorded.event.key == key
        )

    def _failed(
        self,
        command: RunStep,
        folder: str,
        config: Mapping[str, object],
        error: StepError,
        took: int,
    ) -> None:
        policy = retry_policy(config)
        retry_at = None
        status = error.details.get("status")
        if policy.another(command.attempt, error.code, status, retryable=error.retryable):
            delay = policy.delay(
                command.attempt, asked_ms=error.retry_after_ms, share=self._jitter.fraction()
            )
            retry_at = self._clock.now_ms() + delay
        failure = failure_of(error, command.identity)
        self._buffer.add(
            StepFailed(command.identity, folder, command.attempt, failure, error.definite, retry_at, took)
        )
        if retry_at is None and on_error(config) == "skip":
            self._buffer.add(StepSkipped(command.identity, folder, failure))


def on_error(config: Mapping[str, object]) -> str:
    """What a failure does: `fail`, `skip` or `checkpoint`."""
    given = config.get("on-error")
    return getattr(given, "name", "fail")
