"""Where a proposal came to lie on the protected branch, by content alone: merge, squash and rebase alike.

The oldest commit on the branch's first-parent line that holds the proposal's own file is the landing. It is
exact if all proposed files have the proposed content there; what later commits make of them is their affair.
"""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import BLOB_MODE, Oid, RawObject, decode_commit
from gitflow_runner.git.repository import Repository
from gitflow_runner.model.change import Proposal
from gitflow_runner.trust.keyring import Keyring, Signed
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.statement import carries_statement
from gitflow_runner.trust.verify import prove

MAX_COMMITS = 5_000  # of the protected branch since the proposal was made


@dataclass(frozen=True, slots=True)
class Landing:
    """The commit that brought the proposal in; `changed` are the proposed paths that differ in it."""

    commit: Oid
    changed: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether what was proposed is what landed."""
        return not self.changed


def find_landing(repository: Repository, tip: Oid, proposal: Proposal) -> Landing | None:
    """Where the proposal landed on the branch that ends in `tip`, None if it did not.

    `RefusedError` (`change.too_far`) if the branch went on for longer than is looked at.
    """
    found: Oid | None = None
    for count, oid in enumerate(repository.ancestors(tip, first_parent=True)):
        if oid == proposal.base:
            break
        if count >= MAX_COMMITS:
            raise RefusedError(
                "change.too_far",
                f"{proposal.target} has more than {MAX_COMMITS} commits since {proposal.base[:10]}",
                hint="the proposal is too old to be looked for; reject it and propose anew",
            )
        tree = repository.commit(oid).tree
        if repository.entry(tree, proposal.mark) is not None:
            found = oid
        elif found is not None:
            break
    if found is None:
        return None
    tree = repository.commit(found).tree
    changed = []
    for file in proposal.files:
        entry = repository.entry(tree, file.path)
        if entry is None or entry.oid != file.blob or entry.mode != BLOB_MODE:
            changed.append(file.path)
    return Landing(found, tuple(changed))


def signed_merge(raw: RawObject, head: str, ring: Keyring | None = None) -> Signed:
    """The signature of a person's own merge of `head`: that commit is as good as a signed decision.

    Refuses `parent` for a commit that does not merge exactly this head, `trailers` for one that carries a
    statement of another kind, and what `prove` refuses.
    """
    if raw.kind != "commit":
        raise Refusal("malformed", f"a merge is a commit, {raw.oid} is a {raw.kind}")
    parents = decode_commit(raw.data).parents
    if len(parents) != 2 or parents[1] != head:
        raise Refusal("parent", f"{raw.oid} does not merge the proposed commit {head}")
    signed = prove(raw, ring)
    if carries_statement(signed.message):
        raise Refusal("trailers", "a statement of somebody is no merge of a proposal")
    return signed
