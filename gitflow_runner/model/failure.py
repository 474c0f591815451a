"""Why a step or a run failed, as recorded and as a flow's `catch` sees it."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.model.stored import Stored


@dataclass(frozen=True, slots=True)
class Failure:
    """`code` is stable; `data` is the EDN map that `ex-data` returns, if there is one."""

    code: str
    message: str
    step: str | None = None  # identity of the step that failed
    file: str | None = None
    line: int | None = None
    col: int | None = None
    data: Stored | None = None
