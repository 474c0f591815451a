"""Names while code is analysed: who binds them, in which frame, and what functions capture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from gitflow_runner.lang.forms import Form, ListForm
from gitflow_runner.lang.fuel import Builtin
from gitflow_runner.lang.nodes import Local, Node


@dataclass(eq=False, slots=True)
class Frame:
    """The slots of one parameter list of a function; slot 0 is the runtime."""

    around: Frame | None = None
    size: int = 1
    captured: dict[Binding, int] = field(default_factory=dict)

    def slot(self) -> int:
        """A new slot."""
        self.size += 1
        return self.size - 1

    def find(self, binding: Binding) -> int:
        """The slot where this frame has the binding's value, captured through the frames between."""
        if binding.frame is self:
            return binding.slot
        found = self.captured.get(binding)
        if found is None:
            found = self.captured[binding] = self.slot()
            if self.around is not None:
                self.around.find(binding)
        return found


@dataclass(eq=False, slots=True)
class Binding:
    """A local name."""

    name: str
    frame: Frame
    slot: int
    form: Form | None = None
    used: bool = False
    arity: tuple[int, int] | None = None  # where the value is a function literal: fewest, most


@dataclass(eq=False, slots=True)
class Scope:
    """The names bound here, and the scope around."""

    frame: Frame
    around: Scope | None = None
    names: dict[str, Binding] = field(default_factory=dict)

    def inner(self) -> Scope:
        """A scope inside this one, in the same frame."""
        return Scope(self.frame, self)

    def bind(self, name: str, form: Form | None = None) -> Binding:
        """Bind a name to a new slot."""
        binding = Binding(name, self.frame, self.frame.slot(), form)
        self.names[name] = binding
        return binding

    def name(self, name: str, slot: int, form: Form) -> Binding:
        """Bind a name to a slot that is filled already."""
        binding = self.names[name] = Binding(name, self.frame, slot, form)
        return binding

    def find(self, name: str) -> Binding | None:
        """The innermost binding of a name."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found
            scope = scope.around
        return None


@dataclass(slots=True)
class Target:
    """Where `recur` goes: the slots that it fills."""

    slots: tuple[int, ...]
    variadic: bool = False
    used: bool = False


class Analysis(Protocol):
    """What the handlers of special forms need of the analyser."""

    eager: bool

    def node(self, form: Form, scope: Scope, tail: Target | None = None) -> Node:
        """Analyse a form; `tail` is where a `recur` in it may go."""

    def body(self, forms: tuple[Form, ...], scope: Scope, tail: Target | None = None) -> Node:
        """Analyse forms of which the last gives the value."""

    def problem(self, code: str, message: str, form: Form, hint: str | None = None) -> Node:
        """Note an error; the node returned stands in for the form."""

    def warn(self, code: str, message: str, form: Form, hint: str | None = None) -> None:
        """Note a warning."""

    def builtin(self, name: str) -> Builtin:
        """A function of the library that expansions use, whatever the code has bound its name to."""

    def leave(self, scope: Scope) -> None:
        """A scope is complete: note the bindings that nobody used."""


class Handler(Protocol):
    """Analyses one special form or macro."""

    def __call__(self, analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
        """The node of a list form whose head is the handler's name."""


def local(scope: Scope, binding: Binding) -> Local:
    """The node that reads a binding from within a scope."""
    binding.used = True
    return Local(scope.frame.find(binding))
