"""An HTTP request out of a config: the keys that `:http` and the channels of `:notify` share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote_plus, unquote, urlencode

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.values import Collection, Keyword
from gitflow_runner.model.spec import Field
from gitflow_runner.steps.auth import authorise
from gitflow_runner.steps.base import Context, HttpAuth, HttpConnection, HttpRequest, HttpResponse, Sink
from gitflow_runner.steps.bodies import request_body, scalar_pairs
from gitflow_runner.steps.config import length_ms, name_of, plain_config, whole_number

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
DEFAULT_TIMEOUT_MS = 30_000
MAX_RESPONSE_BYTES = 4_000_000_000  # no step may ask for more; what counts is the client's bound or the tier

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

_CLIENT_KEYS = frozenset({"max-response-bytes", "follow-redirects"})
_ACCEPT = {"json": "application/json", "xml": "application/xml", "text": "text/plain"}
_INLINE_SECRETS = frozenset({"token", "password", "secret", "api-key", "apikey", "value", "key"})


def method_of(config: Mapping[str, object]) -> str:
    """The method in lower case; GET unless named."""
    return name_of(config.get("method") or "get").lower()


def send(config: Mapping[str, object], context: Context, sink: Sink | None = None) -> HttpResponse:
    """Send the request of a checked config, with its auth; what `sink` wants of the answer goes there.

    `StepError` (`config_*`, `connection.*`, `res.*`, and those of `deliver`).
    """
    opened = _connection(config, context)
    return deliver(_request(config, opened, context), opened.auth, context, sink)


def deliver(
    request: HttpRequest, auth: HttpAuth | None, context: Context, sink: Sink | None = None
) -> HttpResponse:
    """Send a request, signed or with the token that `auth` asks for.

    A token that was fetched earlier and is refused now is fetched once more. `StepError` (`auth.*`,
    `http.*`).
    """
    if auth is None:
        return context.http.send(request, context.cancel, sink)
    ready = authorise(request, auth, context)
    answer = context.http.send(ready.request, context.cancel, sink)
    if answer.status == 401 and ready.key is not None and ready.token is not None:
        context.tokens.forget(ready.key, ready.token)
        ready = authorise(request, auth, context)
        answer = context.http.send(ready.request, context.cancel, sink)
    return answer


def response_limit(config: Mapping[str, object]) -> int | None:
    """The bytes that the step itself allows an answer to have, None if it says nothing."""
    options = _client_options(config)
    if options.get("max-response-bytes") is None:
        return None
    return whole_number(options, "max-response-bytes", default=1, low=1, high=MAX_RESPONSE_BYTES)


def _request(config: Mapping[str, object], opened: HttpConnection, context: Context) -> HttpRequest:
    method = method_of(config)
    if method not in METHODS:
        raise StepError("config_choice", ":method must be one of " + " ".join(f":{name}" for name in METHODS))
    content_type, body = request_body(config, context)
    given = tuple(scalar_pairs(config.get("headers")))
    own = _own_headers(config, context, content_type)
    named = {name.lower() for name, _ in (*given, *opened.headers)}
    return HttpRequest(
        method=method.upper(),
        url=_url(config, opened),
        headers=(*given, *opened.headers, *((n, v) for n, v in own if n.lower() not in named)),
        body=body,
        timeout_ms=_timeout_ms(config, context),
        max_response_bytes=response_limit(config),
        follow_redirects=_client_options(config).get("follow-redirects") is not False,
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
    query = [*scalar_pairs(config.get("query")), *opened.query]
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
