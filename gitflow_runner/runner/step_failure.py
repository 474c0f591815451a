"""What is wrong with records that steps read fails the step that wanted them, not the process that drives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gitflow_runner.errors import DamagedError, RefusedError, StepError, TransientError

_CONTENDED: Final = frozenset(("kv.contended", "table.contended"))


@contextmanager
def told_to_the_flow() -> Iterator[None]:
    """A refused or damaged record becomes a `StepError`; one that others keep writing is retryable."""
    try:
        yield
    except (RefusedError, DamagedError) as error:
        raise StepError(error.code, error.message, hint=error.hint) from None
    except TransientError as error:
        if error.code not in _CONTENDED:
            raise
        raise StepError(error.code, error.message, retryable=True) from None
