"""One call of a function of a flow, from the text of its argument to the text of its result.

Whatever runs a function runs it through here, in whichever process, so that results and errors are the
same. A function gets what was recorded of its argument, read back, as the body gets recorded results.
"""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.errors import LangError, Place, StepError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.forms import Form
from gitflow_runner.lang.fuel import Limits
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.readback import read_back
from gitflow_runner.lang.reader import MAX_TEXT
from gitflow_runner.lang.session import CompiledFunction, call, compile_function
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.throwing import FlowThrow
from gitflow_runner.lang.values import Value

MAX_MESSAGE = 2_000  # characters, as a failure keeps of it
MAX_DATA = 64 * 1024


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """A function of a flow as it was read: its name in messages, and its form or text."""

    name: str
    code: Form | Source

    @property
    def place(self) -> Place:
        """Where the function stands."""
        if isinstance(self.code, Source):
            return self.code.place(0)
        return self.code.source.place(self.code.start)


@dataclass(frozen=True, slots=True)
class Ready:
    """A compiled function, and where it stands."""

    function: CompiledFunction
    place: Place


def prepare(code: FunctionCode) -> Ready:
    """Compile a function; `StepError` with the reader's or analyser's code and the place."""
    try:
        return Ready(compile_function(code.code, name=code.name), code.place)
    except LangError as error:
        raise _step_error(error, code.place) from None


def argument_text(argument: Value) -> str:
    """The text that stands for a call's argument; `StepError` for what is no data or too much of it."""
    try:
        return write(argument, limit=MAX_TEXT)
    except LangError as error:
        raise StepError(error.code, f"the function's input: {error.message}", hint=error.hint) from None


def argument_value(argument: Value) -> Value:
    """The argument as it would be read back from its text; the same error as `argument_text`."""
    try:
        return read_back(argument)
    except LookupError:
        return read_data(argument_text(argument), loose=True)


def apply(ready: Ready, argument: Value, fuel: int) -> tuple[Value, str]:
    """Call a function with an argument that was read back; what it returns, and the text of it.

    Raises `StepError`: `function.failed` for what it throws, `fuel_exhausted` and the other limits of the
    language, `not_data` for a result that cannot be written down.
    """
    try:
        value = call(ready.function, (argument,), Limits(fuel=fuel))
    except FlowThrow as thrown:
        raise _thrown(thrown, ready) from None
    except LangError as error:
        raise _step_error(error, ready.place) from None
    try:
        return value, write(value)
    except LangError as error:
        message = f"{ready.function.name} returns what cannot be recorded: {error.message}"
        raise StepError(error.code, message[:MAX_MESSAGE], hint=error.hint, at=ready.place) from None


def data_of(error: StepError) -> str | None:
    """The text of the data that a function threw, as `rebuilt` takes it."""
    data = error.details.get("data")
    return None if data is None else write(data)


def rebuilt(code: str, message: str, hint: str | None, at: Place | None, data: str | None) -> StepError:
    """The error of a call from its parts."""
    details = {} if data is None else {"data": read_data(data, loose=True)}
    return StepError(code, message, data=details, hint=hint, at=at)


def _thrown(thrown: FlowThrow, ready: Ready) -> StepError:
    at = thrown.at or (thrown.trace[0] if thrown.trace else ready.place)
    message = f"{ready.function.name} threw: {thrown.info.message or thrown.info.cls}"
    return rebuilt("function.failed", message[:MAX_MESSAGE], None, at, _storable(thrown.info.data))


def _storable(data: Value) -> str | None:
    """The data of an exception as text; what cannot be recorded of it is left out, the error is not lost."""
    try:
        return None if data is None else write(data, limit=MAX_DATA)
    except LangError:
        return None


def _step_error(error: LangError, function: Place) -> StepError:
    """The language's error; one that no form can be blamed for stands at the function."""
    return StepError(error.code, error.message[:MAX_MESSAGE], hint=error.hint, at=error.at or function)
