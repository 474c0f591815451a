"""The objects a process wrote last, kept in memory so that driving a run never searches through packs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

from gitflow_runner.git.objects import Oid, RawObject

CAPACITY = 16 * 1024 * 1024  # bytes
_OVERHEAD = 400  # bytes that Python spends on an object beside its data, roughly
LARGEST = 256 * 1024  # a larger object is read back from disk: it would push out a whole run's turns


class RecentObjects:
    """A bounded memory of objects that are known to be durable; the longest unused goes first."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._held: OrderedDict[Oid, RawObject] = OrderedDict()
        self._size = 0
        self._guard = threading.Lock()

    def keep(self, objects: Iterable[RawObject]) -> None:
        """Remember objects that were just made durable."""
        with self._guard:
            for item in objects:
                if item.oid in self._held or len(item.data) > LARGEST:
                    continue
                self._held[item.oid] = item
                self._size += len(item.data) + _OVERHEAD
            while self._size > self._capacity:
                _, oldest = self._held.popitem(last=False)
                self._size -= len(oldest.data) + _OVERHEAD

    def get(self, oid: Oid) -> RawObject | None:
        """The object if it is still remembered."""
        if oid not in self._held:  # reading a long history asks for what nobody wrote lately, in vain
            return None
        with self._guard:
            found = self._held.get(oid)
            if found is not None:
                self._held.move_to_end(oid)
            return found
