"""From a step's result to the bytes that the turn stores, within the run's bounds (protocol 2.1)."""

from __future__ import annotations

from gitflow_runner.errors import LangError, StepError
from gitflow_runner.lang.collection import map_of
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.readback import Written
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.stored import Stored

MAX_DATA = 64 * 1024  # characters of an error's data


def stored(value: Value | Written, *, limit: int, what: str) -> Stored:
    """The value as EDN text of at most `limit` bytes; what is `Written` is not printed again.

    Raises `StepError`: `value.too_large` with the way out, `value.not_data` for functions and the like.
    """
    written = value if isinstance(value, Written) else None
    try:
        text = write(value) if written is None else written.text
    except LangError as error:
        raise StepError(error.code, f"{what} cannot be recorded: {error.message}") from None
    size = len(text.encode())
    if size > limit:
        raise StepError(
            "value.too_large",
            f"{what} is {size} bytes long; inline values end at {limit}",
            hint="add :persist {:type :blob} to the step and hand the reference on",
        )
    return Stored(text) if written is None else Stored.read(written)


def failure_of(error: StepError, identity: str) -> Failure:
    """A step's error as recorded; what does not fit into its data is left out rather than lost whole."""
    data = None
    if error.details:
        try:
            text = write(map_of((keyword(name), value) for name, value in error.details.items()))
            data = Stored(text) if len(text) <= MAX_DATA else None
        except LangError:
            data = None
    at = error.at
    return Failure(
        error.code,
        error.message[:2_000],
        identity,
        at.file if at else None,
        at.line if at else None,
        at.col if at else None,
        data,
    )
