"""`:llm` over real sockets: all four formats, an answer told while it comes, refusals, cancels."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gitflow_runner.net.client import HttpClient
from gitflow_runner.runner.clock import SystemClock
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.llm import STEP
from tests.model_server import ModelServer
from tests.step_context import World, at, failure, run

FORMATS = pytest.mark.parametrize(
    ("provider", "path"),
    [("openai-compatible", "/v1"), ("openai", "/v1"), ("anthropic", ""), ("google-ai", "/v1beta")],
)
TOOLS = ':tools [{:name "look" :params [:map [:q :string]]}]'


@pytest.fixture
def client() -> Iterator[HttpClient]:
    made = HttpClient(monotonic_ms=SystemClock().monotonic_ms, allow=("http://127.0.0.1:*",))
    yield made
    made.close()


def context_of(world: World, client: HttpClient) -> Context:
    clock = SystemClock()
    return world.context(http=client, clock=clock, deadline_ms=clock.monotonic_ms() + 20_000)


def config(server: ModelServer, provider: str, path: str, rest: str) -> str:
    return f'{{:base-url "{server.origin}{path}" :provider :{provider} :model "m-1" :prompt "hi" {rest}}}'


@FORMATS
@pytest.mark.parametrize("stream", ["true", "false"])
def test_every_format_over_a_socket(client: HttpClient, provider: str, path: str, stream: str) -> None:
    lines = ({"tool": "look", "arguments": {"q": "ä"}},)
    with ModelServer(lines) as server:
        world = World()
        rest = f":stream {stream} {TOOLS}"
        result = run(STEP, config(server, provider, path, rest), context_of(world, client))
    (call,) = at(result, "tool-calls")
    assert (at(call, "name"), at(call, "arguments").get("q"), at(call, "problem")) == ("look", "ä", None)
    assert server.seen[0][1]["idempotency-key"] == "ab" * 32


@FORMATS
def test_the_log_tells_an_answer_while_it_comes(client: HttpClient, provider: str, path: str) -> None:
    with ModelServer([{"text": "one\ntwo words and more of them"}], held=True) as server:
        world = World()
        told = threading.Event()

        class Log:
            def line(self, text: str) -> None:
                world.log.line(text)
                told.set()
                server.released.set()

        context = context_of(world, client)
        server.released.clear()
        done: list[object] = []
        asked = config(server, provider, path, "")
        worker = threading.Thread(target=lambda: done.append(run(STEP, asked, with_log(context, Log()))))
        worker.start()
        # The server holds the rest back until the log has spoken, or half a minute is over.
        first = told.wait(20)
        worker.join(25)
    assert first
    assert world.log.lines[0] == "│ one"
    assert at(done[0], "content") == "one\ntwo words and more of them"  # type: ignore[arg-type]


def with_log(context: Context, log: object) -> Context:
    return replace(context, log=log)  # type: ignore[arg-type]


def test_a_server_that_is_gone_or_cut_is_told(client: HttpClient) -> None:
    with ModelServer([{"text": "a b c d e f g", "cut": True}]) as server:
        asked = config(server, "openai-compatible", "/v1", "")
        assert failure(STEP, asked, context_of(World(), client)).code == "llm.cut"
    error = failure(STEP, asked, context_of(World(), client))
    assert (error.code, error.retryable) == ("http.connect", True)


def test_a_cancel_ends_an_answer_that_is_under_way(client: HttpClient) -> None:
    with ModelServer([{"text": "one\ntwo\nthree\nfour and more"}], held=True) as server:
        world = World()
        log = world.log

        class Log:
            def line(self, text: str) -> None:
                log.line(text)
                world.cancel.ask()

        asked = config(server, "openai-compatible", "/v1", "")
        error = failure(STEP, asked, with_log(context_of(world, client), Log()))
    assert error.code == "step.cancelled"
