"""The budget of one evaluation: fuel, call depth, and what the running code may reach through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from gitflow_runner.errors import LangError, Place
from gitflow_runner.lang.collection import Map, Vec
from gitflow_runner.lang.forms import Form
from gitflow_runner.lang.seqs import Seq, lazy, list_of, walk
from gitflow_runner.lang.values import Function, Value

# A thread that evaluates wants this stack and Python recursion limit for `Limits.depth` to be reached.
STACK_BYTES: Final = 256 * 2**20
RECURSION_LIMIT: Final = 20_000
MANY: Final = 1 << 30  # arguments, where there is no upper bound


@dataclass(frozen=True, slots=True)
class Limits:
    """What one evaluation may use: ticks of work, and calls within calls."""

    fuel: int = 5_000_000
    depth: int = 1_000


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function of the library: its name, the Python behind it, and how many arguments it takes.

    With `ctx` the function is given the runtime first, to charge for work or to call other functions.
    """

    name: str
    fn: Callable[..., Value]
    low: int
    high: int
    ctx: bool = False

    @property
    def full_name(self) -> str:
        """The name with its namespace."""
        return self.name if "/" in self.name and self.name != "/" else f"clojure.core/{self.name}"


class Call:
    """A call of a name that the embedder supplied: its arguments, and where it stands."""

    __slots__ = ("args", "depth", "form", "name", "runtime")

    def __init__(self, name: str, args: tuple[Value, ...], form: Form, runtime: Runtime) -> None:
        self.name = name
        self.args = args
        self.form = form
        self.runtime = runtime
        self.depth = runtime.depth

    def place(self) -> Place:
        """File, line and column of the call."""
        return self.form.source.place(self.form.start)

    def invoke(self, function: Value, *args: Value) -> Value:
        """Call a function value, or a thunk among the arguments, from the depth of this call.

        Several may be under way at a time, in greenlets; each goes on at its own depth.
        """
        self.runtime.depth = self.depth
        return self.runtime.call(function, *args)


class Host(Protocol):
    """Who answers the embedder's names while code runs."""

    def __call__(self, call: Call) -> Value:
        """The value of a call. May raise `FlowThrow` for user code to catch, or an `Interrupt`."""


class NoHost:
    """For code that has no host names."""

    def __call__(self, call: Call) -> Value:
        """Refuse."""
        raise LangError("host_unbound", f"{call.name} is not available here")


class Runtime:
    """One evaluation. `fuel` is counted down by every call and by the work of the library."""

    __slots__ = ("_functions", "caller", "depth", "eager", "fuel", "host", "max_depth", "observer")

    def __init__(
        self,
        limits: Limits,
        *,
        host: Host,
        eager: bool,
        caller: Callable[[Value, int], Callable[..., Value]],
        observer: Callable[[Map, bool], None] | None = None,
    ) -> None:
        self.fuel = limits.fuel
        self.depth = 0
        self.max_depth = limits.depth
        self.host = host
        self.eager = eager  # sequences are realised where they are made
        self.caller = caller
        self.observer = observer
        self._functions: dict[str, Function] = {}

    def charge(self, ticks: int) -> None:
        """Pay for work; a `LangError` `fuel_exhausted` once there is none left."""
        self.fuel -= ticks
        if self.fuel < 0:
            raise out_of_fuel()

    def call(self, function: Value, *args: Value) -> Value:
        """Call any callable value."""
        return self.caller(function, len(args))(*args)

    def function(self, builtin: Builtin) -> Function:
        """A function of the library as a value, the same one each time."""
        found = self._functions.get(builtin.name)
        if found is None:
            fn = builtin.fn
            call = (lambda *args: fn(self, *args)) if builtin.ctx else fn
            found = Function(builtin.name, call, builtin.low, builtin.high)
            self._functions[builtin.name] = found
        return found

    def is_library(self, value: Value, name: str) -> bool:
        """Whether a value is the function of the library of that name; users' functions may have it too."""
        return value is not None and self._functions.get(name) is value

    def sequence(self, items: Iterator[Value], tail: Value = None) -> Seq:
        """A sequence over an iterator, followed by `tail`: lazy, or realised at once where all is eager."""
        if not self.eager:
            return lazy(items, tail)
        found = self.realise(items)
        if tail is not None:
            found.extend(self.realise(walk(tail)))
        return list_of(found)

    def realise(self, items: Iterator[Value]) -> list[Value]:
        """All elements of an iterator, paid for one by one."""
        found: list[Value] = []
        for item in items:
            found.append(item)
            self.fuel -= 1
            if self.fuel < 0:
                raise out_of_fuel()
        return found

    def items(self, value: Value) -> Iterator[Value]:
        """The elements of a seqable value, one tick each."""
        for item in walk(value):
            self.fuel -= 1
            if self.fuel < 0:
                raise out_of_fuel()
            yield item

    def listed(self, value: Value) -> list[Value] | tuple[Value, ...]:
        """The elements of a seqable value, paid for, in a Python sequence that nobody may change."""
        if isinstance(value, Vec):
            self.charge(value.size)
            return tuple(value)
        return self.realise(walk(value))


def out_of_fuel() -> LangError:
    """The budget of work is used up; deterministic, so a retry cannot help."""
    return LangError(
        "fuel_exhausted",
        "the code did more work than its budget allows",
        hint="bound loops and sequences, or split the work over several steps",
    )


def too_deep_calls(limit: int) -> LangError:
    """Calls are nested beyond the limit."""
    return LangError(
        "depth_exceeded",
        f"calls are nested more than {limit:,} deep",
        hint="use loop/recur or reduce in place of recursion",
    )
