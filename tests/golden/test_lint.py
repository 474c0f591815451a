"""Every lint rule against texts that keep it and texts that break it, findings and their wording included."""

from pathlib import Path

import pytest

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.lint.registry import RULES
from gitflow_runner.catalog.linter import lint
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.lang.program import HostFn
from gitflow_runner.model.spec import Field, Needs, Spec

HERE = Path(__file__).parent / "lint"
GOOD = sorted(HERE.glob("*/good*.edn"))
BAD = sorted(HERE.glob("*/bad*.edn"))

HTTP = Spec(
    "http",
    "Sends one request",
    "keyed",
    (
        Field("url", "url", "the whole address"),
        Field("path", "string", "what follows the connection's base URL"),
        Field("method", "keyword", "how", choices=("get", "post", "put")),
        Field("headers", "map", "header names and values"),
    ),
    '{:url "https://shop.test"}',
    one_of=(("url", "connection"),),
)
SLEEP = Spec(
    "sleep",
    "Pauses the run",
    "suspend",
    (Field("duration", "duration", "how long", required=True),),
    '{:duration "5m"}',
)
FUNCTION = Spec(
    "function",
    "Calls a function",
    "pure",
    (Field("ref", "name", "which"), Field("code", "any", "the code"), Field("input", "map", "what it gets")),
    "{:ref :total}",
    one_of=(("ref", "code"),),
)
LLM = Spec(
    "llm",
    "Asks a model",
    "keyed",
    (Field("prompt", "string", "the question"), Field("tools", "any", "what it may call")),
    '{:prompt "Hi"}',
)
TABLE = Spec(
    "table",
    "Asks a table",
    "read",
    (
        Field("op", "name", "what", required=True, choices=("query", "get-row")),
        Field("table", "any", "which"),
        Field("page", "map", "how many"),
        Field("row-id", "integer", "one row"),
        Field("key", "map", "one row"),
    ),
    '{:op :get-row :table "res://table/x" :row-id 1}',
    needs=Needs("op", {"query": (("table",), ("page",)), "get-row": (("table",), ("row-id", "key"))}),
)
SSH = Spec("ssh", "Runs a command", "unsafe", (Field("command", "string", "what"),), '{:command "ls"}')
NAMES = {"flow/input": (0, 0), "flow/step": (2, 3), "flow/poll": (2, 2), "flow/slot-bound?": (1, 1)}
NAMES |= {"flow/call-flow": (1, 3), "flow/parallel": (3, 4)}
HOST = {name: HostFn(name, low, high) for name, (low, high) in NAMES.items()}
SPECS = {spec.type: spec for spec in (HTTP, SLEEP, FUNCTION, LLM, SSH, TABLE)}


def found_in(path: Path) -> tuple[Diagnostic, ...]:
    return lint(MemoryTexts({"demo.edn": path.read_text()}), "demo", SPECS, HOST)


def as_text(found: tuple[Diagnostic, ...]) -> str:
    lines = []
    for each in found:
        lines.append(f"{each.severity}: {each.line_text()}")
        if each.hint is not None:
            lines.append(f"   fix: {each.hint}")
    return "\n".join(lines) + "\n"


def label(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", GOOD, ids=label)
def test_a_text_that_keeps_the_rules_has_no_finding(path: Path) -> None:
    assert found_in(path) == ()


@pytest.mark.parametrize("path", BAD, ids=label)
def test_a_text_that_breaks_a_rule_is_told_so(path: Path) -> None:
    assert as_text(found_in(path)) == path.with_suffix(".txt").read_text()


def test_every_code_is_seen_at_least_once() -> None:
    seen = {each.code for path in BAD for each in found_in(path)}
    known = {code.name for rule in RULES for code in rule.codes}
    unseen_for_their_size = {"large_file", "many_steps", "function_code_too_large"}
    assert known - seen == unseen_for_their_size


def test_every_finding_says_what_to_write_instead() -> None:
    assert [each.line_text() for path in BAD for each in found_in(path) if not each.hint] == []


def test_every_rule_has_a_good_and_a_bad_text() -> None:
    folders = {path.name for path in HERE.iterdir()}
    assert {path.parent.name for path in GOOD} == folders
    assert {path.parent.name for path in BAD} == folders
