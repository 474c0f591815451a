"""A server of the team's with our hooks, for the tests of what it takes in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.git.objects import Ident
from tests.hooked import install, must
from tests.people import Person
from tests.spoken import gfr
from tests.team import Team, Waiting

_CODE = re.compile(r"\(([a-z]+\.?[a-z0-9_]+)\)$", re.MULTILINE)


@dataclass(frozen=True)
class Server:
    """The bare repository and the team that pushes to it."""

    team: Team
    folder: Path

    def push(self, *specs: str, by: Person | None = None) -> list[str]:
        """What comes of a push: nothing where it is taken, else the codes of the refusals."""
        done = (by or self.team.ann).attempt("git", "push", "-q", "--no-verify", "origin", *specs)
        said = re.sub(r"^remote: (.*?) *$", r"\1", done.stderr.decode(), flags=re.MULTILINE)
        codes = _CODE.findall(said)
        assert (done.returncode == 0) == (codes == []), said
        return codes

    def send(self, asked: Waiting, oid: str) -> list[str]:
        """Push a decision to its wait."""
        return self.push(f"{oid}:{asked.inbox}/{oid}")

    def refs(self, *prefixes: str) -> str:
        """What stands on the server."""
        return must(self.folder, "for-each-ref", *prefixes)

    def pin(self) -> None:
        """Trust the team's policy on the server."""
        digest = self.team.ann.gfr("policy", "show").data["digest"]
        assert gfr(self.folder, "trust", "pin", digest).exit == 0


def serve(team: Team) -> Server:
    """The team's shared repository with our hooks, trusting the team's policy."""
    server = Server(team, team.share())
    install(server.folder)
    server.pin()
    return server


def who(team: Team) -> Ident:
    return Ident("somebody", "somebody@example.test", team.runtime().clock.now_ms() // 1000)


def released(server: Server) -> None:
    """Version 1 of `ship` is live, here and on the server."""
    ann = server.team.ann
    assert ann.gfr("release", "ship", "-m", "first", "--yes").exit == 0
    assert ann.gfr("promote", "ship", "--yes").exit == 0


def turn(team: Team, parent: str, key: Path | None, message: str = "a turn\n") -> str:
    """A commit with the tree of its parent, signed with that key."""
    signing = [] if key is None else ["-c", f"user.signingkey={key}"]
    flag = [] if key is None else ["-S"]
    return team.ann.git(
        *signing, "commit-tree", *flag, "-p", parent, f"{parent}^{{tree}}", given=message.encode()
    )
