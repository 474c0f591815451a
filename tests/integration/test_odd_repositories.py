"""Every shape of repository through the commands: they work, or refuse and leave nothing half done."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from gitflow_runner.git.pygit import open_repository
from gitflow_runner.ledger.lease import standings
from tests.repositories import NoJitter, StillClock
from tests.spoken import gfr, spoken
from tests.team import Team


def git(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def small(team: Team, disk: Path) -> Team:
    """The team's repository on a small disk, without what Git puts there for nobody."""
    home = disk / "ann"
    shutil.copytree(team.home, home, ignore=shutil.ignore_patterns("hooks", "logs"))
    return replace(team, home=home)


def states(home: Path) -> list[str]:
    """How each run with a lease stands."""
    return [found.state for found in standings(open_repository(home, StillClock(), NoJitter()))]


def test_a_linked_work_tree_shares_runs_and_has_its_own_draft(team: Team) -> None:
    side = team.root / "side"
    team.ann.git("worktree", "add", "-q", "-b", "side", str(side))
    path = side / ".breyta/flows/ship.edn"
    path.write_text(path.read_text().replace("Ship it?", "Ship it from the side?"))
    run = gfr(side, "run", "ship").data["run"]
    asked = team.waiting(run, "ship")
    (item,) = team.ann.gfr("waits").data["items"]
    assert (item["run"], item["title"]) == (run, "Ship it from the side?")
    assert team.state(asked).label.startswith("draft side ")
    team.send(asked, team.sign("bob", asked))
    assert gfr(side, "worker", "--once").data["items"][0]["status"] == "succeeded"
    assert team.kept("shipped") == '["bob"]'


def test_a_folder_below_the_work_tree_is_as_good_as_its_top(team: Team) -> None:
    below = team.home / ".breyta/flows"
    assert gfr(below, "run", "ship").exit == 7
    assert [item["flow"] for item in gfr(below, "waits").data["items"]] == ["ship"]


def test_a_bare_repository_runs_releases_and_branches_and_refuses_work_trees(team: Team) -> None:
    assert team.ann.gfr("release", "ship", "--yes").exit == 0
    assert team.ann.gfr("promote", "ship", "--yes").exit == 0
    bare = team.root / "bare.git"
    git("clone", "-q", "--mirror", str(team.home), str(bare), cwd=team.root)
    for command in (("init",), ("run", "ship"), ("release", "ship", "--yes")):
        told = gfr(bare, *command)
        assert (told.exit, told.code in ("init.bare", "draft.bare")) == (2, True)
    assert gfr(bare, "policy", "apply").code == "policy.not_pinned"
    shutil.copytree(team.home / ".git/gitflow", bare / "gitflow")
    git("config", "gpg.format", "ssh", cwd=bare)
    git("config", "user.signingkey", f"{team.ann.key}.pub", cwd=bare)
    assert gfr(bare, "run", "ship", "--ref", "live").exit == 7
    assert gfr(bare, "run", "ship", "--ref", "main").exit == 7
    assert len(gfr(bare, "waits").data["items"]) == 2
    assert gfr(bare, "flows", "ls").exit == 0
    assert gfr(bare, "doctor").exit in (0, 1)


def test_a_shallow_clone_says_so_and_runs_what_it_has(team: Team) -> None:
    team.ann.git("commit", "-q", "--allow-empty", "-m", "more")
    shallow = team.root / "shallow"
    git("clone", "-q", "--depth", "1", f"file://{team.home}", str(shallow), cwd=team.root)
    git("fetch", "-q", "origin", "refs/policy/*:refs/policy/*", cwd=shallow)
    bob = replace(team.person("bob"), clone=shallow)
    bob.configure()
    assert bob.gfr("trust", "pin", team.ann.gfr("policy", "show").data["digest"]).exit == 0
    assert bob.gfr("init", "--no-commit").exit == 0
    told = bob.gfr("run", "ship")
    assert told.exit == 7
    assert bob.gfr("runs", "verify", told.data["run"]).data["verdict"] == "ok"
    items = {item["name"]: item for item in bob.gfr("doctor").data["items"]}
    assert (items["shallow"]["health"], items["shallow"]["fix"]) == ("warn", ["git fetch --unshallow"])


@pytest.mark.parametrize("command", [("doctor",), ("run", "ship"), ("runs", "ls"), ("init",)])
def test_sha256_and_reftable_are_refused_with_a_way_out(tmp_path: Path, command: tuple[str, ...]) -> None:
    git("init", "-q", "--object-format=sha256", "long", cwd=tmp_path)
    told = gfr(tmp_path / "long", *command)
    assert (told.exit, told.code) == (4, "git.sha256")
    git("init", "-q", "table", cwd=tmp_path)
    git("config", "core.repositoryFormatVersion", "1", cwd=tmp_path / "table")
    git("config", "extensions.refStorage", "reftable", cwd=tmp_path / "table")
    told = gfr(tmp_path / "table", *command)
    assert (told.exit, told.code) == (4, "git.reftable")
    assert told.envelope["error"]["fix"] == ["git refs migrate --ref-format=files"]


def test_an_empty_repository_can_be_prepared_and_run(tmp_path: Path) -> None:
    git("init", "-q", "-b", "main", "new", cwd=tmp_path)
    new = tmp_path / "new"
    told = gfr(new, "run", "hello")
    assert (told.exit, told.code) == (3, "flow.unknown")
    told = gfr(new, "init")
    assert (told.exit, told.code) == (2, "key_missing")
    git("config", "user.name", "ann", cwd=new)
    git("config", "user.email", "ann@example.test", cwd=new)
    assert gfr(new, "init", "--create-key").exit == 0
    assert gfr(new, "run", "hello").exit == 7


def test_a_detached_head_runs(team: Team) -> None:
    team.ann.git("checkout", "-q", "--detach")
    asked = team.start()
    assert team.state(asked).label.startswith("draft detached ")


def test_a_read_only_disk_shows_everything_and_starts_nothing(team: Team, small_disk: Path) -> None:
    there = small(team, small_disk)
    asked = there.start()
    there.ann.git("config", "user.signingkey", f"{team.person('bob').key}.pub")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert there.ann.gfr("show", asked.run).data["status"] == "waiting"
    assert there.ann.gfr("runs", "verify", asked.run).data["verdict"] == "ok"
    assert there.ann.gfr("waits").exit == there.ann.gfr("runs", "ls").exit == 0
    payload = asked.payload[7:14]
    for command in (
        ("run", "ship"),
        ("approve", asked.run, "--payload", payload, "--yes"),
        ("cancel", asked.run),
        ("release", "ship", "--yes"),
        ("worker", "--once"),
        ("init",),
    ):
        code, out, err = spoken(there.home, *command, "--json")
        assert (command[0], code) == (command[0], 6), out
        assert "Traceback" not in err
    assert there.ann.gfr("show", asked.run).data["seq"] == 2


def test_a_full_disk_starts_nothing_by_halves_and_goes_on_when_there_is_room(
    team: Team, small_disk: Path
) -> None:
    there = small(team, small_disk)
    asked = there.start()
    there.send(asked, there.sign("bob", asked))
    before = there.ann.git("for-each-ref")
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 512)
    for command in (("run", "ship"), ("worker", "--once"), ("release", "ship", "--yes")):
        code, out, err = spoken(there.home, *command, "--json")
        assert (command[0], code) == (command[0], 6), out
        assert "Traceback" not in err
    ballast.unlink()
    assert there.ann.git("for-each-ref") == before
    assert states(there.home) == ["open"]
    assert [p.name for p in (there.home / ".git").rglob("*.lock")] == []
    assert there.ann.gfr("worker", "--once").data["items"][0]["status"] == "succeeded"
    assert there.kept("shipped") == '["bob"]'
    assert there.ann.git("fsck", "--strict", "--no-dangling") == ""
