"""The stable reason codes of verdicts, and the error that carries one of them.

The words are those of `trust.md` 10: `gfr verify` and `gfr policy judge` print them bare, errors carry
them behind their family (`signature.unsigned`, `approval.parent`).
"""

from __future__ import annotations

from typing import Literal, get_args

from gitflow_runner.errors import Place, RefusedError

SignatureReason = Literal[
    "unsigned",
    "malformed",
    "bad_signature",
    "namespace",
    "weak_algorithm",
    "key_not_allowed",
    "key_expired",
    "key_not_yet_valid",
    "key_revoked",
    "cert_refused",
    "no_user_presence",
    "clock_skew",
    "signature_expired",
    "not_a_tag_object",
    "tag_name_mismatch",
    "tag_target_type",
    "unsupported_scheme",
]
ApprovalReason = Literal[
    "parent",
    "run",
    "wait",
    "payload",
    "tree",
    "trailers",
    "role",
    "self_approval",
    "same_person",
    "not_human",
    "late",
    "resolved",
    "starter_unknown",
    "edited_digest",
    "replayed",
]
Reason = SignatureReason | ApprovalReason

_APPROVAL: frozenset[str] = frozenset(get_args(ApprovalReason))


class Refusal(RefusedError):
    """Something signed does not count; `reason` is the bare code, `message` says why in words."""

    def __init__(
        self, reason: Reason, message: str, *, hint: str | None = None, at: Place | None = None
    ) -> None:
        family = "approval" if reason in _APPROVAL else "signature"
        super().__init__(f"{family}.{reason}", message, hint=hint, at=at)
        self.reason: Reason = reason
