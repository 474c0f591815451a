"""`:expect`: what a step's result must look like, checked before anything goes on with it.

A keyword names a kind (`:map :vector :string :number :boolean :some :non-empty`). A map names keys of the
result and what each must be: a kind, such a map again, or the very value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.values import Collection, Keyword, Value
from gitflow_runner.steps.config import is_number

MAX_DEPTH = 20

KINDS: Mapping[str, Callable[[Value], bool]] = {
    "map": lambda value: isinstance(value, Map),
    "vector": lambda value: isinstance(value, Collection) and value.kind == "sequential",
    "string": lambda value: isinstance(value, str),
    "number": lambda value: is_number(value),
    "boolean": lambda value: isinstance(value, bool),
    "some": lambda value: value is not None,
    "non-empty": lambda value: (
        bool(tuple(value)) if isinstance(value, Collection) else isinstance(value, str) and value != ""
    ),
}


def _length(value: Value) -> int:
    return len(tuple(value)) if isinstance(value, Collection | str) else 0


def check_expected(expected: Value, result: Value, *, definite: bool) -> None:
    """`StepError` (`step.unexpected`) with the path of the first part that is not as expected."""
    found = _difference(expected, result, ())
    if found is not None:
        path, why = found
        where = " ".join(str(key) for key in path)
        raise StepError(
            "step.unexpected",
            f"the result is not as expected{' at ' + where if where else ''}: {why}",
            definite=definite,
            data={"at": where},
        )


def require_expectation(expected: Value) -> None:
    """`StepError` (`config_type`) if an `:expect` cannot be one; nil is none."""
    if expected is None or (isinstance(expected, Map) and _is_flat_enough(expected, MAX_DEPTH)):
        return
    if isinstance(expected, Keyword) and expected.text in KINDS:
        return
    raise StepError("config_type", ":expect is a map, or one of " + " ".join(f":{kind}" for kind in KINDS))


def _is_flat_enough(expected: Map, levels: int) -> bool:
    inner = [value for _, value in expected.items() if isinstance(value, Map)]
    return levels > 0 and all(_is_flat_enough(value, levels - 1) for value in inner)


def _difference(
    expected: Value, result: Value, path: tuple[Value, ...]
) -> tuple[tuple[Value, ...], str] | None:
    if isinstance(expected, Map):
        if not isinstance(result, Map):
            return path, "it is no map"
        for key, inner in expected.items():
            found = _difference(inner, result.get(key), (*path, key))
            if found is not None:
                return found
        return None
    if isinstance(expected, Keyword) and expected.text in KINDS:
        return None if KINDS[expected.text](result) else (path, f"it is not {expected}")
    return None if expected == result and type(expected) is type(result) else (path, "it has another value")
