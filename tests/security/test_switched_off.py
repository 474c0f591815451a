"""Every check of the code that decides on trust is switched off, one at a time: some test has to fail."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.held_twice import HELD_TWICE
from tests.soak import Soak
from tests.switched_off import Check, checks_of, modules_of

ROOT = Path(__file__).parent.parent.parent

MODULES = modules_of("gitflow_runner.trust")
"""Whatever answers who signed what, and whether it counts."""

CLOSE_BY = (
    "tests/unit/test_allowed_signers.py",
    "tests/unit/test_approval.py",
    "tests/unit/test_batch.py",
    "tests/unit/test_batches.py",
    "tests/unit/test_changes.py",
    "tests/unit/test_checkpoint.py",
    "tests/unit/test_eligible.py",
    "tests/unit/test_glass.py",
    "tests/unit/test_gpg_keys.py",
    "tests/unit/test_gpgsig.py",
    "tests/unit/test_known_logs.py",
    "tests/unit/test_landing.py",
    "tests/unit/test_live.py",
    "tests/unit/test_policy_chain.py",
    "tests/unit/test_policy_review.py",
    "tests/unit/test_policy_text.py",
    "tests/unit/test_push_certificate.py",
    "tests/unit/test_quorum.py",
    "tests/unit/test_records.py",
    "tests/unit/test_records.py",
    "tests/unit/test_release.py",
    "tests/unit/test_runner_log.py",
    "tests/unit/test_signer.py",
    "tests/unit/test_ssh_keys.py",
    "tests/unit/test_statement.py",
    "tests/unit/test_trust_before_driving.py",
    "tests/unit/test_turns_and_requests.py",
    "tests/unit/test_verify.py",
    "tests/property/test_trust.py",
    "tests/integration/test_ssh_oracle.py",
    "tests/integration/test_gpg.py",
)
"""Tests of single parts, quick; most checks are missed by one of them."""

ATTACKS = (
    "tests/security",
    "tests/integration/test_audit.py",
    "tests/integration/test_git_oracle.py",
    "tests/integration/test_gpg_people.py",
)
"""The rest: whole commands against real repositories."""


def passes_without(check: Check, *tests: str) -> bool:
    """Whether these tests pass with the check off."""
    arguments = ("-x", "-q", "-p", "no:cacheprovider", "-m", "not soak")
    done = subprocess.run(
        [sys.executable, "-m", "tests.switched_off", check.module, str(check.number), *arguments, *tests],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, 1, 2), done.stdout[-2000:].decode() + done.stderr[-2000:].decode()
    return done.returncode == 0


def test_a_check_that_is_off_is_noticed() -> None:
    (found,) = checks_of("gitflow_runner.trust.terms")
    assert passes_without(found, "tests/unit/test_statement.py")  # knows nothing of terms
    assert not passes_without(found, "tests/unit/test_quorum.py")


def test_every_check_that_is_held_twice_is_there() -> None:
    found = [check for module in MODULES for check in checks_of(module) if check.held_twice]
    assert len(found) == len(HELD_TWICE)


@pytest.mark.soak
def test_no_check_of_the_trust_code_is_idle(soak: Soak) -> None:
    """Each check in a random order, for as long as there is time; a whole round takes about an hour."""
    checks = [check for module in MODULES for check in checks_of(module)]
    random.Random(os.urandom(8)).shuffle(checks)
    wrong, tried, left = [], 0, 0
    for check, _ in zip(checks, soak.rounds(), strict=False):
        tried += 1
        idle = passes_without(check, *CLOSE_BY)
        if idle and not soak.is_long:
            left += 1  # whole commands take minutes; a long round has them
            continue
        idle = idle and passes_without(check, *ATTACKS)
        if idle != check.held_twice:
            wrong.append(f"{check}: {'no test fails' if idle else 'no longer held twice'}")
    soak.figure(f"of {len(checks)} checks switched off", tried)
    soak.figure("of them left to the attacks of a long round", left)
    assert not wrong
