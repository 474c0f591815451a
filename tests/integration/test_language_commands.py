"""The commands that work on a flow's text, as programs in a repository."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

FLOW = """;; kept
{:slug :demo
 :name "Demo"
 :concurrency {:type :singleton :on-new-version :drain}
 :flow '(let [x   (flow/input)]
          (missing 1))}
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A repository with one flow."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path)], check=True)
    folder = tmp_path / ".breyta" / "flows"
    folder.mkdir(parents=True)
    (folder / "demo.edn").write_text(FLOW)
    return tmp_path


def gfr(work: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1", "HOME": str(work)}
    command = [sys.executable, "-m", "gitflow_runner", *arguments]
    return subprocess.run(command, cwd=work, capture_output=True, text=True, env=environment, timeout=120)


def test_lint_speaks_the_formats_of_other_tools(work: Path) -> None:
    github = gfr(work, "lint", "--format", "github")
    assert github.returncode == 1
    assert github.stdout.splitlines()[1].startswith("::error file=.breyta/flows/demo.edn,line=6,")
    scanned = json.loads(gfr(work, "lint", "demo", "--format", "sarif").stdout)
    assert [r["ruleId"] for r in scanned["runs"][0]["results"]] == ["unused_binding", "unbound_symbol"]
    told = json.loads(gfr(work, "lint", "--format", "json").stdout)
    assert (told["schema"], told["data"]["valid"]) == ("gfr/lint/1", False)


def test_lint_mends_what_is_certain_and_tells_the_rest(work: Path) -> None:
    told = json.loads(gfr(work, "lint", "--fix", "--json").stdout)
    assert told["data"]["fixed"] == [".breyta/flows/demo.edn"]
    assert [each["code"] for each in told["data"]["items"]] == ["unbound_symbol"]
    assert (work / ".breyta/flows/demo.edn").read_text() == FLOW.replace("[x ", "[_x ")


def test_lint_tells_of_a_file_that_is_not_read_and_does_the_others(work: Path) -> None:
    (work / ".breyta/flows/link.edn").symlink_to("demo.edn")
    (work / ".breyta/flows/large.edn").write_text(" " * 300_000)
    told = gfr(work, "lint", "--json")
    assert told.returncode == 1
    codes = {each["code"] for each in json.loads(told.stdout)["data"]["items"]}
    assert codes == {"closure.mode", "closure.size", "unused_binding", "unbound_symbol"}


def test_a_code_is_explained(work: Path) -> None:
    told = json.loads(gfr(work, "explain", "unbound_symbol", "--json").stdout)
    assert told["data"]["items"][0]["severity"] == "error"
    unknown = gfr(work, "explain", "unbound_symbl", "--json")
    assert unknown.returncode == 3
    assert "unbound_symbol" in json.loads(unknown.stdout)["error"]["hint"]
    assert len(gfr(work, "explain", "-q").stdout.split()) > 50


def test_fmt_checks_shows_and_writes(work: Path) -> None:
    flow = work / ".breyta/flows/demo.edn"
    assert gfr(work, "fmt", "--check", "-q").stdout == ".breyta/flows/demo.edn\n"
    shown = gfr(work, "fmt", "--diff")
    assert shown.returncode == 1
    assert "-          (missing 1))}" not in shown.stdout
    assert "- :flow '(let [x   (flow/input)]" in shown.stdout
    assert flow.read_text() == FLOW
    assert gfr(work, "fmt").returncode == 0
    assert flow.read_text() == FLOW.replace("x   (", "x (")
    assert gfr(work, "fmt", "--check").returncode == 0


def test_fmt_tells_of_a_file_that_cannot_be_read_and_does_the_others(work: Path) -> None:
    (work / "bad.edn").write_text("{:a")
    (work / "good.edn").write_text("[1,,2]")
    done = gfr(work, "fmt", "bad.edn", "good.edn", "--json")
    told = json.loads(done.stdout)["data"]
    assert done.returncode == 1
    assert [each["code"] for each in told["errors"]] == ["clojure_delimiters_invalid"]
    assert (work / "good.edn").read_text() == "[1, 2]\n"
    missing = gfr(work, "fmt", "nowhere.edn", "--json")
    assert (missing.returncode, json.loads(missing.stdout)["error"]["code"]) == (3, "file.unreadable")


def test_migrate_rewrites_one_flow(work: Path) -> None:
    flow = work / ".breyta/flows/demo.edn"
    flow.write_text(FLOW.replace(" :flow", " :triggers [{:type :manual}]\n :flow"))
    assert gfr(work, "flows", "migrate", "demo", "--check").returncode == 1
    assert ":triggers" in flow.read_text()
    told = json.loads(gfr(work, "flows", "migrate", "demo", "--json").stdout)
    assert told["data"]["written"] is True
    assert flow.read_text() == FLOW.replace(
        " :flow",
        " :invocations {:default {:inputs []}}\n"
        " :interfaces {:manual [{:id :manual :invocation :default}]}\n :flow",
    )
    assert gfr(work, "flows", "migrate", str(flow), "--check").returncode == 0
    missing = gfr(work, "flows", "migrate", "nobody", "--json")
    assert (missing.returncode, json.loads(missing.stdout)["error"]["code"]) == (3, "flow.unknown")
