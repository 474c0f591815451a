"""Whether this clone can do its work: each check says what is so, and each bad one names its fix."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import POLICY, RUNS
from gitflow_runner.model.connection import ANY_FLOW
from gitflow_runner.runner.code import protected_configuration
from gitflow_runner.runner.configured import Configured
from gitflow_runner.runner.forge_desk import ForgeDesk
from gitflow_runner.runner.hook_files import hooks_status
from gitflow_runner.runner.kv import known_scopes, trusted_scope
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.staged_secrets import staged_secrets
from gitflow_runner.runner.tables import known_tables, trusted_table
from gitflow_runner.trust.sshsig import GIT

Health = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Checked:
    """One line of the report."""

    health: Health
    name: str
    message: str
    fix: tuple[str, ...] = ()


def examine(runtime: Runtime) -> tuple[Checked, ...]:
    """All checks in order; a check that cannot be made is a bad line, never an error."""
    found: list[Checked] = []
    for name, check in _CHECKS:
        try:
            found += list(check(runtime))
        except GitflowError as error:
            found.append(Checked("bad", name, error.message, error.fix))
    return tuple(found)


def _git(runtime: Runtime) -> Iterator[Checked]:
    version = runtime.git.version()
    yield Checked("ok", "git", ".".join(str(part) for part in version))
    shallow = runtime.git.run("rev-parse", "--is-shallow-repository").decode().strip()
    if shallow == "true":
        fix = ("git fetch --unshallow",)
        yield Checked("warn", "shallow", "a shallow clone lacks the commits that releases may name", fix)


def _runner(runtime: Runtime) -> Iterator[Checked]:
    signer = runtime.signer
    policy = runtime.policies.newest()
    listed = [] if policy is None else [p for p in policy.people.values() if p.kind == "runner"]
    mine = [p for p in listed if any(k.key.blob == signer.key.blob for k in p.keys)]
    if mine:
        flows = ", ".join(mine[0].flows)
        yield Checked("ok", "runner", f"{mine[0].name} may {', '.join(sorted(mine[0].can))} {flows}")
    else:
        yield Checked(
            "warn",
            "runner",
            f"{signer.key.fingerprint} is not in the policy: it drives drafts only",
            ("take the runner's line into .breyta/policy.edn", "gfr policy apply"),
        )


def _signing(runtime: Runtime) -> Iterator[Checked]:
    signer = runtime.person.require_signer("an approval")
    began = runtime.clock.monotonic_ms()
    signer.sign(b"gitflow-runner doctor\n", GIT)
    took = runtime.clock.monotonic_ms() - began
    policy = runtime.policies.newest()
    owners = policy.keyring.owners(signer.key) if policy is not None else frozenset()
    if owners:
        yield Checked("ok", "signing", f"{signer.key.fingerprint} signs for {min(owners)} ({took} ms)")
    else:
        yield Checked(
            "warn", "signing", f"{signer.key.fingerprint} signs, but the policy knows nobody with it"
        )


def _trust(runtime: Runtime) -> Iterator[Checked]:
    policy = runtime.policies.newest()
    if policy is None:
        there = runtime.repository.resolve(POLICY) is not None
        fix = ("gfr trust pin <digest>",) if there else ("gfr policy apply",)
        yield Checked("bad", "trust", "no policy is trusted here: nothing can be approved", fix)
        return
    kinds = [person.kind for person in policy.people.values()]
    counts = ", ".join(f"{kinds.count(kind)} {kind}s" for kind in ("human", "agent", "runner"))
    yield Checked("ok", "trust", f"policy version {policy.version}: {counts}")


def _refs(runtime: Runtime) -> Iterator[Checked]:
    for remote in runtime.git.run("remote").decode().split():
        finished = runtime.git.attempt("config", "--get-all", f"remote.{remote}.fetch")
        for spec in finished.stdout.decode("utf-8", "replace").split():
            if spec.rpartition(":")[2].startswith(RUNS.rstrip("/")):
                yield Checked(
                    "bad",
                    "refspec",
                    f"fetching from {remote} writes {RUNS}*: it would rewind runs of this clone",
                    (f"git config --unset-all remote.{remote}.fetch '{spec}'",),
                )
    remote_name = runtime.remote
    where = f"runs are shared through {remote_name}" if remote_name else "runs stay in this clone"
    yield Checked("ok", "sync", where)


def _hooks(runtime: Runtime) -> Iterator[Checked]:
    found = hooks_status(runtime, sys.executable)
    lacking = [f"{hook.name} {hook.state}" for hook in found.items if hook.state != "installed"]
    if found.packs_refs:
        lacking.append("git packs refs itself")
    if lacking:
        yield Checked("warn", "hooks", ", ".join(lacking), ("gfr hooks install",))
    else:
        yield Checked("ok", "hooks", f"{len(found.items)} installed")


def _secrets(runtime: Runtime) -> Iterator[Checked]:
    records = runtime.secrets.records
    work_dir = runtime.repository.work_dir
    if work_dir is not None:
        staged = list(staged_secrets(runtime.git.in_work_tree(work_dir), runtime.redactor))
        for each in staged:
            where, fix = f"{each.path}:{each.line}", (f"git restore --staged -- {each.path}",)
            if each.known:
                yield Checked("bad", "secrets", f"{where} is staged with the value of a secret", fix)
            else:
                message = f"{where} is staged with what is written like a token or a key"
                yield Checked("warn", "secrets", message, fix)
        if any(each.known for each in staged):
            return
    for record in records.values():
        if not record.permits:
            fix = (f"gfr secrets allow {record.name} --for https://HOST",)
            yield Checked("warn", "secrets", f"{record.name} may be sent nowhere", fix)
        if runtime.secrets.where(record) is None:
            fix = (f"gfr secrets set {record.name}",)
            yield Checked("warn", "secrets", f"no value of the {record.store} secret {record.name}", fix)
    yield Checked("ok", "secrets", f"{len(records)} known, none of them staged")


def _forge(runtime: Runtime) -> Iterator[Checked]:
    found = protected_configuration(runtime)
    named = found.settings.forge
    if named is None:
        yield Checked("ok", "forge", "none is configured: proposals are branches, merged with plain git")
        return
    desk = ForgeDesk(runtime, found, _a_flow(runtime, found))
    desk.forge.check(desk.site)
    if desk.remote is not None and runtime.git.config(f"remote.{desk.remote}.url") is None:
        fix = (f"git remote add {desk.remote} URL",)
        yield Checked("bad", "forge", f"no remote is named {desk.remote}: proposals cannot be pushed", fix)
    if not desk.forge.tells:
        yield Checked("ok", "forge", f"git alone, through {desk.remote or 'this repository'}")
        return
    login = desk.forge.who(desk.site, desk.ports(runtime.forge_memory))
    policy = runtime.policies.newest()
    mapped = 0 if policy is None else sum(1 for p in policy.people.values() if named.name in p.forge)
    yield Checked("ok", "forge", f"{named.kind} knows the token as {login}; {mapped} people have accounts")
    apply = "gfr policy apply"
    if not mapped:
        said = f"write :forge {{:{named.name} <number>}} beside people in .breyta/policy.edn"
        text = f"the policy maps no account of {named.name}: no merge counts"
        yield Checked("warn", "forge", text, (said, apply))
    if policy is not None and not any("attest-forge" in p.can for p in policy.people.values()):
        said = "give the runner :attest-forge in .breyta/policy.edn"
        yield Checked(
            "warn", "forge", "no runner may attest what a forge says: no merge counts", (said, apply)
        )
    if desk.hint_secret is None:
        yield Checked("ok", "forge", "no webhook secret: changes are polled every 30 s")


def _a_flow(runtime: Runtime, found: Configured) -> str:
    """A flow that the forge's token is allowed to, so that it can be tried; any, if it is allowed to all."""
    named = found.settings.forge
    connection = found.connections.get((named.connection if named is not None else None) or "")
    names = set() if connection is None else set(connection.secrets.values())
    records = [record for record in runtime.secrets.records.values() if record.name in names]
    flows = {p.flow for record in records for p in record.permits if p.environment == "live"}
    return min(flows, default=ANY_FLOW)


def _tables(runtime: Runtime) -> Iterator[Checked]:
    yield from _believed("tables", known_tables(runtime), partial(trusted_table, runtime))


def _kv(runtime: Runtime) -> Iterator[Checked]:
    yield from _believed("kv", known_scopes(runtime), partial(trusted_scope, runtime))


def _believed(what: str, names: Sequence[str], trusted: Callable[[str], Oid | None]) -> Iterator[Checked]:
    believed = 0
    for name in names:
        try:
            trusted(name)
            believed += 1
        except GitflowError as error:
            yield Checked("bad", what, error.message, error.fix)
    if believed:
        yield Checked("ok", what, f"{believed} signed by runners that may write them")


_CHECKS: tuple[tuple[str, Callable[[Runtime], Iterator[Checked]]], ...] = (
    ("git", _git),
    ("runner", _runner),
    ("signing", _signing),
    ("trust", _trust),
    ("sync", _refs),
    ("hooks", _hooks),
    ("secrets", _secrets),
    ("tables", _tables),
    ("kv", _kv),
    ("forge", _forge),
)
