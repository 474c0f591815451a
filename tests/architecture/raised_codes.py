"""Every code that the source gives to an error, a finding or a verdict, read off its text.

A code is the first argument of an error of the family in `errors.py`, or what a parameter or field named `code`
is given, at whatever depth: whoever hands codes on calls the parameter `code`, and is found by that name.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from tests.architecture.source import PACKAGE, Module

SHAPE: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
FAMILY: Final = frozenset(
    "GitflowError UsageError NotFoundError RefusedError ConflictError TransientError LangError DamagedError "
    "StepError".split()
)


class Raised(NamedTuple):
    """One place that spells a code."""

    code: str
    place: str


class Unread(NamedTuple):
    """One place that hands a code on in a way that cannot be read off the text."""

    source: str
    place: str


def positions(modules: Iterable[Module], name: str) -> dict[str, set[int]]:
    """The functions and classes that take a parameter or field of that name, and at which positions."""
    found: dict[str, set[int]] = defaultdict(set)
    for module in modules:
        for node in module.nodes:
            match node:
                case ast.FunctionDef(name=called, args=arguments):
                    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
                    own = names[:1] in (["self"], ["cls"])
                    found[called] |= {at - own for at, each in enumerate(names) if each == name}
                case ast.ClassDef(name=called, body=body):
                    fields = [x.target.id for x in body if isinstance(x, ast.AnnAssign) and isinstance(x.target, ast.Name)]
                    found[called] |= {at for at, each in enumerate(fields) if each == name}
    return {called: at for called, at in found.items() if at}
