"""`Activation`: one paused or running evaluation of a body; `advance`: the same, asked once and closed.

The evaluation lives in a greenlet, so that feeding an event continues it where it stopped instead of
replaying everything before it (docs/decisions/0002). Nothing here waits, reads a clock or acts.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from greenlet import greenlet

from gitflow_runner.engine.body import BodyHost
from gitflow_runner.engine.history import History
from gitflow_runner.engine.program import Program
from gitflow_runner.errors import GitflowError, Interrupt, LangError, Place, Unwind
from gitflow_runner.lang.throwing import FlowThrow
from gitflow_runner.model.command import Command, Complete, Fail, FinishCancel
from gitflow_runner.model.event import BranchTaken, Recorded
from gitflow_runner.model.failure import Failure


class Closed(Interrupt):
    """The activation is closed while its body is paused."""


class Activation:
    """`commands()` evaluates up to where the body stops; `feed(events)` tells it what happened there."""

    def __init__(self, program: Program, history: Iterable[Recorded]) -> None:
        self._program = program
        self._history = History(history)
        self._greenlet: greenlet | None = None
        self._pending: tuple[Command, ...] | None = None
        self._error: GitflowError | None = None
        self._host: BodyHost | None = None

    def commands(self) -> tuple[Command, ...]:
        """What is to be done now; empty while the run waits on what is already under way.

        Raises `DamagedError` (`nondeterminism`) where history and body disagree.
        """
        if self._history.over:
            return ()
        if self._pending is None:
            self._pending = self._continue()
        if self._error is not None:
            raise self._error
        return self._pending

    def branches(self) -> tuple[BranchTaken, ...]:
        """Labelled branches that were taken and are not recorded yet, in the order of the evaluation."""
        if self._host is None:
            return ()
        labels = self._host.labels
        for identity in labels.keys() & self._history.branches:
            del labels[identity]
        return tuple(labels.values())

    def feed(self, events: Iterable[Recorded]) -> None:
        """Take what was recorded since; the next `commands()` goes on from there."""
        for recorded in events:
            self._history.append(recorded)
        if self._greenlet is None or not self._greenlet.dead:
            self._pending = None

    def close(self) -> None:
        """Give up a paused body; no user code runs."""
        if self._greenlet is not None and not self._greenlet.dead and self._greenlet:
            self._greenlet.throw(Closed)
        self._greenlet = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _continue(self) -> tuple[Command, ...]:
        if self._greenlet is None:
            self._greenlet = greenlet(self._evaluate)
        # The body returns to whoever asked last, not to whoever asked first.
        self._greenlet.parent = greenlet.getcurrent()
        commands: tuple[Command, ...] = self._greenlet.switch()
        return commands

    def _suspend(self, commands: tuple[Command, ...]) -> None:
        parent = greenlet.getcurrent().parent
        assert parent is not None, "a body is always evaluated below its activation"
        parent.switch(commands)

    def _evaluate(self) -> tuple[Command, ...]:
        host = BodyHost(self._history, self._program.specs, self._program.behaviour, self._suspend)
        self._host = host
        try:
            return (self._ended(Complete(self._program.evaluate(host))),)
        except Closed:
            return ()
        except Unwind:
            return (self._ended(None),)
        except FlowThrow as thrown:
            return (self._ended(Fail(self._program.thrown_failure(thrown))),)
        except LangError as error:
            return (self._ended(Fail(lang_failure(error))),)
        except GitflowError as error:
            self._error = error
            return ()

    def _ended(self, command: Complete | Fail | None) -> Command:
        # Once a cancel has struck, whatever the body comes to, the run ends as cancelled.
        cancel = self._history.cancel
        if cancel is None:
            assert command is not None, "only a cancel unwinds a body"
            return command
        failure = command.failure if isinstance(command, Fail) else None
        return FinishCancel(cancel.by, cancel.reason, failure)


def advance(program: Program, history: Iterable[Recorded]) -> tuple[Command, ...]:
    """The commands that follow from `history`, by a fresh evaluation."""
    with Activation(program, history) as activation:
        return activation.commands()


def lang_failure(error: LangError) -> Failure:
    """A language error as a run's failure, with its position."""
    at = error.at or Place()
    return Failure(error.code, error.message, None, at.file, at.line, at.col)
