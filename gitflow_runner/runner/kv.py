"""The key-value scopes of this clone: opened for steps, believed only when a runner signed them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from shlex import quote
from typing import Final

from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import kv_ref
from gitflow_runner.ledger.fsck import Finding
from gitflow_runner.ledger.kv import KvScope, check_entries, check_scope, history, scope_names
from gitflow_runner.runner.records import Chain, Doubt, check_chain, trusted_tip, wrote
from gitflow_runner.runner.runtime import Runtime

KV_SCOPE: Final = "default"
_SEEN: Final = "kv"  # where this clone remembers what it saw of each


def open_scope(runtime: Runtime, scope: str = KV_SCOPE) -> KvScope:
    """The scope that steps read and write."""
    chain = scope_chain(runtime, scope)
    return KvScope(
        runtime.repository,
        runtime.committer,
        scope,
        runtime.clock.now_ms,
        trusted=partial(trusted_tip, runtime, chain),
        wrote=partial(wrote, runtime, chain),
    )


def trusted_scope(runtime: Runtime, scope: str) -> Oid | None:
    """Where a scope stands, None if there is none.

    `RefusedError` (`untrusted_kv` where no runner signed it, `kv_rewound` where it lost what this clone saw
    of it before), `DamagedError` (`kv.malformed`) for what is of another scope.
    """
    tip = trusted_tip(runtime, scope_chain(runtime, scope))
    if tip is not None:
        check_scope(runtime.repository, tip, scope)
    return tip


def scope_chain(runtime: Runtime, scope: str) -> Chain:
    """How a scope is remembered, and refused where it is not believed."""
    ref, memory = kv_ref(scope), f"{_SEEN}/{scope}"
    return Chain(
        ref,
        f"the key-value scope {scope}",
        memory,
        untrusted=Doubt(
            code="untrusted_kv",
            hint="only a runner that the policy lists writes key-value scopes",
            fix=("gfr audit verify", "gfr policy show"),
        ),
        rewound=Doubt(
            code="kv_rewound",
            hint="or take it as it is now by removing what this clone remembers",
            fix=("gfr audit verify", f"rm {quote(str(runtime.local.root / memory))}"),
        ),
    )


def known_scopes(runtime: Runtime) -> tuple[str, ...]:
    """Every scope that is here or was when this clone looked, in the order of the names."""
    return tuple(sorted({*scope_names(runtime.repository), *runtime.local.names(_SEEN)}))


def check_kv(runtime: Runtime, scope: str, tip: Oid | None) -> Iterator[Finding]:
    """What is wrong with a scope, all of its chain looked at, nothing taken for granted."""
    reader = runtime.repository

    def whole() -> Iterator[Oid]:
        if tip is not None:
            yield from history(reader, tip, scope)
            check_entries(reader, tip)

    yield from check_chain(runtime, scope_chain(runtime, scope), tip, whole())
