"""What this clone keeps for itself below `<common-dir>/gitflow/`: key, home id, pins, verified tips.

None of it is a record of a run; losing it costs re-verification, not history. Files are written whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.errors import TransientError, UsageError
from gitflow_runner.git.objects import Oid
from gitflow_runner.trust.signer import FileSigner, load_signer, new_key_file

_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class LocalState:
    """The folder; `root` is `<common-dir>/gitflow`."""

    root: Path

    @property
    def key_file(self) -> Path:
        """The runner's private key."""
        return self.root / "runner_ed25519"

    @property
    def signers_file(self) -> Path:
        """The allowed signers that `git log --show-signature` reads."""
        return self.root / "allowed_signers"

    def is_ready(self) -> bool:
        """Whether `init` has been here."""
        return self.key_file.is_file() and (self.root / "home").is_file()

    def prepare(self, seed: bytes, home: str) -> bool:
        """Make key and home id where they are missing; True if the key was made."""
        self.root.mkdir(parents=True, exist_ok=True)
        if not (self.root / "home").is_file():
            self.write("home", home.encode())
        if self.key_file.is_file():
            return False
        self.write(self.key_file.name, new_key_file(seed), mode=0o600)
        return True

    def signer(self) -> FileSigner:
        """The runner's signer; `UsageError` (`not_initialised`)."""
        if not self.is_ready():
            raise UsageError(
                "not_initialised",
                "this repository has not been prepared for runs",
                hint="init writes a first flow and a policy, and makes the runner's key",
                fix=("gfr init",),
            )
        return load_signer(self.key_file.read_bytes(), name=str(self.key_file))

    def home(self) -> str:
        """The id of the ledger that this repository is."""
        return (self.read("home") or b"").decode().strip()

    def pinned_root(self) -> str | None:
        """The digest of the policy version that this clone trusts (`sha256:<hex>`)."""
        data = self.read("policy-root")
        return None if data is None else data.decode().strip()

    def pin_root(self, digest: str) -> None:
        """Trust the policy from the version with this digest on."""
        self.write("policy-root", digest.encode() + b"\n")

    def known_policy(self) -> Oid | None:
        """The policy commit that was verified last."""
        data = self.read("policy-known")
        return None if data is None else Oid(data.decode().strip())

    def verified_tip(self, run: str) -> Oid | None:
        """The turn up to which this clone has verified the run."""
        data = self.read(f"verified/{run}")
        return None if data is None else Oid(data.decode().strip())

    def set_verified_tip(self, run: str, tip: Oid) -> None:
        """Remember that everything up to `tip` is verified."""
        self.write(f"verified/{run}", tip.encode() + b"\n", sync=False)

    def noted_tip(self, run: str) -> Oid | None:
        """The turn of the run that this clone wrote into its log last."""
        data = self.read(f"noted/{run}")
        return None if data is None else Oid(data.decode().strip())

    def set_noted_tip(self, run: str, tip: Oid) -> None:
        """Remember that the log holds `tip`."""
        self.write(f"noted/{run}", tip.encode() + b"\n", sync=False)

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold this name alone among all processes and threads; others wait for as long as that takes.

        `TransientError` (`local.unwritable`).
        """
        path = self.root / f"{name}.lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unwritable(path, error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def read(self, name: str, limit: int = _LIMIT) -> bytes | None:
        """A file's bytes, at most `limit` of them, None if it is not there."""
        try:
            with (self.root / name).open("rb") as file:
                return file.read(limit)
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes, *, mode: int = 0o644, sync: bool = True) -> None:
        """Replace a file whole; `TransientError` (`local.unwritable`) if the disk does not take it."""
        write_whole(self.root / name, data, mode=mode, sync=sync)

    def names(self, folder: str) -> tuple[str, ...]:
        """The files of a folder, in order; none where it is not there."""
        try:
            return tuple(sorted(each for each in os.listdir(self.root / folder) if not each.startswith(".")))
        except FileNotFoundError:
            return ()

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""
        (self.root / name).unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, *, mode: int = 0o644, sync: bool = True) -> None:
    """Write a file so that it is there whole or as it was; `TransientError` (`local.unwritable`)."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> TransientError:
    return TransientError(
        "local.unwritable",
        f"{path} cannot be written: {error.strerror}",
        hint="make room, or mount it writable, and repeat the command",
        fix=("df -h .",),
    )
