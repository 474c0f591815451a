"""The policy as values: people, their keys and roles, the rules of waits, and who may do what."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from gitflow_runner.trust.globs import any_matches, matches
from gitflow_runner.trust.gpgsig import OpenGpg
from gitflow_runner.trust.keyring import Entry, Key, Keyring
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.revocation import Revocations
from gitflow_runner.trust.sshsig import GIT

PersonKind = Literal["human", "agent", "runner"]
Ability = Literal["drive", "attest-forge", "attest-time", "gate"]
Origin = Literal["author", "proposer", "starter"]
Proof = Literal["signed-commit", "signed-push", "forge-review", "forge-merge", "content-only"]
Level = Literal["signed", "forge-attested"]

ALL_ORIGINS: frozenset[Origin] = frozenset(("author", "proposer", "starter"))
ANY_FLOW = ("*",)
_NUMBERED = re.compile(r"[0-9]{5}-")


@dataclass(frozen=True, slots=True)
class PolicyKey:
    """A key with its window in ms, `valid_before` exclusive."""

    key: Key
    valid_after: int | None = None
    valid_before: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A principal. Roles and abilities hold for the flows whose slug fits one of `flows`."""

    name: str
    kind: PersonKind
    keys: tuple[PolicyKey, ...]
    roles: frozenset[str] = frozenset()
    can: frozenset[Ability] = frozenset()
    flows: tuple[str, ...] = ANY_FLOW
    forge: Mapping[str, int] = field(default_factory=dict)  # forge -> numeric account id

    def serves(self, slug: str) -> bool:
        """Whether the person's roles and abilities reach this flow."""
        return any_matches(self.flows, slug)


@dataclass(frozen=True, slots=True)
class RevokedKey:
    """A key that no longer counts since a time in ms."""

    fingerprint: str
    since: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who resolves the waits that it matches; `wait` None matches every wait."""

    flow: str
    wait: str | None
    need: int
    role: str
    human: bool = True
    excluded: frozenset[Origin] = ALL_ORIGINS
    drafts: bool = False
    proofs: tuple[Proof, ...] = ("signed-commit",)
    deadline_s: int | None = None
    edit: bool = False
    editor_counts: bool = False
    min_level: Level | None = None

    def fits(self, slug: str, wait: str) -> bool:
        """Whether the rule is for this wait: its whole name `<nnnnn>-<name>`, or the name alone."""
        if not matches(self.flow, slug):
            return False
        return self.wait is None or any(matches(self.wait, name) for name in (wait, _NUMBERED.sub("", wait)))


@dataclass(frozen=True, slots=True)
class Duty:
    """How many people of which role it takes to do something; runners never count."""

    need: int
    role: str
    human: bool = True


@dataclass(frozen=True, slots=True)
class PublishGrant:
    """Flows whose releases may publish to protected branches; both are name patterns."""

    flow: str
    branch: str


@dataclass(frozen=True)
class Policy:
    """One version of the policy; `text` is what people signed. Missing duties are nobody's.

    `open_gpg` is who can be asked about the GPG keys in it.
    """

    version: int
    people: Mapping[str, Person]
    rules: tuple[Rule, ...] = ()
    revoked: tuple[RevokedKey, ...] = ()
    protected_branch: str = "main"
    policy_change: Duty | None = None
    release: Duty | None = None
    promote: Duty | None = None
    control: Duty | None = None
    break_glass: Duty | None = None
    skew_ms: int = 86_400_000
    min_rsa: int = 2048
    sk_touch: bool = True
    max_age_s: int | None = None
    gate_ttl_s: int | None = None
    publish: tuple[PublishGrant, ...] = ()
    text: bytes = b""
    open_gpg: OpenGpg | None = field(default=None, repr=False, compare=False)

    @cached_property
    def digest(self) -> str:
        """`sha256:` and hex, over the text as it stands."""
        return policy_digest(self.text)

    @cached_property
    def keyring(self) -> Keyring:
        """All keys of all people; they speak for Git objects only."""
        entries = tuple(
            Entry((person.name,), key.key, False, (GIT,), key.valid_after, key.valid_before)
            for person in self.people.values()
            for key in person.keys
        )
        revoked = Revocations({key.fingerprint: key.since for key in self.revoked})
        return Keyring(entries, revoked, self.min_rsa, self.sk_touch, self.open_gpg)

    def rule_for(self, slug: str, wait: str, *, draft: bool = False) -> Rule | None:
        """The first rule that fits, among those marked for drafts if it is a draft's wait."""
        return next((r for r in self.rules if (r.drafts or not draft) and r.fits(slug, wait)), None)

    def check_any_role(self, principal: str, roles: Collection[str], slug: str | None) -> None:
        """Refuse (`role`) somebody who holds none of these roles for that flow; no roles ask for nothing."""
        if not roles:
            return
        for role in sorted(roles):
            with suppress(Refusal):
                self.check_role(principal, role, slug)
                return
        raise Refusal("role", f"{principal} holds none of the roles {', '.join(sorted(roles))}")

    def check_role(self, principal: str, role: str, slug: str | None) -> Person:
        """The person, if it holds the role for that flow (None: whatever the flow); else refuses `role`."""
        person = self.people.get(principal)
        if person is None:
            raise Refusal("role", f"the policy names no {principal}")
        if person.kind == "runner":
            raise Refusal("role", f"{principal} is a runner, which signs only what runs did")
        if role not in person.roles or (slug is not None and not person.serves(slug)):
            raise Refusal(
                "role", f"{principal} does not hold the role {role}" + (f" for {slug}" if slug else "")
            )
        return person

    def check_duty(self, duty: Duty | None, principal: str, slug: str | None) -> Person:
        """The person, if it may take part in the duty; refuses `role` and `not_human`."""
        if duty is None:
            raise Refusal("role", "the policy lets nobody do this")
        person = self.check_role(principal, duty.role, slug)
        if duty.human and person.kind != "human":
            raise Refusal("not_human", f"{principal} is no human")
        return person

    def check_runner(self, principal: str, ability: Ability, slug: str) -> Person:
        """The runner, if its key may do this for that flow; refuses `role`."""
        person = self.people.get(principal)
        if person is None or person.kind != "runner" or ability not in person.can:
            raise Refusal("role", f"{principal} is no runner that may {ability}")
        if not person.serves(slug):
            raise Refusal("role", f"{principal} may not {ability} {slug}")
        return person

    def may_publish(self, slug: str, branch: str) -> bool:
        """Whether releases of this flow may move this branch although it is protected."""
        return any(matches(each.flow, slug) and matches(each.branch, branch) for each in self.publish)

    def account(self, forge: str, number: int) -> str | None:
        """The person with this numeric account on a forge."""
        return next((p.name for p in self.people.values() if p.forge.get(forge) == number), None)

    def able(self, duty: Duty) -> frozenset[str]:
        """Everybody who could take part in a duty: right kind and role, and a key that is not revoked."""
        gone = {key.fingerprint for key in self.revoked}
        return frozenset(
            p.name
            for p in self.people.values()
            if p.kind != "runner"
            and duty.role in p.roles
            and (p.kind == "human" or not duty.human)
            and any(key.key.fingerprint not in gone for key in p.keys)
        )


def policy_digest(text: bytes) -> str:
    """`sha256:` and hex, over a policy's text as it stands."""
    return "sha256:" + hashlib.sha256(text).hexdigest()
