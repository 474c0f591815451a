"""Sharing runs through a remote: a run's ref goes out before anybody is told, inboxes come in.

Nothing is ever forced. Without `gitflow.remote` this repository is the approvers' remote, and both
directions do nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from gitflow_runner.errors import ConflictError, GitflowError, TransientError
from gitflow_runner.git.objects import Oid, RawObject
from gitflow_runner.git.refs import POLICY, sync_refspecs
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.runner.runtime import Runtime

HEARD = "heard"  # local file: when (ms) the remote's policy was fetched last


def push_ref(runtime: Runtime, ref: str, tip: Oid) -> None:
    """Move the remote's `ref` forward to `tip`; a no-op without a remote, or if it is there already.

    `ConflictError` (`sync.diverged`) if the remote holds something else than an ancestor.
    """
    remote = runtime.remote
    if remote is None:
        return
    found = dict(runtime.git.remote_refs(remote, (ref,))).get(ref)
    if found == tip:
        return
    if found is not None and not (
        runtime.repository.contains(found) and runtime.repository.is_ancestor(found, tip)
    ):
        raise ConflictError(
            "sync.diverged",
            f"{ref} on {remote} is at {found}, which this run does not continue",
            hint="two clones wrote the same ref; one of them has to give way",
            fix=(f"git ls-remote {remote} {ref}",),
        )
    runtime.git.push(remote, [RefUpdate(ref, found, tip)])


def share_ref(runtime: Runtime, ref: str, old: Oid | None, new: Oid) -> None:
    """Move a ref that several clones write: at the remote first, so that a lost race moves nothing here.

    `ConflictError` if it is not at `old` there or here. The objects have been written.
    """
    push_ref(runtime, ref, new)
    runtime.repository.swap([RefUpdate(ref, old, new)])


def send(runtime: Runtime, ref: str, objects: Sequence[RawObject]) -> None:
    """Put a statement under its own new ref: its objects, the last of them named, here and at the remote."""
    update = RefUpdate(ref, None, objects[-1].oid)
    runtime.repository.write(objects)
    runtime.repository.swap([update])
    if runtime.remote is not None:
        runtime.git.push(runtime.remote, [update])


def fetch(runtime: Runtime) -> bool:
    """Bring in decisions, requests, policy, live pointers, releases and other clones' runs.

    A fetch that fails is a warning: what is here stays valid (`architecture.md` 2.4). False says that the
    remote was not heard; that some of its refs do not continue ours is a warning too, the others came.
    """
    remote = runtime.remote
    if remote is None:
        return True
    branch = "main"
    try:
        policy = runtime.policies.newest()
        branch = policy.protected_branch if policy is not None else branch
        runtime.git.fetch(remote, sync_refspecs(remote, branch))
    except GitflowError as error:
        if not error.code.startswith("git."):
            raise
        runtime.say(f"fetch from {remote}: {error.message}")
        heard = isinstance(error, ConflictError)
        if heard and POLICY not in _refused(error):
            _note_heard(runtime)
        return heard
    _note_heard(runtime)
    return True


def _refused(error: GitflowError) -> Mapping[str, object]:
    """The refs that a fetch did not move; a policy that was rewound there has not been heard."""
    refs = error.details.get("refs")
    return refs if isinstance(refs, Mapping) else {POLICY: ""}


def _note_heard(runtime: Runtime) -> None:
    # Unwritten, the policy only looks older than it is, which refuses more.
    with suppress(TransientError):
        runtime.local.write(HEARD, b"%d\n" % runtime.clock.now_ms(), sync=False)
