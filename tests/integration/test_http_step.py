"""The `:http` step over the real client, to a real server."""

from __future__ import annotations

import json
import time

from gitflow_runner.net.client import HttpClient
from gitflow_runner.steps.http import STEP
from tests.loopback import Answer, Loopback
from tests.step_context import World, at, failure, run, text


def clock() -> int:
    return time.monotonic_ns() // 1_000_000


def test_a_step_that_fails_for_a_while_sends_the_same_key_again() -> None:
    with Loopback() as server:
        made = Answer(201, b'{"id":7}', {"Content-Type": "application/json"})
        server.on("/items", Answer(503, headers={"Retry-After": "2"}), made)
        client = HttpClient(monotonic_ms=clock, allow=(server.origin,))
        world = World()
        config = f'{{:url "{server.origin}/items" :method :post :json {{:name "a"}}}}'
        error = failure(STEP, config, world.context(http=client))
        result = run(STEP, config, world.context(http=client, attempt=2))
        client.close()
    assert (error.code, error.definite, error.retry_after_ms) == ("http.status", False, 2_000)
    assert text(at(result, "body")) == '{"id" 7}'
    first, second = server.seen
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == "ab" * 32
    assert json.loads(first.body) == json.loads(second.body) == {"name": "a"}


def test_a_step_does_not_reach_the_inside_unless_it_is_listed() -> None:
    with Loopback() as server:
        client = HttpClient(monotonic_ms=clock)
        error = failure(STEP, f'{{:url "{server.origin}/"}}', World().context(http=client))
        client.close()
    assert (error.code, server.seen) == ("http.refused_address", [])
