"""Basilisp, the other Clojure on Python, in a process of its own: what our language is measured beside.

A process of its own, because its import hooks and its compiled core have no place in that of the tests.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

# Answers each line, [what, text, argument], with one line: `read` a text, `compile` a function, or `call` it.
SERVER = r"""
import importlib, json, sys
import basilisp.main
basilisp.main.init()
importlib.import_module("basilisp.core")
importlib.import_module("basilisp.string")
from basilisp.lang import compiler, reader, runtime
context = compiler.CompilerContext("bench")
known = {}
with runtime.ns_bindings("bench") as ns:
    ns.refer_all(runtime.Namespace.get(runtime.CORE_NS_SYM))
    def read(text):
        return list(reader.read_str(text, resolver=runtime.resolve_alias))
    def function(text):
        return compiler.compile_and_exec_form(read(text)[0], context, ns)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        what, text, argument = json.loads(line)
        if what == "read":
            answer = len(read(text))
        elif what == "compile":
            answer = str(function(text))
        else:
            if text not in known:
                known[text] = function(text)
            answer = known[text](argument)
        print(json.dumps(answer), flush=True)
"""


class Basilisp:
    """The running process; every method waits for its answer."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def read(self, text: str) -> None:
        """Read a text with one form or more."""
        self._ask("read", text)

    def compile(self, text: str) -> None:
        """Read and compile the text of a function."""
        self._ask("compile", text)

    def call(self, text: str, argument: int) -> object:
        """Call the function of that text; only its first call compiles it."""
        return self._ask("call", text, argument)

    def _ask(self, what: str, text: str, argument: int = 0) -> object:
        assert self._process.stdin is not None
        theirs = text.replace("clojure.string/", "basilisp.string/")
        self._process.stdin.write(json.dumps([what, theirs, argument]) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> object:
        """The next line that it writes."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"basilisp ended with {self._process.wait()}"
        return json.loads(line)


@contextmanager
def basilisp() -> Iterator[Basilisp]:
    """Basilisp ready for use, its core compiled; skips where it is not installed (`make bench` installs it).

    Its first start compiles its core for a minute and keeps that in the file system.
    """
    if importlib.util.find_spec("basilisp") is None:
        pytest.skip("basilisp is not installed: .venv/bin/pip install --group bench")
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        found = Basilisp(process)
        assert found.answer() == "ready"
        yield found
    finally:
        process.kill()
        process.communicate()
