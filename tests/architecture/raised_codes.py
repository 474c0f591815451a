"""Every code that the source gives to an error, a finding or a verdict, read off its text.

A code is the first argument of an error of the family in `errors.py`, or what a parameter or field named
`code` is given: whoever hands codes on names the parameter so, and is found by that name. Codes in tables are
found by their families. The few that are put together from parts are listed here, with the places that do it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final, NamedTuple, get_args

from gitflow_runner import errors
from gitflow_runner.model.event import Event
from gitflow_runner.runner.gate_pass import Why
from gitflow_runner.trust.reasons import ApprovalReason, Refusal, SignatureReason
from tests.architecture.source import PACKAGE, Module

TABLES: Final = "gitflow_runner/catalog/codes/"
ERRORS: Final = frozenset(
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.GitflowError)
)
SHAPE: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")

# What is put together from parts: the module and the expression, and what comes of it.
_POLICY = "bad_key duplicate_key missing_key no_quorum not_a_runner release_need runner_role shared_key "
_POLICY += "syntax type unknown_key value weak_key"
_FILE = "missing type unknown_key unreadable"
COMPOSED: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("connections/document.py", "{self.family}.{reason}"): (
        *(f"installation.{each}" for each in f"{_FILE} binding edit secret_value".split()),
        *(
            f"connections.{each}"
            for each in f"{_FILE} auth choice edit malformed name secret_role secret_value url".split()
        ),
    ),
    ("ledger/codec.py", "{family}.malformed"): ("run.malformed", "pin.malformed", "history.malformed"),
    ("ledger/codec.py", "{family}.newer"): ("run.newer", "pin.newer", "history.newer"),
    ("runner/gatekeeper.py", "gate.{looked.why}"): tuple(
        f"gate.{each}" for each in get_args(Why) if each != "pass"
    ),
    ("runner/received.py", "untrusted.{verdict.reason}"): (),  # looked up without its family
    ("runner/verify.py", "untrusted.{verdict.reason}"): (),
    ("trust/consent.py", "{family}.chain"): ("live.chain", "policy.chain"),
    ("trust/consent.py", "{family}.no_consent"): ("live.no_consent", "policy.no_consent"),
    ("trust/fields.py", "policy.{code}"): tuple(f"policy.{each}" for each in _POLICY.split()),
    ("trust/reasons.py", "{family}.{reason}"): tuple(
        Refusal(each, "").code for each in (*get_args(SignatureReason), *get_args(ApprovalReason))
    ),
}
_JOINED: Final = re.compile(r"(\{.+\}|[a-z_]+)\.(\{.+\}|[a-z_]+)")
_SEVERITIES: Final = ("error", "warning", "hint")  # two classes of the same name have them where a code is

# Names of two parts that begin like a code and are none.
_NAMES: Final = {
    *(kind.kind for kind in get_args(Event)),
    *("change.opened", "change.seen", "lease.acquired", "policy.seen", "release.seen"),
    *("gitflow.remote", "gitflow.resources"),
}
_FILES: Final = re.compile(r".*\.(yaml|json|jsonl|edn|py|pub)")


class Raised(NamedTuple):
    """One place that spells a code, or an expression that no code can be read off."""

    code: str
    place: str


def takers(name: str) -> dict[str, set[int]]:
    """The functions and classes that take a text of that name, and at which positions."""
    found: dict[str, set[int]] = {}
    for module in PACKAGE:
        for node in module.nodes:
            match node:
                case ast.FunctionDef(name=called, args=arguments):
                    taken = [(x.arg, x.annotation) for x in (*arguments.posonlyargs, *arguments.args)]
                    taken = taken[1:] if taken[:1] in ([("self", None)], [("cls", None)]) else taken
                case ast.ClassDef(name=called, body=body):
                    fields = [x for x in body if isinstance(x, ast.AnnAssign)]
                    taken = [(x.target.id, x.annotation) for x in fields if isinstance(x.target, ast.Name)]
                case _:
                    continue
            for at, (each, annotation) in enumerate(taken):
                if each == name and isinstance(annotation, ast.Name) and annotation.id == "str":
                    found.setdefault(called, set()).add(at)
    return found


def raised() -> Iterator[Raised]:
    """All codes with their places; what is put together is given by its expression, in braces."""
    given = takers("code") | {name: {0} for name in ERRORS}
    for module in PACKAGE:
        if str(module).startswith(TABLES):
            continue
        constants = _constants(module)
        for node in module.nodes:
            for expression in _codes_of(node, given):
                for code in _read(expression, constants):
                    yield Raised(code, f"{module}:{expression.lineno}")


def spelled(families: frozenset[str]) -> Iterator[Raised]:
    """All texts of two parts that begin with one of the families, wherever they stand."""
    for module in PACKAGE:
        if str(module).startswith(TABLES):
            continue
        for node in module.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                family, dot, _ = text.partition(".")
                is_name = text in _NAMES or _FILES.fullmatch(text)
                if dot and family in families and SHAPE.fullmatch(text) and not is_name:
                    yield Raised(text, f"{module}:{node.lineno}")


def texts() -> frozenset[str]:
    """Every text of the source outside of the tables, and what is put together."""
    found = {
        node.value
        for module in PACKAGE
        if not str(module).startswith(TABLES)
        for node in module.nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return frozenset(found.union(*COMPOSED.values()))


def _codes_of(node: ast.AST, given: dict[str, set[int]]) -> Iterator[ast.expr]:
    match node:
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=arguments, keywords=named):
            at = given.get(called, ())
            yield from (each for position, each in enumerate(arguments) if position in at)
            if at:
                yield from (each.value for each in named if each.arg == "code")
        case ast.Assign(targets=[ast.Name(id="code")], value=value):
            yield value
        case ast.FunctionDef(args=ast.arguments(args=names, defaults=defaults)):
            with_default = zip(names[len(names) - len(defaults) :], defaults, strict=True)
            yield from (value for name, value in with_default if name.arg == "code")


def _read(expression: ast.expr, constants: dict[str, str]) -> Iterator[str]:
    """The codes that an expression can be; nothing for one that is only handed on."""
    match expression:
        case ast.Constant(value=str(text)) if SHAPE.fullmatch(text) and text not in _SEVERITIES:
            yield text
        case ast.Name(id=name) if name in constants:
            yield constants[name]
        case ast.IfExp(body=body, orelse=orelse):
            yield from _read(body, constants)
            yield from _read(orelse, constants)
        case ast.BoolOp(values=values):
            for each in values:
                yield from _read(each, constants)
        case ast.JoinedStr() if _JOINED.fullmatch(joined := ast.unparse(expression)[2:-1]):
            yield joined


def _constants(module: Module) -> dict[str, str]:
    """The texts that a module keeps under names of its own."""
    found = {}
    for node in module.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                found[name] = text
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text))):
                found[name] = text
    return found
