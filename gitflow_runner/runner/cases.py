"""A flow's tests: each case a run in memory through the real engine, steps mocked, functions real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import assert_never

from gitflow_runner.catalog.cases import Case, read_cases
from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import Texts
from gitflow_runner.engine.advance import Activation
from gitflow_runner.engine.behaviour import CURRENT
from gitflow_runner.engine.program import make_program
from gitflow_runner.errors import GitflowError, UsageError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.equality import equal
from gitflow_runner.lang.printer import pretty, write
from gitflow_runner.lang.values import Value
from gitflow_runner.model.event import RunStarted
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.flow import Flow
from gitflow_runner.model.stored import Stored
from gitflow_runner.runner.inputs import check_input
from gitflow_runner.runner.isolated import IsolatedFunctions
from gitflow_runner.runner.rehearsal import Rehearsal
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.settings import LimitSettings, WorkerLimits
from gitflow_runner.steps.base import Functions
from gitflow_runner.steps.registry import Steps, built_in

RUN = "20260101-000000-tests0"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a case went: what differs from what it expects, and which steps ran in what order."""

    case: Case
    problems: tuple[str, ...]
    path: tuple[str, ...]
    unused: tuple[str, ...] = ()  # mocks and decisions that nothing asked for

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return not self.problems


def case_functions(runtime: Runtime, fuel: int) -> Callable[[Flow], Functions]:
    """Functions under test run in the worker process, as those of drafts do."""
    worker = runtime.worker(WorkerLimits())
    return lambda flow: IsolatedFunctions(flow, worker, fuel=fuel)


def run_cases(
    texts: Texts,
    slug: str,
    steps: Steps,
    limits: LimitSettings,
    functions: Callable[[Flow], Functions],
) -> tuple[Verdict, ...] | None:
    """Run the tests of a flow; None if it has none. Errors as loading the flow and reading its tests.

    `functions` says where the flow's functions are evaluated. To be called on the big stack, as everything
    that evaluates.
    """
    cases = read_cases(texts, slug)
    if cases is None:
        return None
    flow = load(texts, slug)
    evaluated = functions(flow)
    return tuple(run_case(flow, case, steps, limits, evaluated) for case in cases)


def run_case(flow: Flow, case: Case, steps: Steps, limits: LimitSettings, functions: Functions) -> Verdict:
    """Run one case."""
    rehearsal = Rehearsal(RUN, flow, case, steps, functions, limits)
    try:
        end = _ended(flow, case, rehearsal, steps, limits)
    except GitflowError as error:
        told = f"{error.message} ({error.code})" + (f"; {error.hint}" if error.hint else "")
        return Verdict(case, (told,), tuple(rehearsal.path), rehearsal.unused())
    problems = (*_judged(case, end), *_path_problems(case, rehearsal.path))
    return Verdict(case, problems, tuple(rehearsal.path), rehearsal.unused())


def _ended(
    flow: Flow, case: Case, rehearsal: Rehearsal, steps: Steps, limits: LimitSettings
) -> Stored | Failure:
    given = {getattr(key, "text", None) or str(key): value for key, value in case.input.items()}
    program = make_program(
        flow, {name: steps.spec(name) for name in built_in()}, behaviour=CURRENT, fuel=limits.fuel
    )
    text = Stored(write(check_input(flow, given)))
    start = RunStarted(RUN, flow.slug, "test", "", text, None, None, None, 1, "test")
    with Activation(program, ()) as activation:
        rehearsal.begin(activation.feed, start)
        while True:
            commands = activation.commands()
            if not commands:
                raise UsageError("test.stuck", "the run waits for something that no test can bring")
            for command in commands:
                end = rehearsal.act(command)
                if end is not None:
                    return end


def _judged(case: Case, end: Stored | Failure) -> tuple[str, ...]:
    expect = case.expect
    match end:
        case Failure():
            place = f" at {end.file}:{end.line}:{end.col}" if end.line is not None else ""
            step = f" in step {end.step}" if end.step else ""
            told = f"failed{step}{place}: {end.message} ({end.code})"
            if expect.fails is None:
                return (f"it should succeed, and {told}",)
            return () if expect.fails == end.code else (f"it should fail with {expect.fails}, and {told}",)
        case Stored():
            if expect.fails is not None:
                return (f"it should fail with {expect.fails}, and succeeded with {end.text[:200]}",)
            got = read_data(end.text)
            if not expect.has_output:
                return ()
            wanted = read_data(write(expect.output))  # as a recorded output would be read
            return () if equal(got, wanted) else ("the output differs", *_difference(wanted, got))
        case _:
            assert_never(end)


def _difference(expected: Value, got: Value) -> list[str]:
    wanted, found = pretty(expected, 60).split("\n"), pretty(got, 60).split("\n")
    return list(unified_diff(wanted, found, "expected", "got", lineterm="", n=2))


def _path_problems(case: Case, path: Sequence[str]) -> tuple[str, ...]:
    if case.path is None or list(case.path) == list(path):
        return ()
    return ("the path differs", *unified_diff(case.path, path, "expected", "got", lineterm="", n=2))
