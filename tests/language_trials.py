"""What has to hold for whatever text the language is given: a coded answer, soon, and never a traceback."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from gitflow_runner.catalog.cases import read_cases
from gitflow_runner.catalog.diagnostic import Diagnostic, frame
from gitflow_runner.catalog.edits import edited_files, fixes
from gitflow_runner.catalog.explain import explain
from gitflow_runner.catalog.importer import import_flow
from gitflow_runner.catalog.lint.rule import Subject
from gitflow_runner.catalog.linter import lint
from gitflow_runner.catalog.loader import load, read_closure
from gitflow_runner.catalog.migrate import migrate
from gitflow_runner.catalog.report import github_lines, sarif
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.engine.names import HOST_NAMES
from gitflow_runner.errors import GitflowError, LangError
from gitflow_runner.lang.batch import Bench
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.forms import value_of
from gitflow_runner.lang.fuel import Limits
from gitflow_runner.lang.layout import laid_out
from gitflow_runner.lang.printer import readable, write
from gitflow_runner.lang.reader import read_all
from gitflow_runner.lang.session import evaluate
from gitflow_runner.lang.throwing import FlowThrow
from gitflow_runner.steps.registry import Steps, built_in

SECONDS = 10.0  # of CPU for one text in one trial: a machine that is busy with others is no hang
_LIMITS = Limits(fuel=300_000)
_BENCH = Bench(HOST_NAMES, _LIMITS)
_STEPS = Steps()
_SPECS = {name: _STEPS.get(name).spec for name in built_in()}


class Hang(BaseException):
    """A trial took longer than `SECONDS`; no `except Exception` on the way may swallow it."""


@contextmanager
def bounded(seconds: float = SECONDS) -> Iterator[None]:
    """Raise `Hang` in what computes for longer. Only in the main thread."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Hang(f"no answer within {seconds} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def read(text: str) -> None:
    """Code is read, or refused."""
    read_all(text)


def data(text: str) -> None:
    """Data is read and means the same when it is written and read again, or is refused."""
    value = read_data(text)
    assert write(read_data(write(value))) == write(value)


def layout(text: str) -> None:
    """What is laid out means the same, to the linter too, and stays as it is when it is laid out again."""
    result = laid_out(text)
    assert laid_out(result) == result
    assert _data(result) == _data(text)
    assert _codes(result) == _codes(text)


def evaluation(text: str) -> None:
    """Code runs to a value that can be printed, throws, or is refused."""
    readable(evaluate(text, limits=_LIMITS))


def linting(text: str) -> None:
    """Every finding has a code that is explained, a message and a place in the file; all formats show it."""
    found = _findings(text)
    assert found == _findings(text)
    lines = text.count("\n") + 1
    for each in found:
        assert each.message
        assert explain(each.code)
        assert each.line is None or 1 <= each.line <= lines, each
        assert each.code in frame(text, each)
    json.dumps([sarif(found, "0"), github_lines(found), [each.as_json() for each in found]])


def fixing(text: str) -> None:
    """What is mended can be read, has no error that was not there, and nothing left to mend."""
    mended = _mended(text)
    errors = Counter(each.code for each in _findings(text) if each.is_error)
    assert Counter(each.code for each in _findings(mended) if each.is_error) <= errors
    assert _mended(mended) == mended


def tools(text: str) -> None:
    """A flow is loaded, migrated and imported, and its tests are read, or that is refused."""
    raw = text.encode("utf-8", "surrogatepass")
    texts = MemoryTexts({"demo.edn": raw, "demo.tests.edn": raw})
    for use in (load, migrate, import_flow, read_cases):
        with suppress(GitflowError):
            use(texts, "demo" if use in (load, read_cases) else "demo.edn")


def lines(text: str) -> None:
    """A line of a batch is answered in either environment, whatever it holds."""
    for environment in ("function", "body"):
        asked = json.dumps({"expr": text, "env": environment}).encode()
        answer = json.loads(_BENCH.answer(asked))
        assert answer["ok"] or answer["code"] != "internal", answer


def _texts(text: str) -> MemoryTexts:
    return MemoryTexts({"demo.edn": text.encode("utf-8", "surrogatepass"), "a.edn": "[1]"})


def _findings(text: str) -> tuple[Diagnostic, ...]:
    return lint(_texts(text), "demo", _SPECS, HOST_NAMES)


def _codes(text: str) -> Counter[str]:
    return Counter(each.code for each in _findings(text))


def _data(text: str) -> list[str]:
    return [readable(value_of(form)) for form in read_all(text)]


def _mended(text: str) -> str:
    """The text with every certain remedy, as often as `gfr lint --fix` was typed."""
    try:
        expanded = read_closure(_texts(text), "demo")
    except GitflowError:
        return text
    edits = fixes(Subject("demo", expanded, _SPECS, HOST_NAMES), _findings(text))
    return edited_files(expanded, edits).get("demo.edn", text)


READING: tuple[Callable[[str], None], ...] = (read, layout, linting, fixing)
TRIALS: tuple[Callable[[str], None], ...] = (*READING, data, evaluation, lines, tools)


def fault(text: str, trials: Sequence[Callable[[str], None]] = TRIALS) -> str | None:
    """What is wrong with the answers to a text; None if nothing is."""
    for trial in trials:
        begun = time.process_time()
        try:
            with bounded():
                trial(text)
        except (LangError, FlowThrow):
            continue
        except (Exception, Hang) as error:  # noqa: BLE001 - any other is what is looked for
            took = time.process_time() - begun
            return f"{trial.__name__}: {type(error).__name__}: {str(error)[:300]} after {took:.1f} s"
    return None
