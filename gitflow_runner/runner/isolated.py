"""The `Functions` port in a process of its own: the second adapter, for code that nobody has signed.

The process lives as long as the runner's, is started by the first call, and is replaced when a call
overran a limit. It is sent each source and each function once.
"""

from __future__ import annotations

import hashlib
import json
import threading

from gitflow_runner.errors import LangError, StepError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.portable import Json, pack, pack_source
from gitflow_runner.lang.readback import Written
from gitflow_runner.lang.source import Source
from gitflow_runner.model.flow import Flow
from gitflow_runner.runner.clock import Clock
from gitflow_runner.runner.declared import DeclaredFunctions
from gitflow_runner.runner.evaluation import FunctionCode, argument_text
from gitflow_runner.runner.function_messages import (
    AddFunction,
    AddSource,
    CallFunction,
    Failed,
    OutOfMemory,
    Returned,
    decode_reply,
    encode_message,
)
from gitflow_runner.runner.function_process import PROGRAM, FunctionProcess
from gitflow_runner.runner.functions import out_of_memory
from gitflow_runner.runner.settings import WorkerLimits

MAX_SENT_BYTES = 32_000_000  # of code, after which a fresh process starts with nothing


class FunctionWorker:
    """Calls functions in one process at a time; one call at a time, whichever thread asks."""

    def __init__(self, clock: Clock, limits: WorkerLimits | None = None, program: str = PROGRAM) -> None:
        self._clock = clock
        self._program = program
        self._limits = limits or WorkerLimits()
        self._lock = threading.Lock()
        self._process: FunctionProcess | None = None
        self._sent = _Sent()

    @property
    def pid(self) -> int | None:
        """The process that would serve the next call, if there is one."""
        return None if self._process is None else self._process.pid

    def evaluate(self, code: FunctionCode, argument: str, fuel: int) -> str:
        """The text of the function's result.

        Raises `StepError`: what `evaluation` raises, `function.memory`, and `function.overrun` and
        `function.crashed`, which another try may get past.
        """
        with self._lock:
            process = self._ready()
            number = self._sent.number(code)
            call = CallFunction(number, argument, fuel, self._limits.cpu_seconds)
            data = b"".join((*self._sent.taken(), encode_message(call)))
            try:
                content = process.ask(data, self._limits.wall_ms)
            except BaseException:
                self._process = None
                raise
            return self._text(process, content, code.name)

    def close(self) -> None:
        """End the process; the next call would start another."""
        with self._lock:
            if self._process is not None:
                self._drop(self._process)

    def _ready(self) -> FunctionProcess:
        process = self._process
        if process is not None and process.is_alive and self._sent.size <= MAX_SENT_BYTES:
            return process
        if process is not None:
            self._drop(process)
        self._process = FunctionProcess(self._clock, self._limits.memory_bytes, self._program)
        self._sent = _Sent()
        return self._process

    def _text(self, process: FunctionProcess, content: bytes, name: str) -> str:
        try:
            reply = decode_reply(content)
        except (ValueError, LangError):
            self._drop(process)
            raise StepError(
                "function.crashed", "the process of the function answered with something else", retryable=True
            ) from None
        match reply:
            case Returned(text):
                return text
            case Failed(error):
                raise error
            case OutOfMemory():
                # What it has mapped it keeps; a fresh one starts with all of its allowance.
                self._drop(process)
                raise out_of_memory(name)

    def _drop(self, process: FunctionProcess) -> None:
        process.end()
        self._process = None


class _Sent:
    """What one process knows: sources by their text, functions by the digest of their forms."""

    def __init__(self) -> None:
        self.size = 0
        self._sources: dict[Source, int] = {}
        self._functions: dict[str, int] = {}
        self._codes: dict[FunctionCode, int] = {}
        self._waiting: list[bytes] = []

    def number(self, code: FunctionCode) -> int:
        """The function's number; it and its sources are put in line where they are new."""
        number = self._codes.get(code)
        if number is None:
            data = pack(code.code, self._source)
            digest = hashlib.sha256(json.dumps([code.name, data]).encode()).hexdigest()
            number = self._functions.get(digest)
            if number is None:
                number = self._functions[digest] = len(self._functions)
                self._put(encode_message(AddFunction(code.name, data)))
            self._codes[code] = number
        return number

    def taken(self) -> list[bytes]:
        """The frames in line; from now on they count as sent."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def _source(self, source: Source) -> int:
        number = self._sources.get(source)
        if number is None:
            data: Json = pack_source(source, self._source)
            number = self._sources[source] = len(self._sources)
            self._put(encode_message(AddSource(data)))
        return number

    def _put(self, data: bytes) -> None:
        self.size += len(data)
        self._waiting.append(data)


class IsolatedFunctions:
    """Functions of one flow, called by a worker."""

    def __init__(self, flow: Flow, worker: FunctionWorker, *, fuel: int) -> None:
        self._declared = DeclaredFunctions(flow)
        self._worker = worker
        self._fuel = fuel

    def call(self, ref: str, argument: object) -> Written:
        """Call a declared function; `StepError` (`function.*`, and what `evaluation` raises)."""
        return self._run(self._declared.named(ref), argument)

    def call_code(self, code: object, argument: object) -> Written:
        """Call an inline function; the same errors, and `function.code`."""
        return self._run(self._declared.inline(code), argument)

    def _run(self, code: FunctionCode, argument: object) -> Written:
        text = self._worker.evaluate(code, argument_text(argument), self._fuel)
        try:
            # What the child printed is what will be recorded, once it has proved to be data.
            return Written(read_data(text, loose=True), text)
        except LangError as error:
            raise StepError(
                "function.crashed", f"the process of the function answered with no data: {error.message}"
            ) from None
