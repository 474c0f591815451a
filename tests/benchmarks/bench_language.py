"""The language beside Basilisp on the same texts, and beside the times that the plan wants."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from gitflow_runner.catalog.linter import lint
from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.engine.behaviour import CURRENT
from gitflow_runner.engine.names import HOST_NAMES
from gitflow_runner.engine.program import make_program
from gitflow_runner.lang.batch import Bench
from gitflow_runner.lang.fuel import Limits
from gitflow_runner.lang.reader import read_one
from gitflow_runner.lang.session import CompiledFunction, call, compile_function
from gitflow_runner.lang.source import Source
from gitflow_runner.runner.clock import SystemClock
from gitflow_runner.runner.evaluation import FunctionCode, apply, argument_value, prepare
from gitflow_runner.runner.isolated import FunctionWorker
from tests.architecture.source import ROOT
from tests.benchmarks.basilisp import Basilisp, basilisp
from tests.benchmarks.conftest import Figure
from tests.benchmarks.long_flow import FUNCTIONS, LONG_FLOW
from tests.engine_shell import SPECS

Compare = Callable[[str, Callable[[], object], Callable[[], object]], float]

TEXT = f"[{LONG_FLOW * (150_000 // len(LONG_FLOW) + 1)}]"
PLENTY = Limits(fuel=1_000_000_000)
TURNS, CALLS, EXPRESSIONS = 10_000, 1_000, 5_000
COUNT = "(fn [n] (loop [i 0] (if (< i n) (recur (inc i)) i)))"
APPEND = "(fn [n] (loop [i 0 v []] (if (< i n) (recur (inc i) (conj v i)) (count v))))"
# What agents write most: sums over sequences, maps that are changed, texts that are put together.
WORK = {
    "a sum over a mapped range": "(fn [n] (reduce + (map inc (range n))))",
    "changes below a key": (
        "(fn [n] (loop [i 0 m {}] (if (< i n) (recur (inc i) (update-in m [:a (mod i 10)] (fnil inc 0)))"
        " (count (:a m)))))"
    ),
    "texts from numbers": '(fn [n] (count (apply str (map (fn [i] (str "<" i ">")) (range n)))))',
}
SMALL = (
    "(+ 1 {n})",
    "(map inc [1 2 {n}])",
    '(clojure.string/join "," (for [x (range 5)] (* x {n})))',
    "(let [{{:keys [a b]}} {{:a {n} :b 2}}] (assoc {{}} :c (+ a b)))",
    "((fn [x] (cond (odd? x) :odd :else :even)) {n})",
)
ECHO = FunctionCode("echo", Source("(fn [message] message)"))
MESSAGE = f'{{:text "{"x" * 180}" :n 12}}'


@pytest.fixture(scope="module")
def other() -> Iterator[Basilisp]:
    """Basilisp, started once."""
    with basilisp() as found:
        yield found


def calls(function: CompiledFunction, argument: int) -> Callable[[], object]:
    return lambda: call(function, (argument,), PLENTY)


def ticks(function: CompiledFunction, argument: int) -> int:
    """How much fuel a call uses."""
    runtime = function.code.runtime(None, PLENTY)
    value = function.code.root([runtime] + [None] * (function.code.size - 1))
    before = runtime.fuel
    runtime.call(value, argument)
    return before - runtime.fuel


def bench_reading(figure: Figure) -> None:
    assert len(TEXT) > 150_000
    figure(f"to read {len(TEXT) // 1000} KB", lambda: read_one(Source(TEXT)), within_ms=100)


def bench_reading_beside_basilisp(other: Basilisp, compare: Compare) -> None:
    ours, theirs = lambda: read_one(Source(TEXT)), lambda: other.read(TEXT)
    assert compare(f"read {len(TEXT) // 1000} KB: ours to basilisp", ours, theirs) < 0.3


def bench_compiling_and_linting(figure: Figure) -> None:
    texts = MemoryTexts({"long.edn": LONG_FLOW})

    def work() -> None:
        flow = load(texts, "long")
        make_program(flow, SPECS, behaviour=CURRENT, fuel=PLENTY.fuel)
        for code in flow.functions.values():
            compile_function(code.code)
        assert lint(texts, "long", SPECS, HOST_NAMES) == ()

    lines = LONG_FLOW.count("\n")
    assert lines >= 300
    figure(f"to read, compile and lint a flow of {lines} lines", work, within_ms=30)


def bench_compiling_beside_basilisp(other: Basilisp, compare: Compare) -> None:
    def ours() -> None:
        for text in FUNCTIONS:
            compile_function(text)

    def theirs() -> None:
        for text in FUNCTIONS:
            other.compile(text)

    assert compare(f"compile {len(FUNCTIONS)} functions: ours to basilisp", ours, theirs) < 0.1


def bench_fuel(figure: Figure) -> None:
    count = compile_function(COUNT)
    turns = TURNS * 1_000_000 // ticks(count, TURNS)
    assert abs(ticks(count, turns) - 1_000_000) < 1_000
    figure("for a million ticks of fuel", calls(count, turns), within_ms=1_200)


def bench_loops_beside_basilisp(other: Basilisp, compare: Compare) -> None:
    assert call(compile_function(COUNT), (TURNS,)) == other.call(COUNT, TURNS)
    what = f"{TURNS:,} turns of a loop: ours to basilisp"
    assert compare(what, calls(compile_function(COUNT), TURNS), lambda: other.call(COUNT, TURNS)) < 0.1


def bench_appends(figure: Figure) -> None:
    figure(f"for {TURNS:,} appends to a vector", calls(compile_function(APPEND), TURNS), within_ms=10)


def bench_appends_beside_basilisp(other: Basilisp, compare: Compare) -> None:
    what = f"{TURNS:,} appends to a vector: ours to basilisp"
    assert compare(what, calls(compile_function(APPEND), TURNS), lambda: other.call(APPEND, TURNS)) < 0.1


@pytest.mark.parametrize("what", WORK)
def bench_work_beside_basilisp(what: str, other: Basilisp, compare: Compare) -> None:
    code = WORK[what]
    function = compile_function(code)
    assert call(function, (TURNS,), PLENTY) == other.call(code, TURNS)
    ratio = compare(
        f"{what}, {TURNS:,}: ours to basilisp", calls(function, TURNS), lambda: other.call(code, TURNS)
    )
    assert ratio < 0.3


def bench_a_call_in_the_worker(figure: Figure, compare: Compare) -> None:
    worker = FunctionWorker(SystemClock())
    ready, argument = prepare(ECHO), argument_value(apply(prepare(ECHO), MESSAGE, CALLS)[0])

    def there() -> None:
        for _ in range(CALLS):
            worker.evaluate(ECHO, MESSAGE, PLENTY.fuel)

    def here() -> None:
        for _ in range(CALLS):
            apply(ready, argument, PLENTY.fuel)

    try:
        there()  # the process is started by the first call
        what = f"for a call with {len(MESSAGE)} octets in the worker, there and back"
        figure(what, there, within_ms=0.15, times=CALLS)
        assert compare(f"{CALLS:,} calls in the worker to as many in process", there, here) < 30
    finally:
        worker.close()


def bench_a_batch_of_expressions(figure: Figure) -> None:
    asked = [SMALL[n % len(SMALL)].format(n=n) for n in range(EXPRESSIONS)]
    lines = "".join(json.dumps({"expr": text, "env": "function"}) + "\n" for text in asked).encode()

    def work() -> None:
        done = subprocess.run(
            [sys.executable, "-m", "gitflow_runner", "eval", "--batch"],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            input=lines,
            check=True,
            capture_output=True,
        )
        assert done.stdout.count(b'"ok": true') == EXPRESSIONS

    figure(f"for {EXPRESSIONS:,} expressions through gfr eval --batch", work, within_ms=10_000)


def bench_expressions_beside_basilisp(other: Basilisp, compare: Compare) -> None:
    asked = [SMALL[n % len(SMALL)].format(n=n) for n in range(50)]
    bench = Bench(HOST_NAMES, Limits())

    def ours() -> None:
        for text in asked:
            bench.printed(text)

    def theirs() -> None:
        for text in asked:
            other.compile(text)

    assert compare(f"{len(asked)} small expressions: ours to basilisp", ours, theirs) < 0.1
