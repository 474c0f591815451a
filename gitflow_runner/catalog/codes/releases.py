"""Releases, live, gates and what a push may bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

RELEASES: Final[Mapping[str, Meaning]] = {
    "gate.deletion": Meaning(
        "A branch that a gate guards cannot be deleted by a push. Retire the gate's flow first, or "
        "release it without this branch.",
        "gfr gates ls",
    ),
    "gate.failed": Meaning(
        "The gate ran for this commit and failed, so the branch does not move. Mend what it names, "
        "commit, and ask the gate anew.",
        "gfr gates explain BRANCH COMMIT",
    ),
    "gate.full": Meaning(
        "More pushes wait for an answer of this gate than it takes. Take those back that nobody waits for.",
        "git push origin :REF",
    ),
    "gate.no_glass": Meaning(
        "Letting a commit past a gate takes people whom the policy names under :break-glass, and it names "
        "none.",
        "gfr policy show",
    ),
    "gate.no_move": Meaning(
        "The branch stands at this commit already, so there is nothing to let in.",
        "gfr gates explain BRANCH COMMIT",
    ),
    "gate.no_reason": Meaning(
        "Letting a commit past a gate is recorded for ever, with the reason. Give one.",
        "gfr gates break --help",
    ),
    "gate.no_run": Meaning(
        "The gate has not judged this move yet. Ask it with the push that gfr gates explain prints; once "
        "the gate's run has passed, the push goes in.",
        "gfr gates explain BRANCH COMMIT",
    ),
    "gate.none": Meaning(
        "No live flow guards this branch, so there is nobody to ask. Push to the branch itself.",
        "gfr gates ls",
    ),
    "gate.not_a_commit": Meaning(
        "What is pushed for a gate to judge must be the commit that is to go in; this is a tag, a tree or "
        "a blob.",
        "git push",
    ),
    "gate.outdated": Meaning(
        "The gate passed, but the branch has moved since, or the policy or the gate's release is another "
        "one now. Ask it anew.",
        "gfr gates explain BRANCH COMMIT",
    ),
    "gate.rejected": Meaning(
        "A person rejected the move in the gate's run.",
        "gfr gates explain BRANCH COMMIT",
    ),
    "gate.running": Meaning(
        "The gate's run has not ended yet. Push again when it has.",
        "gfr gates explain BRANCH COMMIT",
    ),
    "gate.stale": Meaning(
        "The gate passed longer ago than the policy's :gate-ttl allows. Ask it anew.",
        "gfr gates explain BRANCH COMMIT",
    ),
    "gate.symbolic": Meaning(
        "The name stands for a branch that a gate guards. Push to the branch itself.",
        "git push",
    ),
    "gate.unproven": Meaning(
        "The live release of the gate's flow, or the policy, cannot be proved right now, so its answer "
        "counts for nothing.",
        "gfr versions FLOW",
    ),
    "gate.unreadable": Meaning(
        "The live release of a flow that may be a gate cannot be read, so nobody can tell what it guards. "
        "No branch moves until it is mended or retired.",
        "gfr versions FLOW",
    ),
    "gate.untrusted": Meaning(
        "The gate's run does not verify: it is not signed by a runner that may judge here, or its history "
        "contradicts itself.",
        "gfr runs verify RUN",
    ),
    "gate.waiting": Meaning(
        "The gate's run waits for a person. Once it is decided and ends well, push again.",
        "gfr show RUN",
    ),
    "inbox.create_only": Meaning(
        "Approvals, callbacks and requests are sent once and never changed. Send another under a new "
        "name; a reject takes an approval back.",
        "git push",
    ),
    "inbox.full": Meaning(
        "One person has sent more unanswered statements to this run than are kept. Wait until the runner "
        "has looked at them.",
        "gfr show RUN",
    ),
    "inbox.too_many": Meaning(
        "One push may bring a limited number of decisions, requests and callbacks. Push them in parts.",
        "git push",
    ),
    "live.already": Meaning(
        "The release is the live one already.",
        "gfr versions FLOW",
    ),
    "live.chain": Meaning(
        "The chain of promotions holds a commit that is not of its form. Nothing starts from it until it "
        "is put right.",
        "gfr audit --flow FLOW",
    ),
    "live.first": Meaning(
        "There is no earlier live release to go back to.",
        "gfr versions FLOW",
    ),
    "live.live_rewound": Meaning(
        "The chain of promotions is shorter than, or another than, the one that this clone has seen. "
        "Somebody moved the ref back; compare with the other clones.",
        "gfr audit --flow FLOW",
    ),
    "live.no_consent": Meaning(
        "The policy does not let those who signed the promotion promote, or there are too few of them.",
        "gfr policy show",
    ),
    "live.none": Meaning(
        "No release of the flow is live: it was never promoted, or it was retired. Run the draft, or "
        "release and promote it.",
        "gfr versions FLOW",
    ),
    "live.signed": Meaning(
        "The promotion takes several people, and you have signed it already. The others give the same "
        "command; the last of them moves live.",
        "gfr promote FLOW",
    ),
    "log.chain": Meaning(
        "A runner's own log holds a commit that is not of its form. What rests on it is not trusted.",
        "gfr audit",
    ),
    "log.contended": Meaning(
        "Another process writes the runner's log at the same time, again and again. Try once more.",
        "gfr worker",
    ),
    "log.log_rewound": Meaning(
        "A runner's log ends earlier than this clone has seen it end. Somebody moved it back; compare "
        "with the other clones.",
        "gfr audit",
    ),
    "push.certificate": Meaning(
        "Certificates of signed pushes are kept by the server's own hook. Nobody pushes them.",
        "git push --signed",
    ),
    "push.nonce": Meaning(
        "The certificate of the signed push does not answer the nonce that the server offered for it: "
        "it is an old one, or another server's. Push again.",
        "git push --signed",
    ),
    "ref_blocked": Meaning(
        "A ref below our prefixes has a form that nothing here ever writes, and would be in the way of "
        "real ones.",
        "git for-each-ref",
    ),
    "release.dirty": Meaning(
        "A release is a signed tag on a commit, and the flow or its tests have changes that no commit holds.",
        "git commit",
    ),
    "release.lint": Meaning(
        "The flow has findings of the kind error, with which it cannot be released.",
        "gfr lint FLOW",
    ),
    "release.malformed": Meaning(
        "A release is named v and its number: v3.",
        "gfr versions FLOW",
    ),
    "release.tests": Meaning(
        "The examples beside the flow do not all pass, so it is not released.",
        "gfr test FLOW",
    ),
    "release.text": Meaning(
        "The text of the tag would not read back as it was meant, because of what stands in the notes.",
        "gfr release FLOW",
    ),
    "release.time_unproven": Meaning(
        "The release is signed by a key that is out of its window now, and no runner's log says when it "
        "was first seen. Somebody whose key is good promotes it anew.",
        "gfr promote FLOW",
    ),
    "release.unknown": Meaning(
        "There is no such release of the flow.",
        "gfr versions FLOW",
    ),
    "release_missing": Meaning(
        "The tag of a release that was seen here is gone. Releases stay for ever, since runs are pinned "
        "to them.",
        "gfr audit --flow FLOW",
    ),
    "release_moved": Meaning(
        "The tag of a release is another than the one seen first. Releases never move; somebody replaced it.",
        "gfr audit --flow FLOW",
    ),
    "runner.unlisted": Meaning(
        "The key of this clone is not in the policy as a runner for the flow, so it drives drafts only. "
        "Take the runner's line into .breyta/policy.edn and apply it.",
        "gfr policy show",
    ),
}
