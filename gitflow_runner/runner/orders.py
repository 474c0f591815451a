"""Why a run ends that no person ends: a newer one supersedes it, or the run that called it is ending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitflow_runner.errors import DamagedError, NotFoundError, RefusedError
from gitflow_runner.ledger.chain import read_run
from gitflow_runner.ledger.listing import find_run
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.slots import RunSlot
from gitflow_runner.runner.verify import require_trusted


@dataclass(frozen=True, slots=True)
class Order:
    """Another run that ends this one (`run:<id>`), and why."""

    by: str
    reason: str


class Orders:
    """What other runs' records say about the end of one driven run."""

    def __init__(
        self, runtime: Runtime, slot: RunSlot, caller: str | None, hear: Callable[[], None] | None
    ) -> None:
        """`hear` lets the run that called this one look at its own requests, where this process drives it."""
        self._runtime = runtime
        self._slot = slot
        self._caller = caller
        self._hear = hear

    def current(self) -> Order | None:
        """The order to end, None while there is none."""
        newer = self._slot.superseded_by()
        if newer is not None:
            return Order(f"run:{newer}", f"superseded by run {newer}")
        return None if self._caller is None else self._of_caller(self._caller)

    def _of_caller(self, caller: str) -> Order | None:
        if self._hear is not None:
            self._hear()
        try:
            at = find_run(self._runtime.repository, caller)
            run = read_run(self._runtime.repository, at.tip)
            if not run.is_over and run.cancel is None:
                return None
            require_trusted(self._runtime, at, act="obeyed")
        except NotFoundError:
            return None
        except (RefusedError, DamagedError) as error:
            self._runtime.say(f"the caller's record is not believed: {error.message}")
            return None
        why = f"has ended: {run.status}" if run.is_over else "is being cancelled"
        return Order(f"run:{caller}", f"run {caller}, which called it, {why}")
