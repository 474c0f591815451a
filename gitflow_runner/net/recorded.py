"""An HTTP port that answers from a table and keeps what it was asked: for tries without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gitflow_runner.errors import StepError
from gitflow_runner.net.exchange import Cancel, HttpRequest, HttpResponse, Sink

Answer = HttpResponse | StepError


class RecordedHttp:
    """Answers by URL, query left aside; of several answers each is given once and the last stays."""

    def __init__(self, answers: Mapping[str, Answer | Sequence[Answer]]) -> None:
        self._answers = {
            url: [given] if isinstance(given, HttpResponse | StepError) else list(given)
            for url, given in answers.items()
        }
        self.requests: list[HttpRequest] = []

    def send(self, request: HttpRequest, cancel: Cancel, sink: Sink | None = None) -> HttpResponse:
        """The next answer; a URL without one is `http.connect`, as an unknown host would be."""
        if cancel.asked():
            raise StepError("step.cancelled", "the request was given up: cancelled")
        self.requests.append(request)
        script = self._answers.get(request.url.partition("?")[0])
        if not script:
            raise StepError("http.connect", "nothing is recorded for this URL", retryable=True)
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, StepError):
            raise answer
        if sink is None or not sink.wants(answer):
            return answer
        if len(answer.body) > sink.limit:
            raise StepError("http.too_large", f"the answer is larger than {sink.limit} bytes")
        sink.take(answer, iter((answer.body,)))
        return replace(answer, body=b"")

    def close(self) -> None:
        """Nothing is open; the answers stay."""
