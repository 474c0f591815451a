"""An HTTP request out of a config: the keys that `:http` and the channels of `:notify` share."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote_plus, unquote, urlencode

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.values import Bytes, Collection, Keyword, Value, keyword
from gitflow_runner.model.spec import Field
from gitflow_runner.steps.base import Context, HttpConnection, HttpRequest
from gitflow_runner.steps.config import length_ms, name_of, plain_config, whole_number
from gitflow_runner.steps.jsontext import key_text, write_json

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
DEFAULT_TIMEOUT_MS = 30_000
DEFAULT_RESPONSE_BYTES = 10_000_000
MAX_RESPONSE_BYTES = 50_000_000

FIELDS: tuple[Field, ...] = (
    Field("url", "url", "where to; instead of a connection"),
    Field("path", "string", "appended to the connection's base URL"),
    Field("method", "name", "`:get` if absent"),
    Field("headers", "map", "request headers"),
    Field("query", "map", "query parameters; a vector repeats one"),
    Field("json", "any", "body as JSON; wins over `:body`"),
    Field("form", "map", "body as a URL-encoded form"),
    Field("multipart", "vector", "body in parts `{:name :filename :content-type :value or :from-ref}`"),
    Field("body", "any", "body as text or bytes; a map or vector is sent as JSON"),
    Field("body-from-ref", "any", "body from a stored value"),
    Field("content-type", "string", "media type of the body"),
    Field("accept", "name", "`:json`, `:xml`, `:text` or a media type"),
    Field("auth", "map", "`{:type … :secret-ref …}`; never a secret itself"),
    Field("client-opts", "map", "`{:max-response-bytes n :follow-redirects bool}`"),
)

_BODY_KEYS = ("json", "form", "multipart", "body-from-ref", "body")
_CLIENT_KEYS = frozenset({"max-response-bytes", "follow-redirects"})
_ACCEPT = {"json": "application/json", "xml": "application/xml", "text": "text/plain"}
_INLINE_SECRETS = frozenset({"token", "password", "secret", "api-key", "apikey", "value", "key"})
_JSON_TYPE = "application/json"


def method_of(config: Mapping[str, object]) -> str:
    """The method in lower case; GET unless named."""
    return name_of(config.get("method") or "get").lower()


def http_request(config: Mapping[str, object], context: Context) -> HttpRequest:
    """The request of a checked config; `StepError` (`config_*`, `connection.*`, `res.*`)."""
    method = method_of(config)
    if method not in METHODS:
        raise StepError("config_choice", ":method must be one of " + " ".join(f":{name}" for name in METHODS))
    opened = _connection(config, context)
    content_type, body = _body(config, context)
    options = _client_options(config)
    given = _pairs(config.get("headers"))
    own = _own_headers(config, context, content_type)
    named = {name.lower() for name, _ in (*given, *opened.headers)}
    headers = (*given, *opened.headers, *((n, v) for n, v in own if n.lower() not in named))
    return HttpRequest(
        method=method.upper(),
        url=_url(config, opened),
        headers=headers,
        body=body,
        timeout_ms=_timeout_ms(config, context),
        max_response_bytes=whole_number(
            options, "max-response-bytes", default=DEFAULT_RESPONSE_BYTES, low=1, high=MAX_RESPONSE_BYTES
        ),
        follow_redirects=options.get("follow-redirects") is not False,
        origins=opened.origins,
    )


def _timeout_ms(config: Mapping[str, object], context: Context) -> int:
    wanted = config.get("timeout")
    bound = DEFAULT_TIMEOUT_MS if wanted is None else length_ms("timeout", wanted)
    return max(1, min(bound, context.deadline_ms - context.clock.monotonic_ms()))


def _client_options(config: Mapping[str, object]) -> Mapping[str, object]:
    value = config.get("client-opts")
    options = {} if value is None else plain_config(value)
    for key in options:
        if key not in _CLIENT_KEYS:
            raise StepError("unknown_config_key", f":client-opts has no key :{key}")
    return options


def _connection(config: Mapping[str, object], context: Context) -> HttpConnection:
    name, auth = config.get("connection"), config.get("auth")
    if name is None and auth is None:
        return HttpConnection(None)
    if context.connections is None:
        raise StepError("connection.unbound", "there are no connections here")
    if name is not None:
        return context.connections.named(name_of(name))
    settings = plain_config(auth)
    for key in settings:
        if key in _INLINE_SECRETS:
            raise StepError(
                "config_choice", f":auth takes the name of a secret, not :{key}", hint="use :secret-ref"
            )
    return context.connections.inline(settings)


def _url(config: Mapping[str, object], opened: HttpConnection) -> str:
    base, path = config.get("url") or opened.base_url, config.get("path")
    if not isinstance(base, str):
        raise StepError("config_one_of", ":http takes exactly one of :connection, :url")
    query = [*_query(config.get("query")), *opened.query]
    if isinstance(path, str) and path:
        base = base.rstrip("/") + "/" + _safe_path(path).lstrip("/")
    if not query:
        return base
    address, mark, fragment = base.partition("#")
    return (
        address + ("&" if "?" in address else "?") + urlencode(query, quote_via=quote_plus) + mark + fragment
    )


def _safe_path(path: str) -> str:
    """A path that stays below the base URL, so that a credential is not taken elsewhere."""
    bare = unquote(re.split(r"[?#]", path)[0]).replace("\\", "/")
    if "://" in bare or ".." in bare.split("/"):
        raise StepError(
            "config_type", ":path must stay below the base URL", hint="use :url for another place"
        )
    return path


def _query(value: object) -> Iterator[tuple[str, str]]:
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


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    return tuple(_query(value))


def _own_headers(
    config: Mapping[str, object], context: Context, content_type: str | None
) -> Iterator[tuple[str, str]]:
    # With every method: a server that knows the header may use it, and the rest ignore it.
    yield "Idempotency-Key", context.key
    stated = config.get("content-type") or content_type
    if stated is not None:
        yield "Content-Type", str(stated)
    accept = config.get("accept")
    if accept is not None:
        yield "Accept", _ACCEPT.get(name_of(accept), name_of(accept))


def _body(config: Mapping[str, object], context: Context) -> tuple[str | None, bytes | None]:
    given = [key for key in _BODY_KEYS if config.get(key) is not None]
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
            return "application/x-www-form-urlencoded", urlencode(list(_query(value))).encode()
        case "multipart":
            return _multipart(value, context)
        case "body-from-ref":
            return None, stored_bytes(value, context)
        case _:
            return _plain_body(value)


def _plain_body(value: Value) -> tuple[str | None, bytes]:
    match value:
        case str():
            return "text/plain; charset=utf-8", value.encode()
        case Bytes():
            return "application/octet-stream", value.value
        case _:
            return _JSON_TYPE, write_json(value).encode()


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


def _multipart(value: Value, context: Context) -> tuple[str, bytes]:
    # The boundary comes from the step's key, so that a repeat sends the same bytes.
    boundary = hashlib.sha256(f"boundary {context.key}".encode()).hexdigest()[:40]
    lines: list[bytes] = []
    for part in value:
        settings = plain_config(part)
        name, filename = settings.get("name"), settings.get("filename")
        if name is None:
            raise StepError("missing_config_key", "a part of :multipart needs :name")
        given = settings.get("value")
        stated, data = _part(given, settings.get("from-ref"), context)
        disposition = f'form-data; name="{_quoted(name_of(name))}"'
        if filename is not None:
            disposition += f'; filename="{_quoted(name_of(filename))}"'
        media = settings.get("content-type") or (stated if filename is not None else None)
        lines += [f"--{boundary}".encode(), f"Content-Disposition: {disposition}".encode()]
        lines += [f"Content-Type: {_quoted(name_of(media))}".encode()] if media is not None else []
        lines += [b"", data]
    lines += [f"--{boundary}--".encode(), b""]
    return f"multipart/form-data; boundary={boundary}", b"\r\n".join(lines)


def _part(value: Value, reference: Value, context: Context) -> tuple[str | None, bytes]:
    if reference is not None:
        return "application/octet-stream", stored_bytes(reference, context)
    if value is None:
        raise StepError("missing_config_key", "a part of :multipart needs :value or :from-ref")
    return _plain_body(value)


def _quoted(text: str) -> str:
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def wanted_statuses(value: object) -> frozenset[int] | None:
    """The statuses that `:ok-status` takes as success besides 2xx and 3xx; None means all of them."""
    if value is None:
        return frozenset()
    if isinstance(value, Keyword) and value.text == "any":
        return None
    items = list(value) if isinstance(value, Collection) and not isinstance(value, Map) else [value]
    statuses = frozenset(item for item in items if isinstance(item, int) and 100 <= item <= 599)
    if len(statuses) == len(items):
        return statuses
    raise StepError("config_type", ":ok-status must be :any, a status, or a vector or set of statuses")
