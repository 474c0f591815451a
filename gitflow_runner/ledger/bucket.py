"""Large values in a bucket that all clones reach, with the files beside Git in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from gitflow_runner.ledger.store import BlobStore, unknown


class Content(Protocol):
    """Bytes of a known size that can be read more than once."""

    @property
    def size(self) -> int:
        """All bytes of it."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """From the beginning, piece by piece."""
        ...


class Remote(Protocol):
    """The bucket; every method raises `StepError` (`res.bucket`, `res.bucket_refused`, `step.cancelled`)."""

    def size(self, sha256: str) -> int | None:
        """The bytes of the value, None if it is not there."""
        ...

    def put(self, sha256: str, body: Content) -> None:
        """Put the value where there is none of that name; durable once this returns."""
        ...

    def get(self, sha256: str, size: int, take: Callable[[Iterator[bytes]], None]) -> None:
        """Hand the bytes to `take`, `size` at most and not verified."""
        ...


class BucketStore:
    """A `ValueStore`: a value is on this disk first, then in the bucket; what is fetched stays on this disk.

    The copies here are collected as any values beside Git are; of the bucket nothing is ever taken away.
    """

    is_shared = True

    def __init__(self, here: BlobStore, open_remote: Callable[[], Remote]) -> None:
        """`open_remote` finds the bucket and its key, once, when the disk is not enough; it may raise."""
        self._here = here
        self._open_remote = open_remote

    def put(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Store here and in the bucket; errors as `BlobStore.put` and `Remote`."""
        sha256, size = self._here.put(chunks)
        self._remote.put(sha256, _Copy(self._here, sha256, size))
        return sha256, size

    def contains(self, sha256: str) -> bool:
        """Whether it is here or in the bucket."""
        return self.size(sha256) is not None

    def size(self, sha256: str) -> int | None:
        """The bytes of the value, None if it is in neither."""
        here = self._here.size(sha256)
        return self._remote.size(sha256) if here is None else here

    def chunks(self, sha256: str) -> Iterator[bytes]:
        """The value, fetched and verified as a whole first if it is not here.

        Errors as `BlobStore.chunks` and `Remote`.
        """
        if not self._here.contains(sha256):
            size = self._remote.size(sha256)
            if size is None:
                raise unknown(sha256)
            self._remote.get(sha256, size, lambda pieces: self._keep(sha256, pieces))
        yield from self._here.chunks(sha256)

    @cached_property
    def _remote(self) -> Remote:
        return self._open_remote()

    def _keep(self, sha256: str, pieces: Iterator[bytes]) -> None:
        self._here.put(pieces, named=sha256)


@dataclass(frozen=True, slots=True)
class _Copy:
    """A value on this disk as what is sent."""

    store: BlobStore
    sha256: str
    size: int

    def chunks(self) -> Iterator[bytes]:
        return self.store.chunks(self.sha256)
