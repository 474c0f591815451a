"""Stopping a statement from beside it: who waits for rows cannot look whether it should go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK_S = 0.1  # how long a running statement takes no notice


@contextmanager
def watched(should_stop: Callable[[], bool], stop: Callable[[], None]) -> Iterator[None]:
    """Calls `stop` once, from a thread of its own, as soon as `should_stop` is true while the body runs."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_LOOK_S):
            if should_stop():
                stop()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
