"""Changes as approvals, whole: three dialects, three ways to merge, and a hint, a poll or git alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.runner.hints import take_hint
from tests.fakeforge.dialects import DIALECTS, Dialect
from tests.fakeforge.forge import BOB, METHODS, Method
from tests.proposing import proposing
from tests.team import Team

CONTENT = """[{:match {:flow "*"} :need 1 :role :dev :human false :not #{}
   :proofs [:signed-commit :content-only]}]"""
NOW = 1_790_000_000_000


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", ["webhook", "poll"])
def test_a_reviewed_and_merged_change_approves(
    team: Team, tmp_path: Path, dialect: Dialect, method: Method, way: str
) -> None:
    with proposing(team, tmp_path, dialect, dialect=dialect) as there:
        runtime = there.runtime(at=NOW)
        asked = there.start(runtime)
        there.forge.review(1, BOB)
        there.forge.merge(1, BOB, method)
        there.look(runtime)
        assert there.state(asked).waits != (), "it was looked at less than 30 s ago"
        if way == "webhook":
            assert take_hint(runtime, *there.hint()) == (asked.run,)
        else:
            runtime.clock.sleep_ms(30_000)
        there.look(runtime)
        assert there.state(asked).status == "succeeded", there.remarks
        assert there.standing(asked) == ("merged", None)
        assert there.attested(asked) == [("forge-review", "approve", 12)]
        assert there.decisions(asked) == [("bob", None, "forge")]
        assert (there.shipped(), there.forge.opened) == ('[["bob"]]', 1)
        assert there.verified(asked) == []


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("method", METHODS)
def test_a_merge_is_seen_with_git_alone(team: Team, tmp_path: Path, dialect: Dialect, method: Method) -> None:
    with proposing(team, tmp_path, "plain", dialect=dialect, rules=CONTENT) as there:
        runtime = there.runtime(at=NOW)
        asked = there.start(runtime)
        # Somebody opens a change by hand, on a forge that the runner cannot ask.
        there.forge.open(f"gitflow/{asked.run}-{asked.wait}", "main", "limits", "", BOB)
        there.forge.merge(1, BOB, method)
        runtime.clock.sleep_ms(30_000)
        there.look(runtime)
        assert there.state(asked).status == "succeeded", there.remarks
        assert there.standing(asked) == ("merged", None)
        assert there.attested(asked) == [("content-only", "approve", None)]
        assert there.decisions(asked) == [(None, None, "content")]
        assert there.shipped() == "[[]]"
        assert there.server.asked == [], "nobody was asked but git"
        assert there.verified(asked) == []
