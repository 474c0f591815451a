"""A changeset as a commit on a branch, and the change that proposes it: created or moved on, never forced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gitflow_runner.errors import ConflictError, GitflowError, StepError
from gitflow_runner.forges.base import Draft
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import ALL, branch_ref
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.model.pin import Pin
from gitflow_runner.runner.forge_desk import ForgeDesk, refuse_draft
from gitflow_runner.runner.forge_memory import ForgeMemory
from gitflow_runner.runner.gates import live_gates
from gitflow_runner.steps.trees import ChangeRequest, OpenedChange, Published, PublishRequest

UNKNOWN_PROTECTED = "main"  # where no policy says what is protected
_RESERVED = ("gitflow/", ALL, "remotes/", "heads/", "tags/")  # the first are the proposals' branches
MAX_BRANCH = 200


class Publishing(Protocol):
    """What is done outside the run."""

    def publish(self, request: PublishRequest) -> Published:
        """As `Files.publish`."""
        ...

    def open_change(self, request: ChangeRequest) -> OpenedChange:
        """As `Files.open_change`."""
        ...


@dataclass(frozen=True)
class RunPublishing:
    """What one run publishes, under the policy in force, to where people merge."""

    desk: ForgeDesk
    pin: Pin
    memory: ForgeMemory
    run: str

    def publish(self, request: PublishRequest) -> Published:
        """Make the commit and move the branch; the same request comes to the same commit."""
        ref, remote = _named(request.branch), self.desk.remote
        if remote is None:
            self._refuse_gated(ref, request.branch)
        self._refuse_protected(request.branch)
        if remote is not None and self.pin.is_draft:
            raise StepError(
                "files.draft",
                "a draft pushes nothing: nobody released its code",
                hint="release and promote the flow, or try it in a repository without a remote",
            )
        runtime = self.desk.runtime
        message = f"{request.message}\nGitflow-Published: {self.run}\n"
        commit = runtime.committer.commit(Oid(request.tree), (Oid(request.base),), message, request.at_ms)
        stands = self._stands(ref)
        if stands == commit.oid:
            return Published(commit.oid, remote, repeated=True)
        old = self._expected(request, stands)
        if remote is None:
            self._refuse_checked_out(ref, request.branch)
        runtime.repository.write((commit,))
        update = RefUpdate(ref, old, commit.oid)
        try:
            if remote is None:
                runtime.repository.swap([update], message=f"published by run {self.run}")
            else:
                runtime.git.push(remote, [update])
        except ConflictError as error:
            raise _moved(request.branch, error.message) from None
        return Published(commit.oid, remote, repeated=False)

    def open_change(self, request: ChangeRequest) -> OpenedChange:
        """Open the change, or find the one that was opened for this commit."""
        ref, desk = _named(request.branch), self.desk
        base = request.base or self._protected
        _named(base)
        if base.casefold() == request.branch.casefold():
            raise StepError(
                "files.branch", f"a change goes from one branch to another, not from {base} to itself"
            )
        if self._stands(ref) != request.commit:
            raise _moved(request.branch, f"it does not stand at {request.commit[:40]}")
        if not desk.forge.tells:
            return OpenedChange(desk.named.name, None, None, "branch", base, repeated=False)
        if self.pin.is_draft:
            refuse_draft(desk)
        desk.forge.check(desk.site)
        ports = desk.ports(self.memory)
        found = desk.forge.find(desk.site, request.branch, base, ports)
        repeated = found is not None and (found.state == "open" or found.head == request.commit)
        if found is None or not repeated:
            draft = Draft(request.branch, base, request.title, self._body(request))
            try:
                found = desk.forge.open(desk.site, draft, ports)
            except StepError as error:
                error.definite = False  # it may have been opened; the next attempt looks first
                raise
        return OpenedChange(
            desk.named.name, found.number, found.url[:500], found.state, base, repeated=repeated
        )

    def _body(self, request: ChangeRequest) -> str:
        own = f"Published by run `{self.run}` of flow `{self.pin.slug}` as `{request.commit}`."
        return f"{request.body}\n\n---\n{own}" if request.body else own

    @property
    def _protected(self) -> str:
        policy = self.desk.runtime.policies.newest()
        return UNKNOWN_PROTECTED if policy is None else policy.protected_branch

    def _refuse_protected(self, branch: str) -> None:
        policy = self.desk.runtime.policies.newest()
        if branch.casefold() == self._protected.casefold() and (
            policy is None or self.pin.is_draft or not policy.may_publish(self.pin.slug, branch)
        ):
            raise StepError(
                "files.protected",
                f"{branch} is protected, and the policy does not let {self.pin.slug} publish there",
                hint="publish to a branch of its own and open a change; or grant it in the policy, :publish",
            )

    def _refuse_gated(self, ref: str, branch: str) -> None:
        """No hook stands before what is moved here, so a branch that a gate guards is left to pushes."""
        gate = next((each for each in live_gates(self.desk.runtime) if each.guards(ref)), None)
        if gate is not None:
            raise StepError(
                "files.gated",
                f"the gate {gate.name} guards {branch}",
                hint="publish to a branch of the flow's own, and let a push ask the gate",
            )

    def _stands(self, ref: str) -> Oid | None:
        remote, runtime = self.desk.remote, self.desk.runtime
        if remote is None:
            return runtime.repository.resolve(ref)
        return dict(runtime.git.remote_refs(remote, (ref,))).get(ref)

    def _expected(self, request: PublishRequest, stands: Oid | None) -> Oid | None:
        """Where the branch has to stand for the move."""
        if request.mode == "create":
            if stands is not None:
                raise StepError(
                    "files.branch_taken",
                    f"{request.branch} is there already, at {stands}",
                    hint="take another name, or :mode :fast-forward with a changeset upon its tip",
                )
            return None
        if stands != request.base:
            where = "is not there" if stands is None else f"stands at {stands}"
            raise _moved(request.branch, f"it {where}, not at the changeset's base {request.base}")
        return stands

    def _refuse_checked_out(self, ref: str, branch: str) -> None:
        """A branch that a work tree has checked out would leave that tree looking changed."""
        runtime = self.desk.runtime
        unborn = runtime.repository.work_dir is not None and runtime.repository.head == ref
        if unborn or runtime.git.checked_out(ref) is not None:
            raise StepError(
                "files.checked_out",
                f"{branch} is checked out in a work tree here, which is not touched",
                hint="publish to another branch, or let this clone have a remote",
            )


def _named(branch: str) -> str:
    """The branch's ref; `StepError` (`files.branch`)."""
    lower = branch.casefold()
    if len(branch) > MAX_BRANCH or lower.startswith(_RESERVED) or lower == "head":
        raise StepError(
            "files.branch",
            f"{branch[:100]!r} is no branch that a flow publishes to",
            hint="take a name of the flow's own, such as docs/update-links",
        )
    try:
        return branch_ref(branch)
    except GitflowError:
        raise StepError("files.branch", f"{branch[:100]!r} is not the name of a branch") from None


def _moved(branch: str, why: str) -> StepError:
    return StepError(
        "files.branch_moved",
        f"{branch} was not moved: {why}",
        hint="resolve the branch again, make the changes upon its tip, and publish that",
    )
