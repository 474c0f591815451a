"""Result maps of steps, written with Python's names."""

from __future__ import annotations

from gitflow_runner.lang.collection import Map, map_of
from gitflow_runner.lang.values import Value, keyword


def result_map(**parts: Value) -> Map:
    """A map with keywords as keys: `created_` stands for `:created?`, `time_ms` for `:time-ms`."""
    return map_of(
        [
            (keyword(name[:-1] + "?" if name.endswith("_") else name.replace("_", "-")), value)
            for name, value in parts.items()
        ]
    )
