"""Large values by their digest: in the run's own tree up to 1 MB, above that in files beside Git.

A value is `res://sha256/<hex>`. What lies beside Git has a pointer in the run's tree, so that nothing
collects it while a run needs it (protocol 9.3).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from gitflow_runner.errors import StepError
from gitflow_runner.ledger.journal import Journal
from gitflow_runner.ledger.store import ValueStore, damaged, unknown
from gitflow_runner.model.resource import named_digest, resource_uri

IN_TREE: Final = 1_000_000  # bytes; larger values lie beside Git
FOLDER: Final = "res"  # of a run's tree


@dataclass(frozen=True, slots=True)
class Pointer:
    """What stands in a run's tree for a value beside Git."""

    sha256: str
    size: int
    media_type: str

    def encode(self) -> bytes:
        """The file's bytes."""
        fields = {"ref": resource_uri(self.sha256), "size": self.size, "media_type": self.media_type}
        return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


class RunBlobs:
    """The values of one run: the small ones ride on its next turn, the large ones leave a pointer there."""

    def __init__(
        self,
        journal: Journal,
        store: ValueStore,
        *,
        lonely: bool = False,
        relatives: Callable[[str], Iterable[bytes]] = lambda path: (),
    ) -> None:
        """`lonely` says that other clones take part in the run and would not find what lies beside Git.

        `relatives` finds a file in the trees of the runs that called this one or were called by it: they hand
        one another references. What is found there is kept here too, so that each run is whole by itself.
        """
        self._journal = journal
        self._store = store
        self._lonely = lonely
        self._relatives = relatives

    def put(self, data: bytes, media_type: str) -> str:
        """Store; the value's digest. It is durable with the turn that first names it.

        `StepError` (`blob_not_shared`) for a value that other clones would miss.
        """
        return self.put_stream((data,), media_type)[0]

    def put_stream(self, chunks: Iterable[bytes], media_type: str) -> tuple[str, int]:
        """Store a value that need not fit in memory; (digest, bytes). Errors as `put`."""
        rest, head = iter(chunks), bytearray()
        for chunk in rest:
            head += chunk
            if len(head) > IN_TREE:
                break
        if len(head) <= IN_TREE:
            sha256 = hashlib.sha256(head).hexdigest()
            self._journal.attach({_tree_path(sha256): bytes(head)})
            return sha256, len(head)
        if self._lonely:
            raise _not_shared(f"a value of more than {IN_TREE} bytes would lie beside Git in this clone only")
        sha256, size = self._store.put(chain((bytes(head),), rest))
        self._journal.attach({_tree_path(sha256): Pointer(sha256, size, media_type).encode()})
        return sha256, size

    def get(self, uri: str) -> bytes:
        """Read and verify; `StepError` (`res.malformed`, `res.unknown`, `res.damaged`, `blob_not_shared`)."""
        return b"".join(self.chunks(uri))

    def size(self, uri: str) -> int:
        """The bytes of the value, looked up where it lies; errors as `get`."""
        data = self._in_tree(_digest(uri))
        return data.size if isinstance(data, Pointer) else len(data)

    def chunks(self, uri: str) -> Iterator[bytes]:
        """The value piece by piece, the last one only once the digest is known; errors as `get`."""
        data = self._in_tree(_digest(uri))
        if isinstance(data, Pointer):
            yield from self._store.chunks(data.sha256)
        else:
            yield data

    def _in_tree(self, sha256: str) -> bytes | Pointer:
        path = _tree_path(sha256)
        data = self._journal.read(path)
        if data is None:
            data = next(iter(self._relatives(path)), None)
            if data is None:
                raise unknown(sha256)
            self._journal.attach({path: data})
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
        found = pointer_in(data)
        if found is None or found.sha256 != sha256:
            raise damaged(sha256)
        size = self._store.size(sha256)
        if size is None:
            raise _not_shared(f"{resource_uri(sha256)} was stored beside Git by another clone, or is lost")
        if size != found.size:
            raise damaged(sha256)
        return found


def pointer_in(data: bytes) -> Pointer | None:
    """The pointer that a file is, None if it is none."""
    if len(data) > 4096:
        return None
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    sha256, size, media = named_digest(str(fields.get("ref"))), fields.get("size"), fields.get("media_type")
    if sha256 is None or type(size) is not int or not isinstance(media, str):
        return None
    return Pointer(sha256, size, media)


def _digest(uri: str) -> str:
    sha256 = named_digest(uri)
    if sha256 is None:
        raise StepError("res.malformed", f"{uri[:120]!r} is not res://sha256/ and 64 hex digits")
    return sha256


def _tree_path(sha256: str) -> str:
    return f"{FOLDER}/{sha256}"


def _not_shared(message: str) -> StepError:
    return StepError(
        "blob_not_shared",
        message,
        hint="name a folder that all clones reach: git config gitflow.resources <folder>; or a bucket under"
        " resources: in .breyta/config.yaml; or let this clone keep such values for itself:"
        " git config gitflow.resources local",
    )
