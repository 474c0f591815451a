"""One command's service, and driving inside it: on the big stack, and stopped by Ctrl-C after a turn."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from gitflow_runner.cli.options import here, may_ask
from gitflow_runner.cli.output import Output
from gitflow_runner.ledger.lease import read_lease
from gitflow_runner.model.event import Recorded
from gitflow_runner.runner.clock import SystemClock
from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.service import Service
from gitflow_runner.runner.stack import on_big_stack
from gitflow_runner.runner.sync import fetch

T = TypeVar("T")


class Session:
    """A service whose work can be interrupted."""

    def __init__(
        self,
        out: Output,
        told: Callable[[Sequence[Recorded]], None] | None = None,
        *,
        fresh: bool = False,
    ) -> None:
        """`fresh` fetches first where runs are shared through a remote; a fetch that fails is told."""
        self._stop = threading.Event()
        self._clock = SystemClock()
        self.out = out
        self.interrupted = False
        self.service = Service(
            compose(
                here(),
                clock=self._clock,
                say=out.note,
                stop=self._stop.is_set,
                told=told,
                interactive=may_ask(),
            )
        )
        out.mask = self.service.runtime.redactor.text
        click.get_current_context().call_on_close(self.service.runtime.close)
        if fresh:
            fetch(self.service.runtime)

    def drive(self, act: Callable[[], T]) -> T:
        """Run `act` so that Ctrl-C (or SIGTERM) ends it after the turn in hand."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        return on_big_stack(act, self._interrupt)

    def owns(self, run: str) -> bool:
        """Whether this clone drives the run."""
        runtime = self.service.runtime
        lease = read_lease(runtime.repository, run)
        return lease is not None and runtime.local.is_ready() and lease.owner == runtime.owner

    def _interrupt(self) -> None:
        self.interrupted = True
        self.out.note("ending after the turn in hand …")
        self._stop.set()
        self._clock.wake()
