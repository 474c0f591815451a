"""A team whose flow proposes its question as a change on the fake forge, for the tests of pull requests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gitflow_runner.model.change import ChangeOpened, ChangeSeen, DecisionAttested
from gitflow_runner.model.event import DecisionSeen, RunStarted, WaitOpened
from gitflow_runner.model.run import Run
from gitflow_runner.runner.clock import ManualClock
from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.service import Service
from gitflow_runner.runner.stack import on_big_stack
from gitflow_runner.runner.worker import Worked, work_once
from tests.fakeforge.dialects import PROJECT, Dialect, delivery
from tests.fakeforge.forge import Forge, Pull
from tests.fakeforge.server import TOKEN, Server
from tests.spoken import flow_text
from tests.team import Team, Waiting

SLUG = "limits"
SECRET = "hook-secret-77"
BODY = """(let [answer (flow/step :wait :ask {:title "Raise the limit?" :payload {:limit 50} :timeout "1h"
                          :propose {:files {"conf/limits.edn" "{:limit 50}\\n"} :body "Please."}})]
   (if (= "approve" (:action answer))
     (flow/step :kv :record {:operation :append :key "shipped" :item (:by answer)})
     {:shipped false :action (:action answer)}))"""
RULES = '[{:match {:flow "*"} :need 1 :role :dev :drafts true}]'
CAN = ':can #{:drive :attest-forge} :flows ["*"]'
NUMBERS = {"ann": 11, "bob": 12, "cat": 13, "bot": 14, "eve": 15}


def config(server: Server | None, kind: str, remote: str | None, *, connection: str | None = None) -> str:
    """`.breyta/config.yaml` for a forge of that kind; `connection` brings address and token, if named."""
    lines = ["functions: {drafts: in-process}", "forge:", f"  kind: {kind}"]
    if remote is not None:
        lines.append(f"  remote: {remote}")
    if server is not None and kind != "plain":
        lines += [f"  url: {server.api}", "  token: FORGE_TOKEN"] if connection is None else []
        lines += [f"  connection: {connection}"] if connection is not None else []
        lines += [f"  project: {PROJECT}"]
        lines += ["  webhook-secret: FORGE_SECRET", "http:", f"  allow: ['{server.origin}']"]
    return "\n".join(lines) + "\n"


def with_accounts(text: str) -> str:
    """The policy's text with everybody's account on every forge."""
    for name, number in NUMBERS.items():
        accounts = f":forge {{:github {number} :gitlab {number} :gitea {number}}}"
        text = text.replace(f'"{name}" {{:kind', f'"{name}" {{{accounts} :kind')
    return text


@dataclass
class Proposing:
    """Ann's clone with a released flow that proposes, and the forge; every `runtime` is a new process."""

    team: Team
    server: Server
    kind: str
    remarks: list[str] = field(default_factory=list)
    processes: list[Runtime] = field(default_factory=list)
    environment: dict[str, str] = field(
        default_factory=lambda: {"FORGE_TOKEN": TOKEN, "FORGE_SECRET": SECRET}
    )

    @property
    def forge(self) -> Forge:
        return self.server.forge

    def runtime(self, at: int | None = None) -> Runtime:
        clock = None if at is None else ManualClock(at)
        environment = os.environ | self.environment
        made = compose(self.team.home, environment=environment, clock=clock, say=self.remarks.append)
        self.processes.append(made)
        return made

    def __enter__(self) -> Proposing:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes:
            process.close()

    def begin(self, runtime: Runtime | None = None, ref: str = "live") -> Run:
        """Start the flow; how its run stood when nothing more could be done."""
        tools = runtime or self.runtime()
        return on_big_stack(
            lambda: Service(tools).start(SLUG, ref, {}, told=lambda run, changed: None), lambda: None
        ).run

    def start(self, runtime: Runtime | None = None, ref: str = "live") -> Waiting:
        """Start the flow; it stops at its wait."""
        return self.team.waiting(self.begin(runtime, ref).run, SLUG)

    def look(self, runtime: Runtime | None = None, *, at: int | None = None) -> tuple[Worked, ...]:
        """A worker looks once, in a new process unless one is given."""
        tools = runtime or self.runtime(at)
        worked = on_big_stack(lambda: tuple(work_once(tools)), lambda: None)
        assert [w.problem for w in worked if w.problem is not None] == []
        return worked

    def hint(self, number: int = 1, *, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
        """What the forge would send when the change moved."""
        dialect: Dialect = "github" if self.kind == "plain" else self.kind  # type: ignore[assignment]
        return delivery(dialect, self.forge, number, secret)

    @property
    def pull(self) -> Pull:
        return self.forge.pulls[1]

    def state(self, asked: Waiting) -> Run:
        return self.team.state(asked)

    def standing(self, asked: Waiting) -> tuple[str, str | None]:
        """Where the proposal stands, by the last that was recorded of it."""
        seen = [e for e in self.team.events(asked) if isinstance(e, ChangeSeen)]
        return (seen[-1].standing, seen[-1].reason) if seen else ("open", None)

    def notes(self, asked: Waiting) -> list[str]:
        seen = [e for e in self.team.events(asked) if isinstance(e, ChangeSeen)]
        return [note.split()[0] for note in seen[-1].notes] if seen else []

    def opened(self, asked: Waiting) -> list[ChangeOpened]:
        return [e for e in self.team.events(asked) if isinstance(e, ChangeOpened)]

    def wait(self, asked: Waiting) -> WaitOpened:
        return next(e for e in self.team.events(asked) if isinstance(e, WaitOpened))

    def attested(self, asked: Waiting) -> list[tuple[str, str, int | None]]:
        found = [e for e in self.team.events(asked) if isinstance(e, DecisionAttested)]
        return [(e.proof, e.action, e.account) for e in found]

    def decisions(self, asked: Waiting) -> list[tuple[str | None, str | None, str]]:
        """(principal, reason, level) of every decision that was judged."""
        found = [e for e in self.team.events(asked) if isinstance(e, DecisionSeen)]
        return [(e.principal, e.reason, e.level) for e in found]

    def shipped(self) -> str | None:
        return self.team.kept("shipped")

    def started(self, asked: Waiting) -> RunStarted:
        return next(e for e in self.team.events(asked) if isinstance(e, RunStarted))

    def verified(self, asked: Waiting) -> list[str]:
        """The findings of a verification from the beginning."""
        told = self.team.ann.gfr("runs", "verify", asked.run)
        return (
            [str(f["code"]) for f in told.envelope.get("data", {}).get("findings", [])] if told.exit else []
        )


def propose(
    team: Team,
    server: Server,
    kind: str,
    *,
    rules: str = RULES,
    body: str = BODY,
    can: str = CAN,
    remote: bool = True,
    edit: Callable[[str], str] = lambda text: text,
) -> Proposing:
    """The team with the flow released and live, its main branch on the forge."""
    home, ann = team.home, team.ann
    (home / ".breyta/config.yaml").write_text(config(server, kind, "origin" if remote else None))
    (home / f".breyta/flows/{SLUG}.edn").write_text(flow_text(SLUG, body))
    text = with_accounts(team.policy(version=3, rules=rules, drive=can))
    (home / ".breyta/policy.edn").write_text(edit(text))
    applied = ann.gfr("policy", "apply")
    assert applied.exit == 0, applied
    ann.git("add", "-A")
    ann.git("commit", "-q", "-S", "-m", "Propose limits")
    if remote:
        ann.git("remote", "add", "origin", server.remote)
        ann.git("push", "-q", "origin", "main")
    assert ann.gfr("release", SLUG, "-m", "first", "--yes").exit == 0
    assert ann.gfr("promote", SLUG, "--yes").exit == 0
    return Proposing(team, server, kind)


@contextmanager
def proposing(
    team: Team, folder: Path, kind: str = "github", *, dialect: Dialect = "github", **parts: Any
) -> Iterator[Proposing]:
    """A forge of that dialect and the team that proposes to it; `kind` is what the runner is told it is."""
    place = folder / "forge"
    place.mkdir()
    with Server(place, dialect) as server, propose(team, server, kind, **parts) as there:
        yield there
