"""Forges, proposals, and what became of a change there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

FORGES: Final[Mapping[str, Meaning]] = {
    "attestation.missing": Meaning(
        "The run rests on what a forge said, and the signed record of that is not among its commits.",
        "gfr runs verify RUN",
    ),
    "attestation.no_attester": Meaning(
        "A decision rests on what a forge said, and the runner that recorded it may not attest that: the "
        "policy has to give it :attest-forge.",
        "gfr policy show",
    ),
    "attestation.record": Meaning(
        "The signed record of what a forge said is not as it is written here, or says something else than "
        "the turn that names it.",
        "gfr runs verify RUN",
    ),
    "change.base": Meaning(
        "The pull request goes to another branch than the proposal, or its base cannot be found.",
        "gfr show RUN",
    ),
    "change.closed": Meaning(
        "The pull request was closed without being merged. Who closed it counts as a no only where the "
        "rule takes the forge's word for that.",
        "gfr show RUN",
    ),
    "change.content": Meaning(
        "What was merged is not what was proposed; the notes name the paths that differ.",
        "gfr show RUN",
    ),
    "change.elsewhere": Meaning(
        "The proposed content reached the branch by another way than the recorded pull request, which "
        "counts only under a rule with :content-only.",
        "gfr show RUN",
    ),
    "change.head": Meaning(
        "The pull request was merged at another head than the one that the proposal recorded.",
        "gfr show RUN",
    ),
    "change.no_action": Meaning(
        "The change is merged, but nobody whom the rule counts reviewed or merged it.",
        "gfr policy explain RUN",
    ),
    "change.no_attester": Meaning(
        "The pull request was decided, and this runner may not vouch for what a forge says: the policy "
        "has to give it :attest-forge.",
        "gfr policy show",
    ),
    "change.not_merged": Meaning(
        "The forge says that the change is merged, and the branch does not hold it.",
        "gfr show RUN",
    ),
    "change.other": Meaning(
        "The pull request of that number is another one than the one that was opened.",
        "gfr show RUN",
    ),
    "change.too_far": Meaning(
        "The branch has moved on by more commits since the proposal than are looked through. Reject it "
        "and propose anew.",
        "gfr show RUN",
    ),
    "changes_requested": Meaning(
        "A note on a review that does not count: it asks for changes.",
        "gfr show RUN",
    ),
    "forge.denied": Meaning(
        "The forge does not let the token do this. It has to be able to read and open changes of the "
        "project.",
        "gfr doctor",
    ),
    "forge.hint_refused": Meaning(
        "A delivery of the forge is too large, not signed, or no secret is configured. Deliveries only "
        "wake the runner; it looks for itself at the next turn.",
        "gfr doctor",
    ),
    "forge.malformed": Meaning(
        "The answer of the forge cannot be used: a part is missing, or two parts contradict each other.",
        "gfr logs RUN",
    ),
    "forge.no_change": Meaning(
        "The forge knows no such change, or the token may not see it.",
        "gfr show RUN",
    ),
    "forge.nobody": Meaning(
        "The forge is configured as plain, which is Git alone: nobody can be asked there.",
        "gfr doctor",
    ),
    "forge.plugin": Meaning(
        "A package offers a kind of forge, but not exactly one of it.",
        "gfr doctor",
    ),
    "forge.rate_limited": Meaning(
        "The forge takes no more questions for now. The runner asks again when it may.",
        "gfr show RUN",
    ),
    "forge.redirect": Meaning(
        "The forge has moved. Write its new address into forge.url; a token follows no redirect.",
        "gfr doctor",
    ),
    "forge.refused": Meaning(
        "The forge refused, for the reason in the message.",
        "gfr logs RUN",
    ),
    "forge.replayed_etag": Meaning(
        "The forge says that nothing has changed since an answer that was never asked for. Something "
        "between here and there answers in its place.",
        "gfr doctor",
    ),
    "forge.settings": Meaning(
        "The forge's settings in .breyta/config.yaml cannot be used: no URL, a URL without TLS, or a "
        "token's name that is none.",
        "gfr doctor",
    ),
    "forge.unavailable": Meaning(
        "The forge is not well right now. It is asked again.",
        "gfr show RUN",
    ),
    "forge.unknown_kind": Meaning(
        "There is no such kind of forge; the hint names those that there are.",
        "gfr doctor",
    ),
    "opener": Meaning(
        "A note on a review or merge that does not count: it is by whoever opened the change.",
        "gfr show RUN",
    ),
    "other_head": Meaning(
        "A note on a review that does not count: it is of another commit than the proposed one.",
        "gfr show RUN",
    ),
    "propose.branch_taken": Meaning(
        "The branch of the proposal holds something else than the proposed commit. Somebody pushed to it; "
        "delete it there.",
        "git ls-remote REMOTE",
    ),
    "propose.draft": Meaning(
        "A draft opens no change on a forge. Release and promote the flow first, or try it with "
        "forge.kind plain.",
        "gfr release FLOW",
    ),
    "propose.no_branch": Meaning(
        "There is no such branch to propose to, here or on the forge's remote.",
        "git ls-remote REMOTE",
    ),
    "propose.path": Meaning(
        "A proposed path leaves the project, is written in two ways, or lies below another that is a file.",
        "gfr lint FLOW",
    ),
    "propose.too_large": Meaning(
        "The proposal holds more files or bytes than one may.",
        "gfr lint FLOW",
    ),
    "review_dismissed": Meaning(
        "A note on a review that does not count: it was dismissed.",
        "gfr show RUN",
    ),
    "review_not_taken": Meaning(
        "A note on a review that does not count: the rule does not take reviews on a forge as proofs.",
        "gfr policy explain RUN",
    ),
    "unmapped_account": Meaning(
        "A note on a review or merge that does not count: the policy maps the account to nobody.",
        "gfr policy show",
    ),
}
