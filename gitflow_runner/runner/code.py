"""The code of a run: resolved by name once, at the start; afterwards read by the pin's object ids only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gitflow_runner.catalog.closure import pinned_files
from gitflow_runner.catalog.drafts import branch_draft, work_tree_draft
from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import CommitTexts, PinnedTexts
from gitflow_runner.connections.file import PATH as CONNECTIONS
from gitflow_runner.connections.file import parse_connections
from gitflow_runner.errors import DamagedError, UsageError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import branch_ref
from gitflow_runner.model.flow import Flow
from gitflow_runner.model.pin import DraftSource, Pin, PinnedFile, ReleaseSource
from gitflow_runner.runner.configured import (
    Configured,
    configured,
    pinned_configuration,
    reader_of_commit,
    reader_of_work_tree,
)
from gitflow_runner.runner.releases import Resolved, resolve_release
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.settings import PATH, Settings, parse_settings


@dataclass(frozen=True)
class Code:
    """A flow with what pins it; `proof` are files of the first turn, `changed` uncommitted ones."""

    flow: Flow
    source: DraftSource | ReleaseSource
    files: tuple[PinnedFile, ...]
    configured: Configured
    authors: tuple[str, ...] = ()
    proof: Mapping[str, bytes] = field(default_factory=dict)
    changed: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """The runner's settings for it."""
        return self.configured.settings


def resolve_code(runtime: Runtime, slug: str, ref: str, installation: str | None = None) -> Code:
    """The code that `ref` names: `draft` (the work tree), `live`, `v<N>` or a tag, or a branch.

    A release is configured by the protected branch, a draft by itself. Raises `NotFoundError`
    (`flow.unknown`, `branch.unknown`, `release.unknown`), `LangError`, what the verification of a release
    refuses, and what `configured` raises.
    """
    if ref == "draft":
        work_dir = runtime.repository.work_dir
        if work_dir is None:
            raise UsageError(
                "draft.bare",
                "a bare repository has no work tree to take a draft from",
                fix=(f"gfr run {slug} --ref live", f"gfr run {slug} --ref <branch>"),
            )
        draft = work_tree_draft(runtime.repository, work_dir, slug)
        found = configured(reader_of_work_tree(work_dir), slug, installation, None)
        return Code(draft.flow, draft.source, draft.files, _for_draft(runtime, found), changed=draft.changed)
    resolved = resolve_release(runtime, slug, ref)
    if resolved is not None:
        return _released(runtime, slug, resolved, installation)
    branch = branch_draft(runtime.repository, ref, slug)
    commit = branch.source.commit
    found = configured(reader_of_commit(runtime.repository, commit), slug, installation, commit)
    return Code(branch.flow, branch.source, branch.files, _for_draft(runtime, found))


def _released(runtime: Runtime, slug: str, resolved: Resolved, installation: str | None) -> Code:
    commit = Oid(resolved.source.commit)
    flow = load(CommitTexts(runtime.repository, commit), slug)
    if f"sha256:{flow.digest}" != resolved.digest and flow.digest != resolved.digest:
        raise DamagedError(
            "release_moved",
            f"{resolved.source.tag} states the digest {resolved.digest}, its commit's flow has {flow.digest}",
        )
    files = pinned_files(flow.files)
    runtime.policies.require()
    protected = protected_commit(runtime)
    found = configured(reader_of_commit(runtime.repository, protected), slug, installation, protected)
    return Code(flow, resolved.source, files, found, resolved.authors, resolved.proof)


def pinned_code(runtime: Runtime, pin: Pin) -> Code:
    """The code of a recorded run, by the pin alone; `DamagedError` (`pin.digest`) if it is not the same."""
    flow = load(PinnedTexts(runtime.repository, pin.files), pin.slug)
    if flow.digest != pin.digest:
        raise DamagedError("pin.digest", f"the pinned files of {pin.slug} have the digest {flow.digest}")
    if pin.configuration is not None:
        found = pinned_configuration(runtime.repository, pin.slug, pin.configuration)
    else:
        # Recorded before configurations were pinned: such a run has no connections.
        found = Configured(protected_settings(runtime))
    if pin.is_draft:
        found = _for_draft(runtime, found)
    return Code(flow, pin.source, pin.files, found, pin.authors)


def _for_draft(runtime: Runtime, found: Configured) -> Configured:
    """A draft's own configuration, save for where its functions run and where a token goes to.

    Neither is for the draft to say.
    """
    trusted = protected_settings(runtime) if runtime.policies.newest() is not None else Settings()
    return replace(found, settings=replace(found.settings, functions=trusted.functions, forge=trusted.forge))


def protected_settings(runtime: Runtime) -> Settings:
    """The settings that count: as they stand on the protected branch (protocol 7.3)."""
    return parse_settings(reader_of_commit(runtime.repository, protected_commit(runtime))(PATH))


def protected_configuration(runtime: Runtime) -> Configured:
    """Settings and connections as they stand on the protected branch, for what no run is behind."""
    read = reader_of_commit(runtime.repository, protected_commit(runtime))
    return Configured(parse_settings(read(PATH)), parse_connections(read(CONNECTIONS)))


def protected_commit(runtime: Runtime) -> str | None:
    """The tip of the protected branch, None if it has no commit here."""
    policy = runtime.policies.newest()
    branch = policy.protected_branch if policy is not None else "main"
    return runtime.repository.resolve(branch_ref(branch))
