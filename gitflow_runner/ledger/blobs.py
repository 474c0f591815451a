"""Large values by their digest: in the run's own tree up to 1 MB, above that in files beside Git.

A value is `res://sha256/<hex>`. What lies beside Git has a pointer in the run's tree, so that nothing
collects it while a run needs it (protocol 9.3).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from gitflow_runner.errors import StepError, TransientError
from gitflow_runner.git.pack import sync_folder
from gitflow_runner.ledger.journal import Journal
from gitflow_runner.model.resource import named_digest, resource_uri

IN_TREE: Final = 1_000_000  # bytes; larger values lie beside Git
_CHUNK: Final = 1 << 20


class BlobStore:
    """Files named by their digest below `<common-dir>/gitflow/objects-ext`, durable once `put` returns."""

    def __init__(self, common_dir: Path) -> None:
        self._folder = common_dir / "gitflow" / "objects-ext"

    def put(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Store what the chunks make up; (hex SHA-256, bytes). Never more than one chunk in memory.

        `TransientError` (`res.disk`) if the disk refuses.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._temporary() as (path, out):
                digest, size = hashlib.sha256(), 0
                for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
                self._place(path, digest.hexdigest())
        except OSError as error:
            raise TransientError("res.disk", f"cannot store a large value: {error}") from error
        return digest.hexdigest(), size

    def contains(self, sha256: str) -> bool:
        """Whether the value is here."""
        return self._path(sha256).is_file()

    def chunks(self, sha256: str) -> Iterator[bytes]:
        """The value piece by piece; `StepError` (`res.unknown`; `res.damaged` at the end if it lies)."""
        digest = hashlib.sha256()
        try:
            with self._path(sha256).open("rb") as source:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    yield chunk
        except FileNotFoundError:
            raise _unknown(sha256) from None
        if digest.hexdigest() != sha256:
            raise _damaged(sha256)

    def get(self, sha256: str) -> bytes:
        """The whole value, verified; errors as `chunks`."""
        return b"".join(self.chunks(sha256))

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _place(self, temporary: Path, sha256: str) -> None:
        target = self._path(sha256)
        try:
            # The collector looks at the age: what is wanted again must be young again.
            os.utime(target)
        except FileNotFoundError:
            target.parent.mkdir(exist_ok=True)
            temporary.replace(target)
        # Also where the file was there: who wrote it may have died before it came this far.
        sync_folder(target.parent)
        sync_folder(self._folder)

    @contextmanager
    def _temporary(self) -> Iterator[tuple[Path, BinaryIO]]:
        number = 0
        while True:
            path = self._folder / f"tmp-{os.getpid()}-{number}"
            try:
                out = path.open("xb")
                break
            except FileExistsError:
                number += 1
        try:
            with out:
                yield path, out
        finally:
            path.unlink(missing_ok=True)


class RunBlobs:
    """The values of one run: the small ones ride on its next turn, the large ones leave a pointer there."""

    def __init__(self, journal: Journal, store: BlobStore) -> None:
        self._journal = journal
        self._store = store

    def put(self, data: bytes, media_type: str) -> str:
        """Store; the value's digest. It is durable with the turn that first names it."""
        sha256 = hashlib.sha256(data).hexdigest()
        if len(data) <= IN_TREE:
            self._journal.attach({_tree_path(sha256): data})
        else:
            self._store.put((data,))
            self._point(sha256, len(data), media_type)
        return sha256

    def put_stream(self, chunks: Iterable[bytes], media_type: str) -> tuple[str, int]:
        """Store a value that need not fit in memory; (digest, bytes)."""
        sha256, size = self._store.put(chunks)
        self._point(sha256, size, media_type)
        return sha256, size

    def get(self, uri: str) -> bytes:
        """Read and verify; `StepError` (`res.malformed`, `res.unknown`, `res.damaged`)."""
        sha256 = named_digest(uri)
        if sha256 is None:
            raise StepError("res.malformed", f"{uri[:120]!r} is not res://sha256/ and 64 hex digits")
        data = self._journal.read(_tree_path(sha256))
        if data is None:
            raise _unknown(sha256)
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
        if pointed(data) != sha256:
            raise _damaged(sha256)
        return self._store.get(sha256)

    def _point(self, sha256: str, size: int, media_type: str) -> None:
        self._journal.attach({_tree_path(sha256): pointer(sha256, size, media_type)})


def pointer(sha256: str, size: int, media_type: str) -> bytes:
    """The file that stands in a run's tree for a value beside Git."""
    fields = {"ref": resource_uri(sha256), "size": size, "media_type": media_type}
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def pointed(data: bytes) -> str | None:
    """The digest that a pointer file names, None if it is not one."""
    if len(data) > 4096:
        return None
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return named_digest(str(fields.get("ref"))) if isinstance(fields, dict) else None


def _tree_path(sha256: str) -> str:
    return f"res/{sha256}"


def _unknown(sha256: str) -> StepError:
    return StepError("res.unknown", f"{resource_uri(sha256)} is not a value of this run")


def _damaged(sha256: str) -> StepError:
    return StepError("res.damaged", f"{resource_uri(sha256)} does not have the digest that names it")
