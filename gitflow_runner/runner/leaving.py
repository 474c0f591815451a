"""Release tags that are about to be pushed, held to what everybody else will hold them to."""

from __future__ import annotations

from gitflow_runner.errors import GitflowError, RefusedError
from gitflow_runner.git.objects import ZERO, Oid
from gitflow_runner.git.pygit import open_repository
from gitflow_runner.git.refs import RELEASES
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.runner.clock import SystemClock, SystemJitter
from gitflow_runner.runner.gpg_home import GpgHomes
from gitflow_runner.runner.hook_call import HookCall, Judgement, told
from gitflow_runner.runner.local import LocalState
from gitflow_runner.runner.policies import Policies
from gitflow_runner.runner.pushed import immovable
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.release import verify_release
from gitflow_runner.trust.verify import prove


def check_leaving(call: HookCall) -> Judgement:
    """Refuse releases that are unsigned, under another name than their own, moved or deleted."""
    repository = open_repository(call.git_dir, SystemClock(), SystemJitter())
    local = LocalState(repository.common_dir / "gitflow")
    now = SystemClock().now_ms()
    policy = Policies(repository, local, SystemClock(), GpgHomes(call.environment).open).newest()
    refusals: list[str] = []
    remarks: list[str] = []
    for line in call.given.decode("utf-8", "surrogateescape").splitlines():
        _, here, name, there = line.split(" ")
        if name.startswith(RELEASES) and here != there:
            try:
                _check(repository, policy, name, Oid(here), Oid(there), now)
            except GitflowError as error:
                (remarks if error.code == "release.time_unproven" else refusals).append(told(name, error))
    return Judgement(tuple(refusals), tuple(remarks))


def _check(reader: ObjectReader, policy: Policy | None, name: str, here: Oid, there: Oid, now: int) -> None:
    if there != ZERO:
        raise immovable(name, gone=here == ZERO)
    if here == ZERO:
        return
    try:
        if policy is None:
            prove(reader.read(here), ref=name, reader=reader)
        else:
            verify_release(reader, name, here, policy, now=now)
    except RefusedError as refusal:
        if refusal.hint is None:
            refusal.hint = "releases are signed tags under their own name; gfr release makes them"
        raise
