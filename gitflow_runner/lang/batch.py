"""Expressions by the line: one JSON object in, the printed value or a coded error out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from gitflow_runner.errors import LangError, Place
from gitflow_runner.lang.environments import BODY, FUNCTION
from gitflow_runner.lang.fuel import Call, Limits
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.program import Environment, HostFn
from gitflow_runner.lang.reader import read_one
from gitflow_runner.lang.session import evaluate
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.throwing import FlowThrow
from gitflow_runner.lang.values import Value

MAX_LINE = 1_000_000  # bytes of one line of input
ENVIRONMENTS: Mapping[str, Environment] = {each.name: each for each in (FUNCTION, BODY)}


@dataclass(frozen=True, slots=True)
class Bench:
    """Where expressions are tried: the names of the body that have no answer here, and the limits of each."""

    body_names: Mapping[str, HostFn]
    limits: Limits

    def printed(self, expression: str, environment: str = "function", *, file: str | None = None) -> str:
        """The printed value of a text with exactly one form.

        Raises `LangError`: `eval.environment`, what reader and analysis refuse, limits, `uncaught` for what
        the code throws, `host_unbound` for a `flow/*` name, `not_data` for a value that cannot be printed.
        """
        chosen = ENVIRONMENTS.get(environment)
        if chosen is None:
            known = " or ".join(ENVIRONMENTS)
            raise LangError("eval.environment", f"there is no environment {environment[:60]!r}: {known}")
        source = _readable(expression, file)
        try:
            form = read_one(source)
            names = self.body_names if chosen is BODY else None
            return write(evaluate(form, chosen, host=_NobodyHome(), names=names, limits=self.limits))
        except FlowThrow as thrown:
            raise _uncaught(thrown) from None
        except RecursionError:
            # Macros may nest far deeper than the text that the reader has bounded.
            raise LangError("depth_exceeded", "the code is nested too deeply", at=source.place(0)) from None

    def answer(self, line: bytes) -> str:
        """The JSON line that answers one line of input; nothing that a line holds makes this raise."""
        try:
            expression, environment = _asked(line)
            return _dumped({"ok": True, "value": self.printed(expression, environment)})
        except LangError as error:
            return _dumped(refusal(error))
        except Exception as error:  # noqa: BLE001 - one line's defect must not take the others along
            return _dumped({"ok": False, "code": "internal", "message": f"{type(error).__name__}: {error}"})


class _NobodyHome:
    """Answers the names of the body: not outside of a run."""

    def __call__(self, call: Call) -> Value:
        raise LangError(
            "host_unbound",
            f"{call.name} has no answer outside of a run",
            hint="try the whole flow: gfr test <slug> with mocked steps, or gfr run <slug>",
            at=call.form.source.place(call.form.start),
        )


def refusal(error: LangError) -> dict[str, object]:
    """An error as the answer to a line."""
    answer: dict[str, object] = {"ok": False, "code": error.code, "message": error.message}
    if error.at is not None and error.at.line is not None:
        answer |= {"line": error.at.line, "col": error.at.col}
    return answer if error.hint is None else answer | {"hint": error.hint}


def too_long() -> str:
    """The answer to a line beyond `MAX_LINE`."""
    return _dumped(refusal(LangError("eval.line_too_long", f"a line may have {MAX_LINE:,} bytes at most")))


def _asked(line: bytes) -> tuple[str, str]:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LangError("eval.line_malformed", f"the line is no JSON: {error}") from None
    expression = asked.get("expr") if isinstance(asked, dict) else None
    environment = asked.get("env", "function") if isinstance(asked, dict) else None
    if not isinstance(expression, str) or not isinstance(environment, str):
        wanted = '{"expr": "(+ 1 2)", "env": "function"}'
        raise LangError("eval.line_malformed", f"the line is not like {wanted}")
    return expression, environment


def _readable(text: str, file: str | None) -> Source:
    source = Source(text, file)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        at = source.place(error.start)
        raise LangError("encoding_invalid", "half a surrogate pair stands in the text", at=at) from None
    return source


def _uncaught(thrown: FlowThrow) -> LangError:
    at: Place | None = thrown.at or (thrown.trace[0] if thrown.trace else None)
    trace = [str(place) for place in thrown.trace]
    return LangError("uncaught", str(thrown), at=at, details={"trace": trace} if trace else {})


def _dumped(answer: Mapping[str, object]) -> str:
    return json.dumps(answer, ensure_ascii=False)
