"""What a trigger has answered: one chain of signed commits a trigger, so that nothing starts twice.

A firing is recorded before anything of its run (protocol 4.1) and names it. Its tree is keyed by the digest
of the delivery; beside it stands which runs there were about the same matter, newest last, and how the refs
stood that the trigger watches. All only point at runs: whoever relies on a run verifies that.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gitflow_runner.errors import ConflictError, DamagedError, TransientError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import trigger_ref
from gitflow_runner.git.repository import ObjectReader, RefUpdate, Repository
from gitflow_runner.ledger.chain import file_in, head_of
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.link import TRIES, link_upon
from gitflow_runner.ledger.message import clean

_ABOUT: Final = 32  # runs about one matter that are remembered
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_OID: Final = re.compile(r"[0-9a-f]{40}")
_WATCHED: Final = "watched.json"
_LOST: Final = frozenset({"git.ref_moved", "git.push_rejected", "sync.diverged"})  # another writer was first


@dataclass(frozen=True, slots=True)
class Firing:
    """A delivery and the run that answers it; digests are hex SHA-256, `at` is ms, `facts` for people.

    `owner` is the clone that starts the run, where several could.
    """

    delivery: str
    about: str
    run: str
    at: int
    facts: Mapping[str, str] = field(default_factory=dict)
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A watched ref as it stood when it was looked at last; `delivery` is the firing about that, if any."""

    ref: str
    tip: Oid
    delivery: str | None = None


class Firings:
    """The firings of one trigger; safe between processes."""

    def __init__(
        self,
        repository: Repository,
        committer: Committer,
        slug: str,
        trigger: str,
        move: Callable[[str, Oid | None, Oid], None] | None = None,
    ) -> None:
        """`move` moves the chain's ref where the trigger is shared; without one it is swapped here."""
        self._repository = repository
        self._committer = committer
        self._move = move or self._swap
        self._trigger = f"{slug}/{trigger}"
        self._ref = trigger_ref(slug, trigger)

    def record(self, firing: Firing, seen: Seen | None = None) -> Firing:
        """Record it; where the delivery was answered before, that firing is returned and nothing is fired.

        `seen` is the ref that it is about, as it stands now. Raises `TransientError` (`trigger.contended`)
        if others never let this writer through.
        """
        for _ in range(TRIES):
            tip = self._repository.resolve(self._ref)
            known = None if tip is None else read_firing(self._repository, tip, firing.delivery)
            if known is None:
                if self._write(tip, firing, seen):
                    return firing
            elif seen is None or self._is_noted(tip, seen) or self._note(tip, seen, known):
                return known
        raise TransientError("trigger.contended", f"the firings of {self._trigger} are written all the time")

    def _is_noted(self, tip: Oid | None, seen: Seen) -> bool:
        before = None if tip is None else last_seen(self._repository, tip, seen.ref)
        return before is not None and before.tip == seen.tip

    def _note(self, tip: Oid | None, seen: Seen, known: Firing) -> bool:
        """The ref came back to a commit that was answered: only where it stands is new."""
        files = {_seen_path(seen.ref): {"ref": seen.ref, "tip": seen.tip, "delivery": known.delivery}}
        return self._append(tip, files, f"see {clean(self._trigger, 100)} again\n", known.at)

    def watch(self, patterns: Sequence[str], standing: Sequence[Seen], at: int) -> None:
        """Note what stands at the refs that are watched from now on; nothing is fired for it.

        Raises `TransientError` (`trigger.contended`), as `record`.
        """
        files: dict[str, object] = {_WATCHED: {"patterns": list(patterns)}}
        files |= {_seen_path(seen.ref): {"ref": seen.ref, "tip": seen.tip} for seen in standing}
        for _ in range(TRIES):
            tip = self._repository.resolve(self._ref)
            if tip is not None and watched(self._repository, tip) == tuple(patterns):
                return
            if self._append(tip, files, f"watch {clean(self._trigger, 100)}\n", at):
                return
        raise TransientError("trigger.contended", f"the firings of {self._trigger} are written all the time")

    def _write(self, tip: Oid | None, firing: Firing, seen: Seen | None) -> bool:
        earlier = () if tip is None else runs_about(self._repository, tip, firing.about)
        runs = (*(run for run in earlier if run != firing.run), firing.run)[-_ABOUT:]
        fields = {"about": firing.about, "run": firing.run, "at": firing.at, "facts": dict(firing.facts)}
        if firing.owner is not None:
            fields["owner"] = firing.owner
        files: dict[str, object] = {_path(firing.delivery): fields, _about_path(firing.about): {"runs": runs}}
        if seen is not None:
            files[_seen_path(seen.ref)] = {"ref": seen.ref, "tip": seen.tip, "delivery": firing.delivery}
        message = f"fire {clean(self._trigger, 100)}\n\nrun {firing.run}\n"
        return self._append(tip, files, message, firing.at)

    def _append(self, tip: Oid | None, files: Mapping[str, object], message: str, at: int) -> bool:
        encoded = [
            (path, json.dumps(data, separators=(",", ":")).encode() + b"\n") for path, data in files.items()
        ]
        link = link_upon(self._repository, self._committer, tip, encoded, message, at)
        self._repository.write(link.objects)
        try:
            self._move(self._ref, tip, link.oid)
        except ConflictError as error:
            if error.code not in _LOST:
                raise
            return False
        return True

    def _swap(self, ref: str, old: Oid | None, new: Oid) -> None:
        self._repository.swap([RefUpdate(ref, old, new)])


def read_firing(reader: ObjectReader, tip: Oid, delivery: str) -> Firing | None:
    """The firing that answered a delivery, None if none did; `DamagedError` (`trigger.malformed`)."""
    data = file_in(reader, head_of(reader, tip)[0], _path(delivery))
    if data is None:
        return None
    found = _decode(data)
    about, run, at, facts = (found.get(key) for key in ("about", "run", "at", "facts"))
    owner = found.get("owner")
    if type(about) is not str or type(run) is not str or type(at) is not int or not isinstance(facts, dict):
        raise _malformed(data)
    if owner is not None and type(owner) is not str:
        raise _malformed(data)
    return Firing(delivery, about, run, at, {str(key): str(value) for key, value in facts.items()}, owner)


def watched(reader: ObjectReader, tip: Oid) -> tuple[str, ...]:
    """The patterns whose refs were noted by `watch`; `DamagedError` (`trigger.malformed`)."""
    data = file_in(reader, head_of(reader, tip)[0], _WATCHED)
    patterns = [] if data is None else _decode(data).get("patterns")
    if not isinstance(patterns, list) or not all(type(each) is str for each in patterns):
        raise _malformed(data or b"")
    return tuple(patterns)


def last_seen(reader: ObjectReader, tip: Oid, ref: str) -> Seen | None:
    """The ref as it stood when it was looked at last; `DamagedError` (`trigger.malformed`)."""
    data = file_in(reader, head_of(reader, tip)[0], _seen_path(ref))
    if data is None:
        return None
    found = _decode(data)
    at, delivery = found.get("tip"), found.get("delivery")
    if type(at) is not str or not _OID.fullmatch(at) or found.get("ref") != ref:
        raise _malformed(data)
    if delivery is not None and (type(delivery) is not str or not _DIGEST.fullmatch(delivery)):
        raise _malformed(data)
    return Seen(ref, Oid(at), delivery)


def runs_about(reader: ObjectReader, tip: Oid, about: str) -> tuple[str, ...]:
    """The runs about one matter, oldest first; `DamagedError` (`trigger.malformed`)."""
    data = file_in(reader, head_of(reader, tip)[0], _about_path(about))
    runs = [] if data is None else _decode(data).get("runs")
    if not isinstance(runs, list) or not all(type(run) is str for run in runs):
        raise _malformed(data or b"")
    return tuple(runs)


def _decode(data: bytes) -> dict[str, object]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise _malformed(data) from None
    if not isinstance(found, dict):
        raise _malformed(data)
    return found


def _malformed(data: bytes) -> DamagedError:
    return DamagedError("trigger.malformed", f"a trigger's record cannot be read: {data[:80]!r}")


def _path(delivery: str) -> str:
    assert _DIGEST.fullmatch(delivery), "a delivery is named by a digest"
    return f"{delivery[:2]}/{delivery}.json"


def _seen_path(ref: str) -> str:
    digest = hashlib.sha256(ref.encode("utf-8", "surrogateescape")).hexdigest()
    return f"seen/{digest[:2]}/{digest}.json"


def _about_path(about: str) -> str:
    assert _DIGEST.fullmatch(about), "a matter is named by a digest"
    return f"about/{about[:2]}/{about}.json"
