"""Attempts to get out of a function: each is refused, stopped or harmless, the same in both adapters."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.source import Source
from gitflow_runner.runner.clock import SystemClock
from gitflow_runner.runner.evaluation import FunctionCode
from gitflow_runner.runner.function_messages import MAX_REPLY_BYTES
from gitflow_runner.runner.isolated import FunctionWorker
from gitflow_runner.runner.settings import WorkerLimits
from tests.flow_functions import ADAPTERS, Workers, adapter, flow_of, workers

# What is tried, and the code that it comes to; where it is harmless, the value.
ATTEMPTS = [
    ('(.__class__ "a")', "interop_forbidden"),
    ('(.-__class__ "a")', "interop_forbidden"),
    ('(. "a" __class__)', "unbound_symbol"),
    ('(.. "a" getClass getName)', "unbound_symbol"),
    ('(.format "a" "b")', "interop_forbidden"),
    ('(.getClass "a")', "interop_forbidden"),
    ('(.join "a" ["b"])', "interop_forbidden"),
    ('(:__class__ "a")', "nil"),
    ('(get "a" "__class__")', "nil"),
    ('(get inc "__globals__")', "nil"),
    ('(getattr "a" "__class__")', "unbound_symbol"),
    ('(__import__ "os")', "unbound_symbol"),
    ("__builtins__", "unbound_symbol"),
    ("__name__", "unbound_symbol"),
    ('(os/system "id")', "unbound_symbol"),
    ('(os.system "id")', "interop_forbidden"),
    ('(subprocess/run "id")', "unbound_symbol"),
    ("(System/exit 0)", "interop_forbidden"),
    ('(System/getenv "HOME")', "nondeterministic"),
    ('(System/getProperty "user.home")', "nondeterministic"),
    ("(Runtime/getRuntime)", "interop_forbidden"),
    ("(java.lang.Runtime/getRuntime)", "interop_forbidden"),
    ('(Class/forName "java.lang.Runtime")', "interop_forbidden"),
    ("(Thread/sleep 1000)", "io_forbidden"),
    ('(new java.io.File "/etc/passwd")', "interop_forbidden"),
    ('(java.io.File. "/etc/passwd")', "interop_forbidden"),
    ('(slurp "/etc/passwd")', "io_forbidden"),
    ('(spit "/tmp/x" "y")', "io_forbidden"),
    ('(println "x")', "io_forbidden"),
    ("*out*", "io_forbidden"),
    ("*ns*", "unbound_symbol"),
    ("(read-line)", "io_forbidden"),
    ('(clojure.java.io/reader "/etc/passwd")', "unbound_symbol"),
    ('(clojure.java.shell/sh "id")', "unbound_symbol"),
    ('(load-file "/tmp/x")', "form_forbidden"),
    ('(load-string "(+ 1 1)")', "form_forbidden"),
    ("(eval '(+ 1 1))", "form_forbidden"),
    ('(eval (quote (slurp "/etc/passwd")))', "form_forbidden"),
    ("(resolve 'slurp)", "form_forbidden"),
    ("(ns-resolve 'clojure.core 'slurp)", "form_forbidden"),
    ("(require 'clojure.java.io)", "form_forbidden"),
    ("(import java.io.File)", "interop_forbidden"),
    ('(read-string "#=(+ 1 1)")', "form_forbidden"),
    (r'(clojure.edn/read-string "#=(eval (slurp \"/etc/passwd\"))")', "function.failed"),
    ('(clojure.edn/read-string "#py/object [1]")', "function.failed"),
    ("(defmacro m [] 1)", "definition_forbidden"),
    ("(alter-var-root #'inc (fn [_] dec))", "definition_forbidden"),
    ("(with-redefs [inc dec] (inc 1))", "form_forbidden"),
    ("(binding [*out* 1] 1)", "io_forbidden"),
    ("(var slurp)", "io_forbidden"),
    ("#'slurp", "io_forbidden"),
    ("(atom 1)", "state_forbidden"),
    ("(future (loop [] (recur)))", "state_forbidden"),
    ("(pmap inc [1 2])", "state_forbidden"),
    ("(rand)", "nondeterministic"),
    ("(java.util.Date.)", "nondeterministic"),
    ("(random-uuid)", "nondeterministic"),
    ("(System/currentTimeMillis)", "nondeterministic"),
    ("(java.time.Instant/now)", "nondeterministic"),
    ("(transient [])", "form_forbidden"),
    ("(into-array [1])", "form_forbidden"),
    ("(proxy [Object] [])", "unbound_symbol"),
    ("(reify Object)", "unbound_symbol"),
    ("(deftype T [])", "unbound_symbol"),
    ("(defrecord R [])", "unbound_symbol"),
    ("(gen-class)", "definition_forbidden"),
    ('(flow/step :http :x {:url "http://169.254.169.254/"})', "unbound_symbol"),
    ("(flow/input)", "unbound_symbol"),
    ('(format "%s%n%x" "a" "b")', "function.failed"),
    ('(format "{0.__class__.__mro__}" "a")', '"{0.__class__.__mro__}"'),
    ('(format "%(__class__)s" {})', "function.failed"),
    ('(format "%n" 1)', r'"\n"'),
    ('(format "%1000000000s" "a")', "function.failed"),
    ('(format "%.1000000000f" 1.0)', "function.failed"),
    ('(str "{0.__class__}" "a")', '"{0.__class__}a"'),
    (r'(clojure.string/replace "a" #"a" "\\g<0>{0.__class__}")', '"g<0>{0.__class__}"'),
    ('(clojure.string/replace "aaa" #"a" "$9")', "function.failed"),
    ('(re-matches #"(a|a)*b" (apply str (repeat 60000 "a")))', "nil"),
    ('(re-find #"(x+x+)+y" (apply str (repeat 60000 "x")))', "nil"),
    ('(re-find #"(?=a)" "a")', "regex_unsupported"),
    (r'(re-find #"(a)\1" "aa")', "regex_unsupported"),
    ('(re-pattern (apply str (repeat 100000 "(")))', "regex_unsupported"),
    ('(re-find (re-pattern (apply str (repeat 10000 "(a?)"))) "aaa")', "regex_unsupported"),
    ('(re-find (re-pattern (apply str (repeat 20000 "(?:a?)"))) "aaa")', "regex_unsupported"),
    ('(re-find (re-pattern "a{1000}{1000}") "a")', "regex_unsupported"),
    ('(re-seq #"" (apply str (repeat 300000 "a")))', "fuel_exhausted"),
    ("(loop [] (recur))", "fuel_exhausted"),
    ("(trampoline (fn f [] f))", "fuel_exhausted"),
    ("((fn f [] (f)))", "depth_exceeded"),
    ("((fn f [n] (+ 1 (f n))) 1)", "depth_exceeded"),
    ("(letfn [(a [] (b)) (b [] (a))] (a))", "depth_exceeded"),
    ("(range)", "fuel_exhausted"),
    ("(iterate inc 1)", "fuel_exhausted"),
    ("(vec (range))", "fuel_exhausted"),
    ("(reduce + (range))", "fuel_exhausted"),
    ("(last (iterate inc 0))", "fuel_exhausted"),
    ("(count (cycle [1]))", "fuel_exhausted"),
    ("(lazy-seq (loop [] (recur)))", "fuel_exhausted"),
    ("(loop [i 0 s nil] (if (< i 20000) (recur (inc i) (let [t s] (lazy-seq t))) s))", "fuel_exhausted"),
    ("(into {} (map (fn [x] [x x]) (range)))", "fuel_exhausted"),
    ("(apply + (range))", "fuel_exhausted"),
    ("(apply str (range))", "fuel_exhausted"),
    ("(partition 2 (range))", "fuel_exhausted"),
    ("(vec (range 100000000))", "fuel_exhausted"),
    ('(apply str (repeat 100000000 "a"))', "fuel_exhausted"),
    ('(loop [s "ab" i 0] (if (< i 60) (recur (str s s) (inc i)) s))', "size_exceeded"),
    ("(loop [v [1] i 0] (if (< i 60) (recur (into v v) (inc i)) (count v)))", "fuel_exhausted"),
    ("(loop [v [1] i 0] (if (< i 60) (recur [v v] (inc i)) v))", "fuel_exhausted"),
    ("(loop [m {} i 0] (recur (assoc m i (str i)) (inc i)))", "fuel_exhausted"),
    ("(loop [s #{} i 0] (recur (conj s i) (inc i)))", "fuel_exhausted"),
    ("(loop [v [] i 0] (if (< i 5000) (recur [v] (inc i)) v))", "size_exceeded"),
    ('(clojure.string/join "," (repeat 100000000 "a"))', "fuel_exhausted"),
    (
        '(clojure.string/replace (apply str (repeat 10000 "a")) "a" (apply str (repeat 10000 "b")))',
        "size_exceeded",
    ),
    ("(reduce *' (range 1 100000))", "function.failed"),
    ("(reduce *' (repeat 100000 99999999999999999999N))", "function.failed"),
    ('(bigint (apply str (repeat 100000 "9")))', "function.failed"),
    ('(bigdec "1E999999999")', "function.failed"),
    ("(* 1E999999999M 1E999999999M)", "clojure_reader_invalid"),
    ("(+ 1M 1E-999999999M)", "clojure_reader_invalid"),
    ("(bit-shift-left 1 1000000000)", "1"),
    ("(clojure.math/pow 10 1000000000)", "##Inf"),
    ("(Math/pow 10 1000000000)", "##Inf"),
    ('(json/parse (apply str (repeat 100000 "[")))', "size_exceeded"),
    ("(json/write-str (range))", "size_exceeded"),
    ('(clojure.edn/read-string (apply str (repeat 100000 "[")))', "function.failed"),
    ("(pr-str (range))", "size_exceeded"),
    ("(try (loop [] (recur)) (catch Exception e :caught))", "fuel_exhausted"),
    ("(try (loop [] (recur)) (catch Throwable e :caught))", "fuel_exhausted"),
    ("(try (loop [] (recur)) (catch :default e :caught))", "fuel_exhausted"),
    ("(try (loop [] (recur)) (catch BaseException e :caught))", "unbound_symbol"),
    ("(try (loop [] (recur)) (finally 1))", "fuel_exhausted"),
    ("(try (loop [] (recur)) (catch Error e :caught))", "fuel_exhausted"),
    ("(try ((fn f [] (+ 1 (f)))) (catch StackOverflowError e :caught))", "unbound_symbol"),
    ("(try ((fn f [] (+ 1 (f)))) (catch Throwable e :caught))", "depth_exceeded"),
    ("(try (vec (range 1e9)) (catch OutOfMemoryError e :caught))", "unbound_symbol"),
    ("(loop [n 0] (if (try (range 1 2) (catch Throwable e true)) (recur (inc n)) n))", "fuel_exhausted"),
    ("(ex-data (try (inc nil) (catch Throwable e e)))", "nil"),
    ('(throw (ex-info (apply str (repeat 7000000 "x")) {}))', "fuel_exhausted"),
    ('(throw "x")', "function.failed"),
    ('(throw (ex-info "x" {:f inc}))', "function.failed"),
    ("inc", "not_data"),
    ("{:a inc}", "not_data"),
    ('(keyword "a b")', "not_data"),
    ('(symbol "")', "not_data"),
    ("(char 55296)", "not_data"),
    ("(sort-by (fn [x] (loop [] (recur))) [1 2 3])", "fuel_exhausted"),
    ("(repeat 1e308 1)", "function.failed"),
    ("(range 0 1e308 1e-308)", "fuel_exhausted"),
    ("(clojure.walk/prewalk (fn [x] [x x]) [1])", "size_exceeded"),
    (
        "(count (clojure.walk/prewalk-replace (into {} (map (fn [n] [n [(inc n) (inc n)]]) (range 14))) 0))",
        "fuel_exhausted",
    ),
    (
        '(clojure.string/replace (apply str (repeat 30000 "a")) "" (apply str (repeat 30000 "b")))',
        "size_exceeded",
    ),
    ('(format (apply str (repeat 100000 "%1$s")) (apply str (repeat 1000 "x")))', "size_exceeded"),
    ("(group-by identity (range))", "fuel_exhausted"),
    ("(frequencies (cycle [1 2]))", "fuel_exhausted"),
    ("(zipmap (range) (range))", "fuel_exhausted"),
    ("(interleave (range) (range))", "fuel_exhausted"),
    ("(nth (iterate (fn [x] (* x 1.0001M)) 1.0001M) 100000)", "function.failed"),
    ("(nth (iterate (fn [x] (*' x x)) 3) 40)", "function.failed"),
    ("(reduce + (map / (range 1 20000)))", "function.failed"),
    ("(Math/scalb 1.0 2147483647)", "interop_forbidden"),
    ("(hash [1])", "nondeterministic"),
    ("(loop [f identity i 0] (if (< i 100000) (recur (comp f inc) (inc i)) (f 0)))", "fuel_exhausted"),
    ("(loop [s (range 10) i 0] (if (< i 100000) (recur (map inc s) (inc i)) (first s)))", "fuel_exhausted"),
    ("(loop [s [1] i 0] (if (< i 100000) (recur (concat s [1]) (inc i)) (first s)))", "fuel_exhausted"),
    ("(apply max-key count (repeat (range)))", "fuel_exhausted"),
    ("(sort (fn [a b] 1) (range 100000))", "fuel_exhausted"),
    (
        '(loop [e (ex-info "a" {}) i 0] (if (< i 100000) (recur (ex-info "a" {} e) (inc i)) (throw e)))',
        "fuel_exhausted",
    ),
    ("(mapcat (fn f [x] (mapcat f [x x])) [1])", "depth_exceeded"),
    ('(json/parse (apply str (repeat 200000 "[1,")))', "fuel_exhausted"),
    ('(json/parse (apply str (repeat 100000 "9")))', "function.failed"),
    ('(json/parse (str "1e" (apply str (repeat 100000 "9"))))', "##Inf"),
]

ENDLESS = FunctionCode("endless", Source("(fn [m] (loop [] (recur)))"))
BOMB = FunctionCode(
    "bomb",
    Source(
        '(fn [m] (let [s (loop [s "0123456789" n 0] (if (< n 19) (recur (str s s) (inc n)) s))]\n'
        "  (count (mapv (fn [i] (subs s i)) (range 200)))))"
    ),
)
PLAIN = FunctionCode("plain", Source("(fn [m] 1)"))
MUCH = 10**12  # more fuel than any call lives to use
SHORT = WorkerLimits(wall_ms=300)
# Everything that a child needs to look as if it worked; what follows decides what it does when called.
LIAR = (
    "import os, signal, sys\n"
    "say = lambda data: os.write(1, len(data).to_bytes(4, 'big') + data)\n"
    "say(b'ready')\n"
    "os.read(0, 65536)\n"
)


@pytest.fixture(scope="module")
def made() -> Iterator[Workers]:
    with workers() as found:
        yield found


@pytest.mark.parametrize("name", ADAPTERS)
@pytest.mark.parametrize(("attempt", "expected"), ATTEMPTS)
def test_an_attempt_comes_to_nothing(name: str, made: Workers, attempt: str, expected: str) -> None:
    functions = adapter(name, flow_of(""), made)
    try:
        found = functions.call_code(f"(fn [m] {attempt})", read_data("{}")).text
    except StepError as error:
        found = error.code
    assert found == expected


def test_there_are_enough_attempts() -> None:
    assert len(ATTEMPTS) >= 60


def stopped(worker: FunctionWorker, code: FunctionCode) -> StepError:
    with pytest.raises(StepError) as caught:
        worker.evaluate(code, "{}", MUCH)
    return caught.value


def test_what_outlives_the_wall_is_killed_and_replaced(made: Workers) -> None:
    worker = made.of(SHORT)
    worker.evaluate(PLAIN, "{}", MUCH)
    first = worker.pid
    error = stopped(worker, ENDLESS)
    assert (error.code, error.retryable, error.definite) == ("function.overrun", True, True)
    assert first is not None
    assert not Path(f"/proc/{first}").exists()
    assert worker.evaluate(PLAIN, "{}", MUCH) == "1"
    assert worker.pid != first


def test_what_outlives_its_processor_time_is_killed(made: Workers) -> None:
    error = stopped(made.of(WorkerLimits(cpu_seconds=1, wall_ms=60_000)), ENDLESS)
    assert (error.code, error.retryable) == ("function.overrun", True)
    assert "processor time" in error.message


def test_a_memory_bomb_fails_its_call_alone_and_the_parent_stays_flat(made: Workers) -> None:
    worker = made.of(WorkerLimits(memory_bytes=128 * 2**20, wall_ms=60_000))
    worker.evaluate(PLAIN, "{}", MUCH)
    before = resident()
    for _ in range(3):
        error = stopped(worker, BOMB)
        assert (error.code, error.retryable) == ("function.memory", False)
    assert worker.evaluate(PLAIN, "{}", MUCH) == "1"
    assert resident() - before < 16 * 2**20


def test_the_parent_stays_flat_over_all_attempts(made: Workers) -> None:
    functions = adapter("worker", flow_of(""), made)
    before = resident()
    for attempt, _ in ATTEMPTS:
        with suppress(StepError):
            functions.call_code(f"(fn [m] {attempt})", read_data("{}"))
    assert resident() - before < 16 * 2**20


def resident() -> int:
    """How much memory this process holds, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_a_child_that_died_between_two_calls_is_replaced(made: Workers) -> None:
    worker = FunctionWorker(SystemClock())
    worker.evaluate(PLAIN, "{}", MUCH)
    first = worker.pid
    assert first is not None
    os.kill(first, 9)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert worker.evaluate(PLAIN, "{}", MUCH) == "1"
    assert worker.pid != first
    worker.close()
    assert worker.pid is None


@pytest.mark.parametrize(
    ("act", "code", "message"),
    [
        ("os._exit(3)", "function.crashed", "the process of the function ended with exit code 3"),
        ("sys.exit('boom')", "function.crashed", "the process of the function ended with exit code 1: boom"),
        (
            "os.kill(os.getpid(), signal.SIGSEGV)",
            "function.crashed",
            "the process of the function was ended by signal 11 (Segmentation fault)",
        ),
        ("os.close(1); signal.pause()", "function.crashed", "the process of the function closed its pipe"),
        ("signal.pause()", "function.overrun", "the function took longer than 0.3 s and was stopped"),
        (
            f"os.write(1, ({MAX_REPLY_BYTES} + 1).to_bytes(4, 'big')); signal.pause()",
            "function.crashed",
            f"the process of the function answered with {MAX_REPLY_BYTES + 1} bytes",
        ),
        *(
            (
                f"say({reply!r}); signal.pause()",
                "function.crashed",
                "the process of the function answered with something else",
            )
            for reply in (
                b"",
                b"\xff",
                b"{}",
                b"[" * 100_000,
                b'["returned", "1"]',
                b"returned\n\xff",
                b"returned\n\xed\xa0\x80",
                b'["failed", "a", "b", null, [1, 2, 3], null]',
                b'["failed", "a", "b", null, null, "{:a"]',
            )
        ),
    ],
)
def test_a_child_that_lies_or_dies_is_found_out(act: str, code: str, message: str) -> None:
    worker = FunctionWorker(SystemClock(), SHORT, LIAR + act)
    error = stopped(worker, PLAIN)
    assert (error.code, error.message, error.retryable) == (code, message, True)
    assert worker.pid is None


def test_a_child_can_reach_nothing_of_ours() -> None:
    act = (
        "import json, socket, sys\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "from gitflow_runner.runner.function_worker import confine\n"
        "modules = sorted({name.split('.')[0] for name in sys.modules})\n"
        "def tried(act):\n"
        "    try:\n"
        "        return repr(act())\n"
        "    except (OSError, MemoryError) as error:\n"
        "        return type(error).__name__\n"
        "open_files = [fd for fd in range(3, 64) if tried(lambda: os.fstat(fd)) != 'OSError']\n"
        "confine(64 * 2**20)\n"
        "os.environ.pop('LC_CTYPE', None)  # Python's own, for UTF-8 where there is no locale\n"
        "found = [dict(os.environ), os.getcwd(), os.getsid(0) == os.getpid(), open_files,\n"
        "  tried(lambda: open('/etc/passwd')), tried(socket.socket), tried(os.pipe),\n"
        "  tried(lambda: open('/tmp/written', 'w')), tried(lambda: len(bytes(128 * 2**20)))]\n"
        "text = json.dumps(found)\n"
        "say(b'returned\\n' + text.encode())\n"
    )
    worker = FunctionWorker(SystemClock(), WorkerLimits(), LIAR + act)
    found = worker.evaluate(PLAIN, "{}", MUCH)
    worker.close()
    refused = '"OSError", "OSError", "OSError", "OSError", "MemoryError"'
    assert found == f'[{{}}, "/", true, [], {refused}]'


def test_the_child_loads_the_language_and_nothing_that_acts() -> None:
    act = (
        "import json\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "import gitflow_runner.runner.function_worker\n"
        "ours = sorted(name for name in sys.modules if name.startswith('gitflow_runner.'))\n"
        "others = sorted({'pygit2', 'yaml', 'cryptography', 'httpx', 'click', 'greenlet', 'site', 'socket',\n"
        "  'subprocess', 'ctypes'} & set(sys.modules))\n"
        "say(b'returned\\n' + json.dumps([ours, others]).encode())\n"
    )
    worker = FunctionWorker(SystemClock(), WorkerLimits(), LIAR + act)
    ours, others = read_data(worker.evaluate(PLAIN, "{}", MUCH))
    worker.close()
    assert list(others) == []
    assert {name for name in ours if not name.startswith("gitflow_runner.lang")} == {
        "gitflow_runner.errors",
        "gitflow_runner.runner",
        "gitflow_runner.runner.evaluation",
        "gitflow_runner.runner.function_messages",
        "gitflow_runner.runner.function_worker",
        "gitflow_runner.runner.stack",
    }
