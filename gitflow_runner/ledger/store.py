"""Large values as files named by their digest, beside Git: durable before anybody names them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from gitflow_runner.errors import StepError, TransientError
from gitflow_runner.git.pack import sync_folder
from gitflow_runner.model.resource import resource_uri

TRASH: Final = "trash"  # the folder of what was collected; reading takes it back
_CHUNK: Final = 1 << 20


class ValueStore(Protocol):
    """Where large values lie, by their digests."""

    @property
    def is_shared(self) -> bool:
        """Whether other clones find what this one stores."""
        ...

    def put(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Store what the chunks make up, durably; (hex SHA-256, bytes)."""
        ...

    def contains(self, sha256: str) -> bool:
        """Whether the value is there."""
        ...

    def size(self, sha256: str) -> int | None:
        """The bytes of the value, None if it is not there."""
        ...

    def chunks(self, sha256: str) -> Iterator[bytes]:
        """The value piece by piece, the last one only once the digest is known."""
        ...


class BlobStore:
    """Files named by their digest below `<common-dir>/gitflow/objects-ext`, or in a folder of several clones.

    A value is durable once `put` returns. What a collection took away is found until its trash is emptied.
    """

    def __init__(self, common_dir: Path, shared: Path | None = None) -> None:
        """`shared` is a folder that other clones reach as well."""
        self.folder = shared if shared is not None else common_dir / "gitflow" / "objects-ext"
        self.is_shared = shared is not None

    def put(self, chunks: Iterable[bytes], *, named: str | None = None) -> tuple[str, int]:
        """Store what the chunks make up; (hex SHA-256, bytes). Never more than one chunk in memory.

        `TransientError` (`res.disk`) if the disk refuses; an error of the chunks leaves nothing behind, nor
        do chunks that do not have the digest `named` (`StepError`, `res.damaged`).
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._temporary() as (path, out):
                digest, size = hashlib.sha256(), 0
                for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    out.write(chunk)
                if named is not None and digest.hexdigest() != named:
                    raise damaged(named)
                out.flush()
                os.fsync(out.fileno())
                self._place(path, digest.hexdigest())
        except OSError as error:
            raise TransientError(
                "res.disk", f"cannot store a large value: {error}", fix=("gfr doctor",)
            ) from error
        return digest.hexdigest(), size

    def contains(self, sha256: str) -> bool:
        """Whether the value is here."""
        return self.size(sha256) is not None

    def size(self, sha256: str) -> int | None:
        """The bytes of the value, None if it is not here."""
        found = self._find(sha256)
        return None if found is None else found.stat().st_size

    def chunks(self, sha256: str) -> Iterator[bytes]:
        """The value piece by piece; `StepError` (`res.unknown`; `res.damaged` if it lies).

        The last piece is held back until the digest is known, so that nobody takes a damaged value for whole.
        """
        found = self._taken_back(sha256)
        if found is None:
            raise unknown(sha256)
        digest, held = hashlib.sha256(), b""
        with found.open("rb") as source:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                if held:
                    yield held
                held = chunk
        if digest.hexdigest() != sha256:
            raise damaged(sha256)
        if held:
            yield held

    def get(self, sha256: str) -> bytes:
        """The whole value, verified; errors as `chunks`."""
        return b"".join(self.chunks(sha256))

    def path(self, sha256: str) -> Path:
        """Where the value lies, if it does."""
        return self.folder / sha256[:2] / sha256

    def values(self) -> Iterator[Path]:
        """The files of all values that are not in the trash, in the order of their digests."""
        for folder in sorted(self.folder.glob("[0-9a-f][0-9a-f]")):
            yield from sorted(path for path in folder.iterdir() if len(path.name) == 64)

    def _find(self, sha256: str) -> Path | None:
        path = self.path(sha256)
        return path if path.is_file() else next(self.folder.glob(f"{TRASH}/*/{sha256}"), None)

    def _taken_back(self, sha256: str) -> Path | None:
        """The value's file, moved out of the trash if it lies there: somebody needs it after all."""
        path, found = self.path(sha256), self._find(sha256)
        if found is None or found == path:
            return found
        path.parent.mkdir(exist_ok=True)
        found.replace(path)
        os.utime(path)
        return path

    def _place(self, temporary: Path, sha256: str) -> None:
        target = self.path(sha256)
        if self._taken_back(sha256) is not None:
            # The collector looks at the age: what is wanted again must be young again.
            os.utime(target)
        else:
            target.parent.mkdir(exist_ok=True)
            temporary.replace(target)
        # Also where the file was there: who wrote it may have died before it came this far.
        sync_folder(target.parent)
        sync_folder(self.folder)

    @contextmanager
    def _temporary(self) -> Iterator[tuple[Path, BinaryIO]]:
        number = 0
        while True:
            path = self.folder / f"tmp-{os.getpid()}-{number}"
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


def unknown(sha256: str) -> StepError:
    """The error for a value that is not here."""
    return StepError("res.unknown", f"{resource_uri(sha256)} is not a value of this run")


def damaged(sha256: str) -> StepError:
    """The error for bytes that do not have the digest that names them."""
    return StepError("res.damaged", f"{resource_uri(sha256)} does not have the digest that names it")
