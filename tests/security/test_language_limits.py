"""Hostile code ends in a clean error: no endless loop, no memory bomb, no way out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from gitflow_runner.errors import LangError
from gitflow_runner.lang.analyzer import analyze, check
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.environments import FUNCTION
from gitflow_runner.lang.fuel import RECURSION_LIMIT, STACK_BYTES, Limits
from gitflow_runner.lang.printer import canonical, write
from gitflow_runner.lang.reader import read_one
from gitflow_runner.lang.session import evaluate

SMALL = Limits(fuel=200_000)

BOMBS = [
    ("(loop [] (recur))", "fuel_exhausted"),
    ("(count (range))", "fuel_exhausted"),
    ("(reduce + (iterate inc 0))", "fuel_exhausted"),
    ("(doall (cycle [1]))", "fuel_exhausted"),
    ("{:a (repeat 1)}", "fuel_exhausted"),
    ("(last (repeatedly (fn [] 1)))", "fuel_exhausted"),
    ("(some nil? (map inc (range)))", "fuel_exhausted"),
    ("(vec (range 100000000))", "fuel_exhausted"),
    ("(sort (range 100000000))", "fuel_exhausted"),
    # Each time but the first it copies a vector that a newer version has grown away from.
    ("(let [v (conj (vec (range 60000)) 0)] (dotimes [_ 1000] (conj v 1)))", "fuel_exhausted"),
    ("(loop [m {} i 0] (recur (assoc m i i) (inc i)))", "fuel_exhausted"),
    ("((fn f [n] (inc (f n))) 1)", "depth_exceeded"),
    ("(letfn [(a [] (inc (b))) (b [] (inc (a)))] (a))", "depth_exceeded"),
    ('(loop [s "ab" i 0] (if (< i 40) (recur (str s s) (inc i)) (count s)))', "size_exceeded"),
    ("(loop [v [1] i 0] (if (< i 300) (recur [v] (inc i)) v))", "size_exceeded"),
    ("(loop [v [1] w [1] i 0] (if (< i 300) (recur [v] [w] (inc i)) (= v w)))", "size_exceeded"),
    ("(loop [v [1] i 0] (if (< i 300) (recur [v] (inc i)) (pr-str v)))", "size_exceeded"),
    ("(loop [v [1] i 0] (if (< i 300) (recur [v] (inc i)) {v 1}))", "size_exceeded"),
    (
        "(let [f (fn [] (loop [v [1] i 0] (if (< i 60) (recur [v v] (inc i)) v)))] (= (f) (f)))",
        "fuel_exhausted",
    ),
    ("(loop [v [1] i 0] (if (< i 60) (recur [v v] (inc i)) (pr-str v)))", "fuel_exhausted"),
    ("(loop [v [1] i 0] (if (< i 60) (recur [v v] (inc i)) v))", "fuel_exhausted"),
    ("(loop [v [1] i 0] (if (< i 60) (recur [v v] (inc i)) (flatten v)))", "fuel_exhausted"),
    ("(try (loop [] (recur)) (catch Throwable e 1) (finally 2))", "fuel_exhausted"),
    (
        "(let [rows (fn [k] (set (map (fn [i] {:a 1 k i}) (range 250))))]"
        " (count (clojure.set/join (rows :b) (rows :c))))",
        "fuel_exhausted",
    ),
    ('(format "%999999999d" 1)', "throws"),
    ('(bigdec "1E999999999")', "throws"),
    ("(reduce *' (range 1 100000))", "throws"),
    ('(json/parse (apply str (repeat 5000 "[")))', "size_exceeded"),
    ('(clojure.edn/read-string (apply str (repeat 5000 "[")))', "throws"),
    ('(clojure.string/join (repeat 100000 (clojure.string/join (repeat 90 "x"))))', "size_exceeded"),
]


def _on_a_big_stack(work: Callable[[], None]) -> None:
    """Run as a worker does: deep recursion of ours must be stopped by us and not by Python."""
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 - raised again by the thread that waits
            failures.append(failure)

    limit, size = sys.getrecursionlimit(), threading.stack_size(STACK_BYTES)
    sys.setrecursionlimit(RECURSION_LIMIT)
    try:
        thread = threading.Thread(target=guarded)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    if failures:
        raise failures[0]


@pytest.mark.parametrize(("text", "code"), BOMBS)
def test_a_bomb_ends_in_a_clean_error(text: str, code: str) -> None:
    def work() -> None:
        if code == "throws":
            assert evaluate(f"(try {text} (catch Exception e :thrown))", limits=SMALL) is not None
            return
        with pytest.raises(LangError) as caught:
            evaluate(text, limits=SMALL)
        assert caught.value.code == code

    _on_a_big_stack(work)


@pytest.mark.parametrize("text", [text for text, code in BOMBS if code == "depth_exceeded"])
def test_a_small_python_stack_gives_the_same_error(text: str) -> None:
    with pytest.raises(LangError) as caught:
        evaluate(text)
    assert caught.value.code == "depth_exceeded"


def test_a_thousand_nested_calls_are_allowed() -> None:
    def work() -> None:
        assert evaluate("((fn f [n] (if (pos? n) (let [x (f (dec n))] (when true (inc x))) 0)) 990)") == 990

    _on_a_big_stack(work)


@pytest.mark.parametrize("text", ["[" * 5000, "(" * 300 + ")" * 300, "a" * 3_000_000, "#_" * 5000])
def test_a_hostile_text_is_refused_by_the_reader(text: str) -> None:
    with pytest.raises(LangError):
        read_data(text)


def test_code_that_nests_too_deeply_by_threading_is_refused_and_not_a_crash() -> None:
    form = read_one("(-> 1 " + "(+ 1) " * 20_000 + ")")
    with pytest.raises(LangError) as caught:
        analyze(form, FUNCTION)
    assert caught.value.code == "depth_exceeded"
    assert [found.code for found in check(form, FUNCTION, {})] == ["depth_exceeded"]


def test_a_value_beyond_the_printing_cap_is_refused() -> None:
    value = evaluate('(vec (repeat 1000 "0123456789"))')
    with pytest.raises(LangError) as caught:
        write(value, limit=5000)
    assert caught.value.code == "size_exceeded"
    assert len(canonical(value)) == 13_001


def test_values_are_ours_only_and_a_function_is_no_data() -> None:
    with pytest.raises(LangError) as caught:
        write(evaluate("{:f inc}"))
    assert caught.value.code == "not_data"


def test_results_do_not_depend_on_the_hash_seed() -> None:
    program = (
        "from gitflow_runner.lang.session import evaluate\n"
        "from gitflow_runner.lang.printer import canonical, readable\n"
        "t = '''(let [m (zipmap [:a \"b\" 3 4.0 'e [1] #{2} {:f 1}] (range)) s (set (keys m))]\n"
        ' [m s (group-by str s) (frequencies (concat s s)) (clojure.set/union s #{:x :y "z"})\n'
        "  (for [[k v] m] v) (merge-with + m m) (clojure.set/map-invert m) (distinct (map str s))])'''\n"
        "v = evaluate(t)\n"
        "print(readable(v), canonical(v))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(outputs) == 1
