"""`gfr eval` and `gfr read` as programs: outside of any repository, thousands of lines in one process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

HEAVY = {"pygit2", "httpx", "cryptography", "yaml", "gitflow_runner.git", "gitflow_runner.trust"}


def gfr(where: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "gitflow_runner", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"}
    return subprocess.run(command, cwd=where, input=given, capture_output=True, env=environment, timeout=120)


def test_a_value_is_printed(tmp_path: Path) -> None:
    done = gfr(tmp_path, "eval", "(assoc {:a 1} :b [2])")
    assert (done.returncode, done.stdout) == (0, b"{:a 1, :b [2]}\n")


def test_an_expression_comes_from_stdin(tmp_path: Path) -> None:
    done = gfr(tmp_path, "eval", "-", "--json", given=b"(count [1 2])")
    assert json.loads(done.stdout)["data"] == {"value": "2", "env": "function"}


def test_an_error_is_an_envelope_and_exit_1(tmp_path: Path) -> None:
    done = gfr(tmp_path, "eval", "(incc 1)", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"], told["error"]["code"]) == (1, False, "unbound_symbol")
    assert told["error"]["at"] == {"line": 1, "col": 2}


@pytest.mark.parametrize(
    ("given", "code", "at"),
    [
        (b'"a\n\xff"', "encoding_invalid", {"line": 2, "col": 1}),
        (b'"a\0"', "clojure_reader_invalid", {"line": 1, "col": 3}),
        (b"1" * 1_000_001, "eval.line_too_long", {}),
    ],
)
def test_what_comes_from_stdin_is_refused_at_its_place(
    tmp_path: Path, given: bytes, code: str, at: dict[str, int]
) -> None:
    error = json.loads(gfr(tmp_path, "eval", "-", "--json", given=given).stdout)["error"]
    assert (error["code"], error["at"], error["fix"]) == (code, at, [f"gfr explain {code}"])


def test_a_batch_answers_every_line_in_order(tmp_path: Path) -> None:
    lines = [json.dumps({"expr": f"(* {n} 2)"}) for n in range(5_000)]
    lines[7] = "no json"
    lines[8] = json.dumps({"expr": "x" * 1_100_000})
    lines[9] = json.dumps({"expr": "((fn f [n] (if (= n 0) 0 (+ 1 (f (dec n))))) 900)"})
    done = gfr(tmp_path, "eval", "--batch", given="\n".join(lines).encode())
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert len(answers) == 5_000
    assert [answers[n].get("code") for n in (7, 8)] == ["eval.line_malformed", "eval.line_too_long"]
    assert answers[9] == {"ok": True, "value": "900"}
    assert answers[4_999] == {"ok": True, "value": "9998"}


def test_evaluation_needs_neither_git_nor_trust(tmp_path: Path) -> None:
    program = (
        "import sys; from gitflow_runner.cli.main import run; code = run(['eval', '(inc 1)']);"
        f"found = {HEAVY} & {{'.'.join(m.split('.')[:n]) for m in sys.modules for n in (1, 2)}};"
        "print(code, sorted(found))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert done.stdout.decode().split("\n")[:2] == ["2", "0 []"]


def test_forms_are_read_as_json_and_so_are_errors(tmp_path: Path) -> None:
    (tmp_path / "a.edn").write_text("{:a 1}")
    (tmp_path / "b.edn").write_text("{:a")
    good = json.loads(gfr(tmp_path, "read", "a.edn").stdout)
    assert (good["schema"], good["data"]["forms"][0]["type"]) == ("gfr/read/1", "map")
    bad = gfr(tmp_path, "read", "b.edn")
    assert (bad.returncode, json.loads(bad.stdout)["error"]["code"]) == (1, "clojure_delimiters_invalid")
    missing = gfr(tmp_path, "read", "c.edn")
    assert (missing.returncode, json.loads(missing.stdout)["error"]["code"]) == (3, "file.unreadable")
