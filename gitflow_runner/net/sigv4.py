"""AWS Signature Version 4: a request signed with a key pair, as Amazon's services and those like them ask.

The algorithm is Amazon's published one; its own examples are the test.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from gitflow_runner.net.exchange import HttpRequest

EMPTY_DIGEST = hashlib.sha256().hexdigest()  # of a request without a body

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"
_SIGNED = frozenset({"content-type", "range"})  # besides host and whatever begins with x-amz-


@dataclass(frozen=True, slots=True)
class AwsKey:
    """A key pair, with the token of a session if it belongs to one."""

    id: str
    secret: str = field(repr=False)
    session: str | None = field(default=None, repr=False)


def signed(
    request: HttpRequest, key: AwsKey, *, region: str, service: str, now_ms: int, digest: str
) -> HttpRequest:
    """The request with its date and signature; `digest` is the hex SHA-256 of the body."""
    moment = datetime.fromtimestamp(now_ms / 1_000, UTC).strftime("%Y%m%dT%H%M%SZ")
    added = [("X-Amz-Date", moment)]
    if key.session is not None:
        added.append(("X-Amz-Security-Token", key.session))
    if service == "s3":
        added.append(("X-Amz-Content-Sha256", digest))
    parts = urlsplit(request.url)
    query = _query(parts.query)
    names = {name.lower(): " ".join(value.split()) for name, value in (*request.headers, *added)}
    chosen = {n: v for n, v in names.items() if n in _SIGNED or n.startswith("x-amz-")}
    chosen["host"] = parts.netloc.lower()
    canonical, listed = _canonical(request.method, _path(parts.path, service), query, chosen, digest)
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    text = "\n".join((_ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = hmac.new(_key(key.secret, scope), text.encode(), hashlib.sha256).hexdigest()
    stamp = f"{_ALGORITHM} Credential={key.id}/{scope}, SignedHeaders={listed}, Signature={signature}"
    return replace(
        request,
        # What is sent must spell the query as it was signed: a plus means two things.
        url=urlunsplit(parts._replace(query=query, fragment="")),
        headers=(*request.headers, *added, ("Authorization", stamp)),
    )


def _canonical(
    method: str, path: str, query: str, headers: Mapping[str, str], digest: str
) -> tuple[str, str]:
    listed = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    return f"{method}\n{path}\n{query}\n{lines}\n{listed}\n{digest}", listed


def _path(path: str, service: str) -> str:
    once = quote(unquote(path or "/"), safe="/" + _UNRESERVED)
    # Only S3 takes object names as they are; everywhere else the encoded path is encoded once more.
    return once if service == "s3" else quote(once, safe="/" + _UNRESERVED)


def _query(query: str) -> str:
    pairs = [
        (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED))
        for name, value in parse_qsl(query, keep_blank_values=True)
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
