"""Old forms of events brought to the current one, before their fields are looked at.

A kind's version is one more than the number of its upcasters; a line says it in `v`, left out for 1.
When a field of a kind changes its meaning, append the function that turns the last form's fields into
the new form's, and the kind's version has risen. Entries are never removed: runs are kept for years.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gitflow_runner.errors import DamagedError

Fields = dict[str, object]
Upcaster = Callable[[Fields], Fields]
Upcasters = Mapping[str, tuple[Upcaster, ...]]

UPCASTERS: Upcasters = {}


def version(kind: str, table: Upcasters = UPCASTERS) -> int:
    """The version in which events of this kind are written now."""
    return 1 + len(table.get(kind, ()))


def upcast(kind: str, written: int, fields: Fields, table: Upcasters = UPCASTERS) -> Fields:
    """The fields as the current version has them; `DamagedError` (`history.newer`) from the future."""
    steps = table.get(kind, ())
    if not 1 <= written <= len(steps) + 1:
        raise DamagedError(
            "history.newer",
            f"an event {kind} is written in version {written}, this runner knows {len(steps) + 1}",
            hint="the run was recorded by a newer gitflow-runner: upgrade this one",
        )
    for step in steps[written - 1 :]:
        fields = step(fields)
    return fields
