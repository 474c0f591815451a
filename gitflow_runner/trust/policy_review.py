"""What is wrong with a policy that can be read: rules that nobody can meet, that never come up, dead keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitflow_runner.errors import Place
from gitflow_runner.lang.forms import Form
from gitflow_runner.trust import fields
from gitflow_runner.trust.fields import Fields
from gitflow_runner.trust.keyring import Key
from gitflow_runner.trust.policy import Duty, Person, Policy, Rule
from gitflow_runner.trust.policy_text import POLICY_FILE
from gitflow_runner.trust.reasons import Refusal


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that its authors should know before they sign; the policy can be put into force as it is."""

    code: str
    message: str
    at: Place


def review(policy: Policy, *, now: int, file: str = POLICY_FILE) -> tuple[Remark, ...]:
    """All remarks in the order of the text; key windows are judged at `now` (ms)."""
    top = fields.read_map(policy.text.decode(), file)
    found = [
        *_people(policy, top, now),
        *_rules(policy, top, now),
        *_duties(policy, top, now),
        *_runners(policy, top),
    ]
    return tuple(sorted(found, key=lambda r: (r.at.line or 0, r.at.col or 0, r.code)))


def _people(policy: Policy, top: Fields, now: int) -> Iterator[Remark]:
    forms = {fields.text(key, ""): key for key, _ in fields.pairs(top.at("people"), "")}
    for name, person in policy.people.items():
        if not _has_good_key(policy, person, now):
            yield _remark("no_good_key", f"{name} has no key that is valid now", forms[name])


def _rules(policy: Policy, top: Fields, now: int) -> Iterator[Remark]:
    forms = getattr(top.at("rules"), "items", ())
    for index, (rule, form) in enumerate(zip(policy.rules, forms, strict=False)):
        able = _able(policy, Duty(rule.need, rule.role, rule.human), rule.flow, now)
        if len(able) < rule.need:
            yield _remark(
                "unmeetable",
                f"the rule takes {rule.need} of role {rule.role}, but {len(able)} people could decide",
                form,
            )
        elif len(able) == rule.need and rule.excluded:
            yield _remark(
                "no_spare",
                f"{', '.join(sorted(able))} must all decide, and none of them may have written or started it",
                form,
            )
        hidden = next((i for i in range(index) if _covers(policy.rules[i], rule)), None)
        if hidden is not None:
            yield _remark("shadowed", f"rule {hidden + 1} fits everything that this one fits", form)


def _duties(policy: Policy, top: Fields, now: int) -> Iterator[Remark]:
    duties = {
        "policy-change": (policy.policy_change, "nobody can ever change this policy"),
        "release": (policy.release, "nobody can release a flow"),
        "promote": (policy.promote, "nobody can make a release live"),
        "control": (policy.control, "nobody can cancel, pause or resolve a run"),
    }
    for key, (duty, without) in duties.items():
        if duty is None:
            yield _remark("nobody", f"there is no :{key}: {without}", top.form)
            continue
        able = _able(policy, duty, None, now)
        if len(able) < duty.need:
            yield _remark(
                "unmeetable", f":{key} takes {duty.need} of role {duty.role}, {len(able)} could", top.at(key)
            )
        elif key == "policy-change" and len(able) == duty.need:
            yield _remark(
                "no_spare",
                f"if one of {', '.join(sorted(able))} loses a key, this policy can never change again",
                top.at(key),
            )


def _runners(policy: Policy, top: Fields) -> Iterator[Remark]:
    if not any(p.kind == "runner" and "drive" in p.can for p in policy.people.values()):
        yield _remark("no_runner", "no runner may drive releases, only drafts run", top.at("people"))


def _able(policy: Policy, duty: Duty, flow: str | None, now: int) -> frozenset[str]:
    named = policy.able(duty)
    return frozenset(
        name
        for name in named
        if _has_good_key(policy, policy.people[name], now)
        and (flow is None or "*" in flow or policy.people[name].serves(flow))
    )


def _has_good_key(policy: Policy, person: Person, now: int) -> bool:
    return any(_is_good(policy, key.key, now) for key in person.keys)


def _is_good(policy: Policy, key: Key, now: int) -> bool:
    try:
        policy.keyring.check_key(key, now=now)
    except Refusal:
        return False
    return True


def _covers(first: Rule, later: Rule) -> bool:
    wider_flow = first.flow in ("*", later.flow)
    wider_wait = first.wait in (None, "*", later.wait)
    return wider_flow and wider_wait and (first.drafts or not later.drafts)


def _remark(code: str, message: str, form: Form) -> Remark:
    return Remark(code, message, form.source.place(form.start))
