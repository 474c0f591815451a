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
from tests.escapes import ATTEMPTS
from tests.flow_functions import ADAPTERS, Workers, adapter, flow_of, workers

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
