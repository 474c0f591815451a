"""What a trigger has answered: one chain of signed commits a trigger, so that nothing starts twice.

A firing is recorded before anything of its run (protocol 4.1) and names it. Its tree is keyed by the digest
of the delivery; beside it stands which runs there were about the same matter, newest last. Both only point
at runs: whoever relies on a run verifies that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gitflow_runner.errors import ConflictError, DamagedError, TransientError
from gitflow_runner.git.objects import Oid, RawObject, blob
from gitflow_runner.git.refs import trigger_ref
from gitflow_runner.git.repository import ObjectReader, RefUpdate, Repository
from gitflow_runner.ledger.chain import file_in, head_of, read_object
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.message import clean
from gitflow_runner.ledger.tree import Tree

_TRIES: Final = 200  # a lost swap means that another writer got on, so this many is never seen
_ABOUT: Final = 32  # runs about one matter that are remembered
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Firing:
    """A delivery and the run that answers it; digests are hex SHA-256, `at` is ms, `facts` for people."""

    delivery: str
    about: str
    run: str
    at: int
    facts: Mapping[str, str] = field(default_factory=dict)


class Firings:
    """The firings of one trigger; safe between processes."""

    def __init__(self, repository: Repository, committer: Committer, slug: str, trigger: str) -> None:
        self._repository = repository
        self._committer = committer
        self._trigger = f"{slug}/{trigger}"
        self._ref = trigger_ref(slug, trigger)

    def record(self, firing: Firing) -> Firing:
        """Record it; where the delivery was answered before, that firing is returned and nothing changes.

        Raises `TransientError` (`trigger.contended`) if others never let this writer through.
        """
        for _ in range(_TRIES):
            tip = self._repository.resolve(self._ref)
            known = None if tip is None else read_firing(self._repository, tip, firing.delivery)
            if known is not None:
                return known
            if self._write(tip, firing):
                return firing
        raise TransientError("trigger.contended", f"the firings of {self._trigger} are written all the time")

    def _write(self, tip: Oid | None, firing: Firing) -> bool:
        root, earlier, at = None, tuple[str, ...](), 0
        if tip is not None:
            root, earlier = head_of(self._repository, tip)[0], runs_about(self._repository, tip, firing.about)
            at = self._repository.commit(tip).committer.time * 1_000
        tree = Tree(lambda oid: read_object(self._repository, oid, "tree"), root)
        objects: dict[Oid, RawObject] = {}
        runs = (*(run for run in earlier if run != firing.run), firing.run)[-_ABOUT:]
        fields = {"about": firing.about, "run": firing.run, "at": firing.at, "facts": dict(firing.facts)}
        for path, data in ((_path(firing.delivery), fields), (_about_path(firing.about), {"runs": runs})):
            content = blob(json.dumps(data, separators=(",", ":")).encode() + b"\n")
            objects[content.oid] = content
            tree.put(path, content.oid)
        message = f"fire {clean(self._trigger, 100)}\n\nrun {firing.run}\n"
        parents = () if tip is None else (tip,)
        commit = self._committer.commit(tree.write(objects), parents, message, max(firing.at, at))
        self._repository.write([*objects.values(), commit])
        try:
            self._repository.swap([RefUpdate(self._ref, tip, commit.oid)])
        except ConflictError as error:
            if error.code != "git.ref_moved":
                raise
            return False
        return True


def read_firing(reader: ObjectReader, tip: Oid, delivery: str) -> Firing | None:
    """The firing that answered a delivery, None if none did; `DamagedError` (`trigger.malformed`)."""
    data = file_in(reader, head_of(reader, tip)[0], _path(delivery))
    if data is None:
        return None
    found = _decode(data)
    about, run, at, facts = (found.get(key) for key in ("about", "run", "at", "facts"))
    if type(about) is not str or type(run) is not str or type(at) is not int or not isinstance(facts, dict):
        raise _malformed(data)
    return Firing(delivery, about, run, at, {str(key): str(value) for key, value in facts.items()})


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


def _about_path(about: str) -> str:
    assert _DIGEST.fullmatch(about), "a matter is named by a digest"
    return f"about/{about[:2]}/{about}.json"
