"""The `http` notifier: a message posted to a URL, as our own JSON or as chat services take it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gitflow_runner.errors import StepError
from gitflow_runner.model.message import Delivery, Message
from gitflow_runner.model.spec import Field, Spec
from gitflow_runner.net.exchange import HttpRequest
from gitflow_runner.notifiers.base import Ports

FORMATS = ("json", "chat")
TIMEOUT_MS = 15_000
MAX_ANSWER_BYTES = 100_000


class HttpNotifier:
    """Posts `{title text variables key}`, or `{text}` for chat services."""

    spec = Spec(
        type="http",
        summary="Posts the message to a URL.",
        effect="keyed",
        fields=(
            Field("url", "url", "where to", required=True),
            Field("format", "name", "`json` (all parts) or `chat` (one text)", choices=FORMATS),
            Field("headers", "map", "further request headers"),
        ),
        example='{:url "https://hooks.example.com/gitflow" :format :chat}',
    )

    def send(self, settings: Mapping[str, object], message: Message, ports: Ports) -> Delivery:
        """Post once, with the message's key as `Idempotency-Key`; a status from 400 on is `http.status`."""
        body = json.dumps(_body(settings, message), ensure_ascii=False).encode()
        return post(settings, body, message.key, ports)


NOTIFIER = HttpNotifier()


def post(settings: Mapping[str, object], body: bytes, key: str | None, ports: Ports) -> Delivery:
    """Post JSON to the settings' URL; `StepError` (`notify.settings`, `http.status`)."""
    headers = [("Content-Type", "application/json"), *_headers(settings.get("headers"))]
    if key is not None:
        headers.append(("Idempotency-Key", key))
    request = HttpRequest(
        method="POST",
        url=_url(settings),
        headers=tuple(headers),
        body=body,
        timeout_ms=TIMEOUT_MS,
        max_response_bytes=MAX_ANSWER_BYTES,
    )
    response = ports.http.send(request, ports.cancel)
    if response.status >= 400:
        raise StepError(
            "http.status",
            f"the receiver answered {response.status}",
            definite=response.status < 500 and response.status != 408,
            retryable=response.status in (408, 425, 429) or response.status >= 500,
            data={"status": response.status},
        )
    return Delivery(response.status)


def _url(settings: Mapping[str, object]) -> str:
    url = settings.get("url")
    if not isinstance(url, str):
        raise StepError("notify.settings", "the notifier needs a url")
    return url


def _headers(value: object) -> list[tuple[str, str]]:
    return [(str(name), str(text)) for name, text in value.items()] if isinstance(value, Mapping) else []


def _body(settings: Mapping[str, object], message: Message) -> dict[str, object]:
    chosen = str(settings.get("format") or "json").lstrip(":")
    if chosen not in FORMATS:
        raise StepError("notify.settings", f"the http notifier has no format {chosen[:40]!r}")
    if chosen == "chat":
        return {"text": f"*{message.title}*\n{message.text}"}
    return {
        "title": message.title,
        "text": message.text,
        "variables": dict(message.variables),
        "key": message.key,
    }
