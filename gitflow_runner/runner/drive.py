"""Driving one run: ask the engine, act, record, until the run ends or nothing can be done now.

The driver holds the run's lease. It announces before it acts (barrier rule): a keyed or unsafe effect
begins only once the turn that says so is durable; pure and read steps are recorded with the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from gitflow_runner.engine.advance import Activation
from gitflow_runner.engine.program import Program
from gitflow_runner.errors import StepError
from gitflow_runner.model.command import Command, Complete, Fail, FinishCancel, OpenWait, RunStep, SetTimer
from gitflow_runner.model.event import (
    RunAdmitted,
    RunCancelled,
    RunFailed,
    RunSucceeded,
    RunTimedOut,
    TimerFired,
    TimerSet,
)
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.ids import step_folder
from gitflow_runner.model.projection import CALL
from gitflow_runner.model.run import Run
from gitflow_runner.runner.attempt import Attempts
from gitflow_runner.runner.buffer import Buffer
from gitflow_runner.runner.children import Children
from gitflow_runner.runner.clock import Clock
from gitflow_runner.runner.encode import failure_of, stored
from gitflow_runner.runner.inbox import LOOK_EVERY_MS, Inbox
from gitflow_runner.runner.settings import LimitSettings
from gitflow_runner.runner.slots import RunSlot
from gitflow_runner.runner.waiting import Waits
from gitflow_runner.steps.sleep import sleep_ms

LINGER_MS = 90_000  # cleanup of a cancelled run takes a minute at most
LINGER_STEP_MS = 500


class Patience(Enum):
    """How long a driver stays: until nothing is due now, or through sleeps and back-offs too."""

    NOW = "now"
    TIMERS = "timers"


@dataclass(frozen=True, slots=True)
class Stood:
    """Where the run stood when driving ended; `due` (ms) is when it can go on by itself.

    `doubt` says why nothing that hangs on time goes on: the clock is not believed.
    """

    run: Run
    due: int | None = None
    stopped: bool = False
    doubt: str | None = None


class Driver:
    """One run, one process, one lease."""

    def __init__(
        self,
        *,
        program: Program,
        buffer: Buffer,
        attempts: Attempts,
        waits: Waits,
        children: Children,
        inbox: Inbox,
        slot: RunSlot,
        hurry: Callable[[], None],
        clock: Clock,
        limits: LimitSettings,
        stop: Callable[[], bool],
    ) -> None:
        """`hurry` drives the runs that were told to end for this one, where this process may."""
        self._program = program
        self._buffer = buffer
        self._attempts = attempts
        self._waits = waits
        self._children = children
        self._calling = False
        self._children_told = False
        self._inbox = inbox
        self._slot = slot
        self._hurry = hurry
        self._clock = clock
        self._limits = limits
        self._stop = stop
        self._due: int | None = None

    def drive(self, patience: Patience) -> Stood:
        """Go on until the run ends, waits for a person, or (`NOW`) has nothing due; all is durable then."""
        if self._buffer.run.queued:
            self._hurry()
        with Activation(self._program, self._buffer.history) as activation:
            self._buffer.observe(activation.feed)
            while True:
                self._inbox.look()
                if self._stop() or self._buffer.run.is_over:
                    break
                if self._buffer.run.status == "paused" and self._buffer.run.cancel is None:
                    # A pause holds steps; people's deadlines run on.
                    if self._inbox.clock_doubt() is None:
                        self._waits.expire()
                    break
                self._end_children()
                self._check_age()
                if not self._may_begin():
                    if not self._linger(patience):
                        break
                    continue
                if not self._once(activation) and not self._wait(patience):
                    break
            self._buffer.flush()
        self._end_children()
        run = self._buffer.run
        doubt = None if run.is_over else self._inbox.clock_doubt()
        return Stood(run, self._due if doubt is None else None, self._stop() and not run.is_over, doubt)

    def _end_children(self) -> None:
        """Once this run ends, so do those that it called and that are open: they look at its record."""
        run = self._buffer.run
        if (run.cancel is not None or run.is_over) and not self._children_told:
            self._children_told = True
            self._children.end()

    def _may_begin(self) -> bool:
        """Whether the run is admitted to its slot; a queued one that is cancelled ends here."""
        run = self._buffer.run
        if not run.queued or run.is_over:
            return True
        if run.cancel is not None:
            self._buffer.add(RunCancelled(run.cancel[0], run.cancel[1]))
        elif self._slot.may_begin():
            assert run.admission is not None, "a run queues for a slot"
            self._buffer.add(RunAdmitted(run.admission.slot))
        else:
            return False
        self._buffer.flush()
        return True

    def _linger(self, patience: Patience) -> bool:
        """Stay a while for runs that were told to end for this one; False if the driver should leave."""
        waited = self._clock.now_ms() - self._buffer.run.started
        if patience is Patience.NOW or waited > LINGER_MS or not self._slot.ahead():
            return False
        self._clock.pause(LINGER_STEP_MS)
        self._hurry()
        return not self._stop()

    def _once(self, activation: Activation) -> bool:
        """Act on what the engine asks for; False if that is nothing that can be done now."""
        acted = False
        self._due = None
        self._calling = False
        while not self._stop():
            commands = activation.commands()
            if not self._buffer.run.is_over:
                self._buffer.add(*activation.branches())
            done = [self._act(command) for command in commands]
            if self._buffer.run.is_over or not any(done):
                return acted
            acted = True
            if self._inbox.is_due():
                return True
        return True

    def _act(self, command: Command) -> bool:
        match command:
            case RunStep():
                return self._step(command)
            case OpenWait() | SetTimer() if self._inbox.clock_doubt() is not None:
                return False  # it would be given an end by a clock that is off
            case OpenWait():
                if self._attempts.takes(command, "wait"):
                    self._waits.open(command)
            case SetTimer():
                if self._attempts.takes(command, "sleep"):
                    self._set_timer(command)
            case Complete():
                self._complete(command)
            case Fail():
                self._buffer.add(RunFailed(command.failure))
                self._buffer.flush()
            case FinishCancel():
                self._buffer.add(RunCancelled(command.by, command.reason))
                self._buffer.flush()
            case _:
                assert_never(command)
        return True

    def _step(self, command: RunStep) -> bool:
        now = self._clock.now_ms()
        if command.not_before and not command.started and self._inbox.clock_doubt() is not None:
            return False
        if command.not_before > now and not command.started:
            self._due = min(self._due or command.not_before, command.not_before)
            return False
        if self._buffer.run.steps_begun >= self._limits.steps:
            limit = Failure("limit.steps", f"a run may take {self._limits.steps} steps", command.identity)
            self._buffer.add(RunFailed(limit))
            self._buffer.flush()
            return True
        if command.type == CALL:
            if not self._attempts.takes(command, CALL):
                return True
            going_on = self._children.run(command)
            self._calling = self._calling or not going_on
            return going_on
        return self._attempts.run(command)

    def _set_timer(self, command: SetTimer) -> None:
        folder = step_folder(self._buffer.run.steps_begun + 1, command.step_id)
        now = self._clock.now_ms()
        try:
            until = now + sleep_ms(command.config)
        except StepError as error:
            self._attempts.refuse(command.identity, folder, "sleep", command.input_hash, error)
            return
        self._buffer.add(TimerSet(command.identity, folder, command.input_hash, until), at=now)

    def _complete(self, command: Complete) -> None:
        try:
            output = stored(command.output, limit=self._limits.inline_bytes, what="the flow's result")
            self._buffer.add(RunSucceeded(output))
        except StepError as error:
            self._buffer.add(RunFailed(failure_of(error, "")))
        self._buffer.flush()

    def _check_age(self) -> None:
        run = self._buffer.run
        if self._inbox.clock_doubt() is not None:
            return
        if self._clock.now_ms() - run.started > self._limits.run_ms and not run.is_over:
            self._buffer.add(RunTimedOut(self._limits.run_ms))
            self._buffer.flush()
        elif run.cancel is not None and not run.is_over and self._clock.now_ms() > run.cancel[2]:
            # Cleanup has its own deadline; what it did not reach stays undone.
            self._buffer.add(RunCancelled(run.cancel[0], run.cancel[1]))
            self._buffer.flush()

    def _wait(self, patience: Patience) -> bool:
        """Nothing can be done now: fire what is due, or let time pass; False if the driver should leave."""
        self._buffer.flush()
        if self._buffer.run.is_over:
            return True
        if self._inbox.clock_doubt() is not None:
            return False
        if self._fire_timers() or self._waits.expire():
            return True
        due = self._next_due()
        self._due = due
        people = (
            self._calling or bool(self._buffer.run.waits) or any(s.unknown for s in self._buffer.run.steps)
        )
        if patience is Patience.NOW or due is None or people:
            return False
        self._clock.pause(max(1, min(due - self._clock.now_ms(), LOOK_EVERY_MS)))
        return not self._stop()

    def _fire_timers(self) -> bool:
        now = self._clock.now_ms()
        due = [t for t in self._buffer.run.timers if t.until <= now]
        for timer in due:
            self._buffer.add(TimerFired(timer.identity, timer.folder))
        return bool(due)

    def _next_due(self) -> int | None:
        run = self._buffer.run
        moments = [t.until for t in run.timers]
        moments += [s.retry_at for s in run.steps if s.retry_at is not None and not s.announced]
        moments += [m for state in run.waits for m in self._waits.moments(state)]
        return min(moments, default=None)
