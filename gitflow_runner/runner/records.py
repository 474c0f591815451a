"""Whether what lies beside the runs (slots, tables, kv) was written by a runner of ours (protocol 5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gitflow_runner.errors import GitflowError, RefusedError, TransientError
from gitflow_runner.git.objects import Oid
from gitflow_runner.ledger.fsck import Finding
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.records import verify_record
from gitflow_runner.trust.verify import prove

_OID: Final = re.compile(rb"[0-9a-f]{40}")


def require_record(
    runtime: Runtime, slug: str, ref: str, tip: Oid, *, code: str, then: str, fix: tuple[str, ...] = ()
) -> None:
    """Refuse (`RefusedError` of that code) what neither this clone nor a runner of the policy signed.

    `then` says what comes once the ref is removed, `fix` with which commands.
    """
    refusal = _refusal(runtime, tip, slug=slug, now=runtime.clock.now_ms())
    if refusal is not None:
        raise RefusedError(
            code,
            f"{ref} is not a runner's record: {refusal.message}",
            hint=f"somebody wrote it by hand; remove it, then {then}",
            fix=(f"git update-ref -d {ref} {tip}", *fix),
        )


@dataclass(frozen=True, slots=True)
class Doubt:
    """How a chain that is not believed is told: the code, and what may be done."""

    code: str
    hint: str
    fix: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of records that outlives the runs, so that this clone remembers where it saw it last.

    `told` is what people call it, `memory` the local file with its last tip that was believed. `untrusted`
    is for what no runner signed, `rewound` for what does not continue that tip.
    """

    ref: str
    told: str
    memory: str
    untrusted: Doubt
    rewound: Doubt


def trusted_tip(runtime: Runtime, chain: Chain) -> Oid | None:
    """Where a chain stands, None if there is none; `RefusedError` with the codes of its doubts.

    A tip is judged once: what this clone believed, or wrote itself, it remembers.
    """
    # What is remembered is read first: whoever moves the ref on meanwhile writes it down only later.
    known = known_tip(runtime, chain)
    tip = runtime.repository.resolve(chain.ref)
    if tip == known:
        return tip
    _require_onward(runtime, chain, known, tip)
    assert tip is not None, "a chain that is not there was never known"
    _judge(runtime, chain, tip, known)
    runtime.local.write(chain.memory, tip.encode() + b"\n", sync=False)
    return tip


def wrote(runtime: Runtime, chain: Chain, tip: Oid) -> None:
    """Remember what this clone put there itself."""
    # What is written is durable: without room for the memory the next reader judges it, and nothing is lost.
    with suppress(TransientError):
        runtime.local.write(chain.memory, tip.encode() + b"\n", sync=False)


def known_tip(runtime: Runtime, chain: Chain) -> Oid | None:
    """Where this clone saw the chain last."""
    data = (runtime.local.read(chain.memory) or b"").strip()
    # The file is not synced, so lost power may leave it empty: then the chain is judged as if seen first.
    return Oid(data.decode()) if _OID.fullmatch(data) else None


def check_chain(runtime: Runtime, chain: Chain, tip: Oid | None, commits: Iterable[Oid]) -> Iterator[Finding]:
    """What is wrong with a chain: every one of its `commits` is judged anew, and it may not be set back.

    `commits` are found, newest first, as they are judged; what finding them raises is a finding as well.
    """
    known = known_tip(runtime, chain)
    at = tip
    try:
        for oid in commits:
            at = oid
            _judge(runtime, chain, oid, known)
        at = tip
        if tip != known:
            _require_onward(runtime, chain, known, tip)
    except GitflowError as error:
        yield Finding("incomplete" if error.code == "git.object_missing" else error.code, at, error.message)


def is_own(runtime: Runtime, oid: Oid) -> bool:
    """Whether this clone's own key signed a commit."""
    try:
        return prove(runtime.repository.read(oid)).fingerprint == runtime.own_key
    except Refusal:
        return False


def _require_onward(runtime: Runtime, chain: Chain, known: Oid | None, tip: Oid | None) -> None:
    repository = runtime.repository
    if known is None:
        return
    if tip is None or not repository.contains(known) or not repository.is_ancestor(known, tip):
        raise RefusedError(
            chain.rewound.code,
            f"{chain.told} stood at {known}, which it does not continue any more",
            hint=f"put it back if it was moved by mistake: git update-ref {chain.ref} {known}"
            + (f"; {chain.rewound.hint}" if chain.rewound.hint else ""),
            fix=chain.rewound.fix,
        )


def _judge(runtime: Runtime, chain: Chain, oid: Oid, known: Oid | None) -> None:
    refusal = _refusal(runtime, oid)
    if refusal is not None:
        mend = f"git update-ref -d {chain.ref} {oid}"
        if known is not None:
            mend = f"git update-ref {chain.ref} {known} {oid}"
        raise RefusedError(
            chain.untrusted.code,
            f"{chain.told} is not believed: {refusal.message} ({refusal.reason})",
            hint=chain.untrusted.hint,
            fix=(mend, *chain.untrusted.fix),
        )


def _refusal(
    runtime: Runtime, oid: Oid, *, slug: str | None = None, now: int | None = None
) -> Refusal | None:
    """Why a record is not a runner's, None if it is."""
    raw, policy = runtime.repository.read(oid), runtime.policies.newest()
    try:
        verify_record(raw, policy, own_key=runtime.own_key, slug=slug, now=now)
    except Refusal as refusal:
        return refusal
    return None
