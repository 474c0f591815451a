"""An open wait as the judge of approvals needs it, from the ledger alone and from no statement."""

from __future__ import annotations

from gitflow_runner.git.objects import Oid
from gitflow_runner.model.event import WaitOpened
from gitflow_runner.model.pin import Pin
from gitflow_runner.trust.approval import Actors, OpenWait
from gitflow_runner.trust.policy import Policy


def as_asked(run: str, wait: WaitOpened, commit: Oid, tree: Oid, pin: Pin, starter: str | None) -> OpenWait:
    """The wait that opened in `commit` with this tree; `starter` None if the start was not signed."""
    return OpenWait(
        run,
        wait.folder,
        commit,
        tree,
        wait.payload,
        wait.deadline,
        wait.need,
        wait.role,
        wait.human,
        wait.actions,
        bool(wait.edits),
        wait.editor_counts,
        frozenset(wait.excluded),
        _actors(pin, starter),
        pin.slug,
        pin.is_draft,
        frozenset(wait.any_role),
    )


def _actors(pin: Pin, starter: str | None) -> Actors:
    authors = frozenset(pin.authors)
    starters = None if starter is None else frozenset((starter,))
    if starter is not None and ":" in starter:
        # A trigger stands for whoever changed it last: that is who signed the release it lies in.
        starters = authors | {starter}
    return Actors(authors, None if pin.proposer_unknown else frozenset(pin.proposers), starters)


def deadline_under(wait: WaitOpened, opened_at: int, newest: Policy | None, pin: Pin) -> int:
    """When (ms) the wait's time is over: its own deadline, or earlier where the newest policy says so."""
    rule = None if newest is None else newest.rule_for(pin.slug, wait.folder, draft=pin.is_draft)
    if rule is None or rule.deadline_s is None:
        return wait.deadline
    return min(wait.deadline, opened_at + rule.deadline_s * 1_000)
