"""The policy: what is wrong with it, and changing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

POLICY: Final[Mapping[str, Meaning]] = {
    "no_good_key": Meaning(
        "A warning of gfr policy check: somebody is listed without a key that is valid now, and so can "
        "decide nothing.",
        "gfr policy check",
    ),
    "no_runner": Meaning(
        "A warning of gfr policy check: no runner may drive releases, so only drafts run.",
        "gfr policy check",
    ),
    "no_spare": Meaning(
        "A warning of gfr policy check: exactly as many people could decide as have to. If one is away or "
        "loses a key, nothing goes on.",
        "gfr policy check",
    ),
    "nobody": Meaning(
        "A warning of gfr policy check: the policy does not say who may do this, so nobody may.",
        "gfr policy check",
    ),
    "policy.ambiguous": Meaning(
        "Several proposals are open. Name one by the first digits of its digest.",
        "gfr policy sign DIGEST",
    ),
    "policy.bad_key": Meaning(
        "A line under :keys is no SSH public key that is taken here.",
        "gfr policy check",
    ),
    "policy.chain": Meaning(
        "The chain of policies holds a commit that is not of its form, so nothing after it is in force.",
        "gfr audit",
    ),
    "policy.duplicate_key": Meaning(
        "A map of the policy has the same key twice, so it cannot be told which is meant.",
        "gfr policy check",
    ),
    "policy.missing_key": Meaning(
        "A key that the policy needs is not there.",
        "gfr policy check",
    ),
    "policy.no_consent": Meaning(
        "Fewer people signed the new policy than the version in force asks for. Let more of them sign the "
        "proposal.",
        "gfr policy show",
    ),
    "policy.no_draft": Meaning(
        "There is no .breyta/policy.edn in the work tree.",
        "gfr init",
    ),
    "policy.no_proposal": Meaning(
        "No change of the policy has been proposed.",
        "gfr policy propose",
    ),
    "policy.no_quorum": Meaning(
        "The policy asks for more people to change it than could sign, so it could never be changed "
        "again. It is refused.",
        "gfr policy check",
    ),
    "policy.no_rule": Meaning(
        "No rule of the policy fits this wait, so nobody may decide it. Add a rule with this flow, kind "
        "and role.",
        "gfr policy show",
    ),
    "policy.none": Meaning(
        "This clone trusts no policy yet, and without one nothing but drafts without secrets runs.",
        "gfr trust pin DIGEST",
    ),
    "policy.not_a_runner": Meaning(
        ":can lists what a runner may do, and stands at a person or an agent.",
        "gfr policy check",
    ),
    "policy.not_pinned": Meaning(
        "The repository has a policy, and this clone was never told to trust it. Compare the root's "
        "digest with whoever set it up, then pin it.",
        "gfr trust pin DIGEST",
    ),
    "policy.policy_rewound": Meaning(
        "The policy is older than, or another than, the one that this clone has seen in force. Fetch it; "
        "if it stays so, somebody moved the ref of the policy back.",
        "git fetch",
    ),
    "policy.proposal": Meaning(
        "The digest of a proposal is typed with at least eight of its digits.",
        "gfr policy sign DIGEST",
    ),
    "policy.release_need": Meaning(
        "A release is a signed tag, and a tag carries one signature, so :need of :release is 1. Ask for "
        "more people in :promote.",
        "gfr policy check",
    ),
    "policy.runner_role": Meaning(
        "A runner decides nothing, so it holds no roles.",
        "gfr policy check",
    ),
    "policy.shared_key": Meaning(
        "Two entries list the same key or account. A key is one person's, or nobody could tell who signed.",
        "gfr policy check",
    ),
    "policy.signed": Meaning(
        "Your key has signed this proposal already.",
        "gfr policy apply DIGEST",
    ),
    "policy.stale": Meaning(
        "The policy was last fetched longer ago than its :policy-max-age allows. It may have been "
        "tightened since, so what rests on it waits for a fetch.",
        "gfr policy show",
    ),
    "policy.syntax": Meaning(
        "The policy cannot be read as EDN in UTF-8.",
        "gfr policy check",
    ),
    "policy.too_large": Meaning(
        "The text of the policy is larger than any may be.",
        "gfr policy check",
    ),
    "policy.type": Meaning(
        "A value in the policy is of the wrong kind: a text where a keyword belongs, say.",
        "gfr policy check",
    ),
    "policy.unchanged": Meaning(
        "The draft is the policy that is in force. Change it first.",
        "gfr policy show",
    ),
    "policy.unknown_key": Meaning(
        "The policy has a key that nothing reads. A misspelt rule would protect nothing, so it is refused.",
        "gfr policy check",
    ),
    "policy.unseen": Meaning(
        "Without a terminal nobody can be shown the change, so the command wants the digest of what was "
        "seen.",
        "gfr policy sign DIGEST",
    ),
    "policy.value": Meaning(
        "A value in the policy is out of its range or not one of those allowed.",
        "gfr policy check",
    ),
    "policy.version": Meaning(
        "Each policy has the version after the one in force; the draft says another.",
        "gfr policy show",
    ),
    "policy.weak_key": Meaning(
        "A key is of a kind, or an RSA key of a length, that the policy does not take.",
        "gfr policy check",
    ),
    "shadowed": Meaning(
        "A warning of gfr policy check: an earlier rule fits everything that this one fits, so this one "
        "is never used.",
        "gfr policy check",
    ),
    "unmeetable": Meaning(
        "A warning of gfr policy check: the rule asks for more people than could decide.",
        "gfr policy check",
    ),
}
