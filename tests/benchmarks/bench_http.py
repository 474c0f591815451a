"""One `:http` step beside the same request by bare httpx, to a server in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from gitflow_runner.net.client import HttpClient
from gitflow_runner.steps.config import parse_config
from gitflow_runner.steps.http import STEP
from tests.step_context import World, edn
from tests.streaming_server import streaming

Compare = Callable[[str, Callable[[], object], Callable[[], object]], float]

CALLS = 100


@pytest.fixture
def origin() -> Iterator[str]:
    with streaming() as running:
        yield running


def bench_an_http_step(compare: Compare, origin: str) -> None:
    url = f"{origin}/give?bytes=200"
    client = HttpClient(monotonic_ms=lambda: time.monotonic_ns() // 1_000_000, allow=(origin,))
    context = World().context(http=client)
    value = edn(f'{{:url "{url}" :headers {{"X-One" "1"}} :response-as :text}}')
    bare = httpx.Client(trust_env=False)

    def ours() -> None:
        for _ in range(CALLS):
            STEP.run(parse_config(STEP.spec, value), context)

    def theirs() -> None:
        for _ in range(CALLS):
            assert bare.get(url, headers={"X-One": "1"}).text

    ratio = compare(f"{CALLS} :http steps over bare httpx", ours, theirs)
    client.close()
    bare.close()
    assert ratio < 1.5
