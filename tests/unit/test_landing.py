"""Where a proposal came to lie on the protected branch, and who signed the commit that merged it."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Oid, RawObject, Tag, encode_tree
from gitflow_runner.model.change import Proposal
from gitflow_runner.trust.landing import MAX_COMMITS, Landing, find_landing, signed_merge
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.signer import sign_tag
from tests.policies import ANN
from tests.signed_objects import Objects, ident, signed_commit

BASE, HEAD, OTHER = Oid("12" * 20), Oid("34" * 20), Oid("56" * 20)
MARK = ".breyta/proposals/r1-w1.edn"


def reason(raw: RawObject) -> str | None:
    try:
        signed_merge(raw, HEAD)
    except Refusal as problem:
        return problem.reason
    return None


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (signed_commit(ANN, parents=(BASE, HEAD)), None),
        (signed_commit(ANN, parents=(BASE, OTHER)), "parent"),
        (signed_commit(ANN, parents=(HEAD, BASE)), "parent"),
        (signed_commit(ANN, parents=(BASE,)), "parent"),
        (signed_commit(ANN, parents=(BASE, HEAD, OTHER)), "parent"),
        (signed_commit(ANN, "x\n\nGitflow-Statement: start\n", parents=(BASE, HEAD)), "trailers"),
        (sign_tag(Tag(HEAD, "commit", "x", ident(), "x\n"), ANN), "malformed"),
    ],
    ids=["merge", "other head", "other way round", "one parent", "three parents", "statement", "tag"],
)
def test_a_merge_is_of_exactly_the_proposed_commit(raw: RawObject, code: str | None) -> None:
    assert reason(raw) == code


def test_the_oldest_commit_that_holds_the_mark_is_the_landing() -> None:
    objects = Objects()
    root = objects.add(encode_tree(()), signed_commit(ANN))
    proposal = Proposal("gitflow/x", "main", root, HEAD, MARK, ())
    marked = objects.folder({MARK: b"{}"})
    landed = objects.add(signed_commit(ANN, tree=marked, parents=(root,)))
    later = objects.add(signed_commit(ANN, "more\n", tree=marked, parents=(landed,)))
    assert find_landing(objects, later, proposal) == Landing(landed)
    assert find_landing(objects, root, proposal) is None


def test_a_branch_that_went_on_too_long_is_not_searched_for_ever() -> None:
    objects = Objects()
    root = tip = objects.add(encode_tree(()), signed_commit(ANN))
    made = []
    for number in range(MAX_COMMITS + 1):
        made.append(signed_commit(ANN, f"{number}\n", parents=(tip,)))
        tip = made[-1].oid
    objects.write(made)
    proposal = Proposal("gitflow/x", "main", root, HEAD, MARK, ())
    assert find_landing(objects, made[-2].oid, proposal) is None
    with pytest.raises(RefusedError) as problem:
        find_landing(objects, tip, proposal)
    assert problem.value.code == "change.too_far"
