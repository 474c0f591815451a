"""A policy's EDN text to values, strictly: what is misspelled, doubtful or cannot be met is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from gitflow_runner.errors import UsageError
from gitflow_runner.lang.forms import Form
from gitflow_runner.trust import fields
from gitflow_runner.trust.fields import Fields, problem
from gitflow_runner.trust.gpgkey import GpgKey, parse_key_block
from gitflow_runner.trust.gpgsig import OpenGpg
from gitflow_runner.trust.keyring import Key
from gitflow_runner.trust.policy import (
    ALL_ORIGINS,
    ANY_FLOW,
    Ability,
    Duty,
    Level,
    Origin,
    Person,
    PersonKind,
    Policy,
    PolicyKey,
    Proof,
    PublishGrant,
    RevokedKey,
    Rule,
)
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.sshkey import MIN_RSA_BITS, PublicKey, parse_key_line

MAX_TEXT = 256 * 1024  # bytes
POLICY_FILE = ".breyta/policy.edn"

_PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
_GLOB = re.compile(r"[A-Za-z0-9_*?-]{1,128}")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}|[0-9A-F]{40}")
_GPG_FINGERPRINT = re.compile(r"[0-9A-F]{40}")
_FORGE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_BRANCH_GLOB = re.compile(r"[A-Za-z0-9*?][A-Za-z0-9._/*?-]{0,127}")
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")

_KINDS: tuple[PersonKind, ...] = get_args(PersonKind)
_ABILITIES: tuple[Ability, ...] = get_args(Ability)
_ORIGINS: tuple[Origin, ...] = get_args(Origin)
_PROOFS: tuple[Proof, ...] = get_args(Proof)
_LEVELS: tuple[Level, ...] = get_args(Level)


def parse_policy(text: bytes, *, file: str = POLICY_FILE, open_gpg: OpenGpg | None = None) -> Policy:
    """The policy of a text. `UsageError` with a `policy.*` code and a position for what is wrong.

    Without `open_gpg` the GPG keys in it prove nothing.

    Codes: too_large, syntax, duplicate_key, type, value, missing_key, unknown_key, bad_key, weak_key,
    shared_key, runner_role, not_a_runner, release_need, no_quorum.
    """
    if len(text) > MAX_TEXT:
        raise UsageError("policy.too_large", f"{file} has more than {MAX_TEXT} bytes")
    try:
        top = fields.read_map(text.decode(), file)
    except UnicodeDecodeError:
        raise UsageError("policy.syntax", f"{file} is not UTF-8") from None
    min_rsa = top.get("min-rsa", fields.count, MIN_RSA_BITS)
    if min_rsa < MIN_RSA_BITS:
        raise problem("value", f":min-rsa is at least {MIN_RSA_BITS}", top.at("min-rsa"))
    policy = Policy(
        version=top.need("policy/version", fields.count),
        people=top.need("people", lambda form, what: _people(form, what, min_rsa)),
        rules=top.get("rules", fields.list_of(_rule), ()),
        revoked=top.get("revoked", fields.list_of(_revoked), ()),
        protected_branch=top.get("protected-branch", fields.matching(_BRANCH), "main"),
        policy_change=top.get("policy-change", _duty, None),
        release=top.get("release", _duty, None),
        promote=top.get("promote", _duty, None),
        control=top.get("control", _control, None),
        break_glass=top.get("break-glass", _duty, None),
        skew_ms=top.get("skew-s", fields.count, 86_400) * 1000,
        min_rsa=min_rsa,
        sk_touch=top.get("sk-touch", fields.flag, True),
        max_age_s=top.get("policy-max-age", _maybe_count, None),
        gate_ttl_s=top.get("gate-ttl", _maybe_count, None),
        publish=top.get("publish", fields.list_of(_publish), ()),
        text=text,
        open_gpg=open_gpg,
    )
    top.done()
    _check_meetable(policy, top)
    return policy


def _check_meetable(policy: Policy, top: Fields) -> None:
    """Nobody can ever change a policy whose own quorum does not exist; one tag carries one signature."""
    change = policy.policy_change
    if change is not None and len(policy.able(change)) < change.need:
        raise problem(
            "no_quorum",
            f"changing the policy takes {change.need} of role {change.role}, "
            f"but only {len(policy.able(change))} people with a good key hold it",
            top.at("policy-change"),
            "give more people the role, or ask for fewer",
        )
    if policy.release is not None and policy.release.need > 1:
        raise problem(
            "release_need",
            "a release tag carries one signature, so :need of :release is 1",
            top.at("release"),
            "ask for more people in :promote",
        )


def _people(form: Form, what: str, min_rsa: int) -> Mapping[str, Person]:
    people: dict[str, Person] = {}
    owners: dict[bytes, str] = {}
    accounts: dict[tuple[str, int], str] = {}
    for key, value in fields.pairs(form, what):
        name = fields.matching(_PRINCIPAL)(key, "the name of a person")
        person = _person(name, value, min_rsa)
        for owned in {owned.key.blob: owned for owned in person.keys}.values():
            other = owners.setdefault(owned.key.blob, name)
            if other != name:
                raise problem(
                    "shared_key", f"{other} and {name} list the same key: a key is one person's", value
                )
        for account in person.forge.items():
            other = accounts.setdefault(account, name)
            if other != name:
                raise problem(
                    "shared_key", f"{other} and {name} list the same account of {account[0]}", value
                )
        people[name] = person
    return people


def _person(name: str, form: Form, min_rsa: int) -> Person:
    own = Fields(form, name)
    kind = own.need("kind", fields.one_of(_KINDS))
    person = Person(
        name,
        kind,
        own.get("keys", fields.list_of(lambda item, _: _key(item, min_rsa)), ()),
        own.get("roles", fields.set_of(fields.word), frozenset()),
        own.get("can", fields.set_of(fields.one_of(_ABILITIES)), frozenset()),
        own.get("flows", fields.list_of(_glob), () if kind == "runner" else ANY_FLOW),
        own.get("forge", _accounts, {}),
    )
    own.done()
    if kind == "runner" and person.roles:
        raise problem("runner_role", f"{name} is a runner and holds no roles", own.at("roles"))
    if kind != "runner" and person.can:
        raise problem("not_a_runner", f"{name} is no runner, :can is for runners", own.at("can"))
    if kind == "runner" and any(isinstance(listed.key, GpgKey) for listed in person.keys):
        raise problem("bad_key", f"{name} is a runner, which signs with an SSH key", own.at("keys"))
    if kind == "runner" and person.can and not person.flows:
        raise problem("missing_key", f"{name} has no :flows, so it serves none", form, 'say :flows ["*"]')
    return person


def _key(form: Form, min_rsa: int) -> PolicyKey:
    own = Fields(form, "a key")
    if own.has("gpg"):
        key: Key = _gpg_key(own, min_rsa)
    else:
        key = own.need("ssh", lambda item, inner: _public_key(item, inner, min_rsa))
    after = own.get("valid-after", _maybe_instant, None)
    before = own.get("valid-before", _maybe_instant, None)
    own.done()
    if after is not None and before is not None and before <= after:
        raise problem("value", "the key's validity ends before it begins", own.at("valid-before"))
    return PolicyKey(key, after, before)


def _gpg_key(own: Fields, min_rsa: int) -> GpgKey:
    """A GPG key by its fingerprint, which people compare, and its block, which gpg reads."""
    fingerprint = own.need("gpg", fields.matching(_GPG_FINGERPRINT))
    block = own.need("block", fields.text)
    try:
        key = parse_key_block(block, min_rsa=min_rsa)
    except Refusal as refusal:
        code = "weak_key" if refusal.reason == "weak_algorithm" else "bad_key"
        raise problem(code, f":block of {fingerprint}: {refusal.message}", own.at("block")) from None
    if key.fingerprint != fingerprint:
        raise problem("bad_key", f":block holds {key.fingerprint}, not {fingerprint}", own.at("block"))
    return key


def _public_key(form: Form, what: str, min_rsa: int) -> PublicKey:
    line = fields.text(form, what)
    try:
        key = parse_key_line(line)
    except Refusal as refusal:
        code = "weak_key" if refusal.reason == "weak_algorithm" else "bad_key"
        raise problem(code, f"{what}: {refusal.message}", form) from None
    if key.rsa_bits is not None and key.rsa_bits < min_rsa:
        raise problem("weak_key", f"{what}: {key.rsa_bits} bits, at least {min_rsa} are asked", form)
    return key


def _rule(form: Form, what: str) -> Rule:
    own = Fields(form, "a rule")
    flow, wait = own.need("match", _match)
    level = own.get("min-level", _maybe_level, None)
    rule = Rule(
        flow,
        wait,
        own.need("need", fields.count),
        own.need("role", fields.word),
        own.get("human", fields.flag, True),
        own.get("not", fields.set_of(fields.one_of(_ORIGINS)), ALL_ORIGINS),
        own.get("drafts", fields.flag, False),
        own.get("proofs", fields.list_of(fields.one_of(_PROOFS)), _usual_proofs(level)),
        own.get("deadline-s", _maybe_count, None),
        own.get("edit", fields.flag, False),
        own.get("editor-counts?", fields.flag, False),
        level,
    )
    own.done()
    if not rule.proofs:
        raise problem("value", "a rule that accepts no proof can never be met", own.at("proofs"))
    return rule


def _usual_proofs(level: Level | None) -> tuple[Proof, ...]:
    """What a rule takes that does not say: a forge's word only where an account and a runner are trusted."""
    match level:
        case None:
            return ("signed-commit", "forge-review", "forge-merge")
        case "signed":
            return ("signed-commit",)
        case "forge-attested":
            return ("signed-commit", "forge-review")


def _publish(form: Form, what: str) -> PublishGrant:
    own = Fields(form, "a grant to publish")
    grant = PublishGrant(own.need("flow", _glob), own.need("branch", fields.matching(_BRANCH_GLOB)))
    own.done()
    return grant


def _match(form: Form, what: str) -> tuple[str, str | None]:
    own = Fields(form, "the match of a rule")
    flow = own.need("flow", _glob)
    wait = own.get("wait", _wait_glob, None)
    own.done()
    return flow, wait


def _duty(form: Form, what: str) -> Duty | None:
    own = Fields(form, what)
    duty = Duty(
        own.get("need", fields.count, 1),
        own.need("role", fields.word),
        own.get("human", fields.flag, True),
    )
    own.done()
    return duty


def _control(form: Form, what: str) -> Duty | None:
    """Steering is for agents too, unless the policy says `:human true`."""
    own = Fields(form, what)
    duty = Duty(1, own.need("role", fields.word), own.get("human", fields.flag, False))
    own.done()
    return duty


def _revoked(form: Form, what: str) -> RevokedKey:
    own = Fields(form, "a revoked key")
    key = RevokedKey(
        own.need("fingerprint", fields.matching(_FINGERPRINT)),
        own.need("since", fields.instant),
        own.get("why", fields.text, ""),
    )
    own.done()
    return key


def _accounts(form: Form, what: str) -> Mapping[str, int]:
    found = {}
    for key, value in fields.pairs(form, what):
        forge = fields.word(key, f"a forge in {what}")
        if not _FORGE.fullmatch(forge):
            raise problem("value", f"{forge!r} is no name of a forge", key)
        found[forge] = fields.count(value, f"the numeric account of {forge}")
    return found


def _glob(form: Form, what: str) -> str:
    return fields.matching(_GLOB)(form, what)


def _wait_glob(form: Form, what: str) -> str | None:
    if fields.is_word(form, "any"):
        return None
    return _glob(form, what)


def _maybe_count(form: Form, what: str) -> int | None:
    return fields.count(form, what)


def _maybe_instant(form: Form, what: str) -> int | None:
    return fields.instant(form, what)


def _maybe_level(form: Form, what: str) -> Level | None:
    return fields.one_of(_LEVELS)(form, what)
