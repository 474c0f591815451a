"""The decisions of a recorded run that its runner bore witness to, read back and held against the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.ledger.chain import RecordedTurn, file_in, head_of
from gitflow_runner.ledger.fsck import Finding
from gitflow_runner.model.change import DecisionAttested
from gitflow_runner.model.event import WaitOpened, WaitResolved
from gitflow_runner.runner.attested import attested_in, evidence_of, place_in
from gitflow_runner.runner.changes import may_attest
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.quorum import Evidence
from gitflow_runner.trust.verify import prove


def witnessed_evidence(
    reader: ObjectReader,
    chain: Sequence[RecordedTurn],
    run: str,
    wait: WaitOpened,
    resolved: WaitResolved,
    pinned: Policy,
    slug: str,
) -> tuple[Mapping[str, Evidence], Finding | None]:
    """The witnessed evidence among what counted, by its id, and what is wrong with it.

    `chain` is all of the run's turns, the first one first.

    Findings: `attestation.missing`, `attestation.record` (see `evidence_of`), and
    `attestation.no_attester` where the key that recorded a forge's word may not do so.
    """
    if wait.proposal is None:
        return {}, None
    tip = chain[-1].oid
    history = tuple(recorded for turn in chain for recorded in turn.events)
    known = attested_in(history, wait.folder)
    place = place_in(history, run, wait)
    tree = head_of(reader, tip)[0]
    found: dict[str, Evidence] = {}
    for oid in resolved.counted:
        if oid not in known or place is None:
            continue
        try:
            found[oid] = evidence_of(
                known[oid], place, lambda path: file_in(reader, tree, path), in_time=True
            )
        except GitflowError as error:
            return {}, Finding(error.code, tip, error.message)
        if known[oid].proof == "signed-commit":
            continue
        turn = _turn_of(chain, oid)
        if turn is None or not may_attest(pinned, prove(reader.read(turn)).fingerprint, slug):
            text = f"{oid} was recorded by a key that may not attest a forge's word"
            return {}, Finding("attestation.no_attester", turn or tip, text)
    return found, None


def _turn_of(chain: Sequence[RecordedTurn], oid: str) -> Oid | None:
    for turn in reversed(chain):
        for recorded in turn.events:
            if isinstance(recorded.event, DecisionAttested) and recorded.event.oid == oid:
                return turn.oid
    return None
