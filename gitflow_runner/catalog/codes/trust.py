"""Keys, signatures and approvals: who said what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

TRUST: Final[Mapping[str, Meaning]] = {
    "approval.decision": Meaning(
        "The wait does not take this decision. It takes the actions that its flow declares, by default "
        "approve and reject.",
        "gfr show RUN",
    ),
    "approval.declined": Meaning(
        "The question at the terminal was answered with no, so nothing was signed and nothing has changed.",
        "gfr approve RUN",
    ),
    "approval.edited_digest": Meaning(
        "The approval says that files under edit/ were changed, or that they were not, and the commit "
        "says otherwise; or people approved different texts.",
        "gfr approve RUN",
    ),
    "approval.late": Meaning(
        "The decision was first seen after the wait's deadline. The run went on without it.",
        "gfr show RUN",
    ),
    "approval.not_human": Meaning(
        "The rule asks for a person, and the key that signed belongs to an agent or a runner.",
        "gfr policy explain RUN",
    ),
    "approval.parent": Meaning(
        "An approval is a commit with exactly one parent, the wait commit; this one stands elsewhere, so "
        "it cannot be told what was seen.",
        "gfr show RUN",
    ),
    "approval.payload": Meaning(
        "The decision is for another question than the one that the wait holds: the digest of "
        "wait/payload.edn differs. What was asked may have changed since; look again, then decide.",
        "gfr show RUN",
    ),
    "approval.replayed": Meaning(
        "The same statement was sent before in another object. It counts once.",
        "gfr show RUN",
    ),
    "approval.resolved": Meaning(
        "The wait is closed already; what it ended with stands in the run.",
        "gfr show RUN",
    ),
    "approval.role": Meaning(
        "Whoever signed holds no role that may decide this wait, under the policy that the wait pins or "
        "the newest one.",
        "gfr policy explain RUN",
    ),
    "approval.run": Meaning(
        "The statement is addressed to another run than the one it was sent to.",
        "gfr runs ls",
    ),
    "approval.same_person": Meaning(
        "This person has decided already. A rule that needs two people counts people, not keys.",
        "gfr policy explain RUN",
    ),
    "approval.self_approval": Meaning(
        "The rule leaves out whoever wrote, proposed or started what is to be approved. Somebody else "
        "with the role has to decide.",
        "gfr policy explain RUN",
    ),
    "approval.starter_unknown": Meaning(
        "The rule leaves out whoever started the run, and the start was not signed, so nobody can tell "
        "who that is. Set gpg.format and user.signingkey, and start it again.",
        "gfr run FLOW",
    ),
    "approval.trailers": Meaning(
        "The trailers of the signed commit are missing, doubled, or say something that this kind of "
        "statement cannot say. The printed commands write them right.",
        "gfr show RUN",
    ),
    "approval.tree": Meaning(
        "The approval changes files that the wait lets nobody change. Only what lies under edit/ may be "
        "changed.",
        "gfr show RUN",
    ),
    "approval.unproven": Meaning(
        "The history says that a wait was decided, and the decisions it names do not prove that. A forged "
        "or damaged history looks like this.",
        "gfr runs verify RUN",
    ),
    "approval.unseen": Meaning(
        "Without a terminal nobody can be shown the question, so the command wants the digest of the "
        "payload that was seen. gfr show prints it.",
        "gfr show RUN",
    ),
    "approval.wait": Meaning(
        "The statement names a wait that is not open in this run, or one of another kind: callbacks "
        "answer events, approvals answer questions to people.",
        "gfr show RUN",
    ),
    "approval.withdrawn": Meaning(
        "Before the first effect after a wait its approval is judged once more. Since then somebody who "
        "had approved lost the right to, so the effect was not begun.",
        "gfr policy show",
    ),
    "approved_by_revoked_key": Meaning(
        "A key that approved something was revoked later. The approval counted when it was given; look at "
        "what it let happen.",
        "gfr audit",
    ),
    "freshness_unproven": Meaning(
        "This clone took its policy over from elsewhere and knows only what it was shown, which may be "
        "an old state. A checkpoint that somebody signed lately settles it; where it says more than "
        "what is here, the source is behind.",
        "gfr trust fresh",
    ),
    "key_missing": Meaning(
        "This needs your signature, and Git knows no SSH key of yours: gpg.format has to be ssh and "
        "user.signingkey has to name a key.",
        "git config gpg.format ssh",
    ),
    "signature.bad_signature": Meaning(
        "The signature does not fit what it stands under: the content was changed after signing, or "
        "another key signed.",
        "gfr verify COMMIT",
    ),
    "signature.cert_refused": Meaning(
        "The SSH certificate is not valid at that time, or its authority may not vouch for this name.",
        "gfr verify COMMIT",
    ),
    "signature.clock_skew": Meaning(
        "The date in the commit and the time it was first seen lie too far apart. One of the clocks is "
        "wrong, or the date was made up.",
        "gfr verify COMMIT",
    ),
    "signature.key_expired": Meaning(
        "The key's :valid-before had passed when this was first seen.",
        "gfr policy show",
    ),
    "signature.key_not_allowed": Meaning(
        "The policy lists nobody with this key. Whether a name or an e-mail fits is not asked.",
        "gfr policy show",
    ),
    "signature.key_not_yet_valid": Meaning(
        "The key's :valid-after lies after the time this was first seen.",
        "gfr policy show",
    ),
    "signature.key_revoked": Meaning(
        "The key is revoked, so nothing that it signs counts from then on.",
        "gfr policy show",
    ),
    "signature.malformed": Meaning(
        "The signature, or the statement that it is under, is not of its form.",
        "gfr verify COMMIT",
    ),
    "signature.namespace": Meaning(
        "The signature was made for another purpose, such as a file, and cannot pass for one on a Git "
        "object.",
        "gfr verify COMMIT",
    ),
    "signature.no_user_presence": Meaning(
        "A security key signed without being touched, and the policy asks for the touch.",
        "gfr verify COMMIT",
    ),
    "signature.not_a_tag_object": Meaning(
        "The name of the release points at a bare commit, which nobody signed.",
        "gfr versions FLOW",
    ),
    "signature.signature_expired": Meaning(
        "The GPG signature carries an expiry of its own, which has passed.",
        "gfr verify COMMIT",
    ),
    "signature.tag_name_mismatch": Meaning(
        "The signed tag says another name than the ref that it lies under: it was signed for another "
        "release.",
        "gfr versions FLOW",
    ),
    "signature.tag_target_type": Meaning(
        "The signed tag names something other than a commit.",
        "gfr versions FLOW",
    ),
    "signature.unsigned": Meaning(
        "There is no signature. Set gpg.format and user.signingkey, and sign.",
        "git commit --amend -S",
    ),
    "signature.unsupported_scheme": Meaning(
        "The signature is of a kind that is not read here; SSH and GPG are.",
        "gfr verify COMMIT",
    ),
    "signature.weak_algorithm": Meaning(
        "The signature rests on a hash or a key length that the policy does not take.",
        "gfr verify COMMIT",
    ),
    "trust.gpg_namespace": Meaning(
        "A GPG key signs commits, tags and pushes. What needs a namespace of its own is signed with an "
        "SSH key.",
        "gfr doctor",
    ),
    "trust.key_encrypted": Meaning(
        "The private key is protected by a passphrase. Add it to ssh-agent, or name its .pub file in "
        "user.signingkey.",
        "ssh-add",
    ),
    "trust.key_unreadable": Meaning(
        "The key file cannot be read, or is of a kind that is not taken.",
        "gfr doctor",
    ),
    "trust.malformed": Meaning(
        "A digest is written sha256: and 64 hexadecimal digits.",
        "gfr trust pin DIGEST",
    ),
    "trust.no_checkpoint": Meaning(
        "Nobody who may promote has signed a checkpoint within the time that the policy allows. Ask one "
        "of them.",
        "gfr trust checkpoint",
    ),
    "trust.revoked_file": Meaning(
        "The file of revoked keys cannot be read, so no key can be said to be good.",
        "git config gpg.ssh.revocationFile",
    ),
    "trust.sign_failed": Meaning(
        "The program that signs made no signature: the key is not in the agent, or a security key was not "
        "touched.",
        "ssh-add -L",
    ),
}
