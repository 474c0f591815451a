"""`gfr hooks` and the entry that Git calls: envelopes, exit codes, and what doctor says."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from gitflow_runner.hooks.registry import JUDGES
from tests.architecture.source import ROOT
from tests.hooked import repository, script
from tests.spoken import gfr, spoken


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repository(tmp_path / "r")


def test_install_status_and_uninstall_tell_what_they_did(folder: Path) -> None:
    absent = gfr(folder, "hooks", "status")
    assert (absent.exit, absent.data["complete"], absent.data["git_packs_refs"]) == (1, False, True)
    assert {item["state"] for item in absent.data["items"]} == {"absent"}
    laid = gfr(folder, "hooks", "install")
    assert (laid.exit, laid.data["complete"]) == (0, True)
    assert [set(item) for item in laid.data["items"]] == [{"hook", "state", "path", "manager", "snippet"}] * 7
    assert gfr(folder, "hooks", "status").exit == 0
    gone = gfr(folder, "hooks", "uninstall")
    assert sorted(gone.data["removed"]) == sorted(item["hook"] for item in laid.data["items"])
    assert gfr(folder, "hooks", "uninstall").data["removed"] == []


def test_the_lines_for_a_manager_are_printed(folder: Path) -> None:
    script(folder / ".git/hooks/pre-commit", "# https://pre-commit.com")
    code, out, _ = spoken(folder, "hooks", "install")
    assert code == 0
    assert "by hand (pre-commit)" in out or "by hand\tpre-commit" in out
    data = gfr(folder, "hooks", "install").data
    item = next(item for item in data["items"] if item["hook"] == "pre-commit")
    entry = yaml.safe_load(item["snippet"])["repos"][0]["hooks"][0]
    assert (entry["entry"], entry["stages"]) == ("gfr-hook pre-commit", ["pre-commit"])


def test_doctor_names_the_fix(folder: Path) -> None:
    def said() -> tuple[str, list[str]]:
        item = next(i for i in gfr(folder, "doctor").data["items"] if i["name"] == "hooks")
        return item["health"], item["fix"]

    assert said() == ("warn", ["gfr hooks install"])
    gfr(folder, "hooks", "install")
    assert said() == ("ok", [])


def entry(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "gitflow_runner.hooks", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", [(), ("applypatch-msg",)], ids=["none", "another"])
def test_an_unknown_hook_is_refused(folder: Path, arguments: tuple[str, ...]) -> None:
    done = entry(folder, *arguments)
    assert done.returncode == 1
    assert "(hooks.unknown)" in done.stderr


def test_pre_commit_hands_over_the_names_of_flows(folder: Path) -> None:
    flow = folder / ".breyta/flows/bad.edn"
    flow.parent.mkdir(parents=True)
    flow.write_text("{")
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"], cwd=folder)
    assert entry(folder, "pre-commit").returncode == 0  # nothing of it is staged anew
    done = entry(folder, "pre-commit", ".breyta/flows/bad.edn")
    assert done.returncode == 1
    assert ".breyta/flows/bad.edn:1:" in done.stderr


def test_the_manifest_for_pre_commit_names_entries_that_exist() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    for hook in hooks:
        program, name = hook["entry"].split()
        assert program in scripts
        assert name in JUDGES
        assert (hook["language"], hook["stages"]) == ("python", [name])
    assert hooks[0]["files"] == r"^\.breyta/flows/[^/.]+\.edn$"
