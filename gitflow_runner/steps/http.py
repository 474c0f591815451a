"""The `:http` step: one request to a service, and its answer as a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import EMPTY_MAP, Map, map_of
from gitflow_runner.lang.values import Bytes, Value, keyword
from gitflow_runner.model.spec import Effect, Field, Spec
from gitflow_runner.steps.base import Context, HttpResponse
from gitflow_runner.steps.config import check_config, name_of, persist_settings, text_of
from gitflow_runner.steps.persist import reference, store, tier_limit
from gitflow_runner.steps.rendering import with_template
from gitflow_runner.steps.request import FIELDS, method_of, response_limit, send, wanted_statuses
from gitflow_runner.steps.response import (
    READINGS,
    error_data,
    media_type,
    read_body,
    retry_after_ms,
    shown_headers,
)

_READ_METHODS = ("get", "head", "options")
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_UNKNOWN_OUTCOME = frozenset({408, *range(500, 600)})


def _effect(config: Mapping[str, object]) -> Effect:
    if config.get("unsafe") is True:
        return "unsafe"
    # A template may hold the method, so that only a method stated here makes the call a read.
    stated = config.get("method") is not None or config.get("template") is None
    return "read" if stated and method_of(config) in _READ_METHODS else "keyed"


SPEC = Spec(
    type="http",
    summary="Sends one HTTP request and gives back status, headers and body.",
    effect=_effect,
    fields=(
        *FIELDS,
        Field("response-as", "name", "how to read the body; by its media type if absent", choices=READINGS),
        Field("include-headers", "vector", "the only response headers to give back"),
        Field("ok-status", "any", "`:any`, or statuses from 400 on that are no failure"),
        Field("parser-fn", "any", "a function of the answer that gives its body"),
        Field("auto-search-index?", "boolean", "accepted for compatibility"),
    ),
    example='{:url "https://api.example.com/items" :method :post :json {:name "a"} :ok-status [409]}',
    one_of=(("connection", "url"),),
)


class HttpStep:
    """Sends the request with the step's idempotency key, whatever the method."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """`{:status :headers :body}`; `StepError` (`http.*`, `config_*`, `connection.*`).

        A status from 400 on is `http.status` unless `:ok-status` takes it: 408, 425, 429 and 5xx may be
        tried again, and after a 408 or 5xx nobody knows what the other side did.
        """
        full = with_template(config, context, "request")
        check_config(SPEC, full)
        accepted = wanted_statuses(full.get("ok-status"))
        sink = _sink(full, accepted, context)
        response = send(full, context, sink)
        size = sink.size if sink is not None and sink.size is not None else len(response.body)
        context.log.line(f"{method_of(full).upper()} answered {response.status}, {size} bytes")
        headers = shown_headers(response, full.get("include-headers"))
        if _is_failure(response, accepted):
            raise _failed(response, headers, context)
        envelope = [(keyword("status"), response.status), (keyword("headers"), headers)]
        if sink is not None:
            return _referring(envelope, sink.stored(response))
        body = read_body(response, name_of(full.get("response-as") or "auto"))
        if full.get("parser-fn") is not None:
            answer = map_of([*envelope, (keyword("body"), body)])
            body = context.functions.call_code(full["parser-fn"], answer).value
        if isinstance(body, Bytes) and body.value:
            # Binary is never inline in a history that people read; it goes to the store unasked.
            return _referring(envelope, store(response.body, _media(response), {}, context))
        return map_of([*envelope, (keyword("body"), body)])


STEP = HttpStep()


class StoreSink:
    """Streams the body of an answer that is no failure into the store, as `:persist` says."""

    def __init__(
        self,
        settings: Mapping[str, object],
        accepted: frozenset[int] | None,
        limit: int | None,
        context: Context,
    ) -> None:
        tier = tier_limit(settings)
        self.limit = tier if limit is None else min(tier, limit)
        self.size: int | None = None
        self._settings = settings
        self._accepted = accepted
        self._context = context
        self._reference: Map | None = None

    def wants(self, head: HttpResponse) -> bool:
        """Every answer that the step takes."""
        return not _is_failure(head, self._accepted)

    def take(self, head: HttpResponse, chunks: Iterator[bytes]) -> None:
        """Store it piece by piece."""
        media = text_of(self._settings, "content-type") or _media(head)
        put = self._context.blobs.put_stream(chunks, media)
        self.size = put.size
        self._reference = reference(put, self._settings, self._context)

    def stored(self, response: HttpResponse) -> Map:
        """The reference to what was stored; an answer that cannot have a body is stored as an empty one."""
        if self._reference is None:
            self._reference = store(response.body, _media(response), self._settings, self._context)
        return self._reference


def _sink(
    config: Mapping[str, object], accepted: frozenset[int] | None, context: Context
) -> StoreSink | None:
    if config.get("persist") is None:
        return None
    settings = persist_settings(config["persist"])
    if name_of(settings["type"]) != "blob":
        return None
    return StoreSink(settings, accepted, response_limit(config), context)


def _is_failure(response: HttpResponse, accepted: frozenset[int] | None) -> bool:
    return response.status >= 400 and accepted is not None and response.status not in accepted


def _media(response: HttpResponse) -> str:
    return media_type(response) or "application/octet-stream"


def _referring(envelope: list[tuple[Value, Value]], stored: Map) -> Map:
    omitted = map_of([(keyword("type"), keyword("omitted")), (keyword("reason"), keyword("persisted"))])
    return map_of([*envelope, (keyword("body"), omitted), *stored.items()])


def _failed(response: HttpResponse, headers: Map, context: Context) -> StepError:
    try:
        body = read_body(response, "auto")
    except StepError:
        body = read_body(response, "text")
    return StepError(
        "http.status",
        f"the service answered {response.status}",
        definite=response.status not in _UNKNOWN_OUTCOME,
        retryable=response.status in _TRY_AGAIN,
        retry_after_ms=retry_after_ms(response, context.clock.now_ms()),
        data=error_data(response, headers or EMPTY_MAP, body),
        hint="a status that is no failure can be named in :ok-status",
    )
