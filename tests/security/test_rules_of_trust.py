"""Rules that no other attack breaks: unsigned starts, lost keys, stale payloads, odd compares."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.source import ROOT
from tests.team import Team
from tests.team_files import DUTIES

TWO_MUST_AGREE = DUTIES.replace(":policy-change {:need 1", ":policy-change {:need 2")


def test_rule_4_3_an_unsigned_start_opens_no_question_that_leaves_out_its_starter(team: Team) -> None:
    team.ann.git("config", "user.signingkey", f"{team.person('stranger').key}.pub")
    told = team.ann.gfr("run", "ship")
    assert (told.exit, told.data["starter"]) == (1, None)
    assert told.data["failure"]["code"] == "starter_unknown"
    assert team.kept("shipped") is None


def test_row_32_a_lost_key_is_left_out_by_the_others(team: Team) -> None:
    spare = f'"spare" {{:kind :human :roles #{{:release}} :keys [{{:ssh "{team.person("stranger").line}"}}]}}'
    assert team.apply_policy(duties=TWO_MUST_AGREE, extra=spare).exit == 0
    asked = team.start()
    rotated = team.policy(version=4, duties=TWO_MUST_AGREE, extra=spare, without=("bob",))
    (team.home / ".breyta/policy.edn").write_text(rotated)
    digest = team.ann.gfr("policy", "propose").data["digest"]
    assert team.ann.gfr("policy", "apply", digest).code == "policy.no_consent"
    team.ann.git("config", "user.signingkey", f"{team.keys / 'stranger'}.pub")
    signed = team.ann.gfr("policy", "sign", digest, "--yes").data
    assert signed["by"] == ["ann", "spare"]
    assert team.ann.gfr("policy", "apply", digest).data["version"] == 4
    oid = team.send(asked, team.sign("bob", asked))
    team.look()
    assert team.decisions(asked)[oid][0] == "key_not_allowed"


def test_row_33_a_payload_that_the_person_did_not_see_is_not_signed(team: Team) -> None:
    asked = team.start()
    bob = team.joined("bob")
    bob.git("fetch", "-q", "origin", "refs/policy/*:refs/policy/*", "refs/runs/*:refs/runs/*")
    bob.gfr("trust", "pin", team.ann.gfr("policy", "show").data["digest"])
    told = bob.gfr("approve", asked.run, "--payload", "0000000", "--yes")
    assert (told.exit, told.code) == (5, "approval.payload")
    assert bob.git("for-each-ref", "refs/approvals") == ""


SECRET = re.compile(r"(?:^|_)(?:token|secret|password|hmac|mac)$")
MATCHING = {"lang"}
"""Where a token is a piece of text that is read, not a secret."""


def compared() -> Iterator[str]:
    """Every `==` and `!=` on a name that sounds like a secret."""
    for path in sorted((ROOT / "gitflow_runner").rglob("*.py")):
        if path.relative_to(ROOT).parts[1] in MATCHING:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Compare):
                continue
            names = [
                getattr(part, "attr", getattr(part, "id", "")) for part in (node.left, *node.comparators)
            ]
            equal = any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
            if equal and any(SECRET.search(name) for name in names):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"


def test_row_24_no_secret_is_compared_byte_by_byte() -> None:
    assert list(compared()) == []
