"""A proposal and the change that carries it on a forge, as values that forges, trust and history share.

What a forge says is a claim: `trust.landing` and `trust.changes` decide what of it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

ChangeState = Literal["open", "closed", "merged"]
ReviewState = Literal["approved", "changes", "comment", "dismissed"]
Standing = Literal["open", "closed", "merged", "merged_with_changes", "merged_elsewhere", "unproven"]
"""Where a proposal stands: `merged` is proven, the others with `merged` in them resolve nothing."""

AttestedProof = Literal["signed-commit", "forge-review", "forge-merge", "content-only"]
LeftChange = Literal["closed", "was_closed", "merged", "none"]
"""What became of a change whose wait is over: `closed` is by the runner, the others found it so."""

LeftBranch = Literal["deleted", "gone", "kept"]
"""What became of its branch: `kept` where somebody else committed to it or works on it."""


@dataclass(frozen=True, slots=True)
class ProposedFile:
    """One file of a proposal: its path in the project, Git's blob id, hex SHA-256 of the content."""

    path: str
    blob: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a wait proposes: one commit `head` on `branch`, made on `base`, the tip of branch `target`.

    `files` are all that the commit writes, the proposal's own file (`mark`) among them; its content names
    run, wait, payload and a nonce, so that no other commit has it.
    """

    branch: str
    target: str
    base: str
    head: str
    mark: str
    files: tuple[ProposedFile, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a forge. The number is who it is; the login is for people to read."""

    id: int
    login: str
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """One review; `head` is the commit that was reviewed, None where the forge does not tell."""

    account: Account
    state: ReviewState
    head: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A pull or merge request as a forge tells of it; `reviews` are oldest first.

    `auto_merge` says that somebody let the forge merge it by itself; then whoever is named as merging it
    pressed no button at that moment.
    """

    number: int
    url: str
    state: ChangeState
    head: str
    base: str  # short name of the branch that it goes to
    opener: Account | None
    merged_by: Account | None = None
    closed_by: Account | None = None
    auto_merge: bool = False
    reviews: tuple[Review, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeOpened:
    """The wait's proposal stands on its branch; `number`, `url` and `opener` are None where git is all."""

    kind: ClassVar[str] = "change.opened"
    folder: str
    forge: str
    number: int | None = None
    url: str | None = None
    opener: int | None = None  # the account whose token opened it


@dataclass(frozen=True, slots=True)
class ChangeSeen:
    """The proposal stands elsewhere now: `reason` says why it is not merged, `notes` who does not count."""

    kind: ClassVar[str] = "change.seen"
    folder: str
    standing: Standing
    reason: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeCleared:
    """What a decided wait had proposed was cleared away: nothing of it can be merged by mistake."""

    kind: ClassVar[str] = "change.cleared"
    folder: str
    change: LeftChange
    branch: LeftBranch


@dataclass(frozen=True, slots=True)
class DecisionAttested:
    """The runner bears witness to a decision outside the inbox; its record is `proof/decisions/<oid>`.

    `oid` is the id of the record: a blob, or for `signed-commit` the person's own merge commit. `account`
    is the forge's number, None where no account stands behind it.
    """

    kind: ClassVar[str] = "decision.attested"
    folder: str
    oid: str
    proof: AttestedProof
    action: str
    forge: str | None = None
    account: int | None = None
