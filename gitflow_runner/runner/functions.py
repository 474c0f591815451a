"""The flow's `:functions`, compiled once and called under fuel: the `Functions` port of the steps."""

from __future__ import annotations

from gitflow_runner.errors import LangError, StepError
from gitflow_runner.lang.forms import Form
from gitflow_runner.lang.fuel import Limits
from gitflow_runner.lang.session import CompiledFunction, call, compile_function
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.throwing import FlowThrow
from gitflow_runner.model.flow import Flow


class FlowFunctions:
    """Functions of one flow; each is compiled when it is first called."""

    def __init__(self, flow: Flow, *, fuel: int) -> None:
        self._flow = flow
        self._limits = Limits(fuel=fuel)
        self._compiled: dict[str, CompiledFunction] = {}

    def call(self, ref: str, argument: object) -> object:
        """Call a declared function; `StepError` (`function.unknown`, `function.failed`, or its own code)."""
        compiled = self._compiled.get(ref)
        if compiled is None:
            entry = self._flow.functions.get(ref)
            if entry is None:
                known = ", ".join(f":{name}" for name in self._flow.functions) or "none"
                raise StepError(
                    "function.unknown", f"the flow has no function :{ref}", hint=f"declared: {known}"
                )
            compiled = self._compiled[ref] = _compile(entry.code, ref)
        return self._run(compiled, argument)

    def call_code(self, code: object, argument: object) -> object:
        """Call an inline function; the same errors."""
        return self._run(_compile(code, "code"), argument)

    def _run(self, compiled: CompiledFunction, argument: object) -> object:
        try:
            return call(compiled, (argument,), self._limits)
        except FlowThrow as thrown:
            at = thrown.at or (thrown.trace[0] if thrown.trace else None)
            data = thrown.info.data
            raise StepError(
                "function.failed",
                f"{compiled.name} threw: {thrown.info.message or thrown.info.cls}",
                data={} if data is None else {"data": data},
                at=at,
            ) from None
        except LangError as error:
            raise _step_error(error) from None


def _compile(code: object, name: str) -> CompiledFunction:
    try:
        return compile_function(_form(code), name=name)
    except LangError as error:
        raise _step_error(error) from None


def _form(code: object) -> Form | Source | str:
    if isinstance(code, Form | Source | str):
        return code
    raise StepError("function.code", "inline :code is a quoted form or a text")


def _step_error(error: LangError) -> StepError:
    return StepError(error.code, error.message, hint=error.hint, at=error.at)
