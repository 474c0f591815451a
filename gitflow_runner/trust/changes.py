"""What a forge's word about a change, and the content of the protected branch, come to (protocol 6.10).

Nothing here asks anybody: told facts go in, where the proposal stands and who decided come out. Whether a
person who decided may do so is for `quorum.judge`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from gitflow_runner.model.change import Account, AttestedProof, Change, ChangeOpened, Proposal, Standing
from gitflow_runner.trust.approval import REJECT
from gitflow_runner.trust.landing import Landing

MAX_NOTES = 20


@dataclass(frozen=True, slots=True)
class Witnessed:
    """One decision to bear witness to; `account` None where content or a signature speaks."""

    proof: AttestedProof
    action: str
    account: Account | None = None


@dataclass(frozen=True, slots=True)
class Weighed:
    """Where the proposal stands, why it is not proven merged, who decided, and who does not count."""

    standing: Standing
    reason: str | None = None
    decisions: tuple[Witnessed, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bench:
    """What the rule takes: its proofs, the action that a merge means, and which accounts are people's."""

    proofs: Collection[str]
    approves: str | None  # None: the wait knows no action that a merge could stand for
    rejects: bool
    is_mapped: Callable[[int], bool]


def weigh_content(landing: Landing | None, bench: Bench, *, merged_by_key: bool) -> Weighed:
    """The verdict where git is all there is; `merged_by_key` says that the landing is a signed merge."""
    if landing is None:
        return Weighed("open")
    if not landing.exact:
        return Weighed("merged_with_changes", "change.content", notes=_paths(landing))
    if merged_by_key:
        return _merged(bench, (Witnessed("signed-commit", bench.approves or ""),))
    return _elsewhere(bench)


def weigh_change(
    proposal: Proposal, opened: ChangeOpened, told: Change, landing: Landing | None, bench: Bench
) -> Weighed:
    """The verdict over a change as a forge tells of it.

    Reasons: `change.other` (another change than asked for), `change.base` (it goes to another branch),
    `change.head` (another commit than the recorded one was merged), `change.content` (it was merged with
    other content), `change.not_merged` (it is said to be merged and the branch does not hold it),
    `change.elsewhere` (the content came by another way).
    """
    if told.number != opened.number:
        return Weighed("unproven", "change.other")
    if told.base != proposal.target:
        return Weighed("unproven", "change.base")
    if told.state != "merged":
        if landing is not None:
            return _landed_unmerged(landing, bench)
        return _closed(told, opened, bench) if told.state == "closed" else Weighed("open")
    if told.head != proposal.head:
        return Weighed("merged_with_changes", "change.head")
    if landing is None:
        return Weighed("unproven", "change.not_merged")
    if not landing.exact:
        return Weighed("merged_with_changes", "change.content", notes=_paths(landing))
    decisions, notes = _approvers(proposal, opened, told, bench)
    return _merged(bench, decisions, notes)


def _landed_unmerged(landing: Landing, bench: Bench) -> Weighed:
    if not landing.exact:
        return Weighed("merged_with_changes", "change.content", notes=_paths(landing))
    return _elsewhere(bench)


def _elsewhere(bench: Bench) -> Weighed:
    if "content-only" in bench.proofs:
        return _merged(bench, (Witnessed("content-only", bench.approves or ""),))
    return Weighed("merged_elsewhere", "change.elsewhere")


def _merged(bench: Bench, decisions: tuple[Witnessed, ...], notes: tuple[str, ...] = ()) -> Weighed:
    if bench.approves is None:
        return Weighed("merged", "change.no_action", notes=notes)
    return Weighed("merged", None, decisions, notes)


def _closed(told: Change, opened: ChangeOpened, bench: Bench) -> Weighed:
    """Closing is a person's no only where the rule takes a forge's word for what its accounts press."""
    who = told.closed_by
    if who is None or not bench.rejects or "forge-merge" not in bench.proofs:
        return Weighed("closed", "change.closed")
    wrong = _unfit(who, opened, told, bench)
    if wrong is not None:
        return Weighed("closed", "change.closed", notes=(_note(wrong, who),))
    return Weighed("closed", "change.closed", (Witnessed("forge-merge", REJECT, who),))


def _approvers(
    proposal: Proposal, opened: ChangeOpened, told: Change, bench: Bench
) -> tuple[tuple[Witnessed, ...], tuple[str, ...]]:
    decisions: dict[int, Witnessed] = {}
    notes: list[str] = []
    latest = {review.account.id: review for review in told.reviews if review.state != "comment"}
    for review in latest.values():
        who = review.account
        wrong = _unfit(who, opened, told, bench)
        if wrong is None and review.state != "approved":
            wrong = "changes_requested" if review.state == "changes" else "review_dismissed"
        if wrong is None and review.head != proposal.head:
            wrong = "other_head"
        if wrong is not None:
            notes.append(_note(wrong, who))
        elif "forge-review" in bench.proofs:
            decisions[who.id] = Witnessed("forge-review", bench.approves or "", who)
        else:
            notes.append(_note("review_not_taken", who))
    merger = told.merged_by
    if merger is not None and merger.id not in decisions and "forge-merge" in bench.proofs:
        wrong = "auto_merge" if told.auto_merge else _unfit(merger, opened, told, bench)
        if merger.id in latest and latest[merger.id].state == "changes":
            wrong = wrong or "changes_requested"
        if wrong is None:
            decisions[merger.id] = Witnessed("forge-merge", bench.approves or "", merger)
        else:
            notes.append(_note(wrong, merger))
    return tuple(decisions.values()), tuple(dict.fromkeys(notes))[:MAX_NOTES]


def _unfit(who: Account, opened: ChangeOpened, told: Change, bench: Bench) -> str | None:
    if who.bot:
        return "bot_account"
    if who.id == opened.opener or (told.opener is not None and who.id == told.opener.id):
        return "opener"
    return None if bench.is_mapped(who.id) else "unmapped_account"


def _note(code: str, who: Account) -> str:
    return f"{code} {who.login[:60]}#{who.id}"


def _paths(landing: Landing) -> tuple[str, ...]:
    return tuple(f"changed {path[:150]}" for path in landing.changed[:MAX_NOTES])
