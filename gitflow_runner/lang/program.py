"""What the analysis works with and gives: environments, the embedder's names, findings, compiled code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from gitflow_runner.errors import LangError, Place
from gitflow_runner.lang.access import caller_of
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.forms import ListForm
from gitflow_runner.lang.fuel import MANY, Builtin, Host, Limits, NoHost, Runtime
from gitflow_runner.lang.refused import Refusal
from gitflow_runner.lang.scope import Handler
from gitflow_runner.lang.values import Value


@dataclass(frozen=True, slots=True)
class Environment:
    """What code may name: special forms and macros, library functions, constants, and what is refused."""

    name: str
    specials: Mapping[str, Handler]
    functions: Mapping[str, Builtin]
    constants: Mapping[str, Value]
    refused: Mapping[str, Refusal]
    refused_names: Mapping[str, Refusal]  # whatever their namespace
    aliases: Mapping[str, str]
    eager: bool


@dataclass(frozen=True, slots=True)
class HostFn:
    """A name of the embedder: how many arguments, and which of them arrive as thunks (`Call.invoke`)."""

    name: str
    low: int
    high: int = MANY
    thunks: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding of the analysis, with the span of the form that it is about."""

    severity: Literal["error", "warning"]
    code: str
    message: str
    hint: str | None
    place: Place
    end: Place
    form: str

    def error(self) -> LangError:
        """The problem as an error."""
        return LangError(self.code, self.message, hint=self.hint, at=self.place)

    def as_json(self) -> dict[str, object]:
        """The record for an envelope, without what is not known."""
        known = {"code": self.code, "message": self.message, "hint": self.hint, "form": self.form}
        return {**self.place.as_json(), **{name: text for name, text in known.items() if text is not None}}


@dataclass(frozen=True, slots=True)
class HostSite:
    """Where code calls a name of the embedder; `inside` names the loops and functions around it."""

    name: str
    form: ListForm
    inside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Code that is ready to run, as often as wished and by several threads at a time."""

    root: Callable[[list[Value]], Value]
    size: int
    environment: Environment
    warnings: tuple[Problem, ...]
    sites: tuple[HostSite, ...]

    def run(
        self,
        host: Host | None = None,
        limits: Limits | None = None,
        *,
        observer: Callable[[Map, bool], None] | None = None,
    ) -> Value:
        """Evaluate. `observer` hears of branches that carry metadata.

        Raises `FlowThrow` for what user code does not catch, `LangError` for limits, and lets an
        `Interrupt` of the host pass.
        """
        runtime = self.runtime(host, limits, observer=observer)
        try:
            return self.root([runtime] + [None] * (self.size - 1))
        except RecursionError:
            raise LangError("depth_exceeded", "the code recurs too deeply", hint="use loop/recur") from None

    def runtime(
        self,
        host: Host | None = None,
        limits: Limits | None = None,
        *,
        observer: Callable[[Map, bool], None] | None = None,
    ) -> Runtime:
        """A fresh budget for one evaluation."""
        return Runtime(
            limits or Limits(),
            host=host or NoHost(),
            eager=self.environment.eager,
            caller=caller_of,
            observer=observer,
        )
