"""Proposals between crashes, people with git alone, several approvals, and what screens say of a change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitflow_runner.cli.shown import change_lines
from tests.fakeforge.forge import BOB, CAT, MALLORY, Lies
from tests.proposing import BODY, RULES, Proposing, proposing
from tests.team import HOUR, ROOT, Team

NOW = 1_790_000_000_000


def told(there: Proposing, *arguments: str) -> str:
    """What a command of a process of its own says, with the forge's token in its environment."""
    done = subprocess.run(
        [sys.executable, "-m", "gitflow_runner", "-C", str(there.team.home), *arguments],
        env=os.environ | there.environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_a_forge_that_was_away_gets_one_change_and_no_second_branch(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path) as there:
        there.forge.lies = Lies(status=503)
        asked = there.start()
        assert (there.opened(asked), there.forge.pulls) == ([], {})
        there.forge.lies = Lies()
        there.look()
        there.look()
        assert [change.number for change in there.opened(asked)] == [1]
        assert there.forge.opened == 1


def test_a_change_whose_answer_was_lost_is_found_again(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path) as there:
        # The forge opens the change, and nobody hears of it: the answer to the POST cannot be read.
        there.forge.lies = Lies(answer=lambda path, found: found if isinstance(found, list) else {})
        asked = there.start()
        assert (there.forge.opened, there.opened(asked)) == (1, [])
        there.forge.lies = Lies()
        there.look()
        assert (there.forge.opened, [c.number for c in there.opened(asked)]) == (1, [1])
        there.forge.review(1, BOB)
        there.forge.merge(1, BOB)
        there.forge.git("update-ref", "-d", f"refs/heads/{there.pull.branch}")
        there.look()
        assert (there.state(asked).status, there.standing(asked)) == ("succeeded", ("merged", None))


def test_a_message_of_a_proposing_wait_links_to_the_change(team: Team, tmp_path: Path) -> None:
    body = BODY.replace(':timeout "1h"', ':timeout "1h" :notify {:channels {:log {}}}')
    with proposing(team, tmp_path, body=body) as there:
        asked = there.start()
        (change,) = there.opened(asked)
        live = there.processes[-1].local.root / "live" / asked.run
        (log,) = live.glob("*-ask.1.log")
        assert change.url is not None
        assert log.read_text().count(change.url) == 1


def test_what_is_recorded_before_the_push_is_what_is_pushed(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path) as there:
        asked = there.start()
        proposal = there.wait(asked).proposal
        assert proposal is not None
        assert there.forge.tip(proposal.branch) == proposal.head == there.pull.head
        blobs = {f.path: there.forge.git("rev-parse", f"{proposal.head}:{f.path}") for f in proposal.files}
        assert blobs == {f.path: f.blob for f in proposal.files}
        assert sorted(blobs) == [proposal.mark, "conf/limits.edn"]
        shown = team.ann.git("show", f"{asked.commit}:wait/proposal.edn")
        assert "{:limit 50}" in shown


def test_a_signed_merge_with_git_alone_is_a_signed_decision(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path, "plain") as there:
        asked = there.start()
        bob = team.joined("bob", there.forge.folder)
        head = there.wait(asked).proposal
        assert head is not None
        bob.git("merge", "-q", "-S", "--no-ff", "-m", "Take the limits", f"origin/{head.branch}")
        bob.git("push", "-q", "origin", "main")
        there.look()
        assert there.state(asked).status == "succeeded", there.remarks
        assert there.attested(asked) == [("signed-commit", "approve", None)]
        assert there.decisions(asked) == [("bob", None, "signed")]
        assert there.verified(asked) == []
        # Revoked later, the key that signed the merge is told like that of any decision.
        policy = team.home / ".breyta" / "policy.edn"
        gone = team.person("bob").signer.key.fingerprint
        more = f' :revoked [{{:fingerprint "{gone}" :since #inst "2026-01-01"}}]}}'
        policy.write_text(policy.read_text().rstrip().removesuffix("}") + more)
        assert team.ann.gfr("policy", "apply").exit == 0
        found = team.ann.gfr("runs", "verify", asked.run).data
        assert (found["verdict"], [f["code"] for f in found["findings"]]) == (
            "ok",
            ["approved_by_revoked_key"],
        )


@pytest.mark.parametrize("key", ["ann", "stranger"])
def test_a_merge_signed_by_somebody_who_may_not_decide_decides_nothing(
    team: Team, tmp_path: Path, key: str
) -> None:
    with proposing(team, tmp_path, "plain") as there:
        asked = there.start()
        bob = team.joined("bob", there.forge.folder)
        bob.git("config", "user.signingkey", f"{team.keys / key}.pub")
        bob.git("merge", "-q", "-S", "--no-ff", "-m", "Take", f"origin/gitflow/{asked.run}-{asked.wait}")
        bob.git("push", "-q", "origin", "main")
        there.look()
        reason = {"ann": "self_approval", "stranger": "key_not_allowed"}[key]
        assert [(r, level) for _, r, level in there.decisions(asked)] == [(reason, "signed")]
        assert there.shipped() is None


def test_an_unsigned_merge_names_nobody(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path, "plain") as there:
        asked = there.start()
        there.forge.open(f"gitflow/{asked.run}-{asked.wait}", "main", "x", "", BOB)
        there.forge.merge(1, BOB)
        there.look()
        assert there.standing(asked) == ("merged_elsewhere", "change.elsewhere")
        assert there.shipped() is None


def test_two_people_a_review_and_a_merge_make_a_quorum(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path, rules=RULES.replace(":need 1", ":need 2")) as there:
        asked = there.start()
        there.forge.review(1, BOB)
        there.forge.merge(1, CAT)
        there.look()
        assert there.shipped() == '[["bob" "cat"]]'
        assert there.verified(asked) == []


def test_a_signature_makes_up_for_the_person_that_a_merge_lacks(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path, rules=RULES.replace(":need 1", ":need 2")) as there:
        asked = there.start()
        there.forge.merge(1, BOB)
        there.look()
        assert (there.state(asked).status, there.shipped()) == ("waiting", None)
        team.send(asked, team.sign("cat", asked))
        there.look()
        assert there.state(asked).status == "succeeded"
        assert sorted(there.decisions(asked)) == [("bob", None, "forge"), ("cat", None, "signed")]
        assert there.verified(asked) == []


def test_a_frozen_tag_delays_and_the_look_at_the_deadline_does_not_trust_it(
    team: Team, tmp_path: Path
) -> None:
    with proposing(team, tmp_path) as there:
        runtime = there.runtime(at=NOW)
        there.start(runtime)
        there.forge.lies = Lies(frozen_tags=True)
        there.forge.review(1, BOB)
        there.forge.merge(1, BOB)
        runtime.clock.sleep_ms(31_000)
        there.look(runtime)
        assert there.shipped() is None
        runtime.clock.sleep_ms(HOUR)
        there.look(runtime)
        assert there.shipped() == '[["bob"]]'


def test_a_wait_whose_forge_is_away_does_not_expire(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path) as there:
        runtime = there.runtime(at=NOW)
        asked = there.start(runtime)
        there.forge.lies = Lies(status=503)
        runtime.clock.sleep_ms(2 * HOUR)
        there.look(runtime)
        assert there.state(asked).status == "waiting"
        there.forge.lies = Lies()
        there.look(there.runtime(at=NOW + 3 * HOUR))
        assert there.state(asked).status == "failed"


def test_screens_and_doctor_tell_where_the_change_stands(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path) as there:
        asked = there.start()
        url = there.opened(asked)[0].url
        assert url is not None
        shown = team.ann.gfr("show", asked.run).data["waits"][0]["change"]
        listed = team.ann.gfr("waits").data["items"][0]["change"]
        assert shown == listed
        assert (shown["url"], shown["number"], shown["standing"]) == (url, 1, "open")
        assert change_lines(there.state(asked).waits[0]) == [
            f"    change: {url}  open",
            "    next: review and merge it as it stands, or decide by a signature",
        ]
        there.forge.close(1, MALLORY)
        there.look()
        assert change_lines(there.state(asked).waits[0]) == [
            f"    change: {url}  closed (change.closed)",
            "    next: reopen it, or decide by a signature",
            "      not counted: unmapped_account mallory#99",
        ]
        assert "github knows the token as runner; 5 people have accounts" in told(there, "doctor")
        there.environment["FORGE_TOKEN"] = ""
        assert "the variable that forge.token names is empty" in told(there, "doctor")
