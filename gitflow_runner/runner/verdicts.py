"""Commits and tags that somebody names, judged by their signatures and a policy."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.errors import NotFoundError
from gitflow_runner.git.objects import Kind, Oid, check_oid
from gitflow_runner.git.refs import TAGS
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.seen import RunnerLogs
from gitflow_runner.trust.keyring import Keyring, Verdict
from gitflow_runner.trust.verify import verify_object


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict on what was named; `ref` is the tag that named it, `first_seen` is in ms."""

    named: str
    oid: Oid
    kind: Kind
    ref: str | None
    first_seen: int
    verdict: Verdict


def judge_named(
    runtime: Runtime, named: str, keyring: Keyring, *, max_skew: int, first_seen: int | None
) -> Judged:
    """Judge the object that Git takes `named` for; `NotFoundError` (`object.unknown`) if there is none.

    Without `first_seen` the time is the one in the runners' logs, else now: an object that nobody logged
    may have been dated back.
    """
    oid, ref = _resolve(runtime, named)
    now = runtime.clock.now_ms()
    seen = first_seen
    if seen is None and runtime.local.is_ready():
        seen = RunnerLogs(runtime).seen(oid)
    at = now if seen is None else seen
    raw = runtime.repository.read(oid)
    found = verify_object(
        raw, keyring, first_seen=at, now=now, max_skew=max_skew, ref=ref, reader=runtime.repository
    )
    return Judged(named, oid, raw.kind, ref, at, found)


def _resolve(runtime: Runtime, named: str) -> tuple[Oid, str | None]:
    ask = ("rev-parse", "--verify", "--quiet", "--end-of-options", named)
    found = runtime.git.attempt(*ask)
    lines = found.stdout.decode("utf-8", "replace").split()
    if found.code != 0 or len(lines) != 1:
        raise NotFoundError(
            "object.unknown",
            f"no one object here is named {named[:80]!r}",
            hint="name a commit or tag by id, or a ref",
            fix=("git show-ref",),
        )
    full = runtime.git.attempt("rev-parse", "--symbolic-full-name", "--verify", "--quiet", named)
    ref = full.stdout.decode("utf-8", "surrogateescape").strip()
    return check_oid(lines[0]), ref if full.code == 0 and ref.startswith(TAGS) else None
