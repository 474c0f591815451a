"""A guarded branch moves only as its gate's run allowed: pushes by real git, refusals by code."""

from __future__ import annotations

import pytest

from tests.gated import MAIN, Gated, guard
from tests.hooked import must
from tests.team import Team


@pytest.fixture
def gated(team: Team) -> Gated:
    return guard(team)


def test_a_commit_goes_in_once_the_gate_let_it(gated: Gated) -> None:
    good = gated.commit()
    assert gated.push(good) == ["gate.no_run"]
    command = next(line for line in gated.said(good).splitlines() if "git push origin" in line)
    assert f"{good}:refs/for/main/" in command
    gated.ann.git(*command.split("fix: git ")[1].split())
    assert gated.push(good) == ["gate.no_run"]
    assert [item["status"] for item in gated.work().data["items"]] == ["succeeded"]
    assert gated.push(good) == []
    assert must(gated.folder, "rev-parse", MAIN) == good
