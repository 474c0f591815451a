"""Records of witnessed decisions: read back exactly, or refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitflow_runner.errors import DamagedError
from gitflow_runner.forges.base import Raw
from gitflow_runner.git.objects import Oid, blob
from gitflow_runner.model.change import Account, Proposal
from gitflow_runner.model.run import SeenAttestation
from gitflow_runner.runner.attested import FOLDER, Place, evidence_of, raw_files, record_of
from gitflow_runner.trust.changes import Witnessed
from gitflow_runner.trust.quorum import AttestedApproval

PROPOSAL = Proposal("gitflow/x", "main", "c" * 40, "a" * 40, ".breyta/proposals/x.edn", ())
PLACE = Place(
    "20260921-131402-7k3m9q", "00001-ask", "sha256:" + "0" * 64, PROPOSAL, 1, "https://forge.test/1"
)
RAW = (Raw("https://forge.test/api/1", None, b"{}"),)
FOUND = Witnessed("forge-review", "approve", Account(12, "bob"))
RECORD = record_of(PLACE, FOUND, "github", Oid("d" * 40), 5, RAW)
SEEN = SeenAttestation(blob(RECORD).oid, 5, "forge-review", "approve", "github", 12)


def refused(seen: SeenAttestation, place: Place = PLACE, record: bytes | None = RECORD) -> str:
    with pytest.raises(DamagedError) as found:
        evidence_of(seen, place, {FOLDER + seen.oid: record}.get, in_time=True)
    return found.value.code


def test_a_record_is_read_back() -> None:
    found = evidence_of(SEEN, PLACE, {FOLDER + SEEN.oid: RECORD}.get, in_time=True)
    assert found == AttestedApproval(Oid(SEEN.oid), 5, "github", 12, "forge-review", "approve", True)
    assert len(raw_files(RAW)) == 1


def test_a_record_that_is_not_there_or_was_exchanged_is_refused() -> None:
    assert refused(SEEN, record=None) == "attestation.missing"
    assert refused(SEEN, record=RECORD.replace(b"12", b"13")) == "attestation.record"


@pytest.mark.parametrize(
    "place",
    [
        replace(PLACE, run="20260921-131402-aaaaaa"),
        replace(PLACE, folder="00002-ask"),
        replace(PLACE, payload="sha256:" + "1" * 64),
        replace(PLACE, proposal=replace(PROPOSAL, head="b" * 40)),
        replace(PLACE, number=2),
    ],
    ids=["run", "wait", "payload", "head", "change"],
)
def test_a_record_of_something_else_is_no_evidence(place: Place) -> None:
    assert refused(SEEN, place) == "attestation.record"


def test_a_history_that_says_more_than_its_record_is_refused() -> None:
    assert refused(replace(SEEN, account=13)) == "attestation.record"
    assert refused(replace(SEEN, action="reject")) == "attestation.record"
    assert refused(replace(SEEN, proof="forge-merge")) == "attestation.record"
    assert refused(replace(SEEN, forge="gitlab")) == "attestation.record"
    assert refused(replace(SEEN, proof="signed-commit")) == "attestation.record"
