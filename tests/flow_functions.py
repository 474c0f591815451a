"""Functions of flows in a test: a flow around a piece of code, and both adapters that can call it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.errors import StepError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.model.flow import Flow
from gitflow_runner.runner.clock import SystemClock
from gitflow_runner.runner.functions import FlowFunctions
from gitflow_runner.runner.isolated import FunctionWorker, IsolatedFunctions
from gitflow_runner.runner.settings import WorkerLimits
from gitflow_runner.runner.stack import RECURSION, on_big_stack
from gitflow_runner.steps.base import Functions, Written

FUEL = 200_000
ADAPTERS = ("in-process", "worker")


def flow_of(functions: str, body: str = "1", **included: str) -> Flow:
    """A flow with these `:functions` and this body; `included` are files beside it by their stem."""
    text = (
        '{:slug :f :name "F" :concurrency {:type :singleton :on-new-version :supersede}\n'
        f" :functions [{functions}]\n :flow '{body}}}"
    )
    files = {f"{name}.clj": content for name, content in included.items()}
    return load(MemoryTexts({"f.edn": text, **files}), "f")


class Workers:
    """A worker for each set of limits that the tests of a session ask for."""

    def __init__(self) -> None:
        self._made: dict[WorkerLimits, FunctionWorker] = {}

    def of(self, limits: WorkerLimits) -> FunctionWorker:
        """The worker under these limits."""
        return self._made.setdefault(limits, FunctionWorker(SystemClock(), limits))

    def close(self) -> None:
        """End every process."""
        for worker in self._made.values():
            worker.close()


@contextmanager
def workers() -> Iterator[Workers]:
    """Workers that are ended afterwards; meanwhile the recursion limit is the runner's."""
    made, limit = Workers(), sys.getrecursionlimit()
    sys.setrecursionlimit(RECURSION)
    try:
        yield made
    finally:
        sys.setrecursionlimit(limit)
        made.close()


class OnBigStack:
    """An adapter called as the runner calls it: from the thread with the big stack."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def call(self, ref: str, argument: object) -> Written:
        """Call."""
        return on_big_stack(lambda: self._functions.call(ref, argument), lambda: None)

    def call_code(self, code: object, argument: object) -> Written:
        """Call."""
        return on_big_stack(lambda: self._functions.call_code(code, argument), lambda: None)


def adapter(name: str, flow: Flow, made: Workers, *, fuel: int = FUEL) -> Functions:
    """The adapter of that name over a flow."""
    if name == "in-process":
        return OnBigStack(FlowFunctions(flow, fuel=fuel))
    return IsolatedFunctions(flow, made.of(WorkerLimits()), fuel=fuel)


Outcome = str | tuple[str, str, str | None, str | None, str | None]


def outcome(functions: Functions, ref: str, argument: str = "{}") -> Outcome:
    """The text of the result, or the error: code, message, place, hint, data."""
    try:
        result = functions.call(ref, read_data(argument, loose=True))
        assert write(result.value) == result.text
        return result.text
    except StepError as error:
        return told(error)


def told(error: StepError) -> Outcome:
    """An error's code, message, place, hint, data."""
    data = error.details.get("data")
    at = None if error.at is None else str(error.at)
    return error.code, error.message, at, error.hint, None if data is None else write(data)


def code_of(outcome: Outcome) -> str:
    """The error's code; a result is shown as it is."""
    return outcome if isinstance(outcome, str) else outcome[0]
