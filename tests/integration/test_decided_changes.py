"""What a decided wait leaves on the forge: nothing that could still be merged by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.git.refs import active_ref
from gitflow_runner.model.change import ChangeCleared
from tests.fakeforge.dialects import DIALECTS, Dialect
from tests.fakeforge.forge import BOB, RUNNER, Lies
from tests.proposing import Proposing, proposing
from tests.team import HOUR, Team, Waiting

NOW = 1_790_000_000_000
DAY = 24 * HOUR
LONGER = """(let [answer (flow/step :wait :ask {:title "Raise the limit?" :timeout "1h" :on-timeout :continue
                          :propose {:files {"conf/limits.edn" "{:limit 50}\\n"}}})]
   (flow/step :sleep :rest {:duration "1h"})
   (:action answer))"""


def cleared(there: Proposing, asked: Waiting) -> list[tuple[str, str]]:
    return [(e.change, e.branch) for e in there.team.events(asked) if isinstance(e, ChangeCleared)]


def branches(there: Proposing) -> list[str]:
    return there.forge.git("for-each-ref", "--format=%(refname)", "refs/heads/gitflow").split()


def is_let_go(there: Proposing, asked: Waiting) -> bool:
    return there.runtime().repository.resolve(active_ref(asked.run)) is None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_change_whose_wait_a_signature_decided_is_closed(
    team: Team, tmp_path: Path, dialect: Dialect
) -> None:
    with proposing(team, tmp_path, dialect, dialect=dialect) as there:
        asked = there.start()
        oid = team.send(asked, team.sign("bob", asked))
        there.look()
        assert (there.state(asked).status, cleared(there, asked)) == ("succeeded", [("closed", "deleted")])
        assert (there.pull.state, there.pull.closed_by, branches(there)) == ("closed", RUNNER, [])
        [(who, text)] = there.pull.comments
        assert who == RUNNER
        assert f"Wait `{asked.wait}` of run `{asked.run}` is over: it was approved by bob, {oid}" in text
        assert is_let_go(there, asked)
        assert there.verified(asked) == []


def test_a_merged_change_is_left_and_its_branch_goes(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path) as there:
        asked = there.start()
        there.forge.merge(1, BOB)
        there.look()
        assert (cleared(there, asked), there.pull.comments) == ([("merged", "deleted")], [])
        assert branches(there) == []


def test_a_branch_that_somebody_committed_to_stays(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path) as there:
        asked = there.start()
        theirs = there.forge.commit(there.pull.branch, {"more.txt": "x"})
        team.send(asked, team.sign("bob", asked, asked.message("reject")))
        there.look()
        assert (cleared(there, asked), there.pull.state) == ([("closed", "kept")], "closed")
        assert there.forge.tip(there.pull.branch) == theirs


def test_an_expired_wait_closes_its_change_while_the_run_goes_on(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path, body=LONGER) as there:
        runtime = there.runtime(at=NOW)
        asked = there.start(runtime)
        runtime.clock.sleep_ms(HOUR + 1)
        there.look(runtime)
        assert (there.state(asked).status, cleared(there, asked)) == ("waiting", [("closed", "deleted")])
        assert "nobody decided it in time" in there.pull.comments[0][1]
        assert not is_let_go(there, asked)


def test_a_cancelled_run_closes_its_change_before_it_is_let_go(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path) as there:
        asked = there.start()
        assert team.ann.gfr("cancel", asked.run, "--reason", "enough").exit == 0
        there.look()
        assert (there.state(asked).status, there.pull.state) == ("cancelled", "closed")
        assert "it was cancelled by ann" in there.pull.comments[0][1]
        assert (branches(there), is_let_go(there, asked)) == ([], True)


def test_a_run_that_ended_while_the_forge_was_away_is_not_let_go_before_it_is_cleared(
    team: Team, tmp_path: Path
) -> None:
    with proposing(team, tmp_path) as there:
        asked = there.start()
        team.send(asked, team.sign("bob", asked))
        there.forge.lies = Lies(status=503)
        there.look()
        assert (there.state(asked).status, is_let_go(there, asked)) == ("succeeded", False)
        assert (there.pull.state, there.shipped()) == ("open", '[["bob"]]')
        there.forge.lies = Lies()
        there.look()
        assert (there.pull.state, len(there.pull.comments), branches(there)) == ("closed", 1, [])
        assert (is_let_go(there, asked), there.shipped()) == (True, '[["bob"]]')
        assert there.verified(asked) == []


def test_after_a_day_a_forge_that_stays_away_is_given_up(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path) as there:
        asked = there.start()
        assert team.ann.gfr("cancel", asked.run, "--reason", "enough").exit == 0
        there.environment["FORGE_TOKEN"] = "another-token"
        there.look()
        assert (there.state(asked).status, is_let_go(there, asked)) == ("cancelled", False)
        later = there.state(asked).at + DAY + 1
        there.look(there.runtime(at=later))
        assert is_let_go(there, asked)
        assert any("is left to people" in remark for remark in there.remarks)


@pytest.mark.parametrize("remote", [True, False])
def test_with_git_alone_the_branch_goes(team: Team, tmp_path: Path, remote: bool) -> None:
    with proposing(team, tmp_path, "plain", remote=remote) as there:
        asked = there.start()
        where = there.forge.git if remote else team.ann.git
        pattern = ("for-each-ref", "--format=%(refname)", "refs/heads/gitflow")
        assert where(*pattern) == f"refs/heads/gitflow/{asked.run}-{asked.wait}"
        team.send(asked, team.sign("bob", asked, asked.message("reject")))
        there.look()
        assert (cleared(there, asked), where(*pattern)) == ([("none", "deleted")], "")


def test_a_branch_that_somebody_stands_on_stays(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path, "plain", remote=False) as there:
        asked = there.start()
        team.ann.git("worktree", "add", "-q", str(tmp_path / "other"), f"gitflow/{asked.run}-{asked.wait}")
        team.send(asked, team.sign("bob", asked, asked.message("reject")))
        there.look()
        assert cleared(there, asked) == [("none", "kept")]
