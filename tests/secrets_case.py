"""A team with a service on loopback, a connection to it, and a secret that may be sent there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gitflow_runner.connections.records import Record
from gitflow_runner.model.connection import Environment
from gitflow_runner.model.secret import Secret
from gitflow_runner.runner.secrets import permits
from tests.loopback import Answer, Loopback
from tests.spoken import ALONE, Told, flow_text
from tests.team import Team

TOKEN = "tok-" + "Zq7" * 9
CALL = """(:body (flow/step :http :call {:connection :shop :path "/me" :method :post :json {:n 1}}))"""


@dataclass(frozen=True)
class Shop:
    """Ann's repository with the service; `secret` keeps a value that may go to these origins."""

    team: Team
    server: Loopback

    def secret(
        self,
        name: str = "SHOP_TOKEN",
        value: str = TOKEN,
        *,
        store: Environment = "draft",
        origins: tuple[str, ...] | None = None,
        flows: tuple[str, ...] = ("*",),
    ) -> None:
        """Keep a value for runs of that store."""
        allowed = permits(flows, (self.server.origin,) if origins is None else origins, store)
        self.team.runtime().secrets.keep(Record(name, store, allowed), Secret(value), "file")

    def write(self, path: str, text: str) -> None:
        """Write a file of the work tree."""
        file = self.team.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def connect(self, auth: str = "{type: bearer, secret: SHOP_TOKEN}", name: str = "shop") -> None:
        """Put a connection into the work tree's `connections.yaml`."""
        lines = ("type: http-api", f"base-url: {self.server.origin}", f"auth: {auth}")
        text = "".join(f"    {line}\n" for line in lines)
        self.write(".breyta/connections.yaml", f"connections:\n  {name}:\n{text}")

    def flow(
        self,
        slug: str,
        body: str = CALL,
        *,
        requires: str = "[{:slot :shop :type :http-api}]",
        concurrency: str = ALONE,
    ) -> None:
        """Put a flow into the work tree."""
        text = flow_text(slug, body, concurrency=concurrency)
        self.write(
            f".breyta/flows/{slug}.edn", text.rstrip().removesuffix("}") + f"\n :requires {requires}}}\n"
        )

    def commit(self, *, signed: bool = True) -> None:
        """Commit everything."""
        self.team.ann.git("add", "-A")
        self.team.ann.git("commit", "-q", *(["-S"] if signed else []), "-m", "A change")

    def run(self, slug: str, *arguments: str) -> Told:
        """Ann starts a run."""
        return self.team.ann.gfr("run", slug, *arguments)

    def output(self, slug: str) -> str:
        """The result of a run that succeeded, as text."""
        told = self.run(slug)
        assert told.exit == 0, told
        return str(told.data["output"]["preview"])

    def everything(self) -> bytes:
        """Every object of the repository, loose or packed, reachable or not, with its name."""
        return self.team.ann.attempt(
            "git", "cat-file", "--batch-all-objects", "--batch", "--unordered"
        ).stdout


def shop(team: Team, server: Loopback, **answers: Any) -> Shop:
    """The team's work tree allows the server; `/me` answers as told."""
    server.on("/me", answers.get("me", Answer(200, b'{"ok": true}', {"Content-Type": "application/json"})))
    made = Shop(team, server)
    made.write(".breyta/config.yaml", f'http:\n  allow: ["{server.origin}"]\n')
    return made
