"""A policy with people of every kind, for the tests of trust."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.policy_text import parse_policy
from gitflow_runner.trust.signer import FileSigner
from tests.signed_objects import signer

ANN, ANN_2, BOB, CAT = signer("ann"), signer("ann-2"), signer("bob"), signer("cat")
DEV, AGENT, RUNNER, STRANGER = signer("dev"), signer("agent"), signer("runner"), signer("stranger")

PEOPLE: Mapping[str, str] = {
    "ann": ":kind :human :roles #{:dev :release} :forge {:github 11}",
    "bob": ":kind :human :roles #{:dev :release} :forge {:github 12}",
    "cat": ":kind :human :roles #{:dev :release}",
    "dev": ":kind :human :roles #{:dev}",
    "agent": ":kind :agent :roles #{:dev :release}",
    "runner": ':kind :runner :can #{:drive} :flows ["hello" "deploy-*"]',
}
KEYS: Mapping[str, tuple[FileSigner, ...]] = {
    "ann": (ANN, ANN_2),
    "bob": (BOB,),
    "cat": (CAT,),
    "dev": (DEV,),
    "agent": (AGENT,),
    "runner": (RUNNER,),
}
RULES = """[{:match {:flow "deploy-*" :wait :any} :need 2 :role :release
   :proofs [:signed-commit :forge-review]}
  {:match {:flow "edit-*"} :need 1 :role :release :edit true}
  {:match {:flow "solo-*"} :need 1 :role :dev :human false :not #{} :edit true :editor-counts? true}
  {:match {:flow "*"} :need 1 :role :dev :drafts true}]"""
DUTIES = """:release {:need 1 :role :release} :promote {:need 1 :role :release} :control {:role :dev}
 :policy-change {:need 2 :role :release}"""


def person(name: str, about: str, keys: tuple[FileSigner, ...], window: str = "") -> str:
    lines = " ".join(f'{{:ssh "{key.key.line}" {window}}}' for key in keys)
    return f'"{name}" {{{about} :keys [{lines}]}}'


def policy_text(
    *,
    version: int = 1,
    people: Mapping[str, str] = PEOPLE,
    keys: Mapping[str, tuple[FileSigner, ...]] = KEYS,
    windows: Mapping[str, str] | None = None,
    rules: str = RULES,
    duties: str = DUTIES,
    more: str = "",
) -> bytes:
    """The text of a policy, which tests change one part at a time."""
    listed = "\n  ".join(
        person(name, about, keys.get(name, ()), (windows or {}).get(name, ""))
        for name, about in people.items()
    )
    return (
        f"{{:policy/version {version}\n :people {{{listed}}}\n :rules {rules}\n {duties} {more}}}\n".encode()
    )


def policy(**parts: object) -> Policy:
    """The policy of `policy_text` with the same parts."""
    return parse_policy(policy_text(**parts))  # type: ignore[arg-type]
