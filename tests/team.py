"""A team for the tests of trust: people with real keys, one policy, flows that wait, clones of their own.

Everything is made by the real commands once a session (`build_team`); each test works in a copy.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitflow_runner.git.pygit import open_repository
from gitflow_runner.ledger.chain import find_wait_commit, read_history, read_run
from gitflow_runner.model.event import DecisionSeen, Event, Recorded, RequestSeen
from gitflow_runner.model.run import Run
from gitflow_runner.runner.clock import ManualClock
from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.kv import open_scope
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.stack import on_big_stack
from gitflow_runner.runner.worker import Worked, work_once
from tests.people import Person
from tests.repositories import NoJitter, StillClock
from tests.signed_objects import keygen
from tests.spoken import LANE, LANES, Told, flow_text
from tests.team_files import FLOWS, KEYS, policy_text

ROOT = Path(__file__).resolve().parent.parent
MINUTE = 60_000
HOUR = 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run that waits for somebody; `commit` is the wait commit, `payload` its digest."""

    run: str
    slug: str
    wait: str
    commit: str
    tree: str
    payload: str
    deadline: int

    @property
    def ref(self) -> str:
        """The run's ref."""
        return f"refs/runs/{self.slug}/{self.run}"

    @property
    def inbox(self) -> str:
        """Where decisions go."""
        return f"refs/approvals/{self.run}/{self.wait}"

    def message(self, decision: str = "approve", **changes: str) -> str:
        """The message of a decision; `Run="…"` and the like bend one trailer."""
        values = {
            "Statement": "approval",
            "Run": self.run,
            "Wait": self.wait,
            "Decision": decision,
            "Payload": self.payload,
        } | changes
        return f"{decision} it\n\n" + "".join(f"Gitflow-{key}: {value}\n" for key, value in values.items())


@dataclass(frozen=True, slots=True)
class Team:
    """Ann's repository, where runs are driven, and everybody who may look into it."""

    root: Path
    keys: Path
    home: Path  # Ann's clone

    def person(self, name: str) -> Person:
        """One of the team; Ann sits at the repository that drives, everybody else has an own clone."""
        return Person(name, self.keys / name, self.home if name == "ann" else self.root / name)

    @property
    def ann(self) -> Person:
        """Who starts and drives."""
        return self.person("ann")

    def joined(self, name: str, source: Path | None = None) -> Person:
        """The person with a fresh clone, of Ann's repository unless said otherwise."""
        person = self.person(name)
        command = ["git", "clone", "-q", str(source or self.home), str(person.clone)]
        subprocess.run(command, check=True, capture_output=True)
        person.configure()
        return person

    def start(self, slug: str = "ship", *arguments: str) -> Waiting:
        """Ann starts a run, in a lane of its own where the flow has lanes; it stops at its first wait."""
        runs = self.ann.git("for-each-ref", "--format=%(refname)", f"refs/runs/{slug}").split()
        lane = ("-i", f"lane={len(runs)}") if slug in FLOWS else ()
        told = self.ann.gfr("run", slug, *lane, *arguments)
        assert told.exit == 7, told
        return self.waiting(str(told.data["run"]), slug)

    def waiting(self, run: str, slug: str) -> Waiting:
        """The open wait of a run."""
        reader = open_repository(self.home, StillClock(), NoJitter())
        tip = reader.resolve(f"refs/runs/{slug}/{run}")
        assert tip is not None
        wait = read_run(reader, tip).waits[0].wait
        commit = find_wait_commit(reader, tip, wait.folder)
        tree = reader.commit(commit).tree
        return Waiting(run, slug, wait.folder, commit, tree, wait.payload, wait.deadline)

    def sign(
        self,
        who: str | None,
        asked: Waiting,
        message: str | None = None,
        *,
        parent: str | None = None,
        tree: str | None = None,
        **environment: str,
    ) -> str:
        """A decision made with `git commit-tree`, in Ann's repository, where everybody may write inboxes."""
        signing = [] if who is None else ["-S"]
        key = self.keys / (who or "ann")
        return self.ann.git(
            "-c",
            f"user.signingkey={key}",
            "commit-tree",
            *signing,
            "-p",
            parent or asked.commit,
            tree or asked.tree,
            given=(message if message is not None else asked.message()).encode(),
            **environment,
        )

    def send(self, asked: Waiting, oid: str, leaf: str | None = None) -> str:
        """Put a decision where the runner looks."""
        self.ann.git("update-ref", f"{asked.inbox}/{leaf or oid}", oid)
        return oid

    def tree_with(self, tree: str, files: Mapping[str, bytes]) -> str:
        """The tree with these files put in, made by git."""
        index = {"GIT_INDEX_FILE": str(self.root / "index")}
        self.ann.git("read-tree", tree, **index)
        for path, data in files.items():
            blob = self.ann.git("hash-object", "-w", "--stdin", given=data)
            self.ann.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", **index)
        return self.ann.git("write-tree", **index)

    def look(self, at: int | None = None) -> tuple[Worked, ...]:
        """A worker looks once; `at` sets its clock (ms)."""
        runtime = self.runtime(at)
        return on_big_stack(lambda: tuple(work_once(runtime)), lambda: None)

    def runtime(self, at: int | None = None, folder: Path | None = None) -> Runtime:
        """The tools of a process in Ann's repository (or another one), with its clock set to `at` (ms)."""
        clock = None if at is None else ManualClock(at)
        return compose(folder or self.home, environment=os.environ, clock=clock, say=lambda text: None)

    def look_in_new_process(self, at: int) -> Mapping[str, Any]:
        """Another process looks once, with its clock set to `at` (ms); what it says of the runs."""
        command = [sys.executable, "-m", "tests.late_worker", str(self.home), str(at)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        found: Mapping[str, Any] = json.loads(done.stdout)
        return found

    def history(self, asked: Waiting) -> tuple[Recorded, ...]:
        """The run's recorded events."""
        reader = open_repository(self.home, StillClock(), NoJitter())
        tip = reader.resolve(asked.ref)
        assert tip is not None
        return read_history(reader, tip)

    def events(self, asked: Waiting) -> list[Event]:
        """The events alone."""
        return [recorded.event for recorded in self.history(asked)]

    def state(self, asked: Waiting) -> Run:
        """The run as it stands."""
        reader = open_repository(self.home, StillClock(), NoJitter())
        tip = reader.resolve(asked.ref)
        assert tip is not None
        return read_run(reader, tip)

    def decisions(self, asked: Waiting) -> dict[str, tuple[str | None, str | None]]:
        """Reason and principal of every decision that the run recorded, by commit."""
        seen = (event for event in self.events(asked) if isinstance(event, DecisionSeen))
        return {event.oid: (event.reason, event.principal) for event in seen}

    def requests(self, asked: Waiting) -> dict[str, str | None]:
        """What came of every request that the run recorded, by commit."""
        seen = (event for event in self.events(asked) if isinstance(event, RequestSeen))
        return {event.oid: event.reason for event in seen}

    def kept(self, key: str) -> str | None:
        """The text of a value in the key-value store, None if nothing is kept there."""
        entry = open_scope(self.runtime()).get(key)
        return None if entry is None else entry.text

    def apply_policy(self, *, version: int = 3, **parts: Any) -> Told:
        """Ann puts another policy into force."""
        (self.home / ".breyta" / "policy.edn").write_text(self.policy(version=version, **parts))
        return self.ann.gfr("policy", "apply")

    def policy(self, *, version: int, **parts: Any) -> str:
        """The text of a policy with Ann's runner in it."""
        line = self.runtime().signer.key.line
        return policy_text({name: self.person(name).line for name in KEYS}, line, version=version, **parts)

    def copy(self, folder: Path) -> Team:
        """The same team in a folder of its own; keys are shared."""
        home = folder / "ann"
        shutil.copytree(self.home, home, symlinks=True)
        there = Team(folder, self.keys, home)
        there.ann.git("config", "gpg.ssh.allowedSignersFile", str(home / ".git/gitflow/allowed_signers"))
        return there

    def share(self) -> Path:
        """A bare repository between the clones, which Ann's runs are shared through."""
        hub = self.root / "hub.git"
        subprocess.run(
            ["git", "init", "-q", "--bare", "-b", "main", str(hub)], check=True, capture_output=True
        )
        self.ann.git("remote", "add", "origin", str(hub))
        self.ann.git("config", "gitflow.remote", "origin")
        self.ann.git("push", "-q", "origin", "main", "refs/policy/chain")
        return hub


def build_team(folder: Path) -> Team:
    """Make the team with the real commands."""
    keys, home = folder / "keys", folder / "ann"
    keys.mkdir()
    for name in KEYS:
        keygen(keys, name, "-t", "ed25519")
    subprocess.run(["git", "init", "-q", "-b", "main", str(home)], check=True, capture_output=True)
    team = Team(folder, keys, home)
    ann = team.ann
    ann.configure()
    assert ann.gfr("init").exit == 0
    for slug in FLOWS:
        (home / ".breyta" / "flows" / f"{slug}.edn").write_text(
            flow_text(slug, FLOWS[slug], concurrency=LANES, inputs=LANE)
        )
    applied = team.apply_policy(version=2)
    assert applied.exit == 0, applied
    ann.git("add", "-A")
    ann.git("commit", "-q", "-S", "-m", "Flows and policy of the team")
    return team
