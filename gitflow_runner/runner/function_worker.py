"""The process that calls the functions of drafts: it reads messages, answers calls, and can do nothing else.

It has the language and the errors and no more of the runner, an empty environment, two pipes, and no
right to open a file or a socket, to start a process, or to map more memory than it was given.
"""

from __future__ import annotations

import codecs
import math
import os
import resource
import sys
import time
from pathlib import Path

from gitflow_runner.errors import StepError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.portable import unpack, unpack_source
from gitflow_runner.lang.source import Source
from gitflow_runner.runner.evaluation import FunctionCode, Ready, apply, prepare
from gitflow_runner.runner.function_messages import (
    READY,
    AddFunction,
    AddSource,
    CallFunction,
    Failed,
    OutOfMemory,
    Reply,
    Returned,
    decode_message,
    encode_reply,
    frame,
    read_frame,
)
from gitflow_runner.runner.stack import on_big_stack

STDOUT = 1
STANDARD_FILES = 3  # both pipes and what goes nowhere
STATM = Path("/proc/self/statm")
# What Python loads from files only when it is first asked for; afterwards no file can be opened.
CODECS = ("utf-16-le", "utf-16-be", "latin-1")


def main(memory_bytes: int) -> None:
    """Serve until the runner closes its pipe."""
    on_big_stack(lambda: serve(memory_bytes), lambda: None)


def serve(memory_bytes: int) -> None:
    """Give up every right, then answer calls; runs on the thread with the big stack."""
    for codec in CODECS:
        codecs.lookup(codec)
    confine(memory_bytes)
    _send(frame(READY))
    functions = Functions()
    while (content := read_frame(sys.stdin.buffer.read)) is not None:
        match decode_message(content):
            case AddSource(data):
                functions.sources.append(unpack_source(data, functions.sources))
            case AddFunction(name, data):
                functions.codes.append(FunctionCode(name, unpack(data, functions.sources)))
            case CallFunction() as call:
                _send(encode_reply(functions.answer(call)))


def confine(memory_bytes: int) -> None:
    """Lower every limit for good. Memory counts from what is mapped now, the stack included."""
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (most, most))
    if STATM.exists():  # elsewhere than on Linux the system does not hold a process to such a limit
        mapped = int(STATM.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + memory_bytes, mapped + memory_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (STANDARD_FILES, STANDARD_FILES))


class Functions:
    """The functions that were sent so far, compiled when they are first called."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.codes: list[FunctionCode] = []
        self._ready: dict[int, Ready] = {}
        self._most_cpu_seconds = 0

    def answer(self, call: CallFunction) -> Reply:
        """What one call comes to. The processor time of each call is counted from its start."""
        soft = math.ceil(time.process_time()) + call.cpu_seconds
        if soft != self._most_cpu_seconds:
            resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
            self._most_cpu_seconds = soft
        try:
            ready = self._ready.get(call.function)
            if ready is None:
                ready = self._ready[call.function] = prepare(self.codes[call.function])
            return Returned(apply(ready, read_data(call.argument, loose=True), call.fuel)[1])
        except StepError as error:
            return Failed(error)
        except MemoryError:
            return OutOfMemory()


def _send(data: bytes) -> None:
    while data:
        data = data[os.write(STDOUT, data) :]
