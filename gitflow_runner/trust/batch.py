"""Rows of `gfr verify --batch` and `gfr policy judge --batch`: JSON in, verdicts out, many in one process.

Times in rows are seconds since the epoch, as people and other tools count them; inside they are ms.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gitflow_runner.errors import UsageError
from gitflow_runner.git.objects import Oid, decode_commit
from gitflow_runner.git.repository import Objects
from gitflow_runner.trust.allowed_signers import parse_allowed_signers
from gitflow_runner.trust.approval import OpenWait
from gitflow_runner.trust.gpgsig import Gpg, GpgSigners, OpenGpg
from gitflow_runner.trust.keyring import Keyring
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.policy_text import parse_policy
from gitflow_runner.trust.quorum import SignedApproval, judge
from gitflow_runner.trust.revocation import Revocations, parse_revoked, revoked_keys
from gitflow_runner.trust.verify import MAX_SKEW_MS, verify_object

T = TypeVar("T")
Json = Mapping[str, object]

NEVER = 2**62  # the deadline of a wait that has none
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BARE_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Outside:
    """What the rows name by path: repositories, files, GPG homes, and a repository's own policy.

    `private_gpg` answers for the GPG keys of a policy that a row brings along.
    """

    open_objects: Callable[[str], Objects]
    read_file: Callable[[str], bytes]
    open_gpg: Callable[[str], Gpg]
    policy_keyring: Callable[[str], Keyring]
    private_gpg: OpenGpg | None = None


@dataclass(frozen=True)
class Batch:
    """Answers rows one by one; what several rows name is opened and read once."""

    outside: Outside
    _kept: dict[tuple[str, ...], object] = field(default_factory=dict)

    def verify(self, row: Json) -> Json:
        """One row of `gfr verify --batch`; `UsageError` (`batch.row`) for one that is not of its form."""
        repo, oid = _get(row, "repo", str), _oid(row, "oid")
        reader = self._once(("repo", repo), lambda: self.outside.open_objects(repo))
        skew = _maybe(row, "max_skew_s", int)
        found = verify_object(
            reader.read(oid),
            self._keyring(repo, _maybe(row, "allowed_signers", str), _maybe(row, "revoked", str)),
            first_seen=_ms(row, "first_seen"),
            now=_ms(row, "now"),
            max_skew=MAX_SKEW_MS if skew is None else skew * 1000,
            ref=_maybe(row, "ref", str),
            reader=reader,
            gpg=self._gpg(row),
        )
        return {
            "verdict": found.verdict,
            "reason": found.reason,
            "principal": found.principal,
            "fingerprint": found.fingerprint,
        }

    def judge(self, row: Json) -> Json:
        """One row of `gfr policy judge --batch`; errors as `verify`, and those of `parse_policy`."""
        repo, text = _get(row, "repo", str), _get(row, "policy", str)
        reader = self._once(("repo", repo), lambda: self.outside.open_objects(repo))
        policy: Policy = self._once(
            ("policy", text),
            lambda: parse_policy(text.encode(), file="policy", open_gpg=self.outside.private_gpg),
        )
        approvals = [_row(item, "approvals") for item in _get(row, "approvals", list)]
        found = judge(
            _open_wait(_row(row.get("wait"), "wait"), reader),
            [SignedApproval(_oid(item, "oid"), _ms(item, "seen")) for item in approvals],
            reader=reader,
            pinned=policy,
            newest=policy,
            now=_ms(row, "now"),
            revoked=revoked_keys(_texts(row, "revoked")),
        )
        return {
            "outcome": found.state,
            "approvals": [
                {"oid": r.oid, "counted": r.counted, "reason": r.reason, "principal": r.principal}
                for r in found.results
            ],
        }

    def _keyring(self, repo: str, allowed: str | None, revoked: str | None) -> Keyring:
        def load() -> Keyring:
            gone = Revocations()
            if revoked is not None:
                gone = parse_revoked(self.outside.read_file(revoked), file=revoked)
            if allowed is None:
                return self.outside.policy_keyring(repo).with_revoked(gone)
            text = self.outside.read_file(allowed).decode("utf-8", "replace")
            return Keyring(parse_allowed_signers(text).entries, gone)

        key = ("keyring", repo if allowed is None else "", allowed or "", revoked or "")
        return self._once(key, load)

    def _gpg(self, row: Json) -> GpgSigners | None:
        home, signers = _maybe(row, "gpg_home", str), _maybe(row, "gpg_signers", dict)
        if home is None or signers is None:
            return None
        gpg: Gpg = self._once(("gpg", home), lambda: self.outside.open_gpg(home))
        return GpgSigners(
            gpg, {str(key).upper().replace(" ", ""): str(name) for key, name in signers.items()}
        )

    def _once(self, key: tuple[str, ...], make: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]  # type: ignore[return-value]  # a key always has the same maker


def _open_wait(row: Json, reader: Objects) -> OpenWait:
    commit = _oid(row, "commit")
    payload = _get(row, "payload", str)
    role = _maybe(row, "role", str)
    return OpenWait(
        run=_get(row, "run", str),
        wait=_get(row, "wait", str),
        commit=commit,
        tree=decode_commit(reader.read(commit).data).tree,
        payload=f"sha256:{payload}" if _BARE_DIGEST.fullmatch(payload) else payload,
        deadline=NEVER if row.get("deadline") is None else _ms(row, "deadline"),
        need=_get(row, "need", int, 1),
        role=role.removeprefix(":") if role is not None else None,
        human=_get(row, "human", bool, True),
        edit=_get(row, "edit", bool, False),
        editor_counts=_get(row, "editor_counts", bool, False),
        excluded=frozenset(_texts(row, "excluded")),
    )


def _get(row: Json, key: str, kind: type[T], default: T | None = None) -> T:
    value = row.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise UsageError("batch.row", f"{key!r} must be a {kind.__name__}, not {value!r}"[:200])
    return value


def _maybe(row: Json, key: str, kind: type[T]) -> T | None:
    return None if row.get(key) is None else _get(row, key, kind)


def _row(value: object, key: str) -> Json:
    if not isinstance(value, dict):
        raise UsageError("batch.row", f"{key!r} must hold a JSON object")
    return value


def _texts(row: Json, key: str) -> Sequence[str]:
    return [str(item) for item in _maybe(row, key, list) or []]


def _oid(row: Json, key: str) -> Oid:
    found = _get(row, key, str)
    if not _OID.fullmatch(found):
        raise UsageError("batch.row", f"{key!r} must be a full object id in hex")
    return Oid(found)


def _ms(row: Json, key: str) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError("batch.row", f"{key!r} must be a number of seconds since the epoch")
    return int(value * 1000)
