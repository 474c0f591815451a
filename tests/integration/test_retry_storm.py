"""Two hundred runs at once against a real server that refuses every other request."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from gitflow_runner.ledger.chain import read_history, read_run
from gitflow_runner.ledger.lease import hold_run, standings
from gitflow_runner.model.event import RunSucceeded, StepFailed, StepStarted, StepSucceeded
from gitflow_runner.model.ids import Slug
from gitflow_runner.net.client import HttpClient
from gitflow_runner.runner.code import resolve_code
from gitflow_runner.runner.drive import Patience
from gitflow_runner.runner.driving import drive_held
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.start import begin_run, new_run_id
from gitflow_runner.runner.worker import work_once
from tests.loopback import Answer, Loopback, Seen
from tests.memory_runs import KEY_HEADER, SLUG, World, quietly

RUNS = 200
ATTEMPTS = 4
FLOW = """{:slug :hello
 :name "Storm"
 :concurrency {:type :keyed :key-field :number :on-new-version :drain}
 :flow '(:status (flow/step :http :call
                   {:url "ORIGIN/call" :method :post
                    :query {:run (:workflow-id (:flow/ctx (flow/input)))}
                    :retry {:max-attempts 4 :backoff-ms 100 :backoff {:type :linear :step 100}}}))}
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the server saw it and answered it; `at` in ms of the injected clock."""

    key: str
    at: int
    status: int
    retry_after_ms: int


class Storm(Loopback):
    """Refuses half of all requests with 429 or 503, some of them with a time to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, list[Call]] = defaultdict(list)
        self.now: Callable[[], int] = lambda: 0

    def answer(self, request: Seen) -> Answer:
        """By chance that is the same each time: of the flow's own count, not of any clock."""
        run = parse_qs(urlsplit(request.path).query)["run"][0]
        made = self.calls[run]
        # Not by the run's id, which is another one each time: the runs come in one order.
        chance = hashlib.sha256(f"{list(self.calls).index(run)} {len(made)}".encode()).digest()
        status = (429, 503)[chance[1] % 2] if chance[0] % 2 else 200
        seconds = chance[2] % 4 if status != 200 else 0
        made.append(Call(request.headers[KEY_HEADER], self.now(), status, seconds * 1_000))
        return Answer(status, b"", {"Retry-After": str(seconds)} if seconds else {})


def begin(runtime: Runtime, number: int) -> str:
    """Start a run and drive it as far as is due now."""
    run = new_run_id(runtime)
    code = resolve_code(runtime, Slug(SLUG), "main")
    with hold_run(runtime.repository.common_dir, run, runtime.who):
        begun = begin_run(runtime, run, code, {"number": number})
        drive_held(runtime, begun.journal, begun.pin, begun.code, Patience.NOW)
    return run


def test_every_run_ends_right_none_comes_back_too_early_and_every_call_is_in_its_history(
    tmp_path: Path,
) -> None:
    with Storm() as server:
        world = World(tmp_path / "world", FLOW.replace("ORIGIN", server.origin))
        client = HttpClient(monotonic_ms=lambda: time.monotonic_ns() // 1_000_000, allow=(server.origin,))
        runtime = replace(world.runtime(quietly), make_http=lambda settings: client)
        server.now = world.clock.now_ms
        runs = [begin(runtime, number) for number in range(RUNS)]
        for _ in range(60):
            if not standings(runtime.repository):
                break
            world.clock.move(500)
            for worked in work_once(runtime):
                assert worked.problem is None, worked.problem
        client.close()
    assert standings(runtime.repository) == ()
    refused = failed = 0
    for run in runs:
        refused += sum(call.status != 200 for call in server.calls[run])
        failed += check(world, run, server.calls[run])
    total = sum(len(calls) for calls in server.calls.values())
    assert 0.4 < refused / total < 0.6, "half of all requests are refused"
    assert 0 < failed < RUNS / 4, "a few runs use up their attempts"


def check(world: World, run: str, calls: list[Call]) -> bool:
    """Hold one run's history against what the server saw of it; whether the run failed."""
    tip = world.repository.resolve(f"refs/runs/{SLUG}/{run}")
    assert tip is not None
    history = read_history(world.repository, tip)
    begun = [r for r in history if isinstance(r.event, StepStarted)]
    failures = [r for r in history if isinstance(r.event, StepFailed)]
    assert [r.event.key for r in begun] == [call.key for call in calls]
    assert [r.event.attempt for r in begun] == list(range(1, len(calls) + 1))
    for before, after in pairwise(calls):
        assert after.at >= before.at + before.retry_after_ms, "nobody comes back before the time asked for"
        # What may have been done is asked for with the same key, what was surely refused with a new one.
        assert (after.key == before.key) == (before.status == 503)
    for recorded, call in zip(failures, calls, strict=False):
        if recorded.event.retry_at is not None:
            assert recorded.event.retry_at >= recorded.at + max(call.retry_after_ms, 100)
    state = read_run(world.repository, tip)
    if calls[-1].status == 200:
        last = history[-1].event
        assert isinstance(last, RunSucceeded)
        assert (last.output.text, len(failures)) == ("200", len(calls) - 1)
        assert sum(isinstance(r.event, StepSucceeded) for r in history) == 1
        return False
    assert (state.status, len(calls), len(failures)) == ("failed", ATTEMPTS, ATTEMPTS)
    assert state.failure is not None
    assert state.failure.code == "http.status"
    return True
