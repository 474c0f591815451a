"""One process that calls functions: started with nothing of ours, asked under a deadline, ended by its id."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import re2

from gitflow_runner.errors import StepError
from gitflow_runner.runner.clock import Clock
from gitflow_runner.runner.function_messages import (
    HEADER_BYTES,
    MAX_REPLY_BYTES,
    READY,
    frame_size,
)

START_MS = 30_000  # a busy machine may take long to start a Python; the calls' own deadline does not run yet
END_S = 1.0
_CHUNK = 65_536
_LAST_WORDS = 300  # characters
PROGRAM = (
    "import sys; sys.path[:0] = sys.argv[2:]; "
    "from gitflow_runner.runner.function_worker import main; main(int(sys.argv[1]))"
)
# Where the child finds this package and the one library that the language needs.
_PATHS = tuple(str(Path(file).resolve().parents[up]) for file, up in ((__file__, 2), (str(re2.__file__), 1)))


class FunctionProcess:
    """A running child. After any error it is of no more use, and has been ended."""

    def __init__(self, clock: Clock, memory_bytes: int, program: str = PROGRAM) -> None:
        """Start it and wait until it is ready; `StepError` (`function.crashed`, `function.overrun`)."""
        self._clock = clock
        self._process = subprocess.Popen(
            # Isolated, and without site: no variable, no user directory, no .pth file has a say.
            (sys.executable, "-I", "-S", "-c", program, str(memory_bytes), *_PATHS),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env={},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._says = self._process.stderr.fileno()
        for descriptor in (self._to, self._from, self._says):
            os.set_blocking(descriptor, False)
        self.end = weakref.finalize(self, _end, self._process)
        if self.ask(b"", START_MS) != READY:
            self.end()
            raise _crashed("did not start as it should")

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it still runs; the system may have ended it between two calls."""
        return self._process.poll() is None

    def ask(self, data: bytes, wall_ms: int) -> bytes:
        """Send frames and return the content of the one frame that answers them.

        Raises `StepError`: `function.overrun` past `wall_ms` or the processor time, `function.crashed`.
        """
        deadline = self._clock.monotonic_ms() + wall_ms
        try:
            self._send(memoryview(data), deadline)
            return self._receive(deadline)
        except TimeoutError:
            self.end()
            raise overrun(f"took longer than {wall_ms / 1_000:g} s") from None
        except EOFError:
            raise self._ended() from None
        except BaseException:
            # Half a message may be under way: nothing that comes after it could be understood.
            self.end()
            raise

    def _send(self, data: memoryview, deadline: int) -> None:
        while data:
            try:
                data = data[os.write(self._to, data[:_CHUNK]) :]
            except BlockingIOError:
                self._await(self._to, select.POLLOUT, deadline)
            except BrokenPipeError:
                raise EOFError from None

    def _receive(self, deadline: int) -> bytes:
        """The one frame that is due; nothing may follow it."""
        found, size = bytearray(), HEADER_BYTES
        while len(found) < size:
            self._await(self._from, select.POLLIN, deadline)
            chunk = os.read(self._from, _CHUNK)
            if not chunk:
                raise EOFError
            found += chunk
            if len(found) >= HEADER_BYTES:
                size = HEADER_BYTES + frame_size(bytes(found[:HEADER_BYTES]))
                if size > HEADER_BYTES + MAX_REPLY_BYTES:
                    raise _crashed(f"answered with {size - HEADER_BYTES} bytes")
        if len(found) > size:
            raise _crashed("answered more than it was asked")
        return bytes(found[HEADER_BYTES:])

    def _await(self, descriptor: int, event: int, deadline: int) -> None:
        poller = select.poll()
        poller.register(descriptor, event)
        left = deadline - self._clock.monotonic_ms()
        if left <= 0 or not poller.poll(left):
            raise TimeoutError

    def _ended(self) -> StepError:
        """Why the child closed its pipe."""
        try:
            code = self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.end()
            return _crashed("closed its pipe")
        said = self._last_words()
        self.end()
        if code == -signal.SIGXCPU:
            return overrun("used more processor time than it may")
        if code < 0:
            return _crashed(f"was ended by signal {-code} ({signal.strsignal(-code)})")
        return _crashed(f"ended with exit code {code}{said}")

    def _last_words(self) -> str:
        """The last line that the child wrote before it ended, so that a defect can be found."""
        try:
            lines = os.read(self._says, _CHUNK).decode("utf-8", "replace").split("\n")
        except BlockingIOError:
            return ""
        last = next((line for line in reversed(lines) if line.strip()), "")
        shown = "".join(each if each.isprintable() else "?" for each in last)[:_LAST_WORDS]
        return f": {shown}" if shown else ""


def overrun(what: str) -> StepError:
    """The wall stopped a function: a fact about this machine at this time, so another try may succeed."""
    return StepError(
        "function.overrun",
        f"the function {what} and was stopped",
        retryable=True,
        hint="do less in one call, or raise functions.wall-seconds or cpu-seconds in .breyta/config.yaml",
    )


def _crashed(what: str) -> StepError:
    return StepError("function.crashed", f"the process of the function {what}", retryable=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    process.wait()
