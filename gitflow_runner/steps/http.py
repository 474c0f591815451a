"""The `:http` step: one request to a service, and its answer as a value."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import EMPTY_MAP, Map, map_of
from gitflow_runner.lang.values import Bytes, Value, keyword
from gitflow_runner.model.spec import Effect, Field, Spec
from gitflow_runner.steps.base import Context, HttpResponse
from gitflow_runner.steps.config import check_config, name_of, persist_settings
from gitflow_runner.steps.persist import store
from gitflow_runner.steps.rendering import with_template
from gitflow_runner.steps.request import FIELDS, http_request, method_of, wanted_statuses
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
        response = context.http.send(http_request(full, context), context.cancel)
        context.log.line(f"{method_of(full).upper()} answered {response.status}, {len(response.body)} bytes")
        headers = shown_headers(response, full.get("include-headers"))
        if response.status >= 400 and accepted is not None and response.status not in accepted:
            raise _failed(response, headers, context)
        envelope = [(keyword("status"), response.status), (keyword("headers"), headers)]
        if full.get("persist") is not None:
            settings = persist_settings(full["persist"])
            if name_of(settings["type"]) == "blob":
                return _with_reference(envelope, response, settings, context)
        body = read_body(response, name_of(full.get("response-as") or "auto"))
        if full.get("parser-fn") is not None:
            answer = map_of([*envelope, (keyword("body"), body)])
            body = context.functions.call_code(full["parser-fn"], answer)
        if isinstance(body, Bytes) and body.value:
            # Binary is never inline in a history that people read; it goes to the store unasked.
            return _with_reference(envelope, response, {}, context)
        return map_of([*envelope, (keyword("body"), body)])


STEP = HttpStep()


def _with_reference(
    envelope: list[tuple[Value, Value]],
    response: HttpResponse,
    settings: Mapping[str, object],
    context: Context,
) -> Map:
    media = media_type(response) or "application/octet-stream"
    reference = store(response.body, media, settings, context)
    omitted = map_of([(keyword("type"), keyword("omitted")), (keyword("reason"), keyword("persisted"))])
    return map_of([*envelope, (keyword("body"), omitted), *reference.items()])


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
