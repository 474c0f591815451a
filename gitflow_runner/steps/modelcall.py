"""One call of a model over the HTTP port: where to, with which key, and the answer read as it comes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from gitflow_runner.errors import StepError
from gitflow_runner.providers.base import Answered, Asked, Assembly, Target, WireRequest
from gitflow_runner.providers.reading import EXCERPT, malformed, map_at, text_at
from gitflow_runner.providers.registry import backend, guess, wire_for
from gitflow_runner.providers.scripted import answer_offline
from gitflow_runner.providers.sse import EventReader
from gitflow_runner.steps.base import (
    Context,
    HttpAuth,
    HttpConnection,
    HttpRequest,
    HttpResponse,
    Service,
)
from gitflow_runner.steps.config import length_ms, name_of, text_of
from gitflow_runner.steps.request import deliver
from gitflow_runner.steps.response import MAX_RETRY_AFTER_MS, media_type, retry_after_ms

MAX_ANSWER_BYTES = 20_000_000
MAX_TOLD = 32_768  # characters of an answer that the log shows while it comes
LINE = 160
OFFLINE = "mock"

_TRY_AGAIN = frozenset({408, 409, 425, 429, *range(500, 600)})
_UNKNOWN_OUTCOME = frozenset({408, *range(500, 600)})
_SECRETS = ("api-key", "apikey", "token", "key", "secret", "password")
_EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class ModelService:
    """A provider with its address and credentials."""

    target: Target
    base_url: str
    headers: tuple[tuple[str, str], ...]
    query: tuple[tuple[str, str], ...]
    origins: tuple[str, ...]
    secrets: tuple[str, ...]
    model: str | None
    settings: Mapping[str, object]  # of the connection: prices, where somebody wrote them down
    auth: HttpAuth | None = None  # what has to be fetched or signed for each call

    def redacted(self, text: str) -> str:
        """The text without this service's secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def model_service(config: Mapping[str, object], context: Context) -> ModelService:
    """The service of a config; `StepError` (`connection.*`, `llm.provider_*`, `config_one_of`)."""
    service, opened = _opened(config, context)
    settings = service.settings if service is not None else {}

    def stated(key: str, *other: str) -> str | None:
        own = text_of(config, key)
        found = next((settings[name] for name in (key, *other) if settings.get(name) is not None), None)
        return own if own is not None else None if found is None else str(found)

    address = text_of(config, "base-url") or opened.base_url or stated("base-url", "url")
    name = stated("provider", "backend")
    if name is None:
        if address is None:
            raise StepError(
                "config_one_of",
                "a model is reached over :connection, :base-url or :provider",
                hint="declare a slot of type :http-api in :requires and name it in :connection",
            )
        name = guess(address)
    kind = backend(name)
    base_url = address or kind.base_url
    if base_url is None:
        raise StepError(
            "config_one_of", f"{name} has an address of its own", hint="add :base-url or a connection"
        )
    deployment = stated("deployment")
    model = text_of(config, "model") or deployment or stated("model")
    if model is None and kind.needs_model:
        raise StepError("missing_config_key", f"a call of {name} needs :model")
    secrets = () if service is None else tuple(v for v in service.secrets.values() if v)
    held = (*secrets, *(_bare(v) for _, v in opened.headers), *(v for _, v in opened.query))
    return ModelService(
        Target(name, deployment, stated("api-version")),
        base_url,
        (*opened.headers, *_key(kind.key_header, service, opened)),
        opened.query,
        opened.origins or (service.origins if service is not None else ()),
        tuple(sorted({v for v in held if len(v) >= 4}, key=len, reverse=True)),
        model,
        settings,
        opened.auth,
    )


def _opened(config: Mapping[str, object], context: Context) -> tuple[Service | None, HttpConnection]:
    name = config.get("connection")
    if name is None:
        return None, HttpConnection(None)
    if context.connections is None:
        raise StepError("connection.unbound", "there are no connections here")
    service = context.connections.service(name_of(name))
    if service.http is None:
        raise StepError("connection.type", f"the connection {service.name} is no model but a {service.type}")
    return service, service.http


def _key(header: str, service: Service | None, opened: HttpConnection) -> Iterator[tuple[str, str]]:
    """The header of the provider's own for a key that the connection does not send by itself."""
    if service is None or opened.headers or opened.query or opened.auth is not None:
        return
    for role in _SECRETS:
        value = service.secrets.get(role)
        if value:
            yield header, f"Bearer {value}" if header == "Authorization" else value
            return


def _bare(value: str) -> str:
    return value.partition(" ")[2] if value.lower().startswith(("bearer ", "basic ")) else value


def call_model(
    service: ModelService, asked: Asked, key: str, config: Mapping[str, object], context: Context
) -> Answered:
    """Ask once, under this idempotency key.

    `StepError`: `llm.status` for a status from 300 on, `llm.content_type`, `llm.malformed`, `llm.cut`,
    `llm.provider`, `llm.unsupported`, `auth.*`, and what the HTTP port raises.
    """
    wire = wire_for(service.target.backend, asked, service.target)
    wanted = wire.request(asked, service.target)
    for hint in wanted.left_out:
        context.log.line(f"the {wire.name} format has no place for :{hint}; it is left out")
    listener = Listener(wire.assembly(), context)
    request = _http_request(service, wanted, key, config, context)
    try:
        if service.target.backend == OFFLINE:
            response = _offline(request, listener)
        else:
            response = deliver(request, service.auth, context, listener)
        return wire.answer(_document(response, listener, context.clock.now_ms()))
    except StepError as error:
        raise _redacted(error, service) from None


def _http_request(
    service: ModelService, wanted: WireRequest, key: str, config: Mapping[str, object], context: Context
) -> HttpRequest:
    query = urlencode((*wanted.query, *service.query))
    url = joined(service.base_url, quote(wanted.path, safe="/:")) + (f"?{query}" if query else "")
    left = context.deadline_ms - context.clock.monotonic_ms()
    bound = config.get("timeout")
    return HttpRequest(
        method="POST",
        url=url,
        headers=(
            *wanted.headers,
            *service.headers,
            ("Content-Type", "application/json"),
            ("Accept", f"{_EVENTS}, application/json"),
            ("Idempotency-Key", key),
        ),
        body=json.dumps(wanted.body, ensure_ascii=False, separators=(",", ":")).encode(),
        timeout_ms=max(1, left if bound is None else min(left, length_ms("timeout", bound))),
        max_response_bytes=MAX_ANSWER_BYTES,
        follow_redirects=False,  # a prompt goes where it was meant to go
        origins=service.origins,
    )


def joined(base_url: str, path: str) -> str:
    """The address of a path below a base URL that may already hold the path's beginning (`…/v1`)."""
    base, parts = base_url.rstrip("/"), path.lstrip("/").split("/")
    for count in range(len(parts) - 1, 0, -1):
        if base.endswith("/" + "/".join(parts[:count])):
            return "/".join((base, *parts[count:]))
    return "/".join((base, *parts))


class Listener:
    """The sink of one answer: puts a stream of events together and tells the log what the model says."""

    def __init__(self, assembly: Assembly, context: Context) -> None:
        self.assembly = assembly
        self.heard = False
        self._context = context
        self._line = ""
        self._told = 0

    @property
    def limit(self) -> int:
        """Bytes of the whole answer."""
        return MAX_ANSWER_BYTES

    def wants(self, head: HttpResponse) -> bool:
        """A stream of events; every other body is read whole."""
        return head.status < 300 and media_type(head) == _EVENTS

    def take(self, head: HttpResponse, chunks: Iterator[bytes]) -> None:
        """Event by event, until the stream ends."""
        self.heard = True
        reader = EventReader()
        for chunk in chunks:
            self._events(reader.feed(chunk))
        self._events(reader.finish())
        self._tell("\n")

    def _events(self, events: Iterator[tuple[str, str]]) -> None:
        for name, data in events:
            if data == "[DONE]":
                continue
            try:
                message = json.loads(data)
            except (ValueError, RecursionError):
                raise malformed("an event is not JSON", data[:EXCERPT]) from None
            self._tell(self.assembly.feed(name, message))

    def _tell(self, text: str) -> None:
        self._line += text
        while "\n" in self._line or len(self._line) >= LINE:
            line, _, rest = self._line.partition("\n")
            if len(line) > LINE:
                line, rest = self._line[:LINE], self._line[LINE:]
            self._line = rest
            if line.strip() and self._told < MAX_TOLD:
                self._told += len(line)
                self._context.log.line("│ " + "".join(c if c.isprintable() else "·" for c in line))


def _offline(request: HttpRequest, listener: Listener) -> HttpResponse:
    """The answer of the model that comes with the runner; nothing leaves the process."""
    assert isinstance(request.body, bytes), "a question to a model is built as bytes"
    said = answer_offline(request.url, request.body)
    response = HttpResponse(said.status, said.headers, said.body, request.url)
    if not listener.wants(response):
        return response
    listener.take(response, iter((said.body,)))
    return HttpResponse(said.status, said.headers, b"", request.url)


def _document(response: HttpResponse, listener: Listener, now_ms: int) -> object:
    if listener.heard:
        return listener.assembly.document()
    if response.status >= 300:
        raise _status_error(response, now_ms)
    media = media_type(response)
    if media and media != "application/json" and not media.endswith("+json"):
        raise StepError(
            "llm.content_type",
            f"the service answered with {media[:60]}, not with JSON",
            definite=False,
            data={"status": response.status, "excerpt": _excerpt(response)},
            hint="does the base URL name the model's interface?",
        )
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        raise malformed("it is not JSON", _excerpt(response)) from None


def _status_error(response: HttpResponse, now_ms: int) -> StepError:
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, list) and document:  # as one provider wraps the errors of its streams
        document = document[0]
    whole = document if isinstance(document, dict) else {}
    error = map_at(whole, "error")
    message = text_at(error, "message") or text_at(whole, "message") or text_at(whole, "error")
    kind = text_at(error, "type") or text_at(error, "status") or text_at(error, "code") or ""
    said = f": {kind[:80]} {(message or '')[:EXCERPT]}".rstrip(": ")
    return StepError(
        "llm.status",
        f"the provider answered {response.status}{said}",
        definite=response.status not in _UNKNOWN_OUTCOME,
        retryable=response.status in _TRY_AGAIN,
        retry_after_ms=asked_wait_ms(response, now_ms),
        data={"status": response.status, "type": kind[:80], "excerpt": _excerpt(response)},
    )


def asked_wait_ms(response: HttpResponse, now_ms: int) -> int | None:
    """How long the provider asks to wait, from either of the headers that say it."""
    exact = (response.header("retry-after-ms") or "").strip()
    if exact.isascii() and exact.isdigit():
        return min(int(exact[:9]), MAX_RETRY_AFTER_MS)
    return retry_after_ms(response, now_ms)


def _excerpt(response: HttpResponse) -> str:
    return response.body[: 4 * EXCERPT].decode("utf-8", "replace")[:EXCERPT]


def _redacted(error: StepError, service: ModelService) -> StepError:
    """The error with this service's secrets taken out of everything that it says."""
    data = {k: service.redacted(v) if isinstance(v, str) else v for k, v in error.details.items()}
    return StepError(
        error.code,
        service.redacted(error.message),
        definite=error.definite,
        retryable=error.retryable,
        retry_after_ms=error.retry_after_ms,
        data=data,
        hint=error.hint,
    )
