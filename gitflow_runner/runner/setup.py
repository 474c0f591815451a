"""Preparing a repository: a first flow, a policy with its pinned root, the runner's key, Git's settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gitflow_runner.errors import NotFoundError, UsageError
from gitflow_runner.git.refs import POLICY, RUNS
from gitflow_runner.runner.checkpoints import doubt_freshness
from gitflow_runner.runner.local import write_whole
from gitflow_runner.runner.person import Person, find_person
from gitflow_runner.runner.policy_change import put_in_force
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.scaffold import template, with_block
from gitflow_runner.runner.signers import bare, write_signers
from gitflow_runner.runner.sync import fetch
from gitflow_runner.trust.gpgkey import GpgKey
from gitflow_runner.trust.keyring import Key
from gitflow_runner.trust.policy import Policy, policy_digest
from gitflow_runner.trust.policy_text import POLICY_FILE
from gitflow_runner.trust.signer import new_key_file

Verb = Literal["create", "keep", "update"]
_PERSON_KEY = "person_ed25519"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Laid:
    """One thing that `init` did or left as it was."""

    verb: Verb
    path: str
    note: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """The outcome of `init`: what was laid, the policy's root, and the files' commit if there is one."""

    laid: tuple[Laid, ...]
    root: str
    runner_key: str
    commit: str | None


def prepare(runtime: Runtime, *, create_key: bool, commit: bool) -> Prepared:
    """Lay everything that is missing, keep everything that is there."""
    work_dir = runtime.repository.work_dir
    if work_dir is None:
        raise UsageError(
            "init.bare",
            "a bare repository has no work tree for flows",
            hint="run init in a clone of it; a server that drives runs only needs a runner's key",
            fix=("gfr init --runner",),
        )
    laid: list[Laid] = []
    person = _person(runtime, create_key, laid)
    made = runtime.local.prepare(runtime.jitter.seed(), f"local:{runtime.jitter.token(26)}")
    verb: Verb = "create" if made else "keep"
    laid.append(Laid(verb, ".git/gitflow/runner_ed25519", "this clone's runner key; it drives drafts"))
    configure(runtime)
    values = _values(runtime, person)
    files = (
        (".breyta/flows/hello.edn", "hello.edn", "a flow with one approval"),
        (".breyta/config.yaml", "config.yaml", "runner settings (no secrets)"),
        (POLICY_FILE, "policy.edn", f"you, from your Git signing key ({values['PERSON']})"),
    )
    paths = []
    for path, name, note in files:
        laid.append(_lay(work_dir, path, template(name, values), note))
        paths.append(path)
    laid.append(_agents(work_dir))
    paths.append("AGENTS.md")
    root = _first_policy(runtime, person, work_dir, laid)
    write_signers(runtime)
    made_commit = _commit(runtime, work_dir, paths) if commit else None
    return Prepared(tuple(laid), root, runtime.signer.key.line, made_commit)


def prepare_runner(runtime: Runtime) -> Prepared:
    """Make this repository's runner key and nothing else: for a server, which has no work tree."""
    made = runtime.local.prepare(runtime.jitter.seed(), f"local:{runtime.jitter.token(26)}")
    configure(runtime)
    note = "this repository's runner key; what it may do says the policy"
    laid = Laid("create" if made else "keep", "gitflow/runner_ed25519", note)
    return Prepared((laid,), "", bare(runtime.signer.key.line), None)


def configure(runtime: Runtime) -> None:
    """Git's own settings for this clone: quiet logs, safe pruning, signatures that people can check."""
    settings = {
        "log.excludeDecoration": f"{RUNS}*",
        "gc.pruneExpire": "2.weeks.ago",
        "gpg.ssh.allowedSignersFile": str(runtime.local.signers_file.resolve()),
    }
    for key, value in settings.items():
        if runtime.git.config(key) != value:
            runtime.git.set_config(key, value)


def pin_policy(runtime: Runtime, digest: str) -> Policy:
    """Trust the policy from the version with this digest on; it must be on the chain that is here."""
    if not _DIGEST.fullmatch(digest):
        raise UsageError("trust.malformed", f"{digest[:80]!r} is not sha256: and 64 hex digits")
    fetch(runtime)
    tip = runtime.repository.resolve(POLICY)
    if tip is None:
        raise NotFoundError(
            "policy.none",
            "there is no policy here yet",
            hint="fetch it from where runs are shared",
            fix=(f"git fetch origin {POLICY}:{POLICY}",),
        )
    runtime.policies.would_hold(tip, digest)
    if runtime.local.pinned_root() is None:
        doubt_freshness(runtime.local)  # before the pin, so that a crash leaves no trust without it
    runtime.local.pin_root(digest)
    if runtime.local.is_ready():
        write_signers(runtime)
    return runtime.policies.require()


def _person(runtime: Runtime, create_key: bool, laid: list[Laid]) -> Person:
    person = runtime.person
    if person.signer is not None:
        return person
    if not create_key:
        raise UsageError(
            "key_missing",
            f"approvals and releases are signatures, and {person.missing}",
            hint="name your SSH key in Git's settings, or let init make one for this repository alone",
            fix=(
                "git config gpg.format ssh && git config user.signingkey ~/.ssh/id_ed25519.pub",
                "gfr init --create-key",
            ),
        )
    path = runtime.local.root / _PERSON_KEY
    verb: Verb = "keep" if path.is_file() else "create"
    if not path.is_file():
        runtime.local.write(_PERSON_KEY, new_key_file(runtime.jitter.seed()), mode=0o600)
    runtime.git.set_config("gpg.format", "ssh")
    runtime.git.set_config("user.signingkey", str(path.resolve()))
    laid.append(
        Laid(verb, f".git/gitflow/{_PERSON_KEY}", "your key for this repository, without a passphrase")
    )
    return find_person(runtime.git, runtime.environment)


def _values(runtime: Runtime, person: Person) -> dict[str, str]:
    signer = person.require_signer("init")
    return {
        "PERSON": _edn_text(person.email),
        "PERSON_KEY": _edn_key(signer.key),
        "RUNNER": _edn_text(f"runner@{runtime.host}"),
        "RUNNER_KEY": bare(runtime.signer.key.line),
    }


def _lay(work_dir: Path, path: str, text: str, note: str) -> Laid:
    target = work_dir / path
    if target.exists():
        return Laid("keep", path, note)
    write_whole(target, text.encode())
    return Laid("create", path, note)


def _agents(work_dir: Path) -> Laid:
    path = work_dir / "AGENTS.md"
    before = path.read_text("utf-8") if path.is_file() else ""
    after = with_block(before, template("AGENTS.md"))
    note = "how agents work with flows here, between markers"
    if after == before:
        return Laid("keep", "AGENTS.md", note)
    write_whole(path, after.encode())
    return Laid("update" if before else "create", "AGENTS.md", note)


def _first_policy(runtime: Runtime, person: Person, work_dir: Path, laid: list[Laid]) -> str:
    note = "the policy in force, signed by you"
    if runtime.repository.resolve(POLICY) is not None:
        laid.append(Laid("keep", POLICY, note))
        return runtime.local.pinned_root() or ""
    if any(step.path == POLICY_FILE and step.verb == "keep" for step in laid):
        # A draft that was here before belongs to a policy that is in force elsewhere: fetch that one.
        laid.append(
            Laid("keep", POLICY, "not here; fetch it and pin its root, or start one: gfr policy apply")
        )
        return ""
    text = (work_dir / POLICY_FILE).read_bytes()
    put_in_force(runtime, text, None, (), person)
    digest = policy_digest(text)
    runtime.local.pin_root(digest)
    laid.append(Laid("create", POLICY, note))
    return digest


def _commit(runtime: Runtime, work_dir: Path, paths: Sequence[str]) -> str | None:
    git = runtime.git.in_work_tree(work_dir)
    git.run("add", "--", *paths)
    changed = git.attempt("diff", "--cached", "--quiet", "--", *paths)
    if changed.code == 0:
        return None
    git.run(
        "commit", "--quiet", "--gpg-sign", "-m", "Prepare flows, settings and policy", "--only", "--", *paths
    )
    return git.run("rev-parse", "HEAD").decode().strip()


def _edn_key(key: Key) -> str:
    if isinstance(key, GpgKey):
        return f'{{:gpg "{key.fingerprint}"\n            :block "{key.block}"}}'
    return f'{{:ssh "{bare(key.line)}"}}'


def _edn_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
