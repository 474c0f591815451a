"""Which trailers a statement of each kind is made of: everything else in it refuses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gitflow_runner.git.refs import HEADS

StatementKind = Literal[
    "approval", "start", "request", "promotion", "policy", "completion", "break-glass", "checkpoint"
]

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"
_OID = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_NUMBER = r"[1-9][0-9]{0,8}"
_LINE = r"[^\x00-\x1f\x7f]{1,200}"
_NONCE = r"[A-Za-z0-9_-]{8,64}"


@dataclass(frozen=True, slots=True)
class Grammar:
    """Trailers that must and that may stand in a statement, each with the pattern of its value."""

    required: Mapping[str, str]
    optional: Mapping[str, str]


GRAMMARS: Mapping[StatementKind, Grammar] = {
    "approval": Grammar(
        {
            "Gitflow-Run": _NAME,
            "Gitflow-Wait": _NAME,
            "Gitflow-Decision": r"[a-z][a-z0-9_-]{0,63}",
            "Gitflow-Payload": _DIGEST,
        },
        {"Gitflow-Edited": _DIGEST},
    ),
    "start": Grammar(
        {"Gitflow-Flow": _NAME, "Gitflow-Input": _DIGEST, "Gitflow-Nonce": _NONCE},
        {
            "Gitflow-Release": _OID,
            "Gitflow-Draft": _OID,
            "Gitflow-Origin": _NAME,
            "Gitflow-Reason": _LINE,
        },
    ),
    "request": Grammar(
        {
            "Gitflow-Run": _NAME,
            "Gitflow-Act": r"cancel|pause|resume|retry|adopt|resolve|comment",
            "Gitflow-Nonce": _NONCE,
        },
        {
            "Gitflow-Reason": _LINE,
            "Gitflow-Step": _NAME,
            "Gitflow-Outcome": r"retry|done|fail",
            "Gitflow-Value": _DIGEST,
        },
    ),
    "promotion": Grammar(
        {
            "Gitflow-Flow": _NAME,
            "Gitflow-Version": _NUMBER,
            "Gitflow-Release": _OID,
            "Gitflow-Digest": _DIGEST,
            "Gitflow-Action": r"promote|rollback|retire",
            "Gitflow-Number": _NUMBER,
        },
        {"Gitflow-Reason": _LINE},
    ),
    "policy": Grammar({"Gitflow-Policy-Version": _NUMBER, "Gitflow-Policy-Digest": _DIGEST}, {}),
    "break-glass": Grammar(
        {
            "Gitflow-Ref": HEADS + r"[^\x00-\x20\x7f]{1,200}",
            "Gitflow-Old": _OID,
            "Gitflow-New": _OID,
            "Gitflow-Nonce": _NONCE,
            "Gitflow-Reason": _LINE,
        },
        {},
    ),
    "checkpoint": Grammar({"Gitflow-Checkpoint": _DIGEST}, {}),
    "completion": Grammar({"Gitflow-Run": _NAME, "Gitflow-Wait": _NAME}, {"Gitflow-Content": _DIGEST}),
}
