"""A flow's body made ready to run: analysed once for a release, evaluated for each activation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitflow_runner.engine.body import BodyHost
from gitflow_runner.engine.names import HOST_NAMES, Answers
from gitflow_runner.errors import LangError, Place
from gitflow_runner.lang.analyzer import analyze
from gitflow_runner.lang.environments import BODY
from gitflow_runner.lang.fuel import Limits
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.program import Compiled
from gitflow_runner.lang.throwing import FlowThrow
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.flow import Flow
from gitflow_runner.model.spec import Spec
from gitflow_runner.model.stored import Stored


@dataclass(frozen=True, slots=True)
class Program:
    """The analysed body with everything an evaluation needs besides its history."""

    flow: Flow
    compiled: Compiled
    specs: Mapping[str, Spec]
    behaviour: int
    fuel: int
    bound: frozenset[str] = frozenset()  # the slots that the run's configuration binds

    def evaluate(self, host: BodyHost) -> Value:
        """Run the body to its end or through its suspensions; see `Compiled.run` for what it raises."""
        return self.compiled.run(
            Answers(self.flow, self.specs, host, self.bound),
            Limits(fuel=self.fuel),
            observer=host.note_branch,
        )

    def thrown_failure(self, thrown: FlowThrow) -> Failure:
        """An exception that the body let pass, as the run's failure."""
        info, at = thrown.info, thrown.at or next(iter(thrown.trace), Place())
        data = step = code = None
        if info.data is not None:
            data = _stored(info.data)
            step = _text(info.data, "step")
            code = _text(info.data, "code")
        return Failure(
            code or "flow.thrown",
            info.message or info.cls,
            step,
            at.file,
            at.line,
            at.col,
            data,
        )


def make_program(
    flow: Flow,
    specs: Mapping[str, Spec],
    *,
    behaviour: int,
    fuel: int,
    bound: frozenset[str] = frozenset(),
) -> Program:
    """Analyse the body; `LangError` for its first problem, with the place."""
    compiled = analyze(flow.body, BODY, HOST_NAMES)
    return Program(flow, compiled, specs, behaviour, fuel, bound)


def _stored(value: Value) -> Stored | None:
    try:
        return Stored(write(value))
    except LangError:
        return None


def _text(data: Value, name: str) -> str | None:
    found = data.get(keyword(name)) if hasattr(data, "get") else None
    return found if isinstance(found, str) else None
