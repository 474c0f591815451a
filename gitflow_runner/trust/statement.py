"""Signed statements: who said what, read from the last paragraph of a commit's message and nowhere else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, assert_never, cast

from gitflow_runner.git.objects import Oid, trailers
from gitflow_runner.trust.grammar import GRAMMARS, StatementKind
from gitflow_runner.trust.reasons import Refusal

Act = Literal["cancel", "pause", "resume", "retry", "adopt", "resolve", "comment"]
PromotionAction = Literal["promote", "rollback", "retire"]
StepOutcome = Literal["retry", "done", "fail"]

MAX_MESSAGE = 64 * 1024
_OURS = "gitflow-"
_STATEMENT = "Gitflow-Statement"


@dataclass(frozen=True, slots=True)
class Approval:
    """A decision about one wait; `edited` is the digest of the `edit/` files if they were changed."""

    run: str
    wait: str
    decision: str
    payload: str
    edited: str | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """A wish to start a run of a release (tag object) or a draft (commit), with an input's digest.

    `origin` names the run that this one retries or forks. `nonce` makes two equal wishes two.
    """

    flow: str
    input: str
    nonce: str
    release: Oid | None = None
    draft: Oid | None = None
    origin: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A wish to steer a run; `step`, `outcome` and the digest of the value go with `resolve`."""

    run: str
    act: Act
    nonce: str
    reason: str | None = None
    step: str | None = None
    outcome: StepOutcome | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Promotion:
    """One move of a flow's live pointer; `number` counts the moves from 1."""

    flow: str
    version: int
    release: Oid
    digest: str
    action: PromotionAction
    number: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """Consent to one version of the policy, by its text's digest."""

    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer to an event wait; `content` is the digest of the one file in the commit's tree."""

    run: str
    wait: str
    content: str | None = None


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Consent to one move of one guarded ref without its gate; `old` is all zeros for a new ref."""

    ref: str
    old: Oid
    new: Oid
    nonce: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a person saw on the refs that only grow, by the digest of the list in the commit's tree."""

    digest: str


Statement = Approval | Start | Request | Promotion | PolicyChange | Completion | BreakGlass | Checkpoint
S = TypeVar("S", bound=Statement)

_KINDS: Mapping[type, StatementKind] = {
    Approval: "approval",
    Start: "start",
    Request: "request",
    Promotion: "promotion",
    PolicyChange: "policy",
    Completion: "completion",
    BreakGlass: "break-glass",
    Checkpoint: "checkpoint",
}


def own_trailers(message: bytes) -> Mapping[str, str]:
    """Our trailers of the last paragraph, each once; others' are passed over.

    Refuses `trailers` where the message is no UTF-8 or too long, the last paragraph is not made of
    trailers alone, or one of ours is there twice or in another case.
    """
    try:
        text = message.decode() if len(message) <= MAX_MESSAGE else ""
    except UnicodeDecodeError:
        raise Refusal("trailers", "the message is not UTF-8") from None
    found: dict[str, str] = {}
    for key, values in trailers(text).items():
        if not key.lower().startswith(_OURS):
            continue
        if not key.startswith("Gitflow-") or len(values) != 1:
            raise Refusal("trailers", f"the trailer {key[:60]} is there twice or in another case")
        found[key] = values[0]
    if not found:
        raise Refusal("trailers", "the last paragraph of the message is not made of our trailers")
    return found


def parse_statement(message: bytes, wanted: type[S]) -> S:
    """The statement, if it is one of exactly this kind; refuses `trailers` for anything else in it."""
    kind = _KINDS[wanted]
    found = own_trailers(message)
    said = found.get(_STATEMENT)
    if said != kind:
        raise Refusal("trailers", f"a statement of kind {(said or 'none')[:40]!r} is not {kind!r}")
    grammar = GRAMMARS[kind]
    for key, value in found.items():
        pattern = grammar.required.get(key) or grammar.optional.get(key)
        if key != _STATEMENT and pattern is None:
            raise Refusal("trailers", f"the trailer {key[:60]} has no place in a statement of kind {kind}")
        if pattern is not None and not re.fullmatch(pattern, value):
            raise Refusal("trailers", f"the value of {key} is not of its form")
    missing = [key for key in grammar.required if key not in found]
    if missing:
        raise Refusal("trailers", f"the trailer {missing[0]} is missing")
    statement = _build(kind, found)
    assert isinstance(statement, wanted)
    return statement


def parse_any(message: bytes) -> Statement:
    """The statement of whatever kind; refuses `trailers` where there is none, or not one of its form."""
    said = own_trailers(message).get(_STATEMENT)
    for wanted, kind in _KINDS.items():
        if kind == said:
            found: Statement = parse_statement(message, wanted)
            return found
    raise Refusal("trailers", f"there is no statement of kind {(said or 'none')[:40]!r}")


def carries_statement(message: bytes) -> bool:
    """Whether any line of a message begins like a statement, in whatever case, so that it is nothing else."""
    return re.search(rb"^gitflow-statement[ \t]*:", message, re.IGNORECASE | re.MULTILINE) is not None


def _build(kind: StatementKind, found: Mapping[str, str]) -> Statement:
    get, of = found.get, found.__getitem__
    match kind:
        case "approval":
            return Approval(
                of("Gitflow-Run"),
                of("Gitflow-Wait"),
                of("Gitflow-Decision"),
                of("Gitflow-Payload"),
                get("Gitflow-Edited"),
            )
        case "start":
            return _build_start(found)
        case "request":
            return _build_request(found)
        case "promotion":
            return Promotion(
                of("Gitflow-Flow"),
                int(of("Gitflow-Version")),
                Oid(of("Gitflow-Release")),
                of("Gitflow-Digest"),
                cast(PromotionAction, of("Gitflow-Action")),
                int(of("Gitflow-Number")),
                get("Gitflow-Reason"),
            )
        case "policy":
            return PolicyChange(int(of("Gitflow-Policy-Version")), of("Gitflow-Policy-Digest"))
        case "completion":
            return Completion(of("Gitflow-Run"), of("Gitflow-Wait"), get("Gitflow-Content"))
        case "checkpoint":
            return Checkpoint(of("Gitflow-Checkpoint"))
        case "break-glass":
            return BreakGlass(
                of("Gitflow-Ref"),
                Oid(of("Gitflow-Old")),
                Oid(of("Gitflow-New")),
                of("Gitflow-Nonce"),
                of("Gitflow-Reason"),
            )
        case _ as never:
            assert_never(never)


def _build_start(found: Mapping[str, str]) -> Start:
    release, draft = found.get("Gitflow-Release"), found.get("Gitflow-Draft")
    if (release is None) == (draft is None):
        raise Refusal("trailers", "a start names a release or a draft, one of them")
    return Start(
        found["Gitflow-Flow"],
        found["Gitflow-Input"],
        found["Gitflow-Nonce"],
        Oid(release) if release is not None else None,
        Oid(draft) if draft is not None else None,
        found.get("Gitflow-Origin"),
        found.get("Gitflow-Reason"),
    )


def _build_request(found: Mapping[str, str]) -> Request:
    request = Request(
        found["Gitflow-Run"],
        cast(Act, found["Gitflow-Act"]),
        found["Gitflow-Nonce"],
        found.get("Gitflow-Reason"),
        found.get("Gitflow-Step"),
        cast(StepOutcome | None, found.get("Gitflow-Outcome")),
        found.get("Gitflow-Value"),
    )
    named = (request.step is not None, request.outcome is not None)
    resolves = request.act == "resolve"
    if named != (resolves, resolves) or (request.value is not None) != (request.outcome == "done"):
        raise Refusal("trailers", "only a resolve names a step and an outcome, only done brings a value")
    return request


def _lines(statement: Statement) -> Sequence[tuple[str, str | int | None]]:
    match statement:
        case Approval() as s:
            return (
                (_STATEMENT, "approval"),
                ("Gitflow-Run", s.run),
                ("Gitflow-Wait", s.wait),
                ("Gitflow-Decision", s.decision),
                ("Gitflow-Payload", s.payload),
                ("Gitflow-Edited", s.edited),
            )
        case Start() as s:
            return (
                (_STATEMENT, "start"),
                ("Gitflow-Flow", s.flow),
                ("Gitflow-Release", s.release),
                ("Gitflow-Draft", s.draft),
                ("Gitflow-Input", s.input),
                ("Gitflow-Nonce", s.nonce),
                ("Gitflow-Origin", s.origin),
                ("Gitflow-Reason", s.reason),
            )
        case Request() as s:
            return (
                (_STATEMENT, "request"),
                ("Gitflow-Run", s.run),
                ("Gitflow-Act", s.act),
                ("Gitflow-Step", s.step),
                ("Gitflow-Outcome", s.outcome),
                ("Gitflow-Value", s.value),
                ("Gitflow-Nonce", s.nonce),
                ("Gitflow-Reason", s.reason),
            )
        case Promotion() as s:
            return (
                (_STATEMENT, "promotion"),
                ("Gitflow-Flow", s.flow),
                ("Gitflow-Version", s.version),
                ("Gitflow-Release", s.release),
                ("Gitflow-Digest", s.digest),
                ("Gitflow-Action", s.action),
                ("Gitflow-Number", s.number),
                ("Gitflow-Reason", s.reason),
            )
        case PolicyChange() as s:
            return (
                (_STATEMENT, "policy"),
                ("Gitflow-Policy-Version", s.version),
                ("Gitflow-Policy-Digest", s.digest),
            )
        case Completion() as s:
            return (
                (_STATEMENT, "completion"),
                ("Gitflow-Run", s.run),
                ("Gitflow-Wait", s.wait),
                ("Gitflow-Content", s.content),
            )
        case Checkpoint() as s:
            return ((_STATEMENT, "checkpoint"), ("Gitflow-Checkpoint", s.digest))
        case BreakGlass() as s:
            return (
                (_STATEMENT, "break-glass"),
                ("Gitflow-Ref", s.ref),
                ("Gitflow-Old", s.old),
                ("Gitflow-New", s.new),
                ("Gitflow-Nonce", s.nonce),
                ("Gitflow-Reason", s.reason),
            )
        case _ as never:
            assert_never(never)


def write_message(subject: str, statement: Statement, text: str = "") -> str:
    """A commit message: subject, free text, and the statement as last paragraph.

    Refuses `trailers` for a statement that would not read back as itself.
    """
    lines = [f"{key}: {value}" for key, value in _lines(statement) if value is not None]
    paragraphs = [one_line(subject), *([text.strip("\n")] if text.strip() else []), "\n".join(lines)]
    message = "\n\n".join(paragraphs) + "\n"
    if parse_statement(message.encode(), type(statement)) != statement:
        raise Refusal("trailers", f"this {_KINDS[type(statement)]} does not read back as it was meant")
    return message


def one_line(text: str, limit: int = 200) -> str:
    """`text` as one line of at most `limit` bytes of UTF-8, control and direction characters escaped."""
    shown = "".join(
        c.encode("unicode_escape").decode()
        if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")
        else c
        for c in text
    )
    return shown.encode()[:limit].decode("utf-8", "ignore")
