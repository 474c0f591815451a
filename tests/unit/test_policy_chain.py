"""The chain of policies: who may begin it, who may go on with it, and how it is not bent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import (
    BLOB_MODE,
    LINK_MODE,
    Oid,
    RawObject,
    TreeEntry,
    blob,
    decode_commit,
    encode_tree,
)
from gitflow_runner.trust.consent import MAX_CONSENTS
from gitflow_runner.trust.policy import policy_digest
from gitflow_runner.trust.policy_chain import (
    PolicyChain,
    apply_policy,
    load_chain,
    read_consent,
    sign_policy,
)
from gitflow_runner.trust.policy_text import MAX_TEXT
from gitflow_runner.trust.signer import FileSigner, sign_commit
from tests.policies import AGENT, ANN, ANN_2, BOB, CAT, DEV, PEOPLE, STRANGER, policy_text
from tests.signed_objects import DAY, NOW, Objects, ident

ONE = ":policy-change {:need 1 :role :release}"
TWO = ":policy-change {:need 2 :role :release}"


class Chain:
    """A chain under construction."""

    def __init__(self) -> None:
        self.objects = Objects()
        self.tip: Oid | None = None
        self.root = ""

    def add(self, text: bytes, key: FileSigner, *others: FileSigner, over: bytes | None = None) -> Chain:
        said = [self.objects.add(*sign_policy(over or text, self.tip, ident(), other)) for other in others]
        self.tip = self.objects.add(*apply_policy(text, self.tip, said, ident(), key))
        self.root = self.root or policy_digest(text)
        return self

    def load(self, pinned: str | None = None, **more: object) -> PolicyChain:
        assert self.tip is not None
        return load_chain(self.objects, self.tip, pinned or self.root, **({"now": NOW} | more))  # type: ignore[arg-type]

    def code(self, **more: object) -> str | None:
        try:
            self.load(**more)  # type: ignore[arg-type]
        except GitflowError as problem:
            return problem.code
        return None


def test_a_root_signed_by_its_only_needed_person_is_a_chain() -> None:
    chain = Chain().add(policy_text(duties=ONE), ANN)
    found = chain.load()
    assert (found.newest.version, found.tip.oid, found.tip.by) == (1, chain.tip, ("ann",))
    assert found.at(found.tip.oid) == found.newest
    assert found.at(Oid("12" * 20)) is None


def test_a_root_needs_its_own_quorum_of_different_people() -> None:
    assert Chain().add(policy_text(duties=TWO), ANN, BOB).load().tip.by == ("bob", "ann")
    assert Chain().add(policy_text(duties=TWO), ANN).code() == "policy.no_consent"
    assert Chain().add(policy_text(duties=TWO), ANN, ANN_2).code() == "policy.no_consent"
    assert Chain().add(policy_text(duties=TWO), ANN, AGENT).code() == "policy.no_consent"
    assert Chain().add(policy_text(duties=TWO), ANN, DEV).code() == "policy.no_consent"


def test_a_policy_without_a_way_to_change_it_is_no_root() -> None:
    assert Chain().add(policy_text(duties=""), ANN).code() == "policy.no_consent"


def test_a_change_takes_the_quorum_of_the_version_before() -> None:
    chain = Chain().add(policy_text(duties=TWO), ANN, BOB)
    chain.add(policy_text(version=2, duties=ONE), CAT, BOB)
    assert [version.by for version in chain.load().versions] == [("bob", "ann"), ("bob", "cat")]
    assert chain.add(policy_text(version=3, duties=ONE), ANN).code() is None
    assert chain.add(policy_text(version=4, duties=ONE), STRANGER).code() == "policy.no_consent"


def test_a_new_policy_cannot_let_itself_in() -> None:
    chain = Chain().add(policy_text(duties=ONE), ANN)
    people = {**PEOPLE, "stranger": ":kind :human :roles #{:release}"}
    text = policy_text(version=2, duties=ONE, people=people, keys={"stranger": (STRANGER,)} | {"ann": (ANN,)})
    assert chain.add(text, STRANGER).code() == "policy.no_consent"


def test_consent_is_to_one_text_and_version_on_one_commit() -> None:
    chain = Chain().add(policy_text(duties=TWO), ANN, BOB)
    other = policy_text(version=2, duties=ONE)
    assert chain.add(policy_text(version=2, duties=TWO), ANN, BOB, over=other).code() == "policy.chain"
    stale = Chain().add(policy_text(duties=TWO), ANN, BOB)
    text = policy_text(version=2, duties=TWO)
    early = stale.objects.add(*sign_policy(text, None, ident(), BOB))
    stale.tip = stale.objects.add(*apply_policy(text, stale.tip, [early], ident(), ANN))
    assert stale.code() == "policy.chain"


@pytest.mark.parametrize("version", [1, 3])
def test_versions_follow_without_a_gap(version: int) -> None:
    chain = Chain().add(policy_text(duties=ONE), ANN)
    chain.add(policy_text(version=version, duties=ONE, more=":skew-s 1"), ANN)
    assert chain.code() == "policy.chain"


def test_only_the_pinned_root_is_believed() -> None:
    chain = Chain().add(policy_text(duties=ONE), ANN)
    assert chain.code(pinned="sha256:" + "00" * 32) == "policy.not_pinned"
    forged = Chain().add(
        policy_text(duties=ONE, people={"x": PEOPLE["ann"]}, keys={"x": (STRANGER,)}), STRANGER
    )
    assert forged.code(pinned=chain.root) == "policy.not_pinned"


def test_a_later_version_may_be_pinned_and_what_came_before_is_left_alone() -> None:
    chain = Chain().add(policy_text(duties=TWO), ANN)
    text = policy_text(version=2, duties=ONE)
    chain.add(text, STRANGER).add(policy_text(version=3, duties=ONE), ANN)
    assert chain.code() == "policy.no_consent"
    assert [v.policy.version for v in chain.load(pinned=policy_digest(text)).versions] == [2, 3]


def test_a_ref_moved_back_or_aside_is_a_rewound_policy() -> None:
    chain = Chain().add(policy_text(duties=ONE), ANN)
    first = chain.tip
    second = chain.add(policy_text(version=2, duties=ONE), ANN).tip
    assert chain.code(known=second) is None
    assert chain.code(known=first) is None
    chain.tip = first
    assert chain.code(known=second) == "policy.policy_rewound"
    chain.add(policy_text(version=2, duties=ONE, more=":skew-s 5"), ANN)
    assert chain.code(known=second) == "policy.policy_rewound"


def test_an_expired_key_changes_nothing_unless_a_log_knows_that_it_came_in_time() -> None:
    windows = {"ann": ':valid-before #inst "2026-01-01"'}
    chain = Chain().add(policy_text(duties=ONE, windows=windows), BOB)
    chain.add(policy_text(version=2, duties=ONE), ANN)
    assert chain.code() == "policy.no_consent"
    assert chain.tip is not None
    assert chain.code(seen={chain.tip: NOW - 400 * DAY}) is None


def test_a_revoked_key_changes_nothing() -> None:
    revoked = f':revoked [{{:fingerprint "{ANN.key.fingerprint}" :since #inst "2026-01-01"}}]'
    chain = Chain().add(policy_text(duties=ONE, more=revoked), BOB)
    assert chain.add(policy_text(version=2, duties=ONE), ANN).code() == "policy.no_consent"


def test_a_policy_commit_holds_one_file_and_a_signature_over_its_digest() -> None:
    chain = Chain().add(policy_text(duties=ONE), ANN)
    assert chain.tip is not None
    commit = replace(decode_commit(chain.objects.read(chain.tip).data), headers=())
    chain.tip = chain.objects.add(commit.encode())
    assert chain.code() == "policy.chain"
    tree = chain.objects.folder({"policy.edn": policy_text(duties=ONE), "more": b""})
    chain.tip = chain.objects.add(sign_commit(replace(commit, tree=tree), ANN))
    assert chain.code() == "policy.chain"


def test_a_policy_that_cannot_meet_its_own_quorum_never_enters_the_chain() -> None:
    with pytest.raises(GitflowError) as problem:
        sign_policy(policy_text(duties=":policy-change {:need 9 :role :release}"), None, ident(), ANN)
    assert problem.value.code == "policy.no_quorum"


def test_a_link_is_a_commit_of_one_regular_file_of_bounded_size() -> None:
    text = policy_text(duties=ONE)
    chain = Chain().add(text, ANN)
    assert chain.tip is not None
    applied = decode_commit(chain.objects.read(chain.tip).data)
    file = chain.objects.add(blob(text))

    def code(*entries: TreeEntry) -> str | None:
        tree = chain.objects.add(encode_tree(entries))
        chain.tip = chain.objects.add(sign_commit(replace(applied, tree=tree, headers=()), ANN))
        return chain.code()

    good = TreeEntry("policy.edn", BLOB_MODE, file)
    assert code(good) is None
    assert code() == "policy.chain"
    assert code(good, TreeEntry("more.edn", BLOB_MODE, file)) == "policy.chain"
    assert code(replace(good, name="other.edn")) == "policy.chain"
    assert code(replace(good, mode=LINK_MODE)) == "policy.chain"
    assert code(replace(good, oid=chain.objects.add(RawObject("tree", b"")))) == "policy.chain"
    assert code(replace(good, oid=chain.objects.add(blob(b" " * (MAX_TEXT + 1))))) == "policy.chain"
    chain.tip = file
    assert chain.code() == "policy.chain"


def test_one_persons_consent_carries_the_text_it_speaks_of_on_the_version_in_force() -> None:
    objects = Objects()
    text, other = policy_text(duties=ONE), policy_text(duties=ONE, more=":skew-s 9")
    oid = objects.add(*sign_policy(text, None, ident(), ANN))
    assert read_consent(objects, oid, None)[1] == text
    commit = replace(decode_commit(objects.read(oid).data), headers=())
    swapped = sign_commit(replace(commit, tree=objects.folder({"policy.edn": other})), ANN)
    for found, previous in ((objects.add(swapped), None), (oid, Oid("12" * 20))):
        with pytest.raises(GitflowError) as problem:
            read_consent(objects, found, previous)
        assert problem.value.code == "policy.chain"


def test_the_consents_of_one_version_are_bounded() -> None:
    chain = Chain().add(policy_text(duties=ONE), ANN, *[BOB] * MAX_CONSENTS)
    assert chain.code() is None
    assert Chain().add(policy_text(duties=ONE), ANN, *[BOB] * (MAX_CONSENTS + 1)).code() == "policy.chain"
