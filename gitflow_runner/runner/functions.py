"""The `Functions` port in this process: the flow's functions, compiled once and called under fuel."""

from __future__ import annotations

from gitflow_runner.errors import StepError
from gitflow_runner.lang.readback import Written, read_again
from gitflow_runner.model.flow import Flow
from gitflow_runner.runner.declared import DeclaredFunctions
from gitflow_runner.runner.evaluation import FunctionCode, Ready, apply, argument_value, prepare


class FlowFunctions:
    """Functions of one flow; each is compiled when it is first called."""

    def __init__(self, flow: Flow, *, fuel: int) -> None:
        self._declared = DeclaredFunctions(flow)
        self._fuel = fuel
        self._ready: dict[FunctionCode, Ready] = {}

    def call(self, ref: str, argument: object) -> Written:
        """Call a declared function; `StepError` (`function.unknown`, and what `evaluation` raises)."""
        return self._run(self._declared.named(ref), argument)

    def call_code(self, code: object, argument: object) -> Written:
        """Call an inline function; the same errors, and `function.code`."""
        return self._run(self._declared.inline(code), argument)

    def _run(self, code: FunctionCode, argument: object) -> Written:
        value = argument_value(argument)
        ready = self._ready.get(code)
        if ready is None:
            ready = self._ready[code] = prepare(code)
        try:
            returned, text = apply(ready, value, self._fuel)
            return Written(read_again(returned, text), text)
        except MemoryError:
            raise out_of_memory(code.name) from None


def out_of_memory(name: str) -> StepError:
    """The function needs more memory than it may have; trying again would need as much."""
    return StepError(
        "function.memory",
        f"{name} ran out of memory",
        hint="keep less at a time: filter early, page large inputs, store large values with :persist",
    )
