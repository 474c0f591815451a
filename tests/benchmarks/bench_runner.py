"""Whole runs beside SQLite in WAL mode with synchronous=FULL, which commits once for each step."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gitflow_runner.git.maintenance import fold_packs
from gitflow_runner.net.exchange import HttpResponse
from gitflow_runner.net.recorded import RecordedHttp
from gitflow_runner.runner.clock import CountedJitter
from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.drive import Patience
from gitflow_runner.runner.service import Service
from tests.benchmarks.conftest import Figure
from tests.real_clone import MODULE, SLUG, Clone

Compare = Callable[[str, Callable[[], object], Callable[[], object]], float]

URL = "https://api.test/post"
EFFECTS, PURE, RECORDED, MOST = 100, 1_000, 1_000, 10_000
FLOW = """{:slug :hello :name "Speed" :concurrency {:type :singleton :on-new-version :coexist}
 :functions [{:id :next :language :clojure :code '(fn [{:keys [n]}] {:n (inc n)})}]
 :invocations {:default {:inputs [{:name :effects :type :number :default 0}
                                  {:name :pure :type :number :default 0}
                                  {:name :wait :type :boolean :default false}]}}
 :interfaces {:manual [{:id :start :invocation :default :label "Go"}]}
 :flow '(let [given (flow/input)
              sent (loop [i 0 last nil]
                     (if (< i (:effects given))
                       (recur (inc i) (flow/step :http :post {:url "https://api.test/post" :method :post
                                                              :json {:i i}}))
                       (:status last)))
              counted (loop [i 0 n 0]
                        (if (< i (:pure given))
                          (recur (inc i) (:n (flow/step :function :count {:ref :next :input {:n n}})))
                          n))]
          (if (:wait given) (flow/step :wait :ask {:title "Go on?"}) {:sent sent :counted counted}))}
"""
# Three steps, one of them an effect that leaves the process: what somebody who tries the tool runs first.
THREE = """{:slug :hello :name "Three" :concurrency {:type :singleton :on-new-version :coexist}
 :functions [{:id :next :language :clojure :code '(fn [{:keys [n]}] {:n (inc n)})}]
 :flow '(let [a (flow/step :function :one {:ref :next :input {:n 1}})
              b (flow/step :kv :two {:operation :set :key "last" :value (:n a)})
              c (flow/step :function :three {:ref :next :input {:n (:n a)}})]
          c)}
"""
SQLITE = """import sqlite3, sys
at = sqlite3.connect(sys.argv[1], isolation_level=None)
at.execute("pragma journal_mode=wal"); at.execute("pragma synchronous=full")
at.execute("create table if not exists step (data text)")
for n in range(3): at.execute("insert into step values ('done')")
"""


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "clone", FLOW, functions="in-process")


def service(clone: Clone, start: int = 0) -> Service:
    """A service as a fresh process has it, whose outside answers at once."""
    http = RecordedHttp({URL: HttpResponse(200, (("content-type", "application/json"),), b"{}", "")})
    jitter = CountedJitter(start)
    made = compose(clone.folder, environment=clone.environment, jitter=jitter, say=lambda text: None)
    return Service(replace(made, make_http=lambda settings: http))


def runs(clone: Clone, **given: int) -> Callable[[], None]:
    tools = service(clone)

    def run() -> None:
        stood = tools.start(SLUG, "draft", given, told=lambda run, changed: None)
        assert stood.run.status == "succeeded"

    return run


def commits(folder: Path, number: int) -> Callable[[], None]:
    """That many single inserts, each durable before the next."""
    at = sqlite3.connect(folder / "steps.db", isolation_level=None)
    at.execute("pragma journal_mode=wal")
    at.execute("pragma synchronous=full")
    at.execute("create table step (run text, seq integer, data text, primary key (run, seq))")
    rounds = iter(range(1_000_000))

    def insert() -> None:
        name = f"run-{next(rounds)}"
        for seq in range(number):
            at.execute("insert into step values (?, ?, ?)", (name, seq, '{"status": 200}' * 8))

    return insert


def bench_durable_effect_steps(clone: Clone, tmp_path: Path, compare: Compare) -> None:
    ours, theirs = runs(clone, effects=EFFECTS), commits(tmp_path, EFFECTS)
    assert compare(f"{EFFECTS} durable effect steps to as many SQLite commits", ours, theirs) < 60


def bench_pure_steps(clone: Clone, tmp_path: Path, compare: Compare, figure: Figure) -> None:
    ours, theirs = runs(clone, pure=PURE), commits(tmp_path, PURE)
    figure(f"for {PURE:,} pure steps in process, 5,000 a second", ours, within_ms=PURE / 5)
    assert compare(f"{PURE:,} pure steps in one run to as many SQLite commits", ours, theirs) < 3


def bench_pure_steps_of_unsigned_code(tmp_path: Path, compare: Compare, figure: Figure) -> None:
    """The functions of drafts run in a process of their own."""
    clone = Clone(tmp_path / "clone", FLOW)
    ours, theirs = runs(clone, pure=PURE), commits(tmp_path, PURE)
    figure(f"for {PURE:,} pure steps through the worker, 2,500 a second", ours, within_ms=PURE / 2.5)
    assert compare(f"{PURE:,} pure steps in a worker to as many SQLite commits", ours, theirs) < 8


def resumes(clone: Clone, **given: int) -> Callable[[], None]:
    """What takes up a run that waits after so many steps, as a process does that knows nothing of it."""
    first = service(clone)
    stood = first.start(SLUG, "draft", {**given, "wait": True}, told=lambda run, changed: None)
    assert stood.run.status == "waiting"
    fold_packs(first.runtime.git, dedicated=False)
    at = first.find(stood.run.run)

    def resume() -> None:
        assert service(clone).drive(at, Patience.NOW).run.status == "waiting"

    return resume


def bench_resuming_a_long_run(clone: Clone, tmp_path: Path, compare: Compare) -> None:
    resume = resumes(clone, effects=RECORDED)
    what = f"resume of a run of {RECORDED:,} effect steps to {RECORDED:,} SQLite commits"
    assert compare(what, resume, commits(tmp_path, RECORDED)) < 3


@pytest.mark.parametrize("kind", ["pure", "effects"])
def bench_resuming_the_longest_run(clone: Clone, kind: str, figure: Figure) -> None:
    resume = resumes(clone, **{kind: MOST})
    figure(f"to resume a run of {MOST:,} steps, {kind}", resume, within_ms=1_000)


def bench_a_first_run_in_a_new_process(tmp_path: Path, compare: Compare) -> None:
    clone = Clone(tmp_path / "clone", THREE)
    script = [sys.executable, "-c", SQLITE, str(tmp_path / "steps.db")]

    def run(arguments: list[str]) -> Callable[[], None]:
        return lambda: (
            subprocess.run(
                arguments, cwd=clone.folder, env=clone.environment, check=True, capture_output=True
            )
            and None
        )

    ours = run([*MODULE, "run", SLUG])
    assert compare("gfr run of three steps to a script with three SQLite commits", ours, run(script)) < 60


def bench_help(tmp_path: Path, compare: Compare) -> None:
    def run(*arguments: str) -> Callable[[], None]:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        return lambda: (
            subprocess.run(
                [sys.executable, *arguments], cwd=tmp_path, env=environment, check=True, capture_output=True
            )
            and None
        )

    ours, theirs = run("-m", "gitflow_runner", "--help"), run("-c", "import click")
    assert compare("gfr --help to importing click", ours, theirs) < 2
