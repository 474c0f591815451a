"""The releases of a flow as the repository names them; whether one may be trusted is `trust.release`'s."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.catalog.closure import pinned_files
from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import CommitTexts
from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import parse_release_tag, release_tag, releases_prefix
from gitflow_runner.git.repository import ObjectReader, Repository
from gitflow_runner.model.flow import Flow
from gitflow_runner.model.pin import PinnedFile


@dataclass(frozen=True, slots=True)
class Version:
    """One release's number and the tag object under its name, not verified."""

    number: int
    tag: Oid

    def ref(self, slug: str) -> str:
        """The full name of the tag."""
        return release_tag(slug, self.number)


@dataclass(frozen=True, slots=True)
class ReleasedFlow:
    """The flow of a release with the files that a pin names."""

    flow: Flow
    files: tuple[PinnedFile, ...]


def list_versions(reader: ObjectReader, slug: str) -> tuple[Version, ...]:
    """All releases of the flow by number, the first one first; refs of another form are left out."""
    named = ((parse_release_tag(ref), oid) for ref, oid in reader.refs(releases_prefix(slug)))
    return tuple(sorted((Version(name[1], oid) for name, oid in named if name), key=lambda v: v.number))


def next_number(reader: ObjectReader, slug: str, *, seen: int = 0) -> int:
    """The number of the next release; `seen` is the highest that any log holds, deleted tags included."""
    versions = list_versions(reader, slug)
    return max(seen, versions[-1].number if versions else 0) + 1


def released_flow(repository: Repository, commit: Oid, slug: str, digest: str) -> ReleasedFlow:
    """The flow at a release's commit, held to the digest (`sha256:<hex>`) that the release states.

    Raises `RefusedError` (`release.digest`) where the texts are not the ones that were signed, and what
    `loader.load` raises.
    """
    flow = load(CommitTexts(repository, commit), slug)
    if digest != f"sha256:{flow.digest}":
        raise RefusedError(
            "release.digest",
            f"the files of {slug} at {commit} have the digest sha256:{flow.digest}, not {digest} as released",
            hint="the release was made from other files: make a new one",
            fix=(f"gfr release {slug}",),
        )
    return ReleasedFlow(flow, pinned_files(flow.files))
