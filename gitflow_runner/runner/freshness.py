"""How long ago the policy was heard where it is shared, and whether that is too long to act on."""

from __future__ import annotations

from gitflow_runner.errors import RefusedError
from gitflow_runner.runner.local import LocalState
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.sync import HEARD, fetch
from gitflow_runner.trust.policy import Policy

_AHEAD_MS = 60_000  # a time of hearing that lies further in the future was set by a clock that is off


def heard_at(local: LocalState) -> int | None:
    """When (ms) the remote last told its policy, None if it never did."""
    text = (local.read(HEARD) or b"").strip()
    return int(text) if text.isdigit() else None


def require_fresh(runtime: Runtime) -> None:
    """Refuse (`policy.stale`) to act where the policy is older here than its `:policy-max-age` allows.

    The remote is asked once more before that. Without a remote this repository is where the policy is
    changed, and it is never old.
    """
    policy = runtime.policies.newest()
    if policy is None or _is_fresh(runtime, policy):
        return
    fetch(runtime)
    policy = runtime.policies.require()
    if _is_fresh(runtime, policy):
        return
    since = heard_at(runtime.local)
    ago = "never" if since is None else f"{(runtime.clock.now_ms() - since) // 1_000} s ago"
    raise RefusedError(
        "policy.stale",
        f"the policy was last heard from {runtime.remote} {ago}, at most {policy.max_age_s} s are allowed",
        hint="nothing that rests on it goes on until a fetch succeeds; it may have been tightened meanwhile",
        fix=(f"git ls-remote {runtime.remote}", "gfr policy show"),
    )


def _is_fresh(runtime: Runtime, policy: Policy) -> bool:
    if policy.max_age_s is None or runtime.remote is None:
        return True
    since = heard_at(runtime.local)
    return since is not None and -_AHEAD_MS <= runtime.clock.now_ms() - since <= policy.max_age_s * 1_000
