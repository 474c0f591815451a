"""The flows that a commit is about to hold, checked as they are staged and not as they lie on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gitflow_runner.catalog.diagnostic import frame
from gitflow_runner.catalog.linter import lint
from gitflow_runner.catalog.loader import SUFFIX, is_flow_file, list_flows, read_closure
from gitflow_runner.catalog.sources import FLOWS_DIR, IndexTexts
from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.engine.names import HOST_NAMES
from gitflow_runner.errors import GitflowError
from gitflow_runner.git.command import GitCommand
from gitflow_runner.git.objects import Oid, TreeEntry
from gitflow_runner.git.pygit import open_repository
from gitflow_runner.runner.clock import SystemClock, SystemJitter
from gitflow_runner.runner.hook_call import HookCall, Judgement, told
from gitflow_runner.runner.secret_places import open_secrets
from gitflow_runner.runner.staged_secrets import LOOKALIKE, STAGED, staged_secrets
from gitflow_runner.steps.registry import BuiltInSpecs, Steps

_WHERE = f":(top){FLOWS_DIR}"


def check_staged(call: HookCall) -> Judgement:
    """Lint the flows that the commit changes, or that rest on a file which it changes; look for secrets.

    With paths as arguments those flows are linted, changed or not.
    """
    repository = open_repository(call.git_dir, SystemClock(), SystemJitter())
    index = call.environment.get("GIT_INDEX_FILE")
    git = GitCommand(
        repository.common_dir,
        call.environment,
        work_dir=repository.work_dir or call.folder,
        index=None if index is None else call.folder / index,
    )
    redactor = Redactor(lambda: secrets.known_values())
    secrets = open_secrets(repository, git, call.environment, redactor, SystemClock())
    texts = IndexTexts(repository, dict(_entries(git)))
    refusals: list[str] = []
    remarks: list[str] = []
    for each in staged_secrets(git, redactor):
        # Examples and tests have made-up ones: what only looks like a secret is for a person to judge.
        if each.known:
            refusals.append(f"{each.path}:{each.line}: holds the value of a secret ({STAGED})")
        else:
            remarks.append(f"{each.path}:{each.line}: is written like a token or a key ({LOOKALIKE})")
    specs = BuiltInSpecs(Steps())
    try:
        for slug in _concerned(texts, _named(call) or _changed(git)):
            for found in lint(texts, slug, specs, HOST_NAMES):
                text = frame(_text(texts, found.file), found)
                (refusals if found.is_error else remarks).append(text)
    except GitflowError as error:
        refusals.append(told(FLOWS_DIR, error))
    return Judgement(tuple(refusals), tuple(remarks))


def _named(call: HookCall) -> tuple[str, ...]:
    return tuple(Path(path).as_posix().removeprefix(f"{FLOWS_DIR}/") for path in call.arguments)


def _changed(git: GitCommand) -> tuple[str, ...]:
    options = ("--cached", "--name-only", "-z", "--no-renames", "--no-ext-diff")
    listed = git.run("diff", *options, "--", _WHERE).decode("utf-8", "surrogateescape")
    return tuple(path.removeprefix(f"{FLOWS_DIR}/") for path in listed.split("\0") if path)


def _entries(git: GitCommand) -> Iterator[tuple[str, TreeEntry]]:
    listed = git.run("ls-files", "--stage", "-z", "--", _WHERE).decode("utf-8", "surrogateescape")
    for row in listed.split("\0"):
        if row:
            about, _, path = row.partition("\t")
            mode, oid, _ = about.split(" ")
            path = path.removeprefix(f"{FLOWS_DIR}/")
            yield path, TreeEntry(path.rpartition("/")[2], int(mode, 8), Oid(oid))


def _concerned(texts: IndexTexts, changed: tuple[str, ...]) -> list[str]:
    """The changed flows that are still there, and those whose closure a changed file belongs to."""
    names = texts.names()
    slugs = {path.removesuffix(SUFFIX) for path in changed if is_flow_file(path) and path in names}
    parts = frozenset(path for path in changed if not is_flow_file(path))
    if parts:
        slugs |= {slug for slug in list_flows(texts) if slug not in slugs and _rests_on(texts, slug, parts)}
    return sorted(slugs)


def _rests_on(texts: IndexTexts, slug: str, parts: frozenset[str]) -> bool:
    try:
        return any(file.path in parts for file in read_closure(texts, slug).files)
    except GitflowError:
        return True  # what it lacks may be what was changed or deleted: lint says


def _text(texts: IndexTexts, file: str | None) -> str:
    name = (file or "").removeprefix(f"{FLOWS_DIR}/")
    data = texts.read(name) if name in texts.names() else None
    return "" if data is None else data.decode("utf-8", "replace")
