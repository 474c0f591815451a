"""Methods that several classes have under one name: found by the value, refused by their name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gitflow_runner.errors import LangError
from gitflow_runner.lang.fuel import Builtin
from gitflow_runner.lang.refused import INTEROP, java_of
from gitflow_runner.lang.throwing import illegal, kind_of, thrown
from gitflow_runner.lang.values import Value

Method = tuple[str, Callable[..., Value], int, int]
_JAVA = {str: "String", int: "Long"}
Methods = dict[str, dict[type, tuple[Callable[..., Value], int, int]]]


def add(methods: Methods, classes: Iterable[type], *rows: Method) -> None:
    """Give the classes these methods: name, Python, fewest and most arguments without the value itself."""
    for cls in classes:
        for name, fn, low, high in rows:
            methods.setdefault(name, {})[cls] = (fn, low, high)


def rows_of(methods: Methods) -> dict[str, Builtin]:
    """The functions of the library behind the names."""
    return {f".{name}": _row(f".{name}", found) for name, found in methods.items()}


def _row(name: str, found: dict[type, tuple[Callable[..., Value], int, int]]) -> Builtin:
    def call(target: Value, *args: Value) -> Value:
        method = found.get(target.__class__)
        if method is None:
            raise _nothing(name, target, found)
        fn, low, high = method
        if not low <= len(args) <= high:
            raise illegal(f"No matching method {name} found taking {len(args)} args for {kind_of(target)}")
        return fn(target, *args)

    low = min(low for _, low, _ in found.values())
    high = max(high for _, _, high in found.values())
    return Builtin(name, call, low + 1, high + 1)


def _nothing(name: str, target: Value, found: Iterable[type]) -> Exception:
    if target is None:
        return thrown("NullPointerException", f"{name} was called on nil")
    known = java_of(name)
    owners = sorted({_JAVA.get(cls, cls.__name__) for cls in found})
    hint = known.hint if known not in (None, INTEROP) else f"it is a method of {', '.join(owners)}"
    return not_built(f"{name} of {kind_of(target)}", hint)


def not_built(what: str, hint: str) -> LangError:
    """What Java has and we have not: no user code catches it."""
    return LangError(INTEROP.code, f"{what} is not available here", hint=hint)
