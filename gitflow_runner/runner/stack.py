"""The one big-stack thread on which an activation runs (language.md 5.3)."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

STACK_BYTES = 256 * 1024 * 1024
RECURSION = 20_000
_POLL_S = 0.1


def _leave() -> None:
    raise KeyboardInterrupt


def on_big_stack(act: Callable[[], T], interrupted: Callable[[], None] = _leave) -> T:
    """`act()` on a thread with a stack for a thousand nested calls; its error is raised here.

    Ctrl-C calls `interrupted` once and goes on waiting, so that the turn in hand is finished; a second
    one is raised at once. Without `interrupted` the first one is, for work that leaves nothing half done.
    """
    returned: list[T] = []
    raised: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            returned.append(act())
        except BaseException as error:  # noqa: BLE001 - handed over to the waiting thread, whatever it is
            raised.append(error)
        finally:
            done.set()

    if sys.getrecursionlimit() < RECURSION:
        sys.setrecursionlimit(RECURSION)
    before = threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=run, name="activation", daemon=True)
    thread.start()
    threading.stack_size(before)
    asked = False
    # Not `thread.join`: an interrupt inside it makes Python 3.11 take the thread for ended.
    while not done.is_set():
        try:
            done.wait(_POLL_S)
        except KeyboardInterrupt:
            if asked:
                raise
            asked = True
            interrupted()
    if raised:
        raise raised[0]
    return returned[0]
