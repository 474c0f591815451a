"""Changes between two states of a flow, laid out: a line each for people, plain data for programs."""

from __future__ import annotations

from collections.abc import Sequence

from gitflow_runner.catalog.diff import Change, Edit

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_WIDE = 60


def change_data(change: Change) -> dict[str, object]:
    """One change with every setting that differs."""
    return {
        "kind": change.kind,
        "part": change.part,
        "name": change.name,
        "edits": [{"key": e.key, "before": e.before, "after": e.after} for e in change.edits],
    }


def change_lines(changes: Sequence[Change]) -> list[str]:
    """A line for each change; `nothing changed` where there is none."""
    lines = []
    for change in changes:
        said = f"  ({', '.join(_edit(e) for e in change.edits)})" if change.edits else ""
        if change.part == "body":
            said = "  (the order or the conditions of its steps)"
        lines.append(f"{_SIGNS[change.kind]} {change.part} {change.name}".rstrip() + said)
    return lines or ["nothing changed"]


def _edit(edit: Edit) -> str:
    if edit.before is None:
        return f"+ {edit.key} {_short(edit.after)}"
    if edit.after is None:
        return f"- {edit.key}"
    return f"{edit.key} {_short(edit.before)} → {_short(edit.after)}"


def _short(text: str | None) -> str:
    one = " ".join((text or "").split())
    return one if len(one) <= _WIDE else one[: _WIDE - 1] + "…"
