"""The body of a request out of a config: encoded at once, or read from the store while it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.values import Bytes, Collection, Keyword, Value, keyword
from gitflow_runner.model.resource import digest_of
from gitflow_runner.schemas.jsontext import key_text, write_json
from gitflow_runner.steps.base import Blobs, Body, Context
from gitflow_runner.steps.config import name_of, plain_config

_KEYS = ("json", "form", "multipart", "body-from-ref", "body")
_PART_KEYS = frozenset({"name", "filename", "content-type", "value", "from-ref"})
_JSON_TYPE = "application/json"
_BYTES_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class StoredBody:
    """A stored value as a body, read from the store each time it is sent."""

    blobs: Blobs
    uri: str
    size: int

    def chunks(self) -> Iterator[bytes]:
        """The value piece by piece, verified."""
        return self.blobs.chunks(self.uri)


@dataclass(frozen=True, slots=True)
class Parts:
    """Pieces one behind the other, some of them stored values."""

    pieces: tuple[bytes | StoredBody, ...]

    @property
    def size(self) -> int:
        """All bytes together."""
        return sum(p.size if isinstance(p, StoredBody) else len(p) for p in self.pieces)

    def chunks(self) -> Iterator[bytes]:
        """One piece after the other."""
        for piece in self.pieces:
            if isinstance(piece, StoredBody):
                yield from piece.chunks()
            else:
                yield piece


def request_body(config: Mapping[str, object], context: Context) -> tuple[str | None, bytes | Body | None]:
    """(media type, body) of a config; `StepError` (`config_*`, `missing_config_key`, `res.*`)."""
    given = [key for key in _KEYS if config.get(key) is not None]
    if not given:
        return None, None
    if len(given) > 1 and given != ["json", "body"]:
        raise StepError(
            "config_one_of", "a request has one body; there is " + " and ".join(f":{k}" for k in given)
        )
    value = config[given[0]]
    match given[0]:
        case "json":
            return _JSON_TYPE, write_json(value).encode()
        case "form":
            return "application/x-www-form-urlencoded", urlencode(list(scalar_pairs(value))).encode()
        case "multipart":
            return _multipart(value, context)
        case "body-from-ref":
            return None, stored_body(value, context)
        case _:
            return _plain_body(value)


def body_digest(body: bytes | Body | None) -> str:
    """Hex SHA-256 of the bytes that will be sent; a stored value carries it in its name."""
    match body:
        case None:
            return hashlib.sha256().hexdigest()
        case bytes():
            return hashlib.sha256(body).hexdigest()
        case StoredBody():
            return digest_of(body.uri)
        case _:
            digest = hashlib.sha256()
            for chunk in body.chunks():
                digest.update(chunk)
            return digest.hexdigest()


def stored_body(value: Value, context: Context) -> StoredBody:
    """The stored value behind a reference as a body; errors as `stored_bytes`."""
    uri = ref_uri(value)
    return StoredBody(context.blobs, uri, context.blobs.size(uri))


def stored_bytes(value: Value, context: Context) -> bytes:
    """The bytes behind a `res://` text or a ref map; `StepError` (`config_type`, `res.*`)."""
    return context.blobs.get(ref_uri(value))


def ref_uri(value: Value) -> str:
    """The `res://` URI that a reference carries under any of its names."""
    if isinstance(value, Map):
        for name in ("uri", "resource-uri", "blob-ref", "ref"):
            inner = value.get(keyword(name), value.get(name))
            if inner is not None:
                return ref_uri(inner)
    if isinstance(value, str) and value.startswith("res://"):
        return value
    raise StepError("config_type", "a reference is a res:// text or the map of a stored value")


def scalar_pairs(value: object) -> Iterator[tuple[str, str]]:
    """The names and texts of a map for a header, a query or a form; a vector repeats its name."""
    if not isinstance(value, Map):
        return
    for key, item in value.items():
        many = isinstance(item, Collection) and not isinstance(item, Map)
        for one in item if many else (item,):
            if one is not None:
                yield key_text(key), scalar_text(one)


def scalar_text(value: Value) -> str:
    """A value in a header, a query or a form: strings and keywords bare, the rest as JSON."""
    match value:
        case str():
            return value
        case Keyword():
            return str(value.text)
        case _:
            return write_json(value).strip('"')


def _plain_body(value: Value) -> tuple[str, bytes]:
    match value:
        case str():
            return "text/plain; charset=utf-8", value.encode()
        case Bytes():
            return _BYTES_TYPE, value.value
        case _:
            return _JSON_TYPE, write_json(value).encode()


def _multipart(value: Value, context: Context) -> tuple[str, Body | bytes]:
    # The boundary comes from the step's key, so that a repeat sends the same bytes.
    boundary = hashlib.sha256(f"boundary {context.key}".encode()).hexdigest()[:40]
    pieces: list[bytes | StoredBody] = []
    for part in value:
        head, content = _part(plain_config(part), context)
        pieces += [f"--{boundary}\r\n{head}\r\n\r\n".encode(), content, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    whole = [piece for piece in pieces if isinstance(piece, bytes)]
    body = b"".join(whole) if len(whole) == len(pieces) else Parts(tuple(pieces))
    return f"multipart/form-data; boundary={boundary}", body


def _part(settings: Mapping[str, object], context: Context) -> tuple[str, bytes | StoredBody]:
    for key in settings:
        if key not in _PART_KEYS:
            raise StepError("unknown_config_key", f"a part of :multipart has no key :{key}")
    name, filename = settings.get("name"), settings.get("filename")
    content: bytes | StoredBody
    if name is None:
        raise StepError("missing_config_key", "a part of :multipart needs :name")
    if settings.get("from-ref") is not None:
        stated, content = _BYTES_TYPE, stored_body(settings["from-ref"], context)
    elif settings.get("value") is not None:
        stated, content = _plain_body(settings["value"])
    else:
        raise StepError("missing_config_key", "a part of :multipart needs :value or :from-ref")
    lines = [f'Content-Disposition: form-data; name="{_quoted(name_of(name))}"']
    if filename is not None:
        lines[0] += f'; filename="{_quoted(name_of(filename))}"'
    media = settings.get("content-type") or (stated if filename is not None else None)
    if media is not None:
        lines.append(f"Content-Type: {_quoted(name_of(media))}")
    return "\r\n".join(lines), content


def _quoted(text: str) -> str:
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
