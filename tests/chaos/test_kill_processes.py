"""Real processes over a real repository and a real server: killed at random, and set upon the same run."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitflow_runner.git.objects import Oid
from gitflow_runner.model.event import StepStarted, StepSucceeded
from tests.loopback import Answer, Loopback
from tests.memory_runs import in_doubt
from tests.real_clone import Clone
from tests.soak import Soak

PATHS = ("/one", "/busy", "/two", "/three")
JSON = {"content-type": "application/json"}


def flow(origin: str) -> str:
    return f"""{{:slug :hello
 :name "Effects"
 :concurrency {{:type :keyed :key-field :n :on-new-version :coexist}}
 :invocations {{:default {{:inputs [{{:name :n :type :number :default 1}}]}}}}
 :interfaces {{:manual [{{:id :start :invocation :default :label "Go"}}]}}
 :functions [{{:id :twice :language :clojure :code '(fn [{{:keys [n]}}] {{:n (* 2 n)}})}}]
 :flow '(let [a (flow/step :function :first {{:ref :twice :input {{:n 4}}}})
              one (flow/step :http :one {{:url "{origin}/one" :method :post :json a}})
              busy (flow/step :http :busy {{:url "{origin}/busy" :method :post
                                           :retry {{:max-attempts 4 :backoff-ms 50}}}})
              kept (flow/step :kv :keep {{:operation :increment :key "runs"}})
              two (flow/step :http :two {{:url "{origin}/two" :method :post}})
              nap (flow/step :sleep :nap {{:millis 60}})
              three (flow/step :http :three {{:url "{origin}/three" :method :post}})]
          {{:n (:n a) :kept (:value kept)
            :did [(:status one) (:status busy) (:status two) (:status three)]}})}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
def clone(server: Loopback, tmp_path: Path) -> Clone:
    return Clone(tmp_path / "clone", flow(server.origin), origin=server.origin)


def ready(server: Loopback) -> None:
    """Forget what came, and let every path answer as for a first run."""
    server.seen.clear()
    for path in PATHS:
        server.on(path, Answer(200, b"{}", JSON))
    server.on("/busy", Answer(429, b"{}", JSON), Answer(200, b"{}", JSON))


def keys(server: Loopback, path: str) -> list[str]:
    return [seen.headers["idempotency-key"] for seen in server.seen if seen.path == path]


class Watcher:
    """What was certain at each kill: the tip that then stood, and the attempts in doubt."""

    def __init__(self, clone: Clone) -> None:
        self.clone = clone
        self.tips: list[Oid] = []
        self.doubtful: set[str] = set()

    def look(self, run: str) -> None:
        tip = self.clone.tip(run)
        if tip is not None:
            self.tips.append(tip)
            self.doubtful |= in_doubt(self.clone.history(run))


def kill_later(process: subprocess.Popen[str], due: Callable[[], bool], delay: float) -> None:
    """SIGKILL once `due` says so and `delay` seconds have passed, or when the process has ended."""
    end = time.monotonic() + 20
    while not due() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()


def first_line(process: subprocess.Popen[str]) -> Callable[[], str | None]:
    """What the process said first, None until it did."""
    said: list[str] = []

    def read() -> None:
        assert process.stdout is not None
        said.append(process.stdout.readline().strip())

    threading.Thread(target=read, daemon=True).start()
    return lambda: said[0] if said and said[0] else None


def finish(clone: Clone, run: str, watcher: Watcher, chance: random.Random) -> int:
    """Workers until the run is over, some of them killed as well; how many were needed."""
    for number in range(1, 20):
        if number < 3 and chance.random() < 0.4:
            worker = clone.begin("worker", "--once")
            kill_later(worker, lambda: True, chance.uniform(0.3, 1.0))
            assert worker.stdout is not None
            worker.stdout.close()
            watcher.look(run)
        else:
            clone.gfr("worker", "--once")
        if clone.tip(run) is None or clone.state(run).is_over:
            clone.gfr("worker", "--once")
            return number
    raise AssertionError(f"run {run} does not end: {clone.state(run)}")


def check(clone: Clone, server: Loopback, run: str, watcher: Watcher, where: str) -> int:
    """Everything that must hold after the end; how many effects were repeated."""
    assert clone.state(run).status == "succeeded", where
    repository = clone.repository()
    tip = clone.tip(run)
    assert tip is not None
    chain = set(repository.ancestors(tip, first_parent=True))
    assert set(watcher.tips) <= chain, f"{where}: a durable turn is gone"
    begun = {r.event.key: r.event for r in clone.history(run) if isinstance(r.event, StepStarted)}
    repeats = 0
    for path in PATHS:
        seen = keys(server, path)
        assert set(seen) <= set(begun), f"{where}: {path} was called with a key that no turn announced"
        again = {key for key in seen if seen.count(key) > 1}
        assert again <= watcher.doubtful, f"{where}: {path} happened again although its result stood"
        repeats += len(again)
    told = [r.event for r in clone.history(run) if _repeated(r.event)]
    assert len(told) >= repeats, f"{where}: history does not say what was repeated"
    assert repository.refs("refs/runner/active/") == (), where
    return repeats


def counted(clone: Clone, run: str) -> int:
    """What the run's increment of the shared counter came to."""
    output = clone.git("show", f"refs/runs/hello/{run}:output.edn")
    match = re.fullmatch(r"\{:n 8, :kept (\d+), :did \[200 200 200 200\]\}", output)
    assert match is not None, output
    return int(match[1])


def _repeated(event: object) -> bool:
    return isinstance(event, StepSucceeded) and event.repeated


@pytest.mark.soak
def test_processes_killed_at_random_lose_nothing(clone: Clone, server: Loopback, soak: Soak) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    rounds = repeats = workers = finished = 0
    for number in soak.rounds():
        ready(server)
        before = set(clone.runs())
        where = f"round {number} of seed {seed}"
        process = clone.begin("run", "hello")
        said = first_line(process)
        if number % 2:
            kill_later(process, lambda said=said: said() is not None, chance.uniform(0, 0.25))
        else:
            wanted = chance.randint(1, 5)
            kill_later(process, lambda wanted=wanted: len(server.seen) >= wanted, chance.uniform(0, 0.02))
        assert process.stdout is not None
        process.stdout.close()
        watcher = Watcher(clone)
        found = set(clone.runs()) - before
        told = said()
        assert told is None or told in found, f"{where}: a run that was told of is gone"
        rounds += 1
        for run in found:
            watcher.look(run)
            workers += finish(clone, run, watcher, chance)
            repeats += check(clone, server, run, watcher, where)
            finished += 1
            assert counted(clone, run) == finished, f"{where}: the counter moved more or less than once"
        if not found:
            clone.gfr("worker", "--once")
            assert server.seen == [], f"{where}: an effect without a run"
    clone.gfr("runs", "verify", clone.runs()[-1])
    clone.git("fsck", "--strict", "--no-dangling")
    soak.figure("kills of a driving process", rounds)
    soak.figure("workers that finished their runs", workers)
    soak.figure("effects that were in doubt and repeated", repeats)


def test_of_two_workers_on_one_run_one_drives_and_nothing_happens_twice(
    clone: Clone, server: Loopback
) -> None:
    for number in range(2):
        ready(server)
        before = set(clone.runs())
        process = clone.begin("run", "hello")
        said = first_line(process)
        kill_later(process, lambda s=said: s() is not None, 0.0)
        assert process.stdout is not None
        process.stdout.close()
        (run,) = set(clone.runs()) - before
        watcher = Watcher(clone)
        watcher.look(run)
        arrived = len(server.seen)
        workers = [clone.begin("worker", "--once") for _ in range(3)]
        for worker in workers:
            out, _ = worker.communicate(timeout=120)
            assert worker.returncode == 0, out
        finish(clone, run, watcher, random.Random(number))
        check(clone, server, run, watcher, f"round {number}")
        assert len(server.seen) <= 5 + arrived + (1 if watcher.doubtful else 0)
