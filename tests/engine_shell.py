"""A shell without Git: it answers an activation's commands with events, in any order it is told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.engine.advance import Activation, advance
from gitflow_runner.engine.behaviour import CURRENT
from gitflow_runner.engine.program import Program, make_program
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.model.command import Command, Complete, Fail, FinishCancel, OpenWait, RunStep, SetTimer
from gitflow_runner.model.event import (
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
Result = Callable[[RunStep], "Value | Failure"]
Pick = Callable[[int], int]


def program(body: str, functions: str = "[]", more: str = "", behaviour: int = CURRENT) -> Program:
    """The program of a flow with this body; `more` are further fields."""
    text = (
        '{:slug :t :name "t" :concurrency {:type :singleton :on-new-version :coexist}'
        f" :functions {functions} {more} :flow '{body}}}"
    )
    flow = load(MemoryTexts({"t.edn": text}), "t")
    return make_program(flow, SPECS, behaviour=behaviour, fuel=5_000_000)


def echo(command: RunStep) -> Value:
    """A step's result: its config's `:give`, else its id."""
    given = command.config.get(keyword("give"))  # type: ignore[attr-defined]
    return command.step_id if given is None else given


class Shell:
    """Runs a program to where it stands; `pick(n)` chooses which of n open commands is done next."""

    def __init__(
        self, made: Program, given: str = "{}", result: Result = echo, pick: Pick = lambda n: 0
    ) -> None:
        self.program = made
        self.result = result
        self.pick = pick
        self.history: list[Recorded] = []
        self._note(RunStarted("r", "t", "draft", "0" * 64, Stored(given), None, None, None, 1, "me"))
        self.activation = Activation(made, self.history)

    def run(self, most: int = 10_000) -> Shell:
        """One command at a time until nothing is asked for, or `most` were done."""
        for _ in range(most):
            commands = self.activation.commands()
            if not commands:
                break
            self.feed(*self.events(commands[self.pick(len(commands))]))
        return self

    def feed(self, *events: Event) -> None:
        """Record events and tell the activation."""
        self.activation.feed([self._note(event) for event in events])

    def events(self, command: Command) -> Sequence[Event]:
        """What doing a command brings about."""
        folder = step_folder(len(self.history), "s")
        match command:
            case RunStep():
                value = self.result(command)
                begun = StepStarted(
                    command.identity, folder, command.type, "pure", command.input_hash, 1, 0, "k"
                )
                if isinstance(value, Failure):
                    return (begun, StepFailed(command.identity, folder, 1, value, True, None, 0))
                return (begun, StepSucceeded(command.identity, folder, 1, Stored(write(value)), 0))
            case OpenWait():
                opened = WaitOpened(
                    command.identity,
                    folder,
                    command.input_hash,
                    "approval",
                    command.identity,
                    "?",
                    "sha256:0",
                    None,
                    10**15,
                    ("approve",),
                    1,
                    None,
                    True,
                    (),
                )
                answer = Stored('{:action "approve" :by ["ann"]}')
                return (
                    opened,
                    WaitResolved(command.identity, folder, "approved", "approve", ("ann",), (), answer),
                )
            case SetTimer():
                return (
                    TimerSet(command.identity, folder, command.input_hash, 0),
                    TimerFired(command.identity, folder),
                )
            case Complete():
                return (RunSucceeded(Stored(write(command.output))),)
            case Fail():
                return (RunFailed(command.failure),)
            case FinishCancel():
                return (RunCancelled(command.by, command.reason),)

    @property
    def output(self) -> str | None:
        """The printed result, if the run succeeded."""
        last = self.history[-1].event
        return last.output.text if isinstance(last, RunSucceeded) else None

    @property
    def failure(self) -> Failure | None:
        """The failure, if the run failed."""
        last = self.history[-1].event
        return last.failure if isinstance(last, RunFailed) else None

    @property
    def identities(self) -> list[str]:
        """The steps in the order in which they were begun."""
        return [
            r.event.identity for r in self.history if isinstance(r.event, StepStarted | TimerSet | WaitOpened)
        ]

    def replayed(self, upto: int) -> tuple[Command, ...]:
        """What a fresh evaluation asks for after the first `upto` events."""
        return advance(self.program, self.history[:upto])

    def _note(self, event: Event) -> Recorded:
        recorded = Recorded(len(self.history) + 1, 1_000 + len(self.history), event)
        self.history.append(recorded)
        return recorded
