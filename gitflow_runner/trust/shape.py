"""Signed objects taken apart from their raw bytes: what was signed, by which block, and when it says.

Works on bytes, never on a parsed and re-written form, so that the signed bytes are those of the object.
Shapes that two readers could read differently are refused here (`trust.md` 1.1 and 1.2). Both of Git's
hash formats are read; the length of the first id tells which one it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from gitflow_runner.git.objects import RawObject
from gitflow_runner.trust.reasons import Refusal

SignedKind = Literal["commit", "tag", "text"]

_ID = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")
_IDENT = re.compile(rb"[^<>\n]*<[^<>\n]*> (\d{1,12}) [+-]\d{4}")
SIGNATURE_START = re.compile(
    rb"^-----BEGIN (?:SSH SIGNATURE|PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE)-----", re.MULTILINE
)
_SIGNATURE_HEADERS = {40: b"gpgsig", 64: b"gpgsig-sha256"}


@dataclass(frozen=True, slots=True)
class SignedShape:
    """A commit or tag split into signed bytes and signature; `time` in ms is the object's own claim."""

    kind: SignedKind
    payload: bytes
    armour: bytes
    time: int | None
    message: bytes
    tag_name: str | None = None
    target: str | None = None
    target_kind: str | None = None


@dataclass(frozen=True, slots=True)
class _Header:
    name: bytes
    value: bytes
    start: int
    end: int


def split(raw: RawObject) -> SignedShape:
    """Take a commit or tag apart; refuses `malformed`, `unsigned`, and `tag_target_type` by its own word."""
    if b"\0" in raw.data:
        raise Refusal("malformed", f"a {raw.kind} with a NUL byte")
    match raw.kind:
        case "commit":
            return _split_commit(raw.data)
        case "tag":
            return _split_tag(raw.data)
        case "tree" | "blob":
            raise Refusal("malformed", f"a {raw.kind} carries no signature")


def _headers(data: bytes) -> tuple[list[_Header], int]:
    """The headers with their places, and where the message begins."""
    end = data.find(b"\n\n")
    if end < 0:
        raise Refusal("malformed", "no empty line between headers and message")
    found: list[_Header] = []
    position = 0
    while position <= end:
        stop = data.find(b"\n", position)
        line = data[position:stop]
        if line[:1] == b" ":
            if not found:
                raise Refusal("malformed", "the object begins with a continued line")
            last = found[-1]
            found[-1] = _Header(last.name, last.value + b"\n" + line[1:], last.start, stop + 1)
        else:
            name, _, value = line.partition(b" ")
            found.append(_Header(name, value, position, stop + 1))
        position = stop + 1
    return found, end + 2


def _split_commit(data: bytes) -> SignedShape:
    headers, body = _headers(data)
    names = [header.name for header in headers]
    parents = 0
    while names[1 + parents : 2 + parents] == [b"parent"]:
        parents += 1
    fixed = names[: parents + 3]
    if fixed != [b"tree", *[b"parent"] * parents, b"author", b"committer"] or any(
        name in (b"tree", b"parent", b"author", b"committer") for name in names[parents + 3 :]
    ):
        raise Refusal("malformed", "the headers of a commit are not in Git's order")
    width = _demand_ids(headers[: parents + 1])
    _demand_ident(headers[parents + 1].value)
    time = _demand_ident(headers[parents + 2].value)
    signatures = [header for header in headers if header.name.startswith(b"gpgsig")]
    if not signatures:
        raise Refusal("unsigned", "the commit carries no signature")
    if len(signatures) > 1 or signatures[0].name != _SIGNATURE_HEADERS[width]:
        raise Refusal("malformed", "a commit must carry one signature header, that of its own hash format")
    signature = signatures[0]
    payload = data[: signature.start] + data[signature.end :]
    return SignedShape("commit", payload, signature.value, time, data[body:])


def _split_tag(data: bytes) -> SignedShape:
    headers, body = _headers(data)
    names = [header.name for header in headers]
    if names not in ([b"object", b"type", b"tag"], [b"object", b"type", b"tag", b"tagger"]):
        raise Refusal("malformed", "the headers of a tag are not object, type, tag and tagger")
    _demand_ids(headers[:1])
    time = _demand_ident(headers[3].value) if len(headers) == 4 else None
    starts = [found.start() for found in SIGNATURE_START.finditer(data, body)]
    if not starts:
        raise Refusal("unsigned", "the tag carries no signature")
    if len(starts) > 1:
        raise Refusal("malformed", f"a tag with {len(starts)} signature blocks")
    start = starts[0]
    return SignedShape(
        "tag",
        data[:start],
        data[start:],
        time,
        data[body:start],
        headers[2].value.decode("utf-8", "surrogateescape"),
        headers[0].value.decode(),
        headers[1].value.decode("utf-8", "surrogateescape"),
    )


def _demand_ids(headers: list[_Header]) -> int:
    widths = {len(header.value) for header in headers}
    if len(widths) != 1 or any(not _ID.fullmatch(header.value) for header in headers):
        raise Refusal("malformed", "an id that is no object name")
    return widths.pop()


def _demand_ident(value: bytes) -> int:
    found = _IDENT.fullmatch(value)
    if found is None:
        raise Refusal("malformed", "a person line without name, address, time and zone")
    return int(found[1]) * 1000
