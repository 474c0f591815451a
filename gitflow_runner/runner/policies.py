"""The policy in force as this clone sees it: verified from the pinned root, read anew when its ref moves."""

from __future__ import annotations

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import POLICY
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.runner.clock import Clock
from gitflow_runner.runner.local import LocalState
from gitflow_runner.runner.logs import own_times
from gitflow_runner.trust.gpgsig import OpenGpg
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.policy_chain import PolicyChain, load_chain


class Policies:
    """Loads and remembers the chain; `None` answers mean that no policy is trusted here yet."""

    def __init__(self, reader: ObjectReader, local: LocalState, clock: Clock, open_gpg: OpenGpg) -> None:
        self._reader = reader
        self._local = local
        self._clock = clock
        self._open_gpg = open_gpg
        self._tip: Oid | None = None
        self._chain: PolicyChain | None = None

    def chain(self) -> PolicyChain | None:
        """The verified chain; raises what `load_chain` raises (`policy.*`)."""
        pinned = self._local.pinned_root()
        tip = self._reader.resolve(POLICY)
        if pinned is None:
            return None
        if tip is None:
            if self._local.known_policy() is not None:
                raise RefusedError(
                    "policy.policy_rewound",
                    "the policy that was in force here has gone from its ref",
                    hint="fetch it again; nothing that needs approval goes on without it",
                )
            return None
        if tip != self._tip or self._chain is None:
            known = self._local.known_policy()
            self._chain = self._load(tip, pinned, known)
            self._tip = tip
            if known != tip:
                self._local.write("policy-known", tip.encode() + b"\n")
        return self._chain

    def would_hold(self, tip: Oid, root: str | None) -> None:
        """Verify the chain as it would be with this tip; `root` is its own digest for a first policy."""
        pinned = root or self._local.pinned_root() or ""
        self._load(tip, pinned, self._local.known_policy())

    def _load(self, tip: Oid, pinned: str, known: Oid | None) -> PolicyChain:
        # A key that has run out since must not break the chain: each version is judged when it was new here.
        seen = own_times(self._reader, self._local)
        now = self._clock.now_ms()
        return load_chain(self._reader, tip, pinned, now=now, known=known, seen=seen, open_gpg=self._open_gpg)

    def newest(self) -> Policy | None:
        """The policy in force."""
        chain = self.chain()
        return None if chain is None else chain.newest

    def tip(self) -> Oid | None:
        """The commit of the policy in force."""
        chain = self.chain()
        return None if chain is None else chain.tip.oid

    def at(self, oid: str | None) -> Policy | None:
        """The version that was pinned by its commit, None if the chain does not hold it."""
        chain = self.chain()
        return None if chain is None or oid is None else chain.at(Oid(oid))

    def require(self) -> Policy:
        """The policy in force; `RefusedError` (`policy.none`) with the way to one."""
        policy = self.newest()
        if policy is None:
            fix = ("gfr trust pin <digest>",) if self._reader.resolve(POLICY) else ("gfr policy apply",)
            raise RefusedError("policy.none", "no policy is trusted in this clone yet", fix=fix)
        return policy
