"""What decides is handed the time, chance and the environment; ref names have one home; nothing is forced."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import BELOW_RUNNER, PACKAGE, Module, modules_below

TESTS = modules_below("tests")
QUICK = modules_below("tests/unit", "tests/contract", "tests/property", "tests/golden")
PURE = [m for m in PACKAGE if len(m.parts) > 1 and m.parts[1] in {"lang", "model", "engine"}]

# What may not be used below `runner`: whole modules, and single names of mixed ones.
AMBIENT_MODULES = ("random", "secrets", "getpass")
AMBIENT_NAMES = {
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "os.environ",
    "os.environb",
    "os.getenv",
    "os.getenvb",
    "os.getlogin",
    "os.getrandom",
    "os.urandom",
    "socket.gethostname",
    "time.ctime",
    "time.gmtime",
    "time.localtime",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.perf_counter_ns",
    "time.sleep",
    "time.time",
    "time.time_ns",
    "uuid.uuid1",
    "uuid.uuid4",
}

WORLDLY_CALLS = {"open", "print", "input", "exec", "eval", "__import__"}

REF_NAME = re.compile(r"(^|[\s:+^`'\"])refs/")


def test_below_the_runner_nothing_reads_clock_chance_or_environment() -> None:
    ambient = {
        f"{module}:{line} {name}"
        for module in BELOW_RUNNER
        for name, line in module.uses()
        if name in AMBIENT_NAMES or name.split(".")[0] in AMBIENT_MODULES
    }
    assert ambient == set(), "take a Clock, a Jitter or a mapping as an argument"


def test_the_pure_core_opens_and_prints_nothing() -> None:
    calls = {
        f"{module}:{node.lineno} {node.func.id}"
        for module in PURE
        for node in module.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORLDLY_CALLS
    }
    streams = {
        f"{module}:{line} {name}"
        for module in PURE
        for name, line in module.uses()
        if name.startswith(("urllib.request", "sys.std"))
    }
    assert calls | streams == set()


def test_ref_names_are_spelled_in_one_place() -> None:
    spelled = {
        f"{module}:{node.lineno} {node.value!r}"
        for module in PACKAGE
        if module.dotted != "gitflow_runner.git.refs"
        for node in spoken_constants(module)
        if names_a_ref(node.value)
    }
    assert spelled == set(), "take the name from gitflow_runner.git.refs"


def test_nothing_is_forced() -> None:
    forced = {
        f"{module}:{node.value.lineno}"
        for module in PACKAGE
        for node in module.nodes
        if isinstance(node, ast.keyword)
        and node.arg == "force"
        and isinstance(node.value, ast.Constant)
        and node.value.value is True
    }
    assert forced == set(), "a ref moves by compare-and-swap"


def test_tests_patch_nothing() -> None:
    patched = {
        f"{module}:{node.lineno} {argument.arg}"
        for module in TESTS
        for node in module.nodes
        if isinstance(node, ast.FunctionDef)
        for argument in (*node.args.args, *node.args.kwonlyargs)
        if argument.arg in {"monkeypatch", "mocker"}
    }
    mocked = {
        f"{module} {origin}"
        for module in TESTS
        for origin in module.imported.values()
        if origin.startswith(("unittest.mock", "mock"))
    }
    assert patched | mocked == set()


def test_quick_tests_never_sleep() -> None:
    sleeps = [f"{m}:{line}" for m in QUICK for name, line in m.uses() if name == "time.sleep"]
    assert sleeps == []


def spoken_constants(module: Module) -> Iterator[ast.Constant]:
    """The constants of a module that are no docstring."""
    docstrings = {
        id(node.value)
        for node in module.nodes
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in module.nodes:
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield node


def names_a_ref(value: object) -> bool:
    """True for text or bytes in which a full ref name begins."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return isinstance(value, str) and REF_NAME.search(value) is not None


@pytest.mark.parametrize("text", ["refs/runs/a", b"refs/tags/x", "+refs/live/*", "push a:refs/approvals/b"])
def test_a_ref_name_is_recognised(text: object) -> None:
    assert names_a_ref(text)


@pytest.mark.parametrize("text", ["hrefs/a", "xrefs/", "see refs", 7, "the folder /xrefs/a"])
def test_other_text_is_no_ref_name(text: object) -> None:
    assert not names_a_ref(text)
