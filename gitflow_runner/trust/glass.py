"""Breaking the glass: people's signed consent to let one named commit past a gate, counted by the policy."""

from __future__ import annotations

from collections.abc import Sequence

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import Commit, Ident, Oid, RawObject, decode_commit, encode_tree
from gitflow_runner.git.repository import Objects
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.signer import Signer, sign_commit
from gitflow_runner.trust.statement import BreakGlass, parse_statement, write_message
from gitflow_runner.trust.verify import check_skew, prove


def build_break_glass(said: BreakGlass, who: Ident, signer: Signer) -> tuple[RawObject, ...]:
    """The objects of one person's consent, a root commit with an empty tree, the commit last."""
    tree = encode_tree(())
    message = write_message(f"break the glass of {said.ref}", said)
    return tree, sign_commit(Commit(tree.oid, (), who, who, message), signer)


def read_break_glass(raw: RawObject, policy: Policy, *, now: int, ttl_ms: int) -> tuple[str, BreakGlass]:
    """Who consents to what. It lasts `ttl_ms` from the commit's own date, which may not lie ahead.

    Raises `Refusal`: signature reasons, `trailers`, `parent`, `role`, `not_human`.
    """
    signed = prove(raw, policy.keyring)
    if signed.kind != "commit":
        raise Refusal("malformed", f"a statement is a commit, not a {signed.kind}")
    said = parse_statement(signed.message, BreakGlass)
    if decode_commit(raw.data).parents:
        raise Refusal("parent", "a consent to break the glass has no parents")
    check_skew(signed.time, now, ttl_ms)
    name = policy.keyring.who(signed, first_seen=now, now=now)
    policy.check_duty(policy.break_glass, name, None)
    return name, said


def consenting(
    reader: Objects,
    sent: Sequence[Oid],
    wanted: tuple[str, Oid, Oid],
    policy: Policy,
    *,
    now: int,
    ttl_ms: int,
) -> tuple[str, ...]:
    """The distinct people who let exactly this move (ref, old, new) in; all else is passed over."""
    people: list[str] = []
    for oid in sent:
        try:
            name, said = read_break_glass(reader.read(oid), policy, now=now, ttl_ms=ttl_ms)
        except GitflowError:
            continue  # a request of another kind, or of somebody whom the policy does not ask
        if (said.ref, said.old, said.new) == wanted and name not in people:
            people.append(name)
    return tuple(people)
