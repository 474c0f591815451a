"""Decisions that the runner bears witness to: their records in the run's tree, made and read back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gitflow_runner.errors import DamagedError
from gitflow_runner.forges.base import Raw
from gitflow_runner.git.objects import Oid, RawObject, blob
from gitflow_runner.model.change import ChangeOpened, DecisionAttested, Proposal
from gitflow_runner.model.event import Level, Recorded, WaitOpened
from gitflow_runner.model.run import SeenAttestation
from gitflow_runner.trust.changes import Witnessed
from gitflow_runner.trust.quorum import (
    AttestedApproval,
    ContentApproval,
    Evidence,
    MergeApproval,
    SignedApproval,
)

FOLDER = "proof/decisions/"
MAX_RAW_BYTES = 256 * 1024
FORMAT = 1

Read = Callable[[str], bytes | None]  # a path in the run's tree


@dataclass(frozen=True, slots=True)
class Place:
    """What a decision is about, as the ledger has it."""

    run: str
    folder: str
    payload: str
    proposal: Proposal
    number: int | None
    url: str | None


def record_of(
    place: Place, found: Witnessed, forge: str, landed: Oid | None, at: int, raw: Iterable[Raw]
) -> bytes:
    """The record of one decision, as canonical JSON; `at` (ms) is when the forge was asked."""
    who = found.account
    return _json(
        {
            "format": FORMAT,
            "run": place.run,
            "wait": place.folder,
            "payload": place.payload,
            "head": place.proposal.head,
            "target": place.proposal.target,
            "change": place.number,
            "url": place.url,
            "landed": landed,
            "proof": found.proof,
            "action": found.action,
            "forge": None if who is None else forge,
            "account": None if who is None else who.id,
            "login": None if who is None else who.login[:100],
            "asked_at": at,
            "answers": [
                {"url": r.url, "etag": r.etag, "sha256": hashlib.sha256(r.body).hexdigest()} for r in raw
            ],
        }
    )


def raw_files(raw: Iterable[Raw]) -> dict[str, bytes]:
    """The answers that records name by their digests, by path; one that is too large is named only."""
    return {
        f"{FOLDER}{hashlib.sha256(r.body).hexdigest()}.json": r.body
        for r in raw
        if len(r.body) <= MAX_RAW_BYTES
    }


def attested_in(history: Iterable[Recorded], folder: str) -> dict[str, SeenAttestation]:
    """All attestations of one wait by their ids."""
    found = {}
    for recorded in history:
        event = recorded.event
        if isinstance(event, DecisionAttested) and event.folder == folder:
            found[event.oid] = SeenAttestation(
                event.oid, recorded.at, event.proof, event.action, event.forge, event.account
            )
    return found


def place_in(history: Iterable[Recorded], run: str, wait: WaitOpened) -> Place | None:
    """What decisions on a wait's proposal are about, None if it proposes nothing."""
    if wait.proposal is None:
        return None
    change: ChangeOpened | None = None
    for recorded in history:
        event = recorded.event
        if isinstance(event, ChangeOpened) and event.folder == wait.folder:
            change = event
    return place_at(run, wait, wait.proposal, change)


def place_at(run: str, wait: WaitOpened, proposal: Proposal, change: ChangeOpened | None) -> Place:
    """The same where the change is at hand."""
    number, url = (None, None) if change is None else (change.number, change.url)
    return Place(run, wait.folder, wait.payload, proposal, number, url)


def evidence_of(seen: SeenAttestation, place: Place, read: Read, *, in_time: bool) -> Evidence:
    """The evidence of one attestation, its record read back from the run's own tree.

    `DamagedError` (`attestation.missing`, `attestation.record`) if the record is not there, or says
    something else than the history.
    """
    data = read(FOLDER + seen.oid)
    if data is None:
        raise DamagedError("attestation.missing", f"the run does not carry the record {seen.oid}")
    if seen.proof == "signed-commit":
        raw = RawObject("commit", data)
        _require(raw.oid == seen.oid, seen, "is another commit")
        return MergeApproval(raw.oid, seen.seen_at, raw, place.proposal.head, seen.action, in_time)
    _require(blob(data).oid == seen.oid, seen, "has another id")
    said = _parsed(data, seen)
    wanted = {
        "format": FORMAT,
        "run": place.run,
        "wait": place.folder,
        "payload": place.payload,
        "head": place.proposal.head,
        "target": place.proposal.target,
        "change": place.number,
        "proof": seen.proof,
        "action": seen.action,
        "forge": seen.forge,
        "account": seen.account,
    }
    for name, value in wanted.items():
        _require(said.get(name) == value, seen, f"says another {name}")
    oid = Oid(seen.oid)
    if seen.proof == "content-only":
        return ContentApproval(oid, seen.seen_at, seen.action, in_time)
    _require(seen.forge is not None and seen.account is not None, seen, "names no account")
    return AttestedApproval(
        oid, seen.seen_at, seen.forge or "", seen.account or 0, seen.proof, seen.action, in_time
    )


def level_of(evidence: Evidence) -> Level:
    """How well a piece of evidence is proven."""
    match evidence:
        case SignedApproval() | MergeApproval():
            return "signed"
        case AttestedApproval():
            return "forge"
        case ContentApproval():
            return "content"


def _require(holds: bool, seen: SeenAttestation, what: str) -> None:
    if not holds:
        raise DamagedError("attestation.record", f"the record {seen.oid} {what}")


def _parsed(data: bytes, seen: SeenAttestation) -> Mapping[str, object]:
    try:
        said = json.loads(data.decode())
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or _json(said) != data:
        raise DamagedError("attestation.record", f"the record {seen.oid} is not as we write it")
    return said


def _json(values: Mapping[str, object]) -> bytes:
    return json.dumps(values, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode() + b"\n"
