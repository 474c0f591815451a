"""A push judged before it is taken: every ref by its form and move, its content by keys and policy.

The pushed objects lie in quarantine: they are seen, and nothing is written. A push is taken as a whole or
not at all, so a policy that comes with it already judges the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from gitflow_runner.errors import GitflowError, RefusedError
from gitflow_runner.git.objects import Oid, check_oid
from gitflow_runner.git.pygit import PygitRepository, open_quarantine, open_repository
from gitflow_runner.git.refs import GATES, INBOXES, POLICY, is_ours
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.ledger.chain import file_in, head_of
from gitflow_runner.runner.clock import SystemClock, SystemJitter
from gitflow_runner.runner.gpg_home import GpgHomes
from gitflow_runner.runner.hook_call import HookCall, Judgement, told
from gitflow_runner.runner.local import LocalState
from gitflow_runner.runner.pushed import Change, check_move, read_changes
from gitflow_runner.runner.received import Received, check_content
from gitflow_runner.trust.policy import policy_digest
from gitflow_runner.trust.policy_chain import FILE, PolicyChain, load_chain

MOST_SENT = 1_000  # inbox refs in one push
MOST_SLOP_S = 300  # by which the nonce of a signed push may be late, where the server allows it at all


def judge_push(call: HookCall) -> Judgement:
    """What of the push is refused and why; nothing refused lets all of it in."""
    changes = [change for change in read_changes(call.given) if is_ours(change.name)]
    if sum(change.name.startswith((*INBOXES, GATES)) for change in changes) > MOST_SENT:
        too_many = RefusedError(
            "inbox.too_many",
            f"one push may bring {MOST_SENT} decisions, requests and callbacks",
            hint="push them in parts",
        )
        return Judgement((told("push", too_many),))
    repository = open_pushed(call)
    refusals: list[str] = []
    remarks: list[str] = []
    pushed = {change.name: change.new for change in changes}
    try:
        chain = _chain(repository, pushed, remarks, GpgHomes(call.environment))
    except GitflowError as error:
        return Judgement((told(POLICY, error),))
    certificate = partial(_certificate, call, repository)
    received = Received(repository, chain, SystemClock().now_ms(), pushed, certificate=certificate)
    for change in changes:
        try:
            _judge(change, received)
        except GitflowError as error:
            (remarks if error.code == "release.time_unproven" else refusals).append(told(change.name, error))
    return Judgement(tuple(refusals), tuple(remarks))


def _judge(change: Change, received: Received) -> None:
    check_move(change, received.repository)
    if change.new is not None and change.new != change.old:
        check_content(change, change.new, received)


def open_pushed(call: HookCall) -> PygitRepository:
    """The repository with the objects of the push in it, to be read only."""
    clock, jitter = SystemClock(), SystemJitter()
    quarantine = call.environment.get("GIT_QUARANTINE_PATH")
    if quarantine is None:  # a push that brings no objects has none
        return open_repository(call.git_dir, clock, jitter)
    return open_quarantine(call.git_dir, Path(quarantine), clock, jitter)


def _certificate(call: HookCall, repository: PygitRepository) -> bytes | None:
    """The certificate of this push, None if it is not signed. Whose it is says its own signature.

    `RefusedError` (`push.nonce`) unless git says that it answers the nonce which was offered just now.
    """
    kept = call.environment.get("GIT_PUSH_CERT", "")
    if not kept.strip("0"):
        return None
    status = call.environment.get("GIT_PUSH_CERT_NONCE_STATUS", "")
    slop = call.environment.get("GIT_PUSH_CERT_NONCE_SLOP", "")
    late = not slop.lstrip("-").isdecimal() or abs(int(slop)) > MOST_SLOP_S
    if status != "OK" and (status != "SLOP" or late):
        raise RefusedError(
            "push.nonce",
            f"the certificate of this push does not answer the nonce that was offered ({status or 'none'})",
            hint="push again; an old certificate proves nothing",
            fix=("git push --signed",),
        )
    return repository.read(check_oid(kept)).data


def _chain(
    repository: PygitRepository, pushed: Mapping[str, Oid | None], remarks: list[str], homes: GpgHomes
) -> PolicyChain | None:
    """The policy as it will stand; None where this repository trusts none yet."""
    local = LocalState(repository.common_dir / "gitflow")
    pinned = local.pinned_root()
    tip = pushed.get(POLICY) or repository.resolve(POLICY)
    if tip is None:
        return None
    now = SystemClock().now_ms()
    if pinned is not None:
        return load_chain(repository, tip, pinned, now=now, known=local.known_policy(), open_gpg=homes.open)
    if POLICY in pushed:
        # Nobody here can say whether it is the right one; but it has to be whole.
        digest = policy_digest(_text(repository, tip))
        load_chain(repository, tip, digest, now=now, open_gpg=homes.open)
        remarks.append(f"the server trusts no policy yet; there, once: gfr trust pin {digest}")
    return None


def _text(reader: ObjectReader, tip: Oid) -> bytes:
    return file_in(reader, head_of(reader, tip)[0], FILE) or b""
