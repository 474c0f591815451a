"""Where this machine and this clone keep secrets: what the sources of them are made from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.connections.registry import Place
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.program import GitProgram
from gitflow_runner.git.refs import branch_ref
from gitflow_runner.git.repository import Repository
from gitflow_runner.runner.clock import Clock
from gitflow_runner.runner.gpg_home import GpgHomes
from gitflow_runner.runner.local import LocalState
from gitflow_runner.runner.policies import Policies
from gitflow_runner.runner.secrets import Secrets

DOTENV: Final = ".env"
AGE_FILE: Final = ".breyta/secrets.age"
_LIMIT: Final = 4 * 1024 * 1024


def secrets_place(
    local: LocalState, repository: Repository, git: GitProgram, variables: Mapping[str, str], clock: Clock
) -> Place:
    """The places of one clone; files are looked at when a source is asked."""
    work_dir = repository.work_dir
    identity = git.config("gitflow.ageIdentity")
    home = variables.get("HOME", "")
    return Place(
        variables,
        None if work_dir is None else work_dir / DOTENV,
        partial(_seen_by_git, git, work_dir),
        lambda store: local.read(_values(store), _LIMIT),
        lambda store, data: local.write(_values(store), data, mode=0o600),
        local.home(),
        partial(_age_file, repository, Policies(repository, local, clock, GpgHomes(variables).open)),
        None if not identity else Path(home + identity[1:] if identity.startswith("~/") else identity),
    )


def open_secrets(
    repository: Repository,
    git: GitProgram,
    variables: Mapping[str, str],
    redactor: Redactor,
    clock: Clock,
) -> Secrets:
    """The secrets of one clone; what they open, `redactor` masks."""
    local = LocalState(repository.common_dir / "gitflow")

    def place() -> Place:
        return secrets_place(local, repository, git, variables, clock)

    return Secrets(local, place, redactor, clock.now_ms)


def _values(store: str) -> str:
    return f"secrets/{store}.json"


def _seen_by_git(git: GitProgram, work_dir: Path | None) -> str | None:
    if work_dir is None:
        return None
    here = git.in_work_tree(work_dir)
    if here.attempt("ls-files", "--error-unmatch", "--", DOTENV).code == 0:
        return "Git tracks that file"
    if here.attempt("check-ignore", "--quiet", "--", DOTENV).code != 0:
        return "Git does not ignore that file"
    return None


def _age_file(repository: Repository, policies: Policies) -> bytes | None:
    policy = policies.newest()
    tip = repository.resolve(branch_ref(policy.protected_branch if policy is not None else "main"))
    if tip is None:
        return None
    entry = repository.entry(repository.commit(Oid(tip)).tree, AGE_FILE)
    return None if entry is None else repository.blob(entry.oid)
