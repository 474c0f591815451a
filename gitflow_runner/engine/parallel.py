"""`flow/parallel`: one evaluation per item, each in a scope of its own, joined in the order of the items.

A pass evaluates every branch until it needs something that is not recorded; the union of what they need
is put out at once. Whatever order the results come in, identities and value are the same (language.md 7.4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from gitflow_runner.engine.history import History
from gitflow_runner.engine.lane import Lane
from gitflow_runner.errors import Interrupt, LangError, Unwind
from gitflow_runner.lang.collection import Vec, map_of
from gitflow_runner.lang.throwing import FlowThrow
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.model.command import Command

MAX_ITEMS = 1_000
MAX_AT_ONCE = 16

OnError = Literal["first", "collect"]


class Parked(Interrupt):
    """A branch needs what is not recorded yet; `commands` are to be done for it."""

    def __init__(self, commands: tuple[Command, ...]) -> None:
        super().__init__()
        self.commands = commands


class Strands(Protocol):
    """What the form needs of the host that evaluates the body."""

    lane: Lane

    def suspend(self, commands: tuple[Command, ...]) -> None:
        """Hand commands to the shell (or to the form around this one) until something was recorded."""
        ...


@dataclass(frozen=True, slots=True)
class _Done:
    """A branch that came to its end, with the time it got to."""

    now: int
    value: Value = None
    thrown: FlowThrow | None = None


class Parallel:
    """One parallel form of one evaluation."""

    def __init__(
        self,
        host: Strands,
        history: History,
        identity: str,
        items: Sequence[Value],
        branch: Callable[[Value], Value],
        *,
        at_once: int,
        on_error: OnError,
    ) -> None:
        if len(items) > MAX_ITEMS:
            raise LangError("parallel_too_wide", f"flow/parallel takes at most {MAX_ITEMS} items")
        self._host = host
        self._history = history
        self._identity = identity
        self._items = items
        self._branch = branch
        self._at_once = min(at_once, MAX_AT_ONCE)
        self._on_error = on_error
        self._done: dict[int, _Done] = {}
        self._struck = False

    def run(self) -> Value:
        """Pass by pass until every branch has ended; the joined value, or the failure of the lowest item."""
        around = self._host.lane
        while True:
            parked = self._pass(around)
            if parked is None:
                break
            self._host.suspend(parked)
        around.now = max([around.now, *(done.now for done in self._done.values())])
        if self._struck:
            around.strike()
            raise Unwind
        return self._joined()

    def _pass(self, around: Lane) -> tuple[Command, ...] | None:
        """What the branches need now; None once all that were begun have ended."""
        commands: list[Command] = []
        under_way = 0
        for index in range(len(self._items)):
            if index in self._done:
                continue
            begun = self._has_begun(index)
            # Branches begin in order and no more than allowed; after a failure only begun ones go on.
            if not begun and (under_way >= self._at_once or self._failing() or self._struck):
                break
            needed = self._advance(index, around)
            if needed is not None:
                under_way += 1
                commands += needed
        return tuple(commands) if under_way else None

    def _advance(self, index: int, around: Lane) -> tuple[Command, ...] | None:
        lane = Lane(self._path(index), around.now, branch=True)
        self._host.lane = lane
        try:
            value = self._branch(self._items[index])
            self._done[index] = _Done(lane.now, value)
        except Parked as parked:
            return parked.commands
        except FlowThrow as thrown:
            self._done[index] = _Done(lane.now, None, thrown)
        except Unwind:
            self._struck = True
            self._done[index] = _Done(lane.now)
        finally:
            self._host.lane = around
        return None

    def _failing(self) -> bool:
        return self._on_error == "first" and any(done.thrown for done in self._done.values())

    def _has_begun(self, index: int) -> bool:
        return self._path(index) in self._history.scopes

    def _path(self, index: int) -> str:
        return f"{self._identity}[{index}]"

    def _joined(self) -> Value:
        ended = [self._done[index] for index in range(len(self._items)) if index in self._done]
        if self._on_error == "collect":
            return Vec(tuple(_collected(done) for done in ended))
        for done in ended:
            if done.thrown is not None:
                raise done.thrown
        return Vec(tuple(done.value for done in ended))


def _collected(done: _Done) -> Value:
    if done.thrown is None:
        return map_of([(keyword("ok"), True), (keyword("value"), done.value)])
    info = done.thrown.info
    error = map_of([(keyword("message"), info.message), (keyword("data"), info.data)])
    return map_of([(keyword("ok"), False), (keyword("error"), error)])
