"""What a run is bound to at its start: object ids, digests and meanings, never names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DraftSource:
    """A draft: the branch and commit it was taken from; `dirty` if the work tree differed from it."""

    branch: str | None
    commit: str | None
    dirty: bool


@dataclass(frozen=True, slots=True)
class ReleaseSource:
    """A signed release: tag name, tag object, commit; `promotion` if it was started as live."""

    tag: str
    tag_oid: str
    commit: str
    promotion: str | None = None


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """One file of the closure: its path below `.breyta/flows/`, blob id, hex SHA-256."""

    path: str
    blob: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """The files that a run was configured with, by blob id; None where there was none.

    `id` names the installation, `commit` is the commit that they were read at (None for a work tree).
    """

    id: str
    commit: str | None = None
    config: str | None = None
    connections: str | None = None
    installation: str | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """Written once into `pin.json`; every later evaluation reads code only through it.

    `home` is the id of the ledger where the run is durable, `digest` the canonical digest of the closure,
    `policy` the commit of the policy in force at the start (None before one is pinned), `behaviour` the
    engine's number, `origin` the run (and commit) that this one was called by or forked from. `proposal`
    is the commit that a gate's run decides about, `proposers` are the principals whose keys signed what it
    brings in; `proposer_unknown` says that some of that is signed by nobody whom the policy knows.
    """

    format: int
    home: str
    slug: str
    root: str  # path of the flow file in the closure
    source: DraftSource | ReleaseSource
    files: tuple[PinnedFile, ...]
    digest: str
    behaviour: int
    policy: str | None = None
    authors: tuple[str, ...] = ()  # principals whose keys signed the release
    origin: str | None = None
    simulated: bool = False
    proposal: str | None = None
    proposers: tuple[str, ...] = ()
    proposer_unknown: bool = False
    depth: int = 0  # how many runs called one another down to this one
    configuration: Configuration | None = None

    @property
    def is_draft(self) -> bool:
        """Whether the code is not a release."""
        return isinstance(self.source, DraftSource)

    @property
    def caller(self) -> str | None:
        """The run that called this one; None for one that nobody called."""
        return None if self.origin is None or " " in self.origin else self.origin

    @property
    def version(self) -> str:
        """What two runs of the same code have in common: the release's tag, or the draft's digest."""
        return self.source.tag if isinstance(self.source, ReleaseSource) else f"draft {self.digest}"

    @property
    def label(self) -> str:
        """How people and payloads name the code: the release tag, or `draft <branch> <commit>`."""
        match self.source:
            case ReleaseSource(tag=tag):
                return tag
            case DraftSource(branch=branch, commit=commit, dirty=dirty):
                where = f"draft {branch or 'detached'} {commit or 'unborn'}"
                return f"{where} (with uncommitted changes)" if dirty else where
