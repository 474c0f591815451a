"""The git binary, called so that neither the environment nor a hostile repository can make it run a program.

Used for what libgit2 does not do as well as the user's own git: fetch and push with the user's keys and
credentials, configuration, housekeeping. Values of the repository's own configuration that name programs
are overridden; those of the user's global configuration stay in force.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from gitflow_runner.errors import DamagedError, NotFoundError, RefusedError, TransientError
from gitflow_runner.git import transport
from gitflow_runner.git.child import Finished, Limits, run_child
from gitflow_runner.git.objects import Oid, check_oid
from gitflow_runner.git.program import Version
from gitflow_runner.git.ref_names import check_name
from gitflow_runner.git.refs import ALL
from gitflow_runner.git.repository import RefUpdate, check_plan

OLDEST = (2, 30)

# How this user proves to a remote who they are; no repository can set these.
_KEPT = frozenset({"GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS"})
_FIXED = {
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_PROXY_COMMAND": "",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "true",
    "LC_ALL": "C",
}
_OVERRIDES = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.alternateRefsCommand=true",
    "core.pager=cat",
    "core.editor=true",
    "core.fsync=all",
    "protocol.ext.allow=never",
    "gpg.program=gpg",
    "gpg.openpgp.program=gpg",
    "gpg.x509.program=gpgsm",
    "gpg.ssh.program=ssh-keygen",
    "gpg.ssh.defaultKeyCommand=",
    "diff.external=",
    "gc.auto=0",
    "gc.recentObjectsHook=",
    "maintenance.auto=false",
    "fetch.recurseSubmodules=false",
    "fetch.prune=false",
    "fetch.writeCommitGraph=false",
    "push.recurseSubmodules=no",
    "push.gpgSign=false",
    "push.followTags=false",
    "submodule.recurse=false",
    "advice.fetchShowForcedUpdates=false",
)
_KEY = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*(\.[^\x00-\x1f\x7f]+)?\.[a-zA-Z][a-zA-Z0-9-]*")
_REMOTE = re.compile(r"[^-\x00-\x20\x7f][^\x00-\x20\x7f]*")
_SPEC = re.compile(rf"{ALL}[^\x00-\x20\x7f:+^]+:{ALL}[^\x00-\x20\x7f:+^]+")
_VERSION = re.compile(rb"git version (\d+)\.(\d+)(?:\.(\d+))?")
_CREDENTIAL = re.compile(r"credential\.(?:.+\.)?helper", re.IGNORECASE)
_REMOTE_HELPER = re.compile(r"remote\..+\.vcs", re.IGNORECASE)
# Of `remote.<name>.uploadpack` git takes the first value it reads, so only an option can override it.
_SERVE_FETCH = "--upload-pack=git-upload-pack"
_TAKE_PUSH = "--receive-pack=git-receive-pack"


class _Setting(NamedTuple):
    scope: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class GitCommand:
    """The git binary for one repository; `environment` is the caller's, from which `GIT_*` is taken out.

    `interactive` lets ssh and credential helpers ask at the terminal; else they fail at once.
    """

    common_dir: Path
    environment: Mapping[str, str]
    program: str = "git"
    work_dir: Path | None = None  # where commands that need a work tree and an index run
    index: Path | None = None  # the index that they read, where it is not the work tree's own
    interactive: bool = False
    limits: Limits = field(default_factory=Limits)
    known: list[_Setting] = field(default_factory=list, compare=False, repr=False)  # as listed first

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Standard output of `git ARGUMENTS` here; `TransientError` (`git.command_failed`, `git.timeout`)."""
        finished = self.attempt(*arguments, stdin=stdin)
        if finished.code != 0:
            raise TransientError(
                "git.command_failed",
                f"git {arguments[0]} ended with {finished.code}: {transport.shown(finished.stderr)}",
                details={"command": arguments[0], "exit": finished.code},
            )
        return finished.stdout

    def attempt(self, *arguments: str, stdin: bytes = b"", overrides: Sequence[str] = ()) -> Finished:
        """Run `git ARGUMENTS` here and report how it ended; `overrides` are further `key=value` settings."""
        settings = [part for pair in (*_OVERRIDES, *overrides) for part in ("-c", pair)]
        where = () if self.work_dir is not None else (f"--git-dir={self.common_dir}",)
        call = [self.program, *where, "--no-pager", *settings, *arguments]
        return run_child(
            call,
            self.work_dir or self.common_dir,
            self._child_environment(),
            stdin,
            self.limits,
            self.interactive,
        )

    def in_work_tree(self, work_dir: Path) -> GitCommand:
        """The same for commands that need a work tree and an index."""
        return replace(self, work_dir=work_dir)

    def version(self) -> Version:
        """The version of the binary; `RefusedError` (`git.too_old`, `git.not_installed`)."""
        match = _VERSION.match(self.run("version"))
        if match is None:
            raise RefusedError("git.not_installed", f"{self.program} does not say that it is git")
        version = (int(match[1]), int(match[2]), int(match[3] or 0))
        if version[:2] < OLDEST:
            raise RefusedError(
                "git.too_old",
                f"git {version[0]}.{version[1]} is older than {OLDEST[0]}.{OLDEST[1]}",
                hint="install a newer git",
            )
        return version

    def fetch(self, remote: str, refspecs: Sequence[str]) -> tuple[str, ...]:
        """Fetch by these specs of two full names, never forced; returns exact sources that the remote lacks.

        The configured refspecs of the remote play no part. What is no fast-forward is not moved:
        `ConflictError` (`git.fetch_rejected`), the other refs are. `TransientError`
        (`git.remote_unreachable`), `RefusedError` (`git.remote_denied`), `NotFoundError`
        (`git.no_remote`).
        """
        for spec in refspecs:
            if not _SPEC.fullmatch(spec):
                raise RefusedError("ref.malformed", f"not a refspec that may be fetched: {spec[:80]!a}")
        wanted = list(refspecs)
        absent: list[str] = []
        options = (
            _SERVE_FETCH,
            "--no-prune",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--no-auto-gc",
            "--refmap=",
        )
        source, overrides = self._remote(remote), self._transport()
        while wanted:
            call = ("fetch", *options, "--end-of-options", source, *wanted)
            finished = self.attempt(*call, overrides=overrides)
            lacking = transport.lacking_ref(finished)
            if lacking is None:
                transport.check_fetch(remote, finished)
                break
            absent.append(lacking)
            remaining = [spec for spec in wanted if spec.split(":", 1)[0] != lacking]
            if len(remaining) == len(wanted):
                raise transport.failed(remote, finished)
            wanted = remaining
        return tuple(absent)

    def push(self, remote: str, updates: Sequence[RefUpdate], *, atomic: bool = True) -> None:
        """Move the remote's refs, each only from its `old` (a lease); all or none if `atomic`.

        `ConflictError` (`git.push_rejected`, details `refs`: name to reason); else errors as `fetch`.
        """
        plan = check_plan(updates)
        if not plan:
            return
        leases = [f"--force-with-lease={u.name}:{u.old or ''}" for u in plan]
        specs = [f"{u.new or ''}:{u.name}" for u in plan]
        options = [
            _TAKE_PUSH,
            "--porcelain",
            "--no-verify",
            "--no-follow-tags",
            "--no-recurse-submodules",
            "--no-signed",
        ]
        if atomic:
            options.append("--atomic")
        call = ("push", *options, *leases, "--end-of-options", self._remote(remote), *specs)
        transport.check_push(remote, self.attempt(*call, overrides=self._transport()))

    def remote_refs(self, remote: str, prefixes: Sequence[str] = (ALL,)) -> tuple[tuple[str, Oid], ...]:
        """The remote's refs below these prefixes (or of exactly these names), sorted; errors as `fetch`."""
        call = ("ls-remote", _SERVE_FETCH, "--refs", "--end-of-options", self._remote(remote))
        patterns = [p + "*" if p.endswith("/") else p for p in prefixes]
        finished = self.attempt(*call, *patterns, overrides=self._transport())
        if finished.code != 0:
            raise transport.failed(remote, finished)
        found: list[tuple[str, Oid]] = []
        for line in finished.stdout.decode("utf-8", "surrogateescape").splitlines():
            oid, _, name = line.partition("\t")
            if any(name == p or (p.endswith("/") and name.startswith(p)) for p in prefixes):
                found.append((name, check_oid(oid)))
        return tuple(sorted(found))

    def config(self, key: str) -> str | None:
        """The value in this repository's own configuration, the last one if there are several."""
        return self._config_of(key, "local")

    def hooks_folder(self) -> Path:
        """Where git looks for hooks here, by every configuration that counts, the system's too."""
        environment = self._child_environment()
        if "GIT_CONFIG_NOSYSTEM" not in self.environment:
            del environment["GIT_CONFIG_NOSYSTEM"]
        where = () if self.work_dir is not None else (f"--git-dir={self.common_dir}",)
        folder = self.work_dir or self.common_dir
        call = [self.program, *where, "rev-parse", "--git-path", "hooks"]
        finished = run_child(call, folder, environment, b"", self.limits, self.interactive)
        if finished.code != 0:
            raise TransientError(
                "git.command_failed", f"git does not say where hooks lie: {transport.shown(finished.stderr)}"
            )
        return folder / finished.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

    def checked_out(self, ref: str) -> str | None:
        """The work tree that has this branch checked out, a linked one too; errors as `run`."""
        told = self.run("for-each-ref", "--format=%(worktreepath)", check_name(ref))
        return told.decode("utf-8", "surrogateescape").strip() or None

    def global_config(self, key: str) -> str | None:
        """The value in the user's configuration."""
        return self._config_of(key, "global")

    def set_config(self, key: str, value: str | None) -> None:
        """Set the value in this repository's own configuration; None takes all values away."""
        change = ["--unset-all", _key(key)] if value is None else ["--replace-all", _key(key), value]
        finished = self.attempt("config", "--local", *change)
        self.known.clear()
        if finished.code != 0 and not (value is None and finished.code == 5):
            raise TransientError(
                "git.command_failed", f"{key} could not be set: {transport.shown(finished.stderr)}"
            )

    def _config_of(self, key: str, scope: str | None = None) -> str | None:
        """From one listing for all keys: a process for each would cost more than most commands do."""
        if not self.known:
            try:
                self.known.extend(self._settings())
            except TransientError as error:
                raise DamagedError(
                    "git.config", f"the configuration cannot be read: {error.message}"
                ) from None
        wanted = _key(key)
        section, _, rest = wanted.partition(".")
        subsection, dot, name = rest.rpartition(".")
        wanted = f"{section.lower()}.{subsection}{dot}{name.lower()}"
        found = [s.value for s in self.known if s.key == wanted and scope in (None, s.scope)]
        return found[-1] if found else None

    def _remote(self, remote: str) -> str:
        """A remote's name, URL or path that cannot be taken for an option or a program."""
        if not _REMOTE.fullmatch(remote) or re.match(r"[a-zA-Z0-9+.-]+::", remote):
            raise RefusedError("git.remote_malformed", f"not a remote: {remote[:80]!a}")
        if ":" not in remote and "/" not in remote and self._config_of(f"remote.{remote}.url") is None:
            raise NotFoundError(
                "git.no_remote",
                f"no remote is named {remote}",
                fix=("git remote -v", f"git remote add {remote} URL"),
            )
        return remote

    def _transport(self) -> tuple[str, ...]:
        """Settings under which only the user's own configuration names programs for a connection."""
        settings = self._settings()
        of_user = [(s.key, s.value) for s in settings if s.scope == "global"]
        of_repository = {s.key for s in settings if s.scope in ("local", "worktree")}
        chosen: list[str] = []
        if "core.sshcommand" in of_repository:
            default = shlex.quote(self.environment.get("GIT_SSH", "ssh"))
            chosen.append("core.sshCommand=" + _last(of_user, "core.sshcommand", default))
        if "core.askpass" in of_repository:
            chosen.append("core.askPass=" + _last(of_user, "core.askpass", ""))
        helpers = sorted(key for key in of_repository if _CREDENTIAL.fullmatch(key))
        for key in helpers:
            if "=" in key:
                raise _hostile(key)
        if helpers:
            # An empty helper clears the list so far; then the user's own ones are named again.
            chosen += [f"{key}=" for key in dict.fromkeys(("credential.helper", *helpers))]
            chosen += [f"{key}={value}" for key, value in of_user if _CREDENTIAL.fullmatch(key)]
        for key in sorted(of_repository):
            if _REMOTE_HELPER.fullmatch(key):
                raise _hostile(key)
        return tuple(chosen)

    def _settings(self) -> list[_Setting]:
        listed = self.run("config", "--null", "--show-scope", "--includes", "--list")
        rows = iter(listed.decode("utf-8", "surrogateescape").split("\0"))
        pairs = zip(rows, rows, strict=False)
        return [_Setting(scope, *row.partition("\n")[::2]) for scope, row in pairs]

    def _child_environment(self) -> dict[str, str]:
        index = {} if self.index is None else {"GIT_INDEX_FILE": str(self.index)}
        return child_environment(self.environment, interactive=self.interactive) | index


def child_environment(environment: Mapping[str, str], *, interactive: bool = False) -> dict[str, str]:
    """What a git child may know of the caller's environment, and what it is always told."""
    kept = {k: v for k, v in environment.items() if not k.startswith("GIT_") or k in _KEPT}
    prompts = {} if interactive else {"GIT_TERMINAL_PROMPT": "0", "SSH_ASKPASS_REQUIRE": "never"}
    return kept | _FIXED | prompts


def _last(settings: Sequence[tuple[str, str]], key: str, default: str) -> str:
    return next((value for name, value in reversed(settings) if name == key), default)


def _hostile(key: str) -> RefusedError:
    return RefusedError(
        "git.hostile_config",
        f"this repository's configuration has {key[:120]!a}, which names a program to run",
        hint="take it out of the repository's configuration, or put it into your global one",
        fix=("git config --local --edit",),
    )


def _key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise RefusedError("git.config", f"not a configuration key: {key[:80]!a}")
    return key
