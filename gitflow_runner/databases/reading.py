"""What all kinds of databases share: checks before a statement, rows after it, errors that may be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gitflow_runner.databases.plain import Intake
from gitflow_runner.databases.query import Cancel, Query, Rows, Target
from gitflow_runner.databases.statement import READING, Dialect, first_word
from gitflow_runner.errors import StepError
from gitflow_runner.lang.values import Value

MAX_EXCERPT = 300  # characters of what a database said
_HIDDEN = "***"


def check_reads(query: Query, dialect: Dialect) -> None:
    """`StepError` (`db.read_only`) for a statement that changes something in a step that may not."""
    word = first_word(query.sql, dialect)
    if not query.writes and word not in READING:
        raise read_only(f"{word.upper()[:40] or 'an empty statement'} is no reading statement")


def read_only(why: str) -> StepError:
    """The refusal to write."""
    return StepError(
        "db.read_only",
        f"the step only reads: {why}",
        hint="give :write true, or :write :repeatable for a statement that does the same when it runs twice",
    )


def check_origin(target: Target, origin: str) -> None:
    """`StepError` (`db.refused`) unless the secrets may go there."""
    if not target.allows(origin):
        raise StepError("db.refused", f"the secrets of {target.name} may not be sent to {origin}")


def without_driver(extra: str, library: str) -> StepError:
    """A driver is missing here, and how to get it."""
    return StepError(
        "db.driver",
        f"{library} is not installed here",
        hint=f'pip install "gitflow-runner[{extra}]"',
    )


def stopped(query: Query, cancel: Cancel, began_ms: int, now_ms: int) -> StepError | None:
    """Why a statement was stopped, if it was: its time is up, or the step was given up. A write is undone."""
    if now_ms >= query.deadline_ms:
        return StepError(
            "db.timeout",
            f"the statement was stopped after {(now_ms - began_ms) / 1_000:.1f} s",
            retryable=True,
            hint="raise :timeout, or ask for less",
        )
    if cancel.asked():
        return StepError("step.cancelled", "the step was given up while the statement ran")
    return None


def excerpt(text: str, target: Target, params: Sequence[Value]) -> str:
    """What a database said, on one line and bounded, without secrets and without the parameters' texts."""
    hidden = [*target.secrets.values(), *(value for value in params if isinstance(value, str))]
    for value in sorted(hidden, key=len, reverse=True):
        if len(value) >= 4:
            text = text.replace(value, _HIDDEN)
    text = " ".join(text.split())
    return text if len(text) <= MAX_EXCERPT else text[: MAX_EXCERPT - 1] + "…"


def collected(columns: Sequence[str], rows: Iterable[Sequence[object]], max_rows: int) -> Rows:
    """The first `max_rows` rows; `StepError` (`db.columns`) where two columns have one name."""
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    if doubled:
        raise StepError(
            "db.columns", f"two columns are named {doubled[0][:64]!r}", hint="name them apart with AS"
        )
    intake = Intake()
    found: list[tuple[Value, ...]] = []
    for row in rows:
        if len(found) == max_rows:
            return Rows(tuple(columns), tuple(found), more=True)
        found.append(intake.row(row))
    return Rows(tuple(columns), tuple(found))
