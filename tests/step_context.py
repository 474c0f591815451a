"""What a step needs around it in a test: every port in memory, and short ways to write values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.model.table import Column, Row, Table
from gitflow_runner.net.exchange import HttpResponse
from gitflow_runner.net.recorded import Answer, RecordedHttp
from gitflow_runner.steps.base import Context, LogEntry, Rows, Service, Step, Written
from gitflow_runner.steps.config import parse_config
from gitflow_runner.steps.memory import (
    ManualCancel,
    ManualClock,
    MemoryBlobs,
    MemoryConnections,
    MemoryKv,
    MemoryLog,
    MemorySearch,
    MemorySource,
    MemoryTables,
    NoFunctions,
    RecordedDatabases,
)
from gitflow_runner.steps.memory_trees import MemoryFiles


@dataclass(frozen=True, slots=True)
class Echo:
    """Functions that give their argument back."""

    calls: list[tuple[object, Value]] = field(default_factory=list)

    def call(self, ref: str, argument: object) -> Written:
        self.calls.append((ref, argument))
        return Written(argument, write(argument))

    def call_code(self, code: object, argument: object) -> Written:
        self.calls.append((code, argument))
        return Written(argument, write(argument))


ORDERS_TABLE = Table(  # what the example of :table asks
    "orders",
    (Column("id", "text"), Column("status", "text"), Column("total", "number")),
    (
        Row(1, {"id": "o1", "status": "open", "total": 250}),
        Row(2, {"id": "o2", "status": "paid", "total": 300}),
    ),
    ("id",),
    revision=1,
    next_row=3,
)
ORDERS = "SELECT id, total FROM orders WHERE status = ?"  # what the example of :db asks


class World:
    """The ports of one test, and a context over them."""

    def __init__(self, answers: Mapping[str, Answer] | None = None) -> None:
        self.clock = ManualClock()
        self.cancel = ManualCancel()
        self.log = MemoryLog()
        self.http = RecordedHttp(answers or {})
        self.blobs = MemoryBlobs()
        self.kv = MemoryKv(self.clock.now_ms)
        self.tables = MemoryTables()
        self.tables.update("orders", "seed", lambda old: (ORDERS_TABLE, "nil"))
        self.source = MemorySource(PROJECT, NAMES)
        self.files = MemoryFiles({entry.oid: files for entry, files in PROJECT}, {"main": THREE})
        self.databases = RecordedDatabases({ORDERS: Rows(("id", "total"), ((1, 250),))})
        self.connections = MemoryConnections(services={"shop": Service("shop", "database", {})})

    def context(self, **changes: object) -> Context:
        """A context for the first attempt of a step."""
        made = Context(
            run="20260101-120000-abcdef",
            slug="hello",
            identity="body/fetch#0",
            attempt=1,
            key="ab" * 32,
            now_ms=self.clock.now_ms(),
            key_ms=self.clock.now_ms(),
            deadline_ms=self.clock.monotonic_ms() + 900_000,
            clock=self.clock,
            cancel=self.cancel,
            log=self.log,
            http=self.http,
            functions=NoFunctions(),
            blobs=self.blobs,
            kv=self.kv,
            source=self.source,
            databases=self.databases,
            files=self.files,
            search=MemorySearch(),
            tables=self.tables,
            connections=self.connections,
        )
        return replace(made, **changes)  # type: ignore[arg-type]


def run(step: Step, config: str, context: Context) -> Value:
    """Check a config given as EDN and do one attempt."""
    answer = step.run(parse_config(step.spec, edn(config)), context)
    return answer.value if isinstance(answer, Written) else answer


def edn(text: str) -> Value:
    """The value of a text."""
    return read_data(text)


def text(value: Value) -> str:
    """The text of a value."""
    return write(value)


def at(value: Value, *path: str) -> Value:
    """What a path of keywords leads to."""
    for name in path:
        assert isinstance(value, Map)
        value = value.get(keyword(name))
    return value


def failure(step: Step, config: str, context: Context) -> StepError:
    """The error that an attempt ends with."""
    try:
        result = run(step, config, context)
    except StepError as error:
        return error
    raise AssertionError(f"the step succeeded with {text(result)}")


def answer(status: int = 200, body: bytes = b"", media: str = "", **headers: str) -> HttpResponse:
    """An HTTP answer; `x_y` names the header `x-y`."""
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    stated = [("Content-Type", media)] if media else []
    return HttpResponse(status, (*stated, *pairs), body, "")


def _commit(number: int, subject: str, parent: str | None) -> LogEntry:
    parents = () if parent is None else (parent,)
    return LogEntry(f"{number:040x}", parents, "Ann", "ann@example.com", number * 1_000, subject, "")


ONE, TWO, THREE = (f"{number:040x}" for number in (1, 2, 3))
PROJECT = (
    (_commit(1, "begin", None), {"README.md": b"hello\n", "src/a.py": b"a = 1\n"}),
    (_commit(2, "add b", ONE), {"README.md": b"hello\n", "src/a.py": b"a = 1\n", "src/b.bin": b"\xff\xfe"}),
    (_commit(3, "change a", TWO), {"src/a.py": b"a = 2\n", "src/b.bin": b"\xff\xfe"}),
)
NAMES = {"main": THREE, "v1": ONE, "v2": TWO}
