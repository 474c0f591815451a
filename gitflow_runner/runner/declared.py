"""The functions that a flow has: those of `:functions` by name, and those written at a step."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from gitflow_runner.catalog.syntax import unquoted
from gitflow_runner.errors import StepError
from gitflow_runner.lang.forms import Atom, Form, ListForm, MapForm, TagForm, is_keyword, value_of
from gitflow_runner.lang.printer import readable
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.values import Collection, Value
from gitflow_runner.model.flow import Flow
from gitflow_runner.runner.evaluation import FunctionCode

INLINE = "code"


class DeclaredFunctions:
    """Finds the code of each function with the positions of its file."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._named: dict[str, FunctionCode] = {}

    def named(self, ref: str) -> FunctionCode:
        """One of `:functions`; `StepError` (`function.unknown`)."""
        found = self._named.get(ref)
        if found is not None:
            return found
        entry = self._flow.functions.get(ref)
        if entry is None:
            known = ", ".join(f":{name}" for name in self._flow.functions) or "none"
            raise StepError("function.unknown", f"the flow has no function :{ref}", hint=f"declared: {known}")
        found = self._named[ref] = FunctionCode(ref, _code(entry.code))
        return found

    def inline(self, code: Value) -> FunctionCode:
        """The function that a step's `:code` holds, given as the body evaluated it.

        Evaluation leaves a value without positions, so the form is looked up in the body; code that the
        body put together has none, and counts in a text of its own. `StepError` (`function.code`).
        """
        if not isinstance(code, str | Collection):
            raise StepError("function.code", "inline :code is a quoted form or a text", hint="'(fn [m] …)")
        text = readable(code)
        found = self._written.get(text)
        if found is None:
            found = FunctionCode(INLINE, Source(code if isinstance(code, str) else text))
        return found

    @cached_property
    def _written(self) -> dict[str, FunctionCode]:
        """What stands after a `:code` in the body, by the text of its value."""
        found: dict[str, FunctionCode] = {}
        for form in _codes(self._flow.body):
            found.setdefault(readable(value_of(form)), FunctionCode(INLINE, form))
        return found


def _code(code: object) -> Form | Source:
    if isinstance(code, str):
        return Source(code)
    assert isinstance(code, Form), "a loaded flow holds its functions as forms"
    return code


def _codes(body: Form) -> Iterator[Form]:
    waiting = [body]
    while waiting:
        form = waiting.pop()
        if isinstance(form, Atom):
            continue
        if isinstance(form, TagForm):
            waiting.append(form.form)
            continue
        if isinstance(form, MapForm):
            for key, value in form.pairs():
                inner = unquoted(value)
                if is_keyword(key, "code") and (isinstance(inner, ListForm) or _is_text(inner)):
                    yield inner
        waiting.extend(reversed(form.items))


def _is_text(form: Form) -> bool:
    return isinstance(form, Atom) and isinstance(form.value, str)
