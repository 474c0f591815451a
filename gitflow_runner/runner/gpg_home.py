"""Private homes for gpg: each holds the public keys of one policy and goes when this process ends."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from weakref import finalize

from gitflow_runner.runner.person import process_runner
from gitflow_runner.trust.gpgsig import FAR_AHEAD, Gpg, GpgProgram
from gitflow_runner.trust.reasons import Refusal

MOST_KEPT = 4_096  # reports that one home remembers


class GpgHomes:
    """Opens a home when a GPG signature is first looked at; the same blocks share one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        # Nothing of the person's own GPG may speak here: neither its home nor an agent that is told of.
        kept = {k: v for k, v in environment.items() if not k.startswith(("GNUPG", "GPG_"))}
        self._run = process_runner(kept)
        self._homes: dict[str, _Home] = {}

    def open(self, blocks: Sequence[str]) -> Gpg:
        """A home with these key blocks; refuses `unsupported_scheme` where gpg does not run."""
        name = hashlib.sha256("".join(blocks).encode()).hexdigest()
        if name not in self._homes:
            self._homes[name] = self._make(blocks)
        return self._homes[name]

    def _make(self, blocks: Sequence[str]) -> _Home:
        place = Path(mkdtemp(prefix="gfr-gpg-"))
        for part in ("home", "signatures"):
            (place / part).mkdir(mode=0o700)
        gpg = GpgProgram(place / "home", place / "signatures", self._run, at=FAR_AHEAD)
        for block in blocks:
            if not gpg.take(block):
                rmtree(place, ignore_errors=True)
                raise Refusal(
                    "unsupported_scheme", "a GPG signature, and gpg does not run here: install gnupg"
                )
        return _Home(place, gpg)


class _Home:
    """gpg over its folder, asked once for each signature."""

    def __init__(self, folder: Path, gpg: GpgProgram) -> None:
        finalize(self, rmtree, folder, ignore_errors=True)  # when nobody asks any more, or the process ends
        self._gpg = gpg
        self._told: dict[tuple[bytes, bytes], str] = {}

    def status(self, signature: bytes, payload: bytes) -> str:
        """What gpg reports of the signature."""
        key = (hashlib.sha256(signature).digest(), hashlib.sha256(payload).digest())
        if key not in self._told:
            if len(self._told) >= MOST_KEPT:
                self._told.clear()
            self._told[key] = self._gpg.status(signature, payload)
        return self._told[key]

    def listing(self) -> str:
        """The keys of the home."""
        return self._gpg.listing()
