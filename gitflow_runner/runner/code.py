"""The code of a run: resolved by name once, at the start; afterwards read by the pin's object ids only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gitflow_runner.catalog.closure import pinned_files
from gitflow_runner.catalog.drafts import branch_draft, work_tree_draft
from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import CommitTexts, PinnedTexts
from gitflow_runner.errors import DamagedError, UsageError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import branch_ref
from gitflow_runner.model.flow import Flow
from gitflow_runner.model.pin import DraftSource, Pin, PinnedFile, ReleaseSource
from gitflow_runner.runner.releases import Resolved, resolve_release
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.settings import PATH, Settings, parse_settings, work_tree_settings


@dataclass(frozen=True)
class Code:
    """A flow with what pins it; `proof` are files of the first turn, `changed` uncommitted ones."""

    flow: Flow
    source: DraftSource | ReleaseSource
    files: tuple[PinnedFile, ...]
    settings: Settings
    authors: tuple[str, ...] = ()
    proof: Mapping[str, bytes] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


def resolve_code(runtime: Runtime, slug: str, ref: str) -> Code:
    """The code that `ref` names: `draft` (the work tree), `live`, `v<N>` or a tag, or a branch.

    Raises `NotFoundError` (`flow.unknown`, `branch.unknown`, `release.unknown`), `LangError`, and what the
    verification of a release refuses.
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
        settings = _for_draft(runtime, work_tree_settings(work_dir))
        return Code(draft.flow, draft.source, draft.files, settings, changed=draft.changed)
    resolved = resolve_release(runtime, slug, ref)
    if resolved is not None:
        return _released(runtime, slug, resolved)
    branch = branch_draft(runtime.repository, ref, slug)
    settings = _for_draft(runtime, _settings_at(runtime, branch.source.commit))
    return Code(branch.flow, branch.source, branch.files, settings)


def _released(runtime: Runtime, slug: str, resolved: Resolved) -> Code:
    commit = Oid(resolved.source.commit)
    flow = load(CommitTexts(runtime.repository, commit), slug)
    if f"sha256:{flow.digest}" != resolved.digest and flow.digest != resolved.digest:
        raise DamagedError(
            "release_moved",
            f"{resolved.source.tag} states the digest {resolved.digest}, its commit's flow has {flow.digest}",
        )
    files = pinned_files(flow.files)
    runtime.policies.require()
    settings = protected_settings(runtime)
    return Code(flow, resolved.source, files, settings, resolved.authors, resolved.proof)


def pinned_code(runtime: Runtime, pin: Pin) -> Code:
    """The code of a recorded run, by the pin alone; `DamagedError` (`pin.digest`) if it is not the same."""
    flow = load(PinnedTexts(runtime.repository, pin.files), pin.slug)
    if flow.digest != pin.digest:
        raise DamagedError("pin.digest", f"the pinned files of {pin.slug} have the digest {flow.digest}")
    work_dir = runtime.repository.work_dir
    if pin.is_draft and work_dir is not None:
        settings = work_tree_settings(work_dir)
    else:
        settings = protected_settings(runtime)
    if pin.is_draft:
        settings = _for_draft(runtime, settings)
    return Code(flow, pin.source, pin.files, settings, pin.authors)


def _for_draft(runtime: Runtime, settings: Settings) -> Settings:
    """A draft's own settings, save for where its functions run and where a token goes to.

    Neither is for the draft to say.
    """
    trusted = protected_settings(runtime) if runtime.policies.newest() is not None else Settings()
    return replace(settings, functions=trusted.functions, forge=trusted.forge)


def protected_settings(runtime: Runtime) -> Settings:
    """The settings that count: as they stand on the protected branch (protocol 7.3)."""
    policy = runtime.policies.newest()
    branch = policy.protected_branch if policy is not None else "main"
    return _settings_at(runtime, runtime.repository.resolve(branch_ref(branch)))


def _settings_at(runtime: Runtime, commit: str | None) -> Settings:
    if commit is None:
        return parse_settings(None)
    tree = runtime.repository.commit(Oid(commit)).tree
    entry = runtime.repository.entry(tree, PATH)
    return parse_settings(None if entry is None else runtime.repository.blob(entry.oid))
